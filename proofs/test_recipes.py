"""Every recipe runs from end to end on nano in less than two minutes, and comes to what it claims.

make proofs, or python -m proofs.recipes --write         the figures go into the recipes and to docs/recipes.md
"""

from collections.abc import Iterator

import pytest

from proofs.recipes import SETTINGS, run
from tanren.recipes.collection import find_recipe, recipes
from tests.service.servers import Server


@pytest.fixture(scope="module")
def ready_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("recipes") / "data", SETTINGS)
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("name", [recipe.name for recipe in recipes()])
def test_a_recipe_comes_to_what_it_claims(name: str, ready_server: Server):
    ran = run(find_recipe(name), ready_server)
    print(f"\n{name}: {[(told['base'], told['tuned']) for told in ran.result['checks']]}, {ran.seconds} s")
    assert ran.failures == []
