"""A child of the supervisor: its pauses, its group, what it sees, and the end of its log."""

import os
import sys
import time
from pathlib import Path

from tanren.settings import Settings
from tanren.supervision import child as module
from tanren.supervision.child import Child, child_environment, log_tail

SLEEPS = "import time; time.sleep(60)"


def _child(tmp_path: Path, program: str) -> Child:
    return Child(
        name="child",
        argv=[sys.executable, "-c", program],
        environment=dict(os.environ),
        log_path=tmp_path / "child.log",
    )


def _died(child: Child) -> None:
    assert child.process is not None
    child.process.wait(timeout=20)
    assert child.has_died()


def test_the_pauses_of_a_child_that_dies_again_and_again_grow_up_to_their_longest(tmp_path, monkeypatch):
    child = _child(tmp_path, "")
    child.start()
    _died(child)
    pauses = [child.pause]
    for _ in range(9):
        child.quick_deaths += 1
        pauses.append(child.pause)
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert pauses[-1] == 10.0
    # The pause is counted from the death, however long the child lived.
    assert not child.may_start()
    child.died_at -= 10.0
    assert child.may_start()
    monkeypatch.setattr(module, "LONG_LIFE_SECONDS", 0.0)
    child.start()
    _died(child)
    assert (child.quick_deaths, child.pause) == (0, 0.1)
    child.wait(time.monotonic())


def test_a_child_leads_a_process_group_of_its_own(tmp_path):
    child = _child(tmp_path, SLEEPS)
    child.start()
    try:
        assert os.getpgid(child.process.pid) == child.process.pid != os.getpgid(0)
    finally:
        child.kill()
        child.wait(time.monotonic() + 20)


def test_children_do_not_see_our_own_endpoint_and_reach_loopback_without_a_proxy():
    inherited = {"AWS_ENDPOINT_URL": "x", "AWS_ENDPOINT_URL_S3": "x", "AWS_PROFILE": "p", "NO_PROXY": "a.b"}
    seen = child_environment(inherited, Settings(port=5000))
    assert not [name for name in seen if name.startswith("AWS_ENDPOINT_URL")]
    assert seen["AWS_PROFILE"] == "p"
    assert seen["no_proxy"] == seen["NO_PROXY"] == "a.b,127.0.0.1,localhost"
    assert seen["TANREN_PORT"] == "5000"


def test_children_trust_whom_the_shell_trusts_but_for_our_own_authority(tmp_path: Path):
    settings = Settings(data_dir=tmp_path)
    assert "AWS_CA_BUNDLE" not in child_environment({"AWS_CA_BUNDLE": str(tmp_path / "tls" / "ca.pem")}, settings)
    assert child_environment({"AWS_CA_BUNDLE": "/etc/company.pem"}, settings)["AWS_CA_BUNDLE"] == "/etc/company.pem"


def test_the_tail_of_a_log_is_whole_lines_of_at_most_five_hundred_characters(tmp_path):
    log = tmp_path / "log"
    assert log_tail(log) == ""
    log.write_text("".join(f"line {n} é\n" for n in range(200)))
    tail = log_tail(log)
    assert len(tail) <= 500
    assert tail.startswith("line ")
    assert tail.endswith("line 199 é")
    log.write_text("x" * 9000)
    assert log_tail(log) == "x" * 500
