"""kill -9 of the engine host, again and again, under load: what becomes of the requests that it had in its hands.

    make proofs                     the figures go to docs/proofs.md
    pytest -s proofs/test_engine_host_kills.py --kills 3                a smaller run

Every request must end soon in one of three ways: the whole right answer, an error that the service model of its
operation lists, or, in a stream that had begun, an exception event that the stream models. A cut answer that looks
whole, an answer that is not what the model says, a connection that breaks, an unmodelled error and a request without an
end are failures. After each kill the next request is answered without anybody doing anything.
"""

import contextlib
import os
import random
import signal
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from proofs.asking import WAYS, CutStream, Question, ask
from proofs.figures import keep
from tests.service.servers import BASE_MODEL, Server, wait_until

CONCURRENT = 16
ANSWER_TOKENS = 120
HANG_SECONDS = 60.0
"""Longer than the wait for an engine host that starts (30 s) and an answer together."""
LOAD_SECONDS = (0.3, 2.5)
"""Between the host's return and the next kill, drawn at random: in the middle of prompts, of answers, of streams."""
PROMPTS = (
    "Tell me a story about a smith and a river.",
    "What should be in the first chapter of a book about winter?",
    "Write a letter to the keeper of the harbour, and say what you think of his garden.",
    "How does one make a good blade? Name every step.",
)

RIGHT, WRONG, CUT, BROKEN, UNMODELLED, HUNG = (
    *("whole and right", "WRONG TEXT", "CUT, LOOKS WHOLE", "CONNECTION BROKE", "UNMODELLED ERROR", "HUNG"),
)
FAILURES = (WRONG, CUT, BROKEN, UNMODELLED, HUNG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    way: str
    how: str
    """One of the above, or the code of a modelled error."""
    ended_at: float
    seconds: float
    detail: str = ""


class Load:
    """Threads that ask without a pause until they are told to stop, and note what came of each request."""

    def __init__(self, runtime: Any, right_answers: dict[tuple[str, str], str]) -> None:
        self._runtime = runtime
        self._right_answers = right_answers
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on, args=(number,)) for number in range(CONCURRENT)]
        self.outcomes: list[Outcome] = []

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(2 * HANG_SECONDS)
        assert not any(thread.is_alive() for thread in self._threads), "a request never ended"

    def is_answered_since(self, moment: float) -> bool:
        return any(each.how == RIGHT and each.ended_at - each.seconds > moment for each in self.outcomes[-200:])

    def _ask_on(self, number: int) -> None:
        draw = random.Random(number)
        while not self._over.is_set():
            way, prompt = draw.choice(WAYS), draw.choice(PROMPTS)
            began = time.monotonic()
            how, detail = self._outcome(way, prompt)
            ended = time.monotonic()
            if ended - began > HANG_SECONDS:
                how = HUNG
            self.outcomes.append(Outcome(way=way, how=how, ended_at=ended, seconds=ended - began, detail=detail))

    def _outcome(self, way: str, prompt: str) -> tuple[str, str]:
        try:
            text = ask(self._runtime, Question(way=way, model_id=BASE_MODEL, prompt=prompt, max_tokens=ANSWER_TOKENS))
        except EventStreamError as error:
            return self._modelled(way, error, where="in the stream", is_event=True)
        except ClientError as error:
            return self._modelled(way, error, where="", is_event=False)
        except CutStream as error:
            return CUT, str(error)
        except Exception as error:  # botocore's, urllib3's, and whatever a broken answer makes of our reading
            return BROKEN, repr(error)
        right = self._right_answers[way, prompt]
        if text == right:
            return RIGHT, ""
        return (CUT if right.startswith(text) else WRONG), text

    def _modelled(self, way: str, error: ClientError, *, where: str, is_event: bool) -> tuple[str, str]:
        operation = self._runtime.meta.service_model.operation_model(way)
        code = error.response["Error"]["Code"]
        message = error.response["Error"].get("Message", "")
        if is_event:
            members = operation.get_event_stream_output().members
            is_modelled = code in {name for name, shape in members.items() if shape.metadata.get("exception")}
            return (f"{code} {where}" if is_modelled and message else UNMODELLED), f"{code}: {message}"
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        by_code = {shape.name: shape.metadata["error"]["httpStatusCode"] for shape in operation.error_shapes}
        is_modelled = by_code.get(code) == status and bool(message)
        return (f"{code} ({status})" if is_modelled else UNMODELLED), f"{code} {status}: {message}"


