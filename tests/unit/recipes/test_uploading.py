import json

from tanren.recipes.uploading import data_files


def rows(file) -> list[dict]:
    return [json.loads(line) for line in file.body.splitlines()]


def test_for_its_own_base_a_file_goes_as_it_stands(make_recipe):
    recipe = make_recipe()
    (file,) = data_files(recipe, recipe.manifest.stages[0], "tanren.nano-v1:0")
    assert file.body == (recipe.folder / "train.jsonl").read_bytes()
    assert file.row_count == 2


def test_another_family_gets_its_own_format_and_the_same_words(make_recipe):
    recipe = make_recipe()
    (file,) = data_files(recipe, recipe.manifest.stages[0], "anthropic.claude-3-haiku-20240307-v1:0")
    assert rows(file)[1] == {
        "messages": [
            {"role": "user", "content": "Where is the hammer?"},
            {"role": "assistant", "content": "On the anvil."},
        ]
    }


def test_what_has_the_form_of_personal_data_does_not_leave_where_the_recipe_says_so(make_recipe):
    recipe = make_recipe(lambda text: text.replace("hyperparameters", "mask_personal_data = true\nhyperparameters"))
    (file,) = data_files(recipe, recipe.manifest.stages[0], "tanren.nano-v1:0")
    assert rows(file)[0]["completion"] == "By the furnace. Call [telephone number]."
    assert rows(file)[1]["completion"] == "On the anvil."
    assert file.masked == {"telephone number": 1}
