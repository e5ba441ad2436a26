"""The tree explains itself: these names say nothing, so no file has them."""

from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "tanren"
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "core", "other"}


def test_no_file_or_folder_has_a_name_that_says_nothing():
    assert [p for p in SOURCE.rglob("*") if p.stem in SAYS_NOTHING] == []


def test_every_package_file_is_empty():
    assert [p for p in SOURCE.rglob("__init__.py") if p.read_text()] == []


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCE)))
def test_every_module_opens_by_saying_what_it_does(path: Path):
    text = path.read_text()
    assert path.name == "__init__.py" or text.startswith('"""'), f"{path} has no module docstring"
