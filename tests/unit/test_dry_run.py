import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import tanren.dry_run as dry_run
from tanren.domain.errors import JobFailed, ServiceUnavailable, Throttled, ValidationFailed
from tanren.dry_run import MOST_AT_ONCE, DryRunProcess
from tanren.jobs.fork_server import CAN_FORK, ForkServer

ORDERS = {
    "scope": {"account_id": "123456789012", "region": "us-east-1"},
    "foundationModelId": "amazon.titan-text-express-v1",
    "customizationType": "FINE_TUNING",
    "trainingS3Uri": "s3://my-bucket/train.jsonl",
    "validationS3Uris": [],
}


Carry = Callable[[bytes, int], bytes]


def _carries_out(monkeypatch: pytest.MonkeyPatch, carry: Carry) -> None:
    def run(_: ForkServer, orders: bytes, *, errors: int, seconds: float) -> bytes:
        return carry(orders, errors)

    monkeypatch.setattr(ForkServer, "run", run)


def _answers(monkeypatch: pytest.MonkeyPatch, answer: bytes, *, last_words: bytes = b"") -> None:
    def carry(_: bytes, errors: int) -> bytes:
        os.write(errors, last_words)
        return answer

    _carries_out(monkeypatch, carry)


def test_what_the_process_refuses_with_is_raised_as_what_it_was(monkeypatch: pytest.MonkeyPatch):
    _answers(monkeypatch, json.dumps({"refused": "JobFailed", "message": "no such object"}).encode())
    with pytest.raises(JobFailed, match="no such object"):
        DryRunProcess().run(ORDERS)


def test_a_process_that_crashes_is_told_with_its_last_words(monkeypatch: pytest.MonkeyPatch):
    _answers(monkeypatch, b"", last_words=b"Traceback\nMemoryError\n")
    with pytest.raises(ServiceUnavailable, match="without an answer: MemoryError"):
        DryRunProcess().run(ORDERS)


def test_one_that_takes_too_long_is_ended_with_advice_and_is_not_tried_again_by_an_sdk(monkeypatch: pytest.MonkeyPatch):
    def carry(*_: Any) -> bytes:
        raise TimeoutError

    _carries_out(monkeypatch, carry)
    with pytest.raises(ValidationFailed, match="longer than 55 seconds"):
        DryRunProcess().run(ORDERS)


def test_an_estimate_which_needs_torch_has_a_process_that_is_started_for_it(monkeypatch: pytest.MonkeyPatch):
    def run(command: Sequence[str], *, input: bytes, **_: Any) -> subprocess.CompletedProcess[bytes]:
        assert "estimate" in json.loads(input)
        return subprocess.CompletedProcess(command, 0, b"{}")

    monkeypatch.setattr(dry_run.subprocess, "run", run)
    assert DryRunProcess().run({**ORDERS, "estimate": {}}) == {}


@pytest.mark.parametrize(
    "last_words",
    [
        b"memory allocation of 4096 bytes failed",
        b"terminate called after throwing an instance of 'std::bad_alloc'",
        b"RuntimeError: [enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory: you tried",
    ],
)
def test_a_library_that_ends_the_process_for_want_of_memory_is_told_as_that(
    monkeypatch: pytest.MonkeyPatch, last_words: bytes
):
    _answers(monkeypatch, b"", last_words=last_words)
    with pytest.raises(ValidationFailed, match="more than 6 GiB of memory"):
        DryRunProcess().run(ORDERS)


def of_account(number: int) -> dict[str, Any]:
    return {**ORDERS, "scope": {"account_id": f"{number:012d}", "region": "us-east-1"}}


def test_an_account_with_a_dry_run_under_way_leaves_the_other_places_to_others(monkeypatch: pytest.MonkeyPatch):
    process, told = DryRunProcess(), []

    def carry(*_: Any) -> bytes:
        if not told:
            told.append("under way")
            with pytest.raises(Throttled, match="1 dry runs of account 000000000001"):
                process.run(of_account(1))
            assert process.run(of_account(2)) == {}
        return b"{}"

    _carries_out(monkeypatch, carry)
    assert process.run(of_account(1)) == {}
    assert told


def test_one_that_takes_too_much_memory_is_refused_with_advice():
    program = "import tanren.dry_run as d; d._obeyed = lambda *_: bytearray(2 * d.MOST_MEMORY_BYTES); d.main()"
    done = subprocess.run([sys.executable, "-c", program], input=b"{}", capture_output=True, check=False)
    assert json.loads(done.stdout) == {"refused": "ValidationFailed", "message": dry_run.TOO_MUCH_MEMORY}


def test_more_at_a_time_than_there_are_places_are_told_to_come_back(monkeypatch: pytest.MonkeyPatch):
    process = DryRunProcess()
    under_way, go_on = threading.Barrier(MOST_AT_ONCE + 1), threading.Event()

    def carry(*_: Any) -> bytes:
        under_way.wait()
        go_on.wait()
        return b"{}"

    _carries_out(monkeypatch, carry)
    threads = [threading.Thread(target=process.run, args=(of_account(number),)) for number in range(MOST_AT_ONCE)]
    for thread in threads:
        thread.start()
    under_way.wait()
    with pytest.raises(Throttled, match=f"{MOST_AT_ONCE} dry runs are under way"):
        process.run(ORDERS)
    go_on.set()
    for thread in threads:
        thread.join()
    _answers(monkeypatch, b"{}")
    assert process.run(ORDERS) == {}


@pytest.mark.skipif(not CAN_FORK, reason="this system forbids forks without a new program")
def test_a_fork_is_held_to_the_same_memory_and_its_server_is_not(monkeypatch: pytest.MonkeyPatch):
    program = "import tanren.dry_run as d; d._obeyed = lambda *_: bytearray(2 * d.MOST_MEMORY_BYTES); d.serve_looks()"
    monkeypatch.setattr(dry_run, "_COMMAND", [sys.executable, "-c", program])
    process = DryRunProcess()
    for _ in range(2):
        with pytest.raises(ValidationFailed, match="more than 6 GiB of memory"):
            process.run(ORDERS)
    process.close()


def test_the_process_itself_answers_in_one_object_also_where_it_refuses():
    done = subprocess.run(
        [sys.executable, "-m", "tanren.dry_run"],
        input=json.dumps({**ORDERS, "folder": "/nonexistent"}).encode(),
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "refused": "ServiceUnavailable",
        "message": "No S3 is set: start with `tanren serve`, or set TANREN_AWS_ENDPOINT.",
    }
