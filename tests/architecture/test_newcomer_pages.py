"""Of the pages for a newcomer: each is there in both languages, with the same commands, and all of them are run."""

import re
from pathlib import Path

import pytest

import tests.service.test_documentation as service
from proofs import recipes
from proofs import test_documentation as proofs
from scripts import hyperparameters_table
from tanren.recipes.manifest import Language
from tests.service.pages import DOCS, NOT_RUN, RUN, blocks, commands

WAY = (
    "quick-start.md",
    "seven-steps.md",
    "data-formats.md",
    "hyperparameters.md",
    "reading-curves.md",
    "recipes.md",
    "from-here-to-aws.md",
    "operations-guide.md",
)
ENGLISH = [DOCS / name for name in ("README.md", *WAY)]
JAPANESE = [path.with_suffix(".ja.md") for path in ENGLISH]
_LINK = re.compile(r"\]\((?P<target>[^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("index", ["README.md", "README.ja.md"])
def test_the_index_names_the_pages_in_the_order_of_the_way(index: str):
    way = (DOCS / index).read_text(encoding="utf-8").split("\n## ")[1]
    assert tuple(re.findall(r"\]\(([a-z-]+)(?:\.ja)?\.md\)", way)) == tuple(name.removesuffix(".md") for name in WAY)


@pytest.mark.parametrize(("page", "japanese"), list(zip(ENGLISH, JAPANESE, strict=True)), ids=lambda path: path.name)
def test_both_languages_have_the_same_commands_and_headings(page: Path, japanese: Path):
    ours, theirs = blocks(page), blocks(japanese)
    assert [(block.kind, block.text) for block in ours] == [(block.kind, block.text) for block in theirs]
    of = [re.findall(r"^(#+) ", path.read_text(encoding="utf-8"), re.MULTILINE) for path in (page, japanese)]
    assert of[0] == of[1]


@pytest.mark.parametrize("page", ENGLISH + JAPANESE, ids=lambda path: path.name)
def test_what_a_page_links_to_is_there(page: Path):
    targets = {found["target"] for found in _LINK.finditer(page.read_text(encoding="utf-8"))}
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_with_commands_is_run_and_every_fence_is_known():
    run = {*_pages_of(service), *_pages_of(proofs)}
    assert {page.name for page in ENGLISH if any(block.kind in RUN for block in commands(page))} == run
    kinds = {block.kind for page in ENGLISH for block in blocks(page)}
    assert kinds <= {*RUN, *NOT_RUN, "ini"}


def test_what_is_not_run_is_the_set_up_and_what_is_for_aws():
    left_out = {(page.name, block.kind) for page in ENGLISH for block in commands(page) if block.kind in NOT_RUN}
    assert left_out == {("quick-start.md", "sh setup"), ("from-here-to-aws.md", "sh aws")}


@pytest.mark.parametrize("name", ["hyperparameters.md", "hyperparameters.ja.md"])
def test_every_hyperparameter_has_its_advice(name: str):
    headings = " ".join(re.findall(r"^### (.*)$", (DOCS / name).read_text(encoding="utf-8"), re.MULTILINE))
    assert sorted(re.findall(r"\w+", headings)) == sorted(hyperparameters_table.keys())


@pytest.mark.parametrize("name", ["from-here-to-aws.md", "from-here-to-aws.ja.md"])
def test_each_difference_from_aws_names_a_test_that_is_there(name: str):
    rows = re.findall(r"^\|.*\|$", (DOCS / name).read_text(encoding="utf-8"), re.MULTILINE)[2:]
    named = [re.search(r"`((?:tests|proofs)/[\w/]+\.py)` \|$", row) for row in rows]
    assert all(named)
    assert [found[1] for found in named if found and not (DOCS.parent / found[1]).is_file()] == []


@pytest.mark.parametrize("name", hyperparameters_table.HEADS)
def test_the_table_of_bounds_is_that_of_the_catalogue(name: str):
    text = (DOCS / name).read_text(encoding="utf-8")
    assert text == hyperparameters_table.page(text, hyperparameters_table.HEADS[name])


@pytest.mark.parametrize("language", recipes.PAGES)
def test_the_figures_of_the_recipes_are_those_of_their_manifests(language: Language):
    assert recipes.PAGES[language].read_text(encoding="utf-8") == recipes.page(language)


def _pages_of(module: object) -> set[str]:
    """The names in the parameters of its tests."""
    marks = [mark for each in vars(module).values() for mark in getattr(each, "pytestmark", [])]
    return {name for mark in marks if mark.name == "parametrize" for name in mark.args[1]}
