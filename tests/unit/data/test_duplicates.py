import random

from tanren.data.duplicates import NearDuplicates


def sentence(words: random.Random, count: int) -> list[str]:
    return ["".join(words.choices("abcdefghijklmnopqrstuvwxyz", k=words.randint(3, 9))) for _ in range(count)]


def test_a_text_with_one_word_changed_is_nearly_the_earlier_one_and_strangers_are_not() -> None:
    words = random.Random(7)
    near = NearDuplicates()
    texts = [sentence(words, 60) for _ in range(200)]
    assert [near.earlier(" ".join(text), number) for number, text in enumerate(texts)] == [None] * 200
    found = 0
    for number, text in enumerate(texts):
        changed = [*text]
        changed[words.randrange(60)] = "kitsune"
        earlier = near.earlier("  ".join(changed).upper(), 1_000 + number)
        found += earlier is not None and earlier[0] == number
    assert found >= 195


def test_japanese_without_spaces_is_compared_as_well() -> None:
    near = NearDuplicates()
    text = "関市の鍛冶場では、鉄を熱して叩き、折り返して鍛えることで、粘り強い刃物を作ります。毎朝六時に火を入れます。"
    assert near.earlier(text, 1) is None
    found = near.earlier(text.replace("六時", "七時"), 2)
    assert found is not None
    assert found[0] == 1


def test_a_short_text_is_nearly_no_other() -> None:
    near = NearDuplicates()
    assert [near.earlier("yes", number) for number in range(3)] == [None, None, None]
