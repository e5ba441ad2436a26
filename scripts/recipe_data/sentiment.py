"""Reviews of a seaside inn, English and Japanese: positive, negative or mixed.

A review is one remark, or two of one kind, or one of each, which is mixed. Held-out reviews combine the remarks of
training anew; unseen ones are made of remarks that training does not have.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from scripts.recipe_data.rows import Files, Row, distinct, pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    good: tuple[str, ...]
    bad: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    question: str
    alike: str
    """How two remarks of one kind are joined."""
    against: str
    labels: tuple[str, str, str]
    """positive, negative, mixed"""
    seen: Remarks
    unseen: Remarks


ENGLISH = Tongue(
    question='Review: "{}"',
    alike="{0}, and {1}.",
    against="{0}, but {1}.",
    labels=("positive", "negative", "mixed"),
    seen=Remarks(
        good=(
            "the view from the room was wonderful",
            "the breakfast was fresh and generous",
            "everybody at the desk was kind",
            "the bath was spotless",
            "the beds were soft and warm",
            "check-in took one minute",
            "the garden was quiet and well kept",
            "the price was more than fair",
        ),
        bad=(
            "the walls were so thin that we heard everything",
            "the soup was cold",
            "nobody answered the telephone",
            "the carpet smelled of damp",
            "the bed was far too hard",
            "we waited an hour for our key",
            "the car park was full and dirty",
            "the bill had two mistakes",
        ),
    ),
    unseen=Remarks(
        good=("the dinner was delicious", "the owner was friendly and helpful", "our room was bright and clean"),
        bad=("the shower was broken", "the waiter was rude", "the room was dirty and noisy"),
    ),
)
JAPANESE = Tongue(
    question="口コミ：「{}」",
    alike="{0}。それに、{1}。",
    against="{0}。ただ、{1}。",
    labels=("良い", "悪い", "どちらともいえない"),
    seen=Remarks(
        good=(
            "部屋からの眺めがすばらしかった",
            "朝食は品数が多くておいしかった",
            "受付の人がとても親切だった",
            "お風呂が広くて清潔だった",
            "布団がふかふかで暖かかった",
            "案内が早くて助かった",
            "庭が静かで手入れも行き届いていた",
            "この値段なら大満足だ",
        ),
        bad=(
            "壁が薄くて隣の声が聞こえた",
            "味噌汁が冷めていた",
            "電話をしても誰も出なかった",
            "廊下がかび臭かった",
            "枕が硬くて眠れなかった",
            "鍵を受け取るまで一時間待たされた",
            "駐車場が狭くて止めにくかった",
            "会計が二度も間違っていた",
        ),
    ),
    unseen=Remarks(
        good=("夕食がとてもおいしかった", "女将さんが優しかった", "部屋が明るくて清潔だった"),
        bad=("シャワーが壊れていた", "店員の態度が悪かった", "部屋が汚くてうるさかった"),
    ),
)


def files() -> Files:
    rng = Random(14)
    known = distinct(_reviews(rng, is_seen=True), 300)
    return {
        "train.jsonl": known[:222],
        "validation.jsonl": known[222:252],
        "questions.jsonl": known[252:],
        "unseen.jsonl": distinct(_reviews(rng, is_seen=False), 48),
    }


def _reviews(rng: Random, *, is_seen: bool) -> Iterator[Row]:
    """Languages and labels in turn; while single remarks last, one in three reviews is a single one."""
    while True:
        for tongue in (ENGLISH, JAPANESE):
            for number, label in enumerate(tongue.labels):
                remarks = tongue.seen if is_seen else tongue.unseen
                yield pair(tongue.question.format(_review(tongue, remarks, number, rng)), label)


def _review(tongue: Tongue, remarks: Remarks, label: int, rng: Random) -> str:
    if label == 2:
        first, second = rng.sample([rng.choice(remarks.good), rng.choice(remarks.bad)], 2)
        return _sentence(tongue.against.format(first, second))
    of_kind = (remarks.good, remarks.bad)[label]
    first, second = rng.sample(of_kind, 2)
    stop = "。" if tongue is JAPANESE else "."
    return _sentence(rng.choice((first + stop, tongue.alike.format(first, second), tongue.alike.format(second, first))))


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
