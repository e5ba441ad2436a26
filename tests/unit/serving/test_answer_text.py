"""Text is shown in whole characters, and never a character of a stop sequence, however it is cut into tokens."""

from hypothesis import given
from hypothesis import strategies as st

from tanren.serving.answer_text import AnswerText, Detokenizer, StopScanner
from tests.unit.serving.tiny_base import byte_tokenizer

TOKENIZER = byte_tokenizer()

letters = st.text("ab", max_size=12)
stop_lists = st.lists(st.text("abc", min_size=1, max_size=4), max_size=4)


def decode(ids: list[int]) -> str:
    return TOKENIZER.decode(ids, skip_special_tokens=True)


def first_stop(text: str, stops: list[str]) -> tuple[int, str] | None:
    """By the definition: the stop sequence that is complete after the fewest characters, the longest of those."""
    for end in range(1, len(text) + 1):
        complete = [stop for stop in stops if text[:end].endswith(stop)]
        if complete:
            stop = max(complete, key=len)
            return end - len(stop), stop
    return None


def scanned(pieces: list[str], stops: list[str]) -> tuple[str, str | None]:
    scanner = StopScanner(stops)
    sent = ""
    for text in pieces:
        piece = scanner.add(text)
        sent += piece.text
        if piece.stop_sequence is not None:
            return sent, piece.stop_sequence
    return sent + scanner.flush(), None


@given(st.lists(st.text("abc", max_size=5), max_size=8), stop_lists)
def test_the_answer_ends_before_the_first_stop_sequence_however_it_is_cut(pieces: list[str], stops: list[str]):
    text = "".join(pieces)
    found = first_stop(text, stops)
    assert scanned(pieces, stops) == ((text, None) if found is None else (text[: found[0]], found[1]))


@given(st.lists(st.text("abc", max_size=5), max_size=8), stop_lists)
def test_what_has_been_sent_can_no_longer_become_part_of_a_stop_sequence(pieces: list[str], stops: list[str]):
    scanner, sent, seen = StopScanner(stops), "", ""
    for text in pieces:
        piece = scanner.add(text)
        sent, seen = sent + piece.text, seen + text
        if piece.stop_sequence is not None:
            return
        held = seen[len(sent) :]
        assert sent + held == seen
        # Held exactly as long as it is a beginning of a stop sequence.
        assert not held or any(stop.startswith(held) for stop in stops)
        assert not any(seen.endswith(stop[:length]) for stop in stops for length in range(len(held) + 1, len(stop)))


@given(st.text(max_size=30))
def test_text_comes_back_in_whole_characters(text: str):
    detokenizer = Detokenizer(decode)
    pieces = [detokenizer.add(token) for token in TOKENIZER.encode(text, add_special_tokens=False)]
    assert "".join(pieces) + detokenizer.flush() == text.rstrip("\ufffd")
    assert all(piece.encode() for piece in pieces if piece)


@given(st.lists(st.integers(0, 259), max_size=40))
def test_any_tokens_whatever_give_the_text_of_all_of_them_together(ids: list[int]):
    detokenizer = Detokenizer(decode)
    pieces = [detokenizer.add(token) for token in ids]
    assert not any(piece.endswith("\ufffd") for piece in pieces)
    assert "".join(pieces) + detokenizer.flush() == decode(ids).rstrip("\ufffd")


@given(st.text(min_size=1, max_size=20), st.data())
def test_a_stop_sequence_is_found_across_tokens_that_split_its_characters(text: str, data: st.DataObject):
    start = data.draw(st.integers(0, len(text) - 1))
    stop = text[start : start + 3]
    if "\ufffd" in text:
        return
    answer, sent = AnswerText(decode, [stop]), ""
    for token in TOKENIZER.encode(text, add_special_tokens=False):
        piece = answer.add(token)
        sent += piece.text
        if piece.stop_sequence is not None:
            break
    else:
        raise AssertionError("the stop sequence was not found")
    assert (sent, piece.stop_sequence) == (text[: text.index(stop)], stop)


def test_what_only_began_like_a_stop_sequence_is_given_at_the_end():
    answer = AnswerText(decode, ["stop"])
    pieces = [answer.add(token) for token in TOKENIZER.encode("so sto", add_special_tokens=False)]
    assert "".join(piece.text for piece in pieces) == "so "
    assert answer.flush().text == "sto"
    assert answer.flush().text == ""
