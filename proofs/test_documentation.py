"""The newcomer's pages that train more than once or for long, run as a newcomer would run them."""

from pathlib import Path

import pytest

from tests.service.pages import DOCS, REPOSITORY, run_page

RECIPES = REPOSITORY / "src" / "tanren" / "recipes"


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "page", ["seven-steps.md", "hyperparameters.md", "reading-curves.md", "recipes.md", "operations-guide.md"]
)
def test_the_commands_of_a_long_page_do_what_it_says(page: str, tmp_path: Path):
    print(run_page(DOCS / page, tmp_path, seconds=800)[-2000:])


@pytest.mark.timeout(900)
def test_the_commands_of_a_recipe_with_commands_do_what_its_page_says(tmp_path: Path):
    (tmp_path / "handbook.pdf").write_bytes((RECIPES / "company-documents" / "handbook.pdf").read_bytes())
    print(run_page(RECIPES / "company-documents" / "README.md", tmp_path, seconds=800, is_served=True)[-2000:])
