"""A page of the documentation, run: its commands in their order, in a folder of their own, against a real server.

```sh             `tanren serve` alone is started and left running; everything else is given to one bash
```python         a program, run with the shell's variables
```sh stopped     the server is stopped before, as the page has said
```sh setup       what `make test` itself begins with; not run again
```sh aws         what is for AWS, and costs there; not run
"""

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.service.servers import READY_SECONDS, REPOSITORY, free_port

DOCS = REPOSITORY / "docs"
SERVE = "tanren serve"
NOT_RUN = ("sh setup", "sh aws")
RUN = ("sh", "sh stopped", "python")
_FENCE = re.compile(r"^```(?P<kind>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    kind: str
    """What stands behind the three marks."""
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """What is fenced on the page, in its order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(kind=found["kind"].strip(), text=found["text"], line=text.count("\n", 0, found.start()) + 2)
        for found in _FENCE.finditer(text)
    ]


def commands(page: Path) -> list[Block]:
    """What of it is a command."""
    return [block for block in blocks(page) if block.kind in RUN + NOT_RUN]


def run_page(page: Path, folder: Path, *, seconds: float = 240, is_served: bool = False) -> str:
    """What its commands have written, all together; fails with the page's line and the end of the output.

    `is_served`   a server is running when the page begins and the shell knows it, as some pages take for granted.
    """
    environment = _environment(folder)
    waiting: list[Block] = []
    written = ""
    with _Serving(folder, environment) as serving:
        if is_served:
            serving.start()
            waiting.append(Block(kind="sh", text='eval "$(tanren env)"\n', line=0))
        for block in commands(page):
            is_serve = block.text.strip() == SERVE
            if (is_serve or block.kind == "sh stopped") and waiting:
                written += _run(page, waiting, folder, environment, seconds)
                waiting = []
            if is_serve:
                serving.start()
            elif block.kind == "sh stopped":
                serving.stop()
                waiting.append(block)
            elif block.kind not in NOT_RUN:
                waiting.append(block)
        if waiting:
            written += _run(page, waiting, folder, environment, seconds)
    return written


class _Serving:
    """`tanren serve` as the page's first shell has it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "_Serving":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self.stop()
        with (self._folder / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["tanren", "serve"],
                cwd=self._folder,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        began = time.monotonic()
        line = self._process.stdout.readline()
        assert "ready" in line, f"the server did not start: {(self._folder / 'serve.log').read_text()[-2000:]}"
        assert time.monotonic() - began < READY_SECONDS

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=60)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None


def _run(page: Path, those: list[Block], folder: Path, environment: dict[str, str], seconds: float) -> str:
    """One shell for blocks that follow each other, so that a variable set in one is known to the next."""
    lines = ["set -euo pipefail"]
    for block in those:
        lines.append(f"echo '== {page.name}:{block.line}'")
        lines.append(f"python - <<'END_OF_BLOCK'\n{block.text}END_OF_BLOCK" if block.kind == "python" else block.text)
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{page.name}: exit code {done.returncode} after\n{done.stdout[-3000:]}"
    return done.stdout


def _environment(folder: Path) -> dict[str, str]:
    """A newcomer's shell: the two environments' commands, a home of its own, nothing that points anywhere."""
    path = f"{REPOSITORY / '.venv' / 'bin'}:{REPOSITORY / '.clients' / 'bin'}:{os.environ['PATH']}"
    return {
        "PATH": path,
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONUTF8": "1",
        "TANREN_PORT": str(free_port()),
        "TANREN_READY_CHILDREN": "0",
        "TANREN_CONSOLE": "off",
        "AWS_PAGER": "",
    }
