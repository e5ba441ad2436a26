"""The recipes that come with tanren, a folder each beside this file, and folders of one's own made after them.

recipe.toml                     jobs and checks
README.md, README.ja.md         the explanation
*.jsonl, and what else it has   data and questions
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tanren.domain.errors import Conflict, ResourceNotFound, ValidationFailed
from tanren.recipes.manifest import MANIFEST, Check, Language, Manifest, read_manifest

COLLECTION: Final = Path(__file__).parent
_PAGES: Final[dict[Language, str]] = {"en": "README.md", "ja": "README.ja.md"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    prompt: str
    completion: str
    """What is right, or what an answer has to contain."""
    also: Sequence[str] = ()
    """What would do as well."""
    schema: dict[str, Any] | None = None
    """Of the answer, where it is to be JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    name: str
    folder: Path
    manifest: Manifest

    def page(self, language: Language) -> str:
        """The explanation in Markdown. Raises ResourceNotFound where the recipe has none in this language."""
        path = self.folder / _PAGES[language]
        if not path.is_file():
            raise ResourceNotFound(f"{self.folder} has no {path.name}.")
        return path.read_text(encoding="utf-8")

    def questions(self, check: Check) -> list[Question]:
        """Raises   ValidationFailed with file and line."""
        path = self.folder / check.questions
        return [
            _question(line, f"{path}:{number}")
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        ]


def recipes() -> Iterator[Recipe]:
    """All that come with tanren, by name."""
    for manifest in sorted(COLLECTION.glob(f"*/{MANIFEST}")):
        yield read_recipe(manifest.parent)


def read_recipe(folder: Path) -> Recipe:
    """Raises   ValidationFailed where the folder is no recipe."""
    return Recipe(name=folder.resolve().name, folder=folder, manifest=read_manifest(folder))


def find_recipe(name: str) -> Recipe:
    """The recipe of the name, or that of a folder. Raises ResourceNotFound, naming those that there are."""
    if (COLLECTION / name / MANIFEST).is_file():
        return read_recipe(COLLECTION / name)
    if Path(name).is_dir():
        return read_recipe(Path(name))
    known = ", ".join(recipe.name for recipe in recipes())
    raise ResourceNotFound(f"There is no recipe and no folder '{name}'. Recipes: {known}.")


def copy_recipe(recipe: Recipe, target: Path) -> None:
    """All its files in a new folder. Raises Conflict where there is something already."""
    if target.exists():
        raise Conflict(f"{target} exists; name a folder that does not.")
    shutil.copytree(recipe.folder, target)


def _question(line: str, place: str) -> Question:
    try:
        return Question(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise ValidationFailed(
            f'{place}: {error}. A question is an object of "prompt" and "completion", perhaps with "also" or "schema".'
        ) from error
