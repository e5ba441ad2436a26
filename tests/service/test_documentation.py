"""The newcomer's pages are run as a newcomer would run them; the long ones are run by `make proofs`."""

from pathlib import Path

import pytest

from tests.service.pages import DOCS, run_page


@pytest.mark.parametrize("page", ["quick-start.md", "data-formats.md", "from-here-to-aws.md"])
def test_the_commands_of_a_page_do_what_it_says(page: str, tmp_path: Path):
    run_page(DOCS / page, tmp_path)