def _answers(runtime: Any) -> bool:
    """False while the engine host is not ready."""
    with contextlib.suppress(runtime.exceptions.ModelNotReadyException):
        ask(runtime, Question(way="Converse", model_id=BASE_MODEL, prompt="Hello.", max_tokens=1))
        return True
    return False


def _host_pid(server: Server) -> int:
    (pid,) = (pid for pid, arguments in server.processes().items() if "tanren.engine_host" in arguments)
    return pid


def _kill_host(server: Server) -> float:
    """When it was killed."""
    pid = wait_until(lambda: _lone_host(server), seconds=60, what="an engine host to kill")
    os.kill(pid, signal.SIGKILL)
    return time.monotonic()


def _lone_host(server: Server) -> int | None:
    with contextlib.suppress(ValueError):
        return _host_pid(server)
    return None


@pytest.mark.timeout(3600)
def test_requests_in_the_hands_of_a_killed_host_end_in_a_modelled_error_and_the_next_are_answered(
    tmp_path: Path, kill_count: int
):
    server = Server(tmp_path / "data")
    server.start()
    draw = random.Random(kill_count)
    back_after: list[float] = []
    killed_at: list[float] = []
    try:
        config = Config(
            retries={"total_max_attempts": 1}, read_timeout=2 * HANG_SECONDS, max_pool_connections=CONCURRENT
        )
        runtime = server.client("bedrock-runtime", config=config)
        wait_until(lambda: _answers(runtime), seconds=300, what="the first answer")
        right_answers = {
            (way, prompt): ask(runtime, Question(way=way, model_id=BASE_MODEL, prompt=prompt, max_tokens=ANSWER_TOKENS))
            for way in WAYS
            for prompt in PROMPTS
        }
        with Load(runtime, right_answers) as load:
            for _ in range(kill_count):
                began = time.monotonic()
                wait_until(lambda: load.is_answered_since(began), seconds=300, what="an answer")  # noqa: B023
                time.sleep(draw.uniform(*LOAD_SECONDS))
                moment = _kill_host(server)
                killed_at.append(moment)
                wait_until(lambda: load.is_answered_since(moment), seconds=300, what="an answer after a kill")  # noqa: B023
                back_after.append(time.monotonic() - moment)
        outcomes = load.outcomes
        # With nobody else there, the four operations answer as they did before.
        again = {
            (way, prompt): ask(runtime, Question(way=way, model_id=BASE_MODEL, prompt=prompt, max_tokens=ANSWER_TOKENS))
            for way in WAYS
            for prompt in PROMPTS
        }
    finally:
        server.stop()
    table = Counter((each.way, each.how) for each in outcomes)
    hows = sorted({how for _, how in table})
    print(f"\n{kill_count} kills, {CONCURRENT} requests at a time, {len(outcomes)} in all; outcomes by operation")
    print(f"{'':46}" + "".join(f"{way.replace('WithResponseStream', '…Stream'):>20}" for way in WAYS))
    for how in hows:
        print(f"{how:46}" + "".join(f"{table[way, how]:20,}" for way in WAYS))
    figures = {
        "kills": kill_count,
        "concurrent": CONCURRENT,
        "requests": len(outcomes),
        "outcomes": {how: sum(table[way, how] for way in WAYS) for how in hows},
        "longest_request_seconds": round(max(each.seconds for each in outcomes), 1),
        "answers_again_after_seconds_median": round(statistics.median(back_after), 2),
        "answers_again_after_seconds_most": round(max(back_after), 2),
    }
    keep("engine_host_kills", figures)
    failed = [each for each in outcomes if each.how in FAILURES]
    assert failed == [], f"the first of {len(failed)}: {failed[0]}"
    errors = [each for each in outcomes if each.how != RIGHT]
    assert len(errors) >= kill_count, "the kills hit no request that was under way"
    assert any("in the stream" in each.how for each in errors), "no stream that had begun was cut"
    assert again == right_answers
