"""Which weights answer under which id: nano without a word, the user's with a line, an error with a wrong one."""

import os
from pathlib import Path

import pytest

from tanren.catalog.foundation_models import FOUNDATION_MODELS, every_foundation_model
from tanren.catalog.stand_ins import StandIn, read_stand_ins, write_stand_in
from tanren.catalog.weights import WeightsCatalogue, cut
from tanren.domain.errors import ResourceNotFound, ServiceUnavailable, ValidationFailed
from tanren.domain.weights import BoundWeights
from tests.numerics.tiny_models import save_base_model

TITAN = "amazon.titan-text-lite-v1"
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
LONGEST_NAME = 20
"""Of modelName in the service model."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base_model(tmp_path_factory.mktemp("tiny") / "tiny-random-Llama")


@pytest.fixture
def catalogue(tmp_path: Path) -> WeightsCatalogue:
    return WeightsCatalogue(tmp_path)


def _write(catalogue: WeightsCatalogue, text: str) -> None:
    catalogue.file.write_text(text)
    # As after a while: two writes in one tick of the clock are told apart by size only.
    os.utime(catalogue.file, ns=(catalogue.file.stat().st_atime_ns, catalogue.file.stat().st_mtime_ns + 1))


@pytest.mark.parametrize("model", list(every_foundation_model()), ids=lambda model: model.model_id)
def test_without_a_file_nano_answers_and_a_stand_in_says_that_it_is_one(catalogue, model):
    weights = catalogue.weights_of(model.model_id)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in weights.folder.iterdir()}
    assert weights.name == "nano-v1"
    assert catalogue.model_name(model) == ("stand-in: nano-v1" if model.is_stand_in else model.product_name)


def test_a_line_names_the_weights_and_a_change_of_it_is_seen_at_once(catalogue, tiny):
    key = catalogue.store.import_folder(tiny).key
    assert catalogue.weights_of(TITAN).name == "nano-v1"
    _write(catalogue, f'[stand-ins]\n"{TITAN}" = "{key}"\n')
    weights = catalogue.weights_of(TITAN)
    assert (weights.key, weights.folder, weights.name) == (key, catalogue.store.root / key, "tiny-random-Llama")
    assert catalogue.weights_of(HAIKU).name == "nano-v1"
    _write(
        catalogue, f'[stand-ins]\n"{TITAN}" = {{ model = "{key}", loraLearningRate = 0.5, fullLearningRate = 0.25 }}'
    )
    weights = catalogue.weights_of(TITAN)
    assert (weights.lora_learning_rate, weights.full_learning_rate) == (0.5, 0.25)
    _write(catalogue, f'[stand-ins]\n"{TITAN}" = "nano"\n')
    assert catalogue.weights_of(TITAN).name == "nano-v1"


def test_a_change_that_cannot_be_read_is_refused_until_it_is_put_right(catalogue, caplog):
    assert catalogue.weights_of(TITAN).key == "nano"
    _write(catalogue, f'[stand-ins]\n{TITAN} = nothing\n"')
    for _ in range(2):
        with pytest.raises(ServiceUnavailable, match=r"catalog\.toml.*line 2"):
            catalogue.weights_of(TITAN)
    assert sum("catalog.toml" in record.message for record in caplog.records) == 1
    catalogue.file.unlink()
    assert catalogue.weights_of(TITAN).key == "nano"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[stand-ins\n"x" = "y"', "line 1"),
        (f'# mine\n[stand-ins]\n"{TITAN}.v9" = "a/b"', r"line 3: amazon.*no id of the catalogue"),
        ('[stand-ins]\n"tanren.nano-v1:0" = "a/b"', "line 2.*the model itself"),
        (f'[stand-ins]\n"{TITAN}" = 3', "line 2.*its value is"),
        (f'[stand-ins]\n"{TITAN}" = {{ revision = "abc" }}', "names no weights"),
        (f'[stand-ins]\n"{TITAN}" = {{ model = "a/b", colour = "red" }}', "'colour'.*may have model, revision"),
        (f'[stand-ins]\n"{TITAN}" = {{ model = "a/b", loraLearningRate = 0 }}', "more than 0"),
        (f'[stand-ins]\n"{TITAN}" = {{ model = "a/b", loraLearningRate = true }}', "a number"),
        (f'[stand-ins]\n"{TITAN}" = {{ model = "a/b", is-original = "yes" }}', "true or false"),
        ('[standins]\n"a" = "b"', r"line 1: standins.*\[stand-ins\]"),
    ],
)
def test_a_wrong_line_is_named_with_the_rule(catalogue, text, said):
    _write(catalogue, text)
    with pytest.raises(ValidationFailed, match=said):
        catalogue.check()


def test_weights_that_are_not_in_the_store_are_named_with_the_command_that_gets_them(catalogue):
    _write(catalogue, f'[stand-ins]\n"{TITAN}" = "Qwen/Qwen2.5-0.5B-Instruct"\n')
    with pytest.raises(ValidationFailed, match=r"tanren models pull Qwen/Qwen2\.5-0\.5B-Instruct"):
        catalogue.check()
    with pytest.raises(ServiceUnavailable, match="models pull"):
        catalogue.weights_of(TITAN)
    # The others answer as before.
    assert catalogue.weights_of(HAIKU).key == "nano"


def test_what_was_trained_stays_with_its_weights_whatever_the_file_says_later(catalogue, tiny):
    key = catalogue.store.import_folder(tiny).key
    _write(catalogue, f'[stand-ins]\n"{TITAN}" = "{key}"\n')
    bound = catalogue.weights_of(TITAN).bound()
    catalogue.file.unlink()
    noted = {"weights": BoundWeights.to_json(bound)}
    assert catalogue.bound_to(noted) == bound
    assert catalogue.folder_of(bound) == catalogue.store.root / key
    catalogue.store.remove(key)
    with pytest.raises(ResourceNotFound, match="not in the model store"):
        catalogue.folder_of(bound)


def test_a_row_from_before_there_was_a_choice_is_nanos(catalogue):
    bound = catalogue.bound_to({})
    assert (bound.key, catalogue.folder_of(bound)) == ("nano", catalogue.store.nano().folder)


def test_the_name_of_a_stand_in_is_cut_after_a_word_and_fits(catalogue, tiny):
    assert "stand-in: " + cut("Qwen2.5-0.5B-Instruct", 10) == "stand-in: Qwen2.5-…"
    assert cut("Unbrokennameoflength", 10) == "Unbroken" + "n…"
    key = catalogue.store.import_folder(tiny).key
    for original, shown in (("false", "stand-in: tiny-…"), ("true", "tiny-random-Llama")):
        _write(catalogue, f'[stand-ins]\n"{TITAN}" = {{ model = "{key}", is-original = {original} }}')
        name = catalogue.model_name(FOUNDATION_MODELS[TITAN])
        assert name == shown
        assert len(name) <= LONGEST_NAME


def test_writing_a_line_keeps_comments_order_and_everything_else(tmp_path):
    file = tmp_path / "catalog.toml"
    file.write_text(
        f'# my models\n\n[stand-ins]\n"{HAIKU}" = "a/b"  # for support\n# the cheap one\n"{TITAN}" = "nano" # so far\n'
    )
    write_stand_in(file, TITAN, StandIn(model="Qwen/Qwen2.5-0.5B-Instruct", revision="7ae5"))
    assert file.read_text() == (
        f'# my models\n\n[stand-ins]\n"{HAIKU}" = "a/b"  # for support\n# the cheap one\n'
        f'"{TITAN}" = {{model = "Qwen/Qwen2.5-0.5B-Instruct", revision = "7ae5"}} # so far\n'
    )
    write_stand_in(file, TITAN, StandIn(model="nano"))
    assert f'"{TITAN}" = "nano" # so far\n' in file.read_text()


def test_a_first_line_makes_the_file_and_nano_needs_none(tmp_path):
    file = tmp_path / "data" / "catalog.toml"
    write_stand_in(file, TITAN, StandIn(model="nano"))
    assert not file.exists()
    line = StandIn(model="a/b", lora_learning_rate=2e-4, is_original=True)
    write_stand_in(file, TITAN, line)
    assert read_stand_ins(file) == {TITAN: line}


def test_a_line_is_good_for_the_variants_of_its_id_unless_they_have_their_own(catalogue, tiny):
    key = catalogue.store.import_folder(tiny).key
    _write(catalogue, f'[stand-ins]\n"{TITAN}" = "{key}"\n"{HAIKU}" = "{key}"\n"{HAIKU}:200k" = "nano"\n')
    keys = {model.model_id: catalogue.weights_of(model.model_id).key for model in every_foundation_model()}
    assert {model_id for model_id, found in keys.items() if found == key} == {TITAN, f"{TITAN}:0:4k", HAIKU}
    write_stand_in(catalogue.file, f"{TITAN}:0:4k", StandIn(model="nano"))
    assert catalogue.weights_of(f"{TITAN}:0:4k").key == "nano"
