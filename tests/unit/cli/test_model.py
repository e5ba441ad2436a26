"""`tanren model …`: custom and imported models by one noun, whichever the name means."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tanren.domain.errors import ResourceNotFound, ValidationFailed
from tests.unit.cli.fake_services import FakeServices, refusal

CUSTOM = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.titan-text-express-v1/aaaaaaaaaaaa"
IMPORTED = "arn:aws:bedrock:us-east-1:123456789012:imported-model/bbbbbbbbbbbb"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def models(services: FakeServices) -> FakeServices:
    """A custom model `tuned` and an imported one, `llama`, which is newer."""
    known = {"GetCustomModel": ("tuned", CUSTOM), "GetImportedModel": ("llama", IMPORTED)}

    def getter(operation: str) -> Any:
        name, arn = known[operation]

        def get(asked: dict[str, str]) -> dict[str, str]:
            if asked["modelIdentifier"] not in (name, arn):
                raise refusal("ResourceNotFoundException", f"no '{asked['modelIdentifier']}'")
            return {"modelName": name, "modelArn": arn}

        return get

    services.answers |= {operation: getter(operation) for operation in known} | {
        "ListCustomModels": {
            "modelSummaries": [
                {"modelName": "tuned", "modelArn": CUSTOM, "baseModelName": "Titan", "creationTime": NOON}
            ]
        },
        "ListImportedModels": {
            "modelSummaries": [
                {
                    "modelName": "llama",
                    "modelArn": IMPORTED,
                    "modelArchitecture": "LlamaForCausalLM",
                    "creationTime": NOON.replace(hour=13),
                }
            ]
        },
        "DeleteCustomModel": {},
        "DeleteImportedModel": {},
    }
    return services


def test_list_has_both_kinds_the_newest_first(models, at_tanren, tanren):
    found = json.loads(tanren("model", "list", "-o", "json", "--name-contains", "a").stdout)
    assert [(each["modelName"], each["kind"]) for each in found] == [("llama", "imported"), ("tuned", "custom")]
    assert models.made("ListCustomModels") == models.made("ListImportedModels") == [{"nameContains": "a"}]
    shown = tanren("model", "list").stdout
    assert "LlamaForCausalLM" in shown
    assert "Titan" in shown


@pytest.mark.parametrize(("name", "arn"), [("tuned", CUSTOM), ("llama", IMPORTED), (IMPORTED, IMPORTED)])
def test_get_finds_either_by_name_or_arn(models, at_tanren, tanren, name: str, arn: str):
    assert json.loads(tanren("model", "get", name, "-o", "json").stdout)["modelArn"] == arn


def test_one_that_is_neither_is_told(models, at_tanren, tanren):
    error = tanren("model", "get", "x").exception
    assert isinstance(error, ResourceNotFound)
    assert "no custom or imported model 'x' here" in str(error)


@pytest.mark.parametrize(("name", "operation"), [("tuned", "DeleteCustomModel"), ("llama", "DeleteImportedModel")])
def test_delete_asks_first_and_takes_the_right_kind(models, at_tanren, tanren, name: str, operation: str):
    assert isinstance(tanren("model", "delete", name).exception, ValidationFailed)
    assert models.made(operation) == []
    assert tanren("model", "delete", name, "--yes").exit_code == 0
    assert models.made(operation) == [{"modelIdentifier": CUSTOM if name == "tuned" else IMPORTED}]


def test_import_and_copy_print_the_job_and_may_wait_for_it(models, at_tanren, tanren, monkeypatch):
    monkeypatch.setattr("tanren.cli.waiting.time.sleep", lambda _: None)
    imports = iter([{"status": "InProgress"}, {"status": "Completed"}])
    models.answers |= {
        "CreateModelImportJob": {"jobArn": "arn:import"},
        "GetModelImportJob": lambda _: next(imports),
        "CreateModelCopyJob": {"jobArn": "arn:copy"},
    }
    role = "arn:aws:iam::123456789012:role/R"
    result = tanren("model", "import", "llama2", "s3://b/llama/", "--role-arn", role, "--wait")
    assert (result.stdout, result.exit_code) == ("arn:import\n", 0)
    (asked,) = models.made("CreateModelImportJob")
    assert asked["jobName"].startswith("llama2-")
    assert asked["modelDataSource"] == {"s3DataSource": {"s3Uri": "s3://b/llama/"}}
    assert json.loads(tanren("model", "copy", CUSTOM, "second", "-o", "json").stdout) == {"jobArn": "arn:copy"}


def test_lineage_is_a_tree_from_the_foundation_down(models, at_tanren, tanren):
    chain = [
        {"modelArn": CUSTOM, "modelName": "tuned", "customizationType": "FINE_TUNING", "isDeleted": False},
        {"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-express-v1", "isDeleted": False},
    ]
    child = {"modelArn": "arn:x/y", "modelName": "child", "isDeleted": True}
    models.answers["GetModelLineage"] = {"ancestors": chain, "descendants": [child], "weights": "nano-v1"}
    lines = tanren("model", "lineage", "tuned").stdout.splitlines()
    assert lines[0].startswith("amazon.titan-text-express-v1  (nano-v1)")
    assert "tuned  FINE_TUNING" in lines[1]
    assert "child  deleted" in lines[2]


def test_export_needs_a_data_directory_in_which_a_server_was_started(tanren, tmp_path):
    error = tanren("model", "export", "tuned", str(tmp_path / "out"), "--data-dir", str(tmp_path)).exception
    assert isinstance(error, ResourceNotFound)
    earlier = tanren("models", "export", "tuned", "out", "--data-dir", str(tmp_path))
    assert isinstance(earlier.exception, ResourceNotFound)
