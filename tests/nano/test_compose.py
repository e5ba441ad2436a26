from collections import Counter
from random import Random

from nano.corpus.compose import MAX_PASSES, _own_documents, _passes, _unseen
from nano.corpus.documents import Document
from nano.corpus.prose import Passage


def passage(*paragraphs: str) -> Passage:
    return Passage(package="kettle", subject="boil", kind="function", paragraphs=paragraphs)


def test_paragraphs_that_differ_in_digits_or_case_stand_once():
    seen, templates = set(), Counter()
    assert _unseen(passage("Wait 3 minutes.", "wait 15 minutes."), seen, templates, 9) == passage("Wait 3 minutes.")
    assert _unseen(passage("WAIT 8 minutes."), seen, templates, 9) is None


def test_a_sentence_comes_with_only_so_many_names():
    kept = _unseen(passage(*(f"Deletes the `{name}`." for name in "abcdef")), set(), Counter(), 4)
    assert kept is not None
    assert len(kept.paragraphs) == 4


def test_documents_come_again_only_when_all_have_come_and_not_a_third_time():
    documents = [Document(source="prose/kettle", text=str(number) * 10) for number in range(8)]
    (once,) = _passes(documents, 40, Random(1))
    assert len({document.text for document in once}) == len(once) == 4
    many = _passes(documents, 10_000, Random(1))
    assert [sorted(part, key=str) for part in many] == [sorted(documents, key=str)] * MAX_PASSES


def test_our_own_prose_never_speaks_of_bedrock():
    documents = list(_own_documents())
    assert {document.source for document in documents} == {"prose/nano", "japanese_prose/nano"}
    assert not any("bedrock" in document.text.casefold() for document in documents)
