"""`tanren models …` over a data directory and a hub on loopback."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tanren.catalog.weights import WeightsCatalogue
from tanren.cli import models as models_module
from tanren.cli.main import app
from tanren.domain.errors import Conflict, ResourceNotFound, TanrenError, ValidationFailed
from tanren.model_files import hub as hub_module
from tanren.model_files.hub import Hub
from tanren.storage.custom_models import CustomModels
from tanren.storage.database import Database, sqlite_url
from tests.unit.model_files.fake_hub import REPOSITORY

TITAN = "amazon.titan-text-lite-v1"
Command = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def tanren(data: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `tanren models ARGUMENTS`; an error comes out of it."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(app, ["models", *arguments, "--data-dir", str(data)])
        if isinstance(result.exception, TanrenError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result

    return run


@pytest.fixture
def online(hub, monkeypatch):
    monkeypatch.setattr(hub_module, "Hub", lambda: Hub(endpoint=hub.url))
    return hub


def test_pull_says_what_it_does_and_prints_the_key(tanren, online, data):
    result = tanren("pull", REPOSITORY)
    commit = online.repositories[REPOSITORY].commit
    assert result.stdout == f"forge--tiny-llama--{commit[:12]}\n"
    for told in (commit, "apache-2.0", online.url, str(data / "models")):
        assert told in result.stderr
    assert "already" in tanren("pull", REPOSITORY, "--revision", commit).stderr


def test_use_gets_what_is_missing_pins_it_and_nano_comes_back(tanren, online, data):
    tanren("use", TITAN, REPOSITORY)
    catalogue = WeightsCatalogue(data)
    commit = online.repositories[REPOSITORY].commit
    assert catalogue.weights_of(TITAN).name == REPOSITORY
    assert catalogue.lines()[TITAN].revision == commit
    # The main branch goes on; what was chosen stays.
    online.repositories[REPOSITORY].commit = "b" * 40
    tanren("pull", REPOSITORY)
    assert WeightsCatalogue(data).weights_of(TITAN).revision == commit
    for back in (["--nano"], ["nano"]):
        tanren("use", TITAN, *back)
        assert WeightsCatalogue(data).weights_of(TITAN).key == "nano"


def test_use_takes_a_folder_rates_and_the_users_word(tanren, tiny_model, data):
    told = tanren("use", TITAN, str(tiny_model), "--original", "--lora-rate", "0.5").stderr
    weights = WeightsCatalogue(data).weights_of(TITAN)
    assert (weights.name, weights.is_original, weights.lora_learning_rate) == ("tiny-llama", True, 0.5)
    assert "shown as 'tiny-llama'" in told


def test_a_second_revision_under_a_line_without_one_is_told_at_the_pull(tanren, online, data):
    tanren("pull", REPOSITORY)
    (data / "catalog.toml").write_text(f'[stand-ins]\n"{TITAN}" = "{REPOSITORY}"\n')
    assert WeightsCatalogue(data).weights_of(TITAN).name == REPOSITORY
    online.repositories[REPOSITORY].commit = "b" * 40
    assert "several revisions" in tanren("pull", REPOSITORY).stderr


def test_list_and_show_say_licence_size_revision_and_memory(tanren, tiny_model):
    key = tanren("import", str(tiny_model)).stdout.strip()
    tanren("use", TITAN, key)
    shown = json.loads(tanren("show", TITAN).stdout)
    assert (shown["key"], shown["licence"], shown["architecture"]) == (key, "apache-2.0", "LlamaForCausalLM")
    assert shown["neededBy"] == [shown["neededBy"][0]]
    assert TITAN in shown["neededBy"][0]
    assert shown["memoryBytes"]["serve"] < shown["memoryBytes"]["lora"] < shown["memoryBytes"]["full"]
    listed = json.loads(tanren("list", "--output", "json").stdout)
    assert {row["modelId"]: row["key"] for row in listed["models"]}[TITAN] == key
    assert [row["key"] for row in listed["weights"]] == ["nano", key]
    table = tanren("list").stdout
    for told in (TITAN, key, "apache-2.0", "stand-in: tiny-llama", "memory available"):
        assert told in table


def test_a_missing_model_is_shown_in_the_list_and_not_hidden(tanren, data):
    data.mkdir()
    (data / "catalog.toml").write_text(f'[stand-ins]\n"{TITAN}" = "a/b"\n')
    assert "models pull a/b" in tanren("list").stdout


def test_what_is_needed_is_not_removed_and_the_refusal_says_by_whom(
    tanren, tiny_model, data, migrated_file, plane, scope
):
    key = tanren("import", str(tiny_model)).stdout.strip()
    tanren("use", TITAN, key)
    with pytest.raises(Conflict, match=TITAN):
        tanren("remove", key)
    bound = WeightsCatalogue(data).weights_of(TITAN).bound()
    tanren("use", TITAN, "--nano")

    (data / "tanren.db").write_bytes(migrated_file.read_bytes())
    database = Database(sqlite_url(data / "tanren.db"))
    model = plane.models.get(scope, plane.has_model(scope))
    adapter = data / "artifacts" / model.artifact_path
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text("{}")
    with database.writing() as connection:
        CustomModels(database).add(connection, scope, replace(model, request={"weights": bound.to_json()}))
    with pytest.raises(Conflict, match="custom model tuned"):
        tanren("remove", key)
    with database.writing() as connection:
        CustomModels(database).remove(connection, model.model_arn)
    database.close()
    tanren("remove", key)
    with pytest.raises(ResourceNotFound):
        tanren("show", key)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("use", "amazon.no-such-v1", "nano"), "no id of the catalogue"),
        (("use", "tanren.nano-v1:0", "a/b"), "nothing else may answer"),
        (("use", TITAN), "Say which weights"),
        (("use", TITAN, "./here", "--revision", "x"), "goes with a repository"),
        (("import", "/no/such/folder"), "is no folder"),
    ],
)
def test_a_wrong_command_is_refused_with_the_right_one(tanren, arguments, text):
    with pytest.raises(ValidationFailed, match=text):
        tanren(*arguments)


def test_export_without_a_server_or_a_model_says_so(tanren, data, migrated_file, tmp_path):
    with pytest.raises(ResourceNotFound, match="No server has been started"):
        tanren("export", "tuned", str(tmp_path / "out"))
    data.mkdir()
    (data / "tanren.db").write_bytes(migrated_file.read_bytes())
    with pytest.raises(TanrenError, match="no custom model 'tuned'"):
        tanren("export", "tuned", str(tmp_path / "out"))


def test_a_size_is_told_in_the_unit_that_fits():
    assert [models_module._size(n) for n in (5, 1500, 7_900_000, 2_000_000_000)] == [
        "5 B",
        "1.5 kB",
        "7.9 MB",
        "2.0 GB",
    ]
