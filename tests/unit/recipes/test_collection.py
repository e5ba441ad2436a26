import json
from pathlib import Path

import pytest

from scripts.recipe_data.__main__ import FOLDER, RECIPES, texts
from tanren.catalog.foundation_models import foundation_model
from tanren.data.reading import read_records
from tanren.domain.errors import Conflict, ResourceNotFound, ValidationFailed
from tanren.domain.hyperparameters import resolve_hyperparameters
from tanren.recipes.collection import Recipe, copy_recipe, find_recipe, read_recipe, recipes

ALL = list(recipes())
BY_NAME = pytest.mark.parametrize("recipe", ALL, ids=lambda recipe: recipe.name)


def test_there_are_ten():
    assert len(ALL) == 10


@BY_NAME
def test_every_row_of_a_recipe_is_one_that_its_job_takes(recipe: Recipe):
    for stage in recipe.manifest.stages:
        for name in filter(None, (stage.training, stage.validation)):
            with (recipe.folder / name).open("rb") as lines:
                records = list(read_records(lines, file=name, customization_type=stage.customization_type))
            assert len(records) >= 8


@BY_NAME
def test_a_recipe_has_between_56_and_400_rows_to_learn(recipe: Recipe):
    counts = [len((recipe.folder / stage.training).read_text("utf-8").splitlines()) for stage in recipe.manifest.stages]
    assert 56 <= sum(counts) <= 400


@BY_NAME
def test_the_hyperparameters_of_a_recipe_are_those_of_its_base(recipe: Recipe):
    model = foundation_model(recipe.manifest.base_model)
    for stage in recipe.manifest.stages:
        assert stage.customization_type in model.customizations
        resolve_hyperparameters(model.hyperparameters, stage.hyperparameters)


@BY_NAME
def test_no_question_of_a_check_was_trained(recipe: Recipe):
    """But for the check that asks what was trained, and says so in its name."""
    learned = {
        row["prompt"]
        for stage in recipe.manifest.stages
        for row in map(json.loads, (recipe.folder / stage.training).read_text("utf-8").splitlines())
        if "prompt" in row
    }
    for check in recipe.manifest.checks:
        asked = {question.prompt for question in recipe.questions(check)}
        assert len(asked) >= 20
        assert check.questions == "taught.jsonl" or not asked & learned


@BY_NAME
def test_a_recipe_explains_itself_in_both_languages(recipe: Recipe):
    english, japanese = recipe.page("en"), recipe.page("ja")
    assert english.startswith(f"# {recipe.manifest.title.en}\n")
    assert japanese.startswith(f"# {recipe.manifest.title.ja}\n")
    assert f"tanren recipes copy {recipe.name} " in english
    assert f"tanren recipes copy {recipe.name} " in japanese


@pytest.mark.parametrize("name", RECIPES)
def test_the_data_that_come_of_templates_are_what_their_script_writes(name: str):
    for file, text in texts(RECIPES[name]()).items():
        assert (FOLDER / name / file).read_text(encoding="utf-8") == text


def test_every_answer_about_the_handbook_is_a_sentence_of_its_pdf():
    from pypdf import PdfReader

    folder = find_recipe("company-documents").folder
    pages = PdfReader(folder / "handbook.pdf").pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    for name in ("train.jsonl", "validation.jsonl"):
        for row in map(json.loads, (folder / name).read_text().splitlines()):
            assert row["completion"] in text


def test_a_recipe_is_found_by_its_name_or_its_folder_and_else_the_names_are_told(make_recipe):
    own = make_recipe()
    assert find_recipe("sentiment").name == "sentiment"
    assert find_recipe(str(own.folder)).name == "forge"
    with pytest.raises(ResourceNotFound, match=r"answer-style, .*ticket-routing"):
        find_recipe("no-such")


def test_a_copy_is_a_recipe_and_overwrites_nothing(tmp_path: Path):
    target = tmp_path / "mine"
    copy_recipe(find_recipe("dialect"), target)
    assert read_recipe(target).manifest == find_recipe("dialect").manifest
    with pytest.raises(Conflict, match="mine exists"):
        copy_recipe(find_recipe("dialect"), target)


def test_a_question_that_is_none_is_refused_with_file_and_line(make_recipe):
    recipe = make_recipe(questions=[{"prompt": "a", "completion": "b"}, {"prompt": "a", "answer": "b"}])
    with pytest.raises(ValidationFailed, match=r"questions\.jsonl:2: .*answer"):
        recipe.questions(recipe.manifest.checks[0])
