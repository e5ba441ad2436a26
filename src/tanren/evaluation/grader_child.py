"""`python -I -m tanren.evaluation.grader_child`: takes a program and answers on standard input, gives grades back.

What the program may import is imported first; then the filter closes, and only then is the program read. Anything the
filter does not let through answers EPERM. A filter cannot be opened again.

Source   seccomp(2), and the system call tables of x86_64 and aarch64 in the Linux sources.
"""

import ctypes
import json
import math
import os
import platform
import resource
import struct
import sys
from typing import Any, Final

MEMORY_BYTES: Final = 512 << 20
START_PROCESSOR_SECONDS: Final = 30
"""Until the program is read; the parent raises it for each answer."""
READY_MADE: Final = [
    "collections",
    "datetime",
    "decimal",
    "difflib",
    "fractions",
    "functools",
    "heapq",
    "itertools",
    "json",
    "math",
    "operator",
    "random",
    "re",
    "statistics",
    "string",
    "textwrap",
    "typing",
    "unicodedata",
]

_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_ALLOW: Final = 0x7FFF0000
_ERRNO_EPERM: Final = 0x00050000 | 1
_KILL: Final = 0x80000000
_LOAD_WORD: Final = 0x20
_JUMP_EQUAL: Final = 0x15
_RETURN: Final = 0x06

# read write close fstat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn mremap madvise getpid
# exit futex sched_yield clock_gettime clock_getres exit_group getrandom gettid restart_syscall gettimeofday
_CALLS: Final[dict[str, tuple[int, tuple[int, ...]]]] = {
    "x86_64": (
        0xC000003E,
        (0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 25, 28, 39, 60, 202, 24, 228, 229, 231, 318, 186, 219, 96),
    ),
    "aarch64": (
        0xC00000B7,
        (63, 64, 57, 80, 62, 222, 226, 215, 214, 134, 135, 139, 216, 233, 172, 93, 98, 124, 113, 114, 94, 278, 178, 128,
         169),
    ),
}  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def main() -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (START_PROCESSOR_SECONDS, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    for name in READY_MADE:
        __import__(name)
    # The program's own prints go nowhere: standard output carries the grades.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    first = json.loads(sys.stdin.readline())
    if (problem := close_the_door()) is not None:
        return _tell(answers, {"error": problem})
    names: dict[str, Any] = {"__name__": "grader"}
    try:
        exec(compile(first["source"], "grader", "exec"), names)
    except BaseException as error:
        return _tell(answers, {"error": f"it fails as it is loaded: {_said(error)}"})
    grade = names.get("grade")
    if not callable(grade):
        return _tell(answers, {"error": "it has no function grade(item, answer)"})
    _tell(answers, {"ready": True})
    for line in sys.stdin:
        task = json.loads(line)
        try:
            value: Any = grade(task["item"], task["answer"])
        except BaseException as error:
            _tell(answers, {"error": f"grade() fails: {_said(error)}"})
            continue
        if isinstance(value, bool | int | float) and math.isfinite(value):
            _tell(answers, {"grade": float(value)})
        else:
            _tell(answers, {"error": f"grade() gave {str(value)[:60]!r}, which is no finite number"})
    return 0


def close_the_door() -> str | None:
    """Why it cannot be closed; None where it is closed."""
    known = _CALLS.get(platform.machine())
    if sys.platform != "linux" or known is None:
        return f"graders need Linux's seccomp on x86_64 or aarch64; this is {sys.platform} on {platform.machine()}"
    architecture, calls = known
    steps = [
        _step(_LOAD_WORD, 4),
        _step(_JUMP_EQUAL, architecture, jump_true=1),
        _step(_RETURN, _KILL),
        _step(_LOAD_WORD, 0),
        *(step for call in calls for step in (_step(_JUMP_EQUAL, call, jump_false=1), _step(_RETURN, _ALLOW))),
        _step(_RETURN, _ERRNO_EPERM),
    ]
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(steps), b"".join(steps))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0
    ):
        return f"graders need Linux's seccomp, and this kernel refuses it: {os.strerror(ctypes.get_errno())}"
    return None


def _step(code: int, value: int, *, jump_true: int = 0, jump_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, jump_true, jump_false, value)


def _said(error: BaseException) -> str:
    text = f"{type(error).__name__}: {str(error)[:200]}"
    if isinstance(error, PermissionError | ImportError):
        text += f" (a grader has no files, no network and no processes; it can import {', '.join(READY_MADE)})"
    return text


def _tell(answers: Any, message: dict[str, Any]) -> int:
    answers.write(json.dumps(message) + "\n")
    answers.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
