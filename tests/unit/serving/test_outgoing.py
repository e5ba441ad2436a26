"""The way of an answer to its socket: every event in order, one wake-up for many, and a whole answer in few pieces."""

import asyncio
import threading

import pytest

from tanren.domain.errors import ModelFailed
from tanren.domain.generation import FinishReason, GenerationEnd, GenerationStart, TextDelta
from tanren.serving import outgoing
from tanren.serving.outgoing import Gathering, Outbox, Outgoing
from tanren.serving.wire import decode_frame, event_from_frame

START = GenerationStart(input_token_count=3)
END = GenerationEnd(
    finish_reason=FinishReason.END_TURN,
    stop_sequence=None,
    input_token_count=3,
    output_token_count=2,
    first_token_ms=1,
    total_ms=2,
)


def delta(text: str, count: int) -> TextDelta:
    return TextDelta(text=text, output_token_count=count)


class Written:
    """What a `StreamWriter` is for an answer."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        self.lines.append(line)

    @property
    def events(self) -> list[object]:
        return [event_from_frame(decode_frame(line)) for line in self.lines]


def test_events_of_many_threads_are_written_in_the_order_of_each_and_the_loop_is_woken_no_more_than_it_must():
    async def story() -> None:
        loop = asyncio.get_running_loop()
        outbox = Outbox(loop)
        writers = [Written() for _ in range(8)]
        answers = [Outgoing(outbox, writer) for writer in writers]  # type: ignore[arg-type]

        def hear(answer: Outgoing) -> None:
            for count in range(1, 200):
                answer.hear(delta(str(count), count))
            answer.hear(END)

        threads = [threading.Thread(target=hear, args=(answer,)) for answer in answers]
        for thread in threads:
            thread.start()
        for answer in answers:
            await asyncio.wait_for(answer.is_over.wait(), 60)
        for thread in threads:
            thread.join()
        for writer in writers:
            assert writer.events == [*(delta(str(count), count) for count in range(1, 200)), END]

    asyncio.run(story())


def test_what_comes_together_takes_one_wake_up(monkeypatch: pytest.MonkeyPatch):
    async def story() -> None:
        loop, wake_ups = asyncio.get_running_loop(), []
        really = loop.call_soon_threadsafe
        monkeypatch.setattr(
            loop, "call_soon_threadsafe", lambda call, *given: wake_ups.append(call) or really(call, *given)
        )
        outbox, writer = Outbox(loop), Written()
        answers = [Outgoing(outbox, writer) for _ in range(5)]  # type: ignore[arg-type]
        for answer in answers:
            answer.hear(START)
        assert writer.lines == []
        await asyncio.sleep(0)
        assert writer.events == [START] * 5
        assert len(wake_ups) == 1
        answers[0].hear(END)
        await asyncio.sleep(0)
        assert (len(wake_ups), writer.events[-1]) == (2, END)

    asyncio.run(story())


@pytest.mark.parametrize("last", [END, ModelFailed("broken")])
def test_nothing_follows_the_last_event_or_a_caller_who_has_left(last: GenerationEnd | ModelFailed):
    async def story() -> None:
        outbox, writer = Outbox(asyncio.get_running_loop()), Written()
        ended, left = Outgoing(outbox, writer), Outgoing(outbox, writer)  # type: ignore[arg-type]
        left.is_over.set()
        for event in (last, delta("late", 3)):
            ended.hear(event)
            left.hear(event)
        await asyncio.sleep(0)
        assert len(writer.lines) == 1
        assert ended.is_over.is_set()

    asyncio.run(story())


def test_a_connection_that_is_gone_ends_its_answer_and_no_other():
    class Gone(Written):
        def write(self, line: bytes) -> None:
            raise RuntimeError("the transport is closed")

    async def story() -> None:
        outbox, gone, writer = Outbox(asyncio.get_running_loop()), Gone(), Written()
        broken, whole = Outgoing(outbox, gone), Outgoing(outbox, writer)  # type: ignore[arg-type]
        for event in (START, END):
            broken.hear(event)
            whole.hear(event)
        await asyncio.sleep(0)
        assert broken.is_over.is_set()
        assert writer.events == [START, END]

    asyncio.run(story())


def test_the_text_of_an_answer_that_nobody_reads_along_comes_in_one_piece():
    heard: list[object] = []
    gathering = Gathering(heard.append)
    for event in (START, delta("", 1), delta("The ", 2), delta("end", 4), END):
        gathering.hear(event)
    assert heard == [START, delta("The end", 4), END]


def test_and_what_is_there_comes_after_a_while_and_before_an_error(monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    monkeypatch.setattr(outgoing.time, "monotonic", lambda: now[0])
    heard: list[object] = []
    gathering = Gathering(heard.append)
    gathering.hear(delta("a", 1))
    now[0] += outgoing.GATHERED_SECONDS
    gathering.hear(delta("b", 2))
    assert heard == [delta("ab", 2)]
    gathering.hear(delta("c", 3))
    error = ModelFailed("broken")
    gathering.hear(error)
    assert heard[1:] == [delta("c", 3), error]
