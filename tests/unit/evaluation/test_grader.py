"""A user's grader: graded as it says, and closed in."""

import platform
import resource
import sys

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.evaluation.grader import grade
from tests.unit.evaluation.models import numbered

QUESTIONS = numbered(2, reference=str)

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="graders need Linux's seccomp"
)


def test_a_grader_gives_each_answer_its_grade_and_its_prints_go_nowhere():
    source = "import re\ndef grade(item, answer):\n    print('x')\n    return answer == item['reference']\n"
    assert grade(source, QUESTIONS, ["1", "no"]).values.tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    "statement",
    [
        "open('/etc/passwd').read()",
        "open('/tmp/left-by-a-grader', 'w')",
        "os.remove('/tmp/none')",
        "os.stat('/etc/passwd')",
        "os.fork()",
        "os.kill(os.getppid(), 9)",
        "posix.posix_spawn('/bin/true', ['true'], {})",
        "libc_socket()",
    ],
)
def test_a_grader_can_touch_nothing_outside_itself(statement):
    source = (
        "import os, posix, ctypes\n"
        "def libc_socket():\n"
        "    libc = ctypes.CDLL(None, use_errno=True)\n"
        "    if libc.socket(2, 1, 0) < 0:\n"
        "        raise OSError(ctypes.get_errno(), 'socket')\n"
        f"def grade(item, answer):\n    {statement}\n    return 1.0\n"
    )
    with pytest.raises(ValidationFailed, match=r"PermissionError|Errno 1\b|\[Errno 1\]"):
        grade(source, QUESTIONS[:1], ["1"])


def test_what_is_not_imported_beforehand_cannot_be_imported():
    with pytest.raises(ValidationFailed, match="it can import"):
        grade("import urllib.request\ndef grade(item, answer):\n    return 1.0\n", QUESTIONS, ["1", "2"])


def test_an_endless_grader_is_ended_and_no_figure_is_made_of_it():
    with pytest.raises(ValidationFailed, match=r"no grade within 0\.5 seconds"):
        grade("def grade(item, answer):\n    while True: pass\n", QUESTIONS[:1], ["1"], item_seconds=0.5)


def test_a_grader_that_answers_in_drops_is_ended_at_its_time():
    source = (
        "import os, time\n"
        "def grade(item, answer):\n"
        "    while True:\n"
        "        for number in range(3, 9):\n"
        "            try: os.write(number, b' ')\n"
        "            except OSError: pass\n"
    )
    with pytest.raises(ValidationFailed, match=r"no grade within 0\.5 seconds|its process has ended"):
        grade(source, QUESTIONS[:1], ["1"], item_seconds=0.5)


@pytest.mark.parametrize("line", ["no json", "[1]", '{"grade": "1"}', '{"other": 1}'])
def test_a_grader_that_writes_grades_itself_is_refused(line):
    source = (
        "import os\n"
        "def grade(item, answer):\n"
        "    for number in range(3, 9):\n"
        f"        try: os.write(number, {(line + chr(10)).encode()!r})\n"
        "        except OSError: pass\n"
        "    return 1.0\n"
    )
    with pytest.raises(ValidationFailed, match="stream of the grades"):
        grade(source, QUESTIONS[:1], ["1"])


def test_each_answer_has_processor_time_of_its_own(monkeypatch):
    limits: list[int] = []
    change = resource.prlimit

    def told(pid, kind, limit=None):
        limits.extend([limit[0]] if limit else [])
        return change(pid, kind, limit) if limit else change(pid, kind)

    monkeypatch.setattr(resource, "prlimit", told)
    source = (
        "import time\n"
        "def grade(item, answer):\n"
        "    end = time.process_time() + 0.7\n"
        "    while time.process_time() < end: pass\n"
        "    return 1.0\n"
    )
    questions = numbered(3, reference=str)
    assert grade(source, questions, ["1"] * 3, item_seconds=30.0).value == 1.0
    assert limits == sorted(limits)
    assert limits[2] > limits[0] >= 31


def test_a_grader_has_so_much_memory_and_no_more():
    with pytest.raises(ValidationFailed, match="MemoryError"):
        grade("def grade(item, answer):\n    return len(bytearray(10 ** 9))\n", QUESTIONS[:1], ["1"])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def score(item, answer):\n    return 1\n", "no function grade"),
        ("def grade(item, answer:\n", "SyntaxError"),
        ("def grade(item, answer):\n    return 'good'\n", "no finite number"),
        ("def grade(item, answer):\n    return float('nan')\n", "no finite number"),
        ("def grade(item, answer):\n    return 1 / 0\n", "ZeroDivisionError"),
    ],
)
def test_a_grader_that_gives_no_grade_is_refused_and_not_counted_as_zero(source, said):
    with pytest.raises(ValidationFailed, match=said):
        grade(source, QUESTIONS[:1], ["1"])


def test_a_grader_sees_no_environment():
    source = "import os\ndef grade(item, answer):\n    return len(os.environ)\n"
    assert grade(source, QUESTIONS[:1], ["1"]).values[0] <= 1  # LC_CTYPE, which Python itself sets
