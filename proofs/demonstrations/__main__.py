"""`python -m proofs.demonstrations [--only a,b] [--base FOLDER]`: teaches, prints the table, writes JSON.

`--set learning_rate=0.001` tries another setting of the training spec (more than one may be given); nothing is kept.
`--page` writes docs/demonstrations.md and its picture from the JSON, and teaches nothing.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from proofs.demonstrations.lessons import EXTRA, LESSONS
from proofs.demonstrations.page import write_page
from proofs.demonstrations.running import BASE, FIGURES, demonstrate, failures, read_figures, table


def _value(text: str) -> Any:
    """A number where it is one."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m proofs.demonstrations", description=__doc__)
    parser.add_argument("--only", default=",".join(LESSONS | EXTRA), help="letters, such as a,b")
    parser.add_argument("--base", type=Path, default=BASE, help="folder of the base model")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="of the training spec")
    parser.add_argument("--page", action="store_true", help="write the page from the figures that are there")
    options = parser.parse_args()
    if options.page:
        write_page(read_figures())
        return 0
    changes = {field: _value(text) for field, _, text in (each.partition("=") for each in options.set)}
    failed: list[str] = []
    for letter in options.only.split(","):
        if letter not in LESSONS | EXTRA:
            parser.error(f"--only {letter}: there is {', '.join(LESSONS | EXTRA)}")
        figures = demonstrate(letter, options.base, changes)
        print(f"\n({letter}) {table(figures)}", flush=True)
        failed += failures(figures)
    print(f"\nfigures: {FIGURES}")
    for failure in failed:
        print(f"not as claimed: {failure}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
