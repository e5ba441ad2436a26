"""`python -m proofs.recipes [--only a,b] [--write | --pages]`: runs recipes by their command, on a server of its own.

`--write` puts the figures into each `recipe.toml` and the tables of docs/recipes.md and its Japanese twin; `--pages`
writes the tables from the figures that are there, and runs nothing.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomlkit

from tanren.cli.recipes import claim
from tanren.recipes.collection import Recipe, find_recipe, recipes
from tanren.recipes.manifest import MANIFEST, Language
from tests.service.servers import REPOSITORY, Server

SECONDS_ALLOWED = 120
SETTINGS = {"TANREN_READY_CHILDREN": "1", "TANREN_CONSOLE": "off"}
"""As a user has it, with a training process that stands ready; nobody looks at the console."""
NANO = REPOSITORY / "src" / "tanren" / "catalog" / "nano" / "model.safetensors"
PAGES: dict[Language, Path] = {"en": REPOSITORY / "docs" / "recipes.md", "ja": REPOSITORY / "docs" / "recipes.ja.md"}
HEADS: dict[Language, str] = {
    "en": "| recipe | what is counted | base | tuned | claimed | questions | seconds |",
    "ja": "| レシピ | 数えるもの | 学習前 | 学習後 | 約束 | 質問 | 秒 |",
}
START, END = "<!-- figures: made by proofs/recipes.py -->", "<!-- /figures -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    recipe: Recipe
    result: dict[str, Any]
    """What `tanren recipes run --output json` prints."""

    @property
    def seconds(self) -> float:
        return self.result["seconds"]

    @property
    def failures(self) -> list[str]:
        """What is not as claimed."""
        found = [
            f"{self.recipe.name}: {check.title.en}: {told['tuned']:.0%}, claimed {claim(check)}"
            for check, told in zip(self.recipe.manifest.checks, self.result["checks"], strict=True)
            if not told["isAsClaimed"]
        ]
        late = f"{self.recipe.name}: {self.seconds:.0f} s, {SECONDS_ALLOWED} are allowed"
        return [*found, late] if self.seconds > SECONDS_ALLOWED else found


def run(recipe: Recipe, server: Server) -> Ran:
    command = [sys.executable, "-m", "tanren", "recipes", "run", recipe.name, "--output", "json"]
    asked = [*command, "--data-dir", str(server.data_dir)]
    done = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True)
    return Ran(recipe=recipe, result=json.loads(done.stdout))


def write_figures(ran: Ran) -> None:
    """Into the recipe's manifest; comments and order stay."""
    path = ran.recipe.folder / MANIFEST
    manifest = tomlkit.parse(path.read_text(encoding="utf-8"))
    checks: Any = manifest["checks"]
    for check, told in zip(checks, ran.result["checks"], strict=True):
        measured = tomlkit.inline_table()
        measured.update({"base": round(told["base"], 3), "tuned": round(told["tuned"], 3)})
        check["measured"] = measured
    manifest["run"] = {
        "seconds": ran.seconds,
        "weights": hashlib.sha256(NANO.read_bytes()).hexdigest()[:12],
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[1]:.0f}",
        "date": datetime.now(UTC).date().isoformat(),
    }
    path.write_text(tomlkit.dumps(manifest), encoding="utf-8")


def table(language: Language) -> str:
    lines = [HEADS[language], "|---|---|---|---|---|---|---|"]
    runs = [recipe.manifest.run for recipe in recipes() if recipe.manifest.run is not None]
    for recipe in recipes():
        manifest = recipe.manifest
        page = "README.ja.md" if language == "ja" else "README.md"
        for number, check in enumerate(manifest.checks):
            name = f"[{recipe.name}](../src/tanren/recipes/{recipe.name}/{page})" if number == 0 else ""
            base, tuned = ("–", "–") if (m := check.measured) is None else (f"{m.base:.0%}", f"{m.tuned:.0%}")
            seconds = f"{manifest.run.seconds:.0f}" if number == 0 and manifest.run is not None else ""
            cells = (name, check.title.of(language), base, tuned, claim(check), len(recipe.questions(check)), seconds)
            lines.append(f"| {' | '.join(map(str, cells))} |")
    made = (sorted({getattr(run, field) for run in runs}) for field in ("weights", "machine", "date"))
    weights, machines, dates = (" / ".join(values) for values in made)
    return "\n".join([*lines, "", f"nano `{weights}…`; {machines}; {dates}."])


def page(language: Language) -> str:
    """The page with its table made anew."""
    text = PAGES[language].read_text(encoding="utf-8")
    before, found, rest = text.partition(START)
    _, found_end, after = rest.partition(END)
    if not (found and found_end):
        raise SystemExit(f"{PAGES[language]} has no marks {START} and {END}")
    return f"{before}{START}\n\n{table(language)}\n\n{END}{after}"


def write_pages() -> None:
    for language, path in PAGES.items():
        path.write_text(page(language), encoding="utf-8")


def _run_all(names: Sequence[str], *, is_written: bool) -> list[str]:
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data", SETTINGS)
        server.start()
        try:
            for name in names:
                ran = run(find_recipe(name), server)
                figures = ", ".join(f"{told['base']:.0%} → {told['tuned']:.0%}" for told in ran.result["checks"])
                print(f"{name}: {figures}; {ran.seconds:.0f} s", flush=True)
                failures += ran.failures
                if is_written:
                    write_figures(ran)
                    write_pages()
        finally:
            server.stop()
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m proofs.recipes", description=__doc__)
    parser.add_argument("--only", default=",".join(recipe.name for recipe in recipes()), help="names")
    parser.add_argument("--write", action="store_true", help="keep the figures")
    parser.add_argument("--pages", action="store_true", help="write the tables, run nothing")
    options = parser.parse_args()
    failures = [] if options.pages else _run_all(options.only.split(","), is_written=options.write)
    if options.pages:
        write_pages()
    for failure in failures:
        print(f"not as claimed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
