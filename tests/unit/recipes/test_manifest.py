import re

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.recipes.manifest import read_manifest


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("epochCount =", "epochs! =", "recipe.toml"),
        ('training = "train.jsonl"', 'rows = "train.jsonl"', "rows"),
        ('"FINE_TUNING"', '"TUNING"', r"\$\.stages\[0\]\.customization_type"),
        ('metric = "exact"', 'metric = "rouge"', r"\$\.checks\[0\]\.metric"),
        ('"train.jsonl"', '"other.jsonl"', "names other.jsonl, which is no file"),
        ("[[stages]]", "[[ stages", "recipe.toml"),
    ],
)
def test_what_is_not_right_is_refused_with_its_place(make_recipe, old: str, new: str, said: str):
    with pytest.raises(ValidationFailed, match=said):
        make_recipe(lambda text: text.replace(old, new))


def test_a_recipe_without_a_job_is_refused(make_recipe):
    stages = re.compile(r"\[\[stages\]\].*?(?=\[\[checks)", re.DOTALL)
    with pytest.raises(ValidationFailed, match="stages is empty"):
        make_recipe(lambda text: "stages = []\n" + stages.sub("", text))


def test_a_folder_without_a_manifest_is_no_recipe(tmp_path):
    with pytest.raises(ValidationFailed, match="is no recipe"):
        read_manifest(tmp_path)
