"""Cells run one after the other in one Python process, as in a notebook; between them the test may wait."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_KERNEL = """
import contextlib, io, json, sys, traceback
names = {"__name__": "__main__"}
for line in sys.stdin:
    asked, printed, told = json.loads(line), io.StringIO(), {}
    try:
        with contextlib.redirect_stdout(printed):
            if "file" in asked:
                exec(compile(open(asked["file"], encoding="utf-8").read(), asked["file"], "exec"), names)
            else:
                told["value"] = eval(asked["expression"], names)
    except BaseException:
        told["error"] = traceback.format_exc()
    print(json.dumps({**told, "printed": printed.getvalue()}, default=str), flush=True)
"""


class Notebook:
    """Takes   environment: all that the cells' process has of one."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _KERNEL],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], **environment},
            text=True,
        )

    def __enter__(self) -> "Notebook":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)

    def run(self, cell: Path) -> str:
        """What the cell printed. Raises AssertionError with its traceback."""
        return self._ask(file=str(cell))["printed"]

    def value(self, expression: str) -> Any:
        return self._ask(expression=expression)["value"]

    def _ask(self, **what: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        assert "error" not in told, told["error"]
        return told
