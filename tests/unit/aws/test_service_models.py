"""What the compiled models say, at the places where a mistake would be silent."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tanren.aws.sdk_overlay import MODELS_FOLDER
from tanren.aws.service_models import load_service


def test_both_bedrock_services_sign_as_bedrock_and_their_operations_are_complete() -> None:
    control, runtime = load_service("bedrock"), load_service("bedrock-runtime")
    assert (control.signing_name, runtime.signing_name) == ("bedrock", "bedrock")
    # AWS's 108, and four of the SDK overlay's.
    assert (len(control.operation_names), len(runtime.operation_names)) == (112, 11)
    assert control.protocol == "rest-json"
    assert load_service("bedrock") is control


def test_an_operation_keeps_its_uri_status_and_errors_as_modelled() -> None:
    operation = load_service("bedrock").operation("CreateModelCustomizationJob")
    assert (operation.method, operation.uri, operation.status) == ("POST", "/model-customization-jobs", 201)
    assert operation.errors["ConflictException"].status == 400
    assert operation.input is not None
    assert operation.input.members["clientRequestToken"].is_idempotency_token
    assert operation.input.members["trainingDataConfig"].is_required
    assert operation.output_stream is None


def test_places_and_formats_of_members_are_read_from_their_traits() -> None:
    listing = load_service("bedrock").operation("ListCustomModels").input
    assert listing is not None
    assert listing.members["creationTimeAfter"].location == "querystring"
    assert listing.members["creationTimeAfter"].timestamp_format == "iso8601"
    invoke = load_service("bedrock-runtime").operation("InvokeModel").input
    assert invoke is not None
    assert invoke.members["body"].location == "payload"
    assert invoke.members["trace"].wire_name == "X-Amzn-Bedrock-Trace"
    assert invoke.members["modelId"].location == "uri"


def test_recursive_and_shared_shapes_are_compiled_once() -> None:
    service = load_service("bedrock-runtime")
    assert service.shape("Message") is service.shape("Message")


def test_the_service_tanren_signs_under_its_own_name_and_has_a_document_for_every_operation_and_member() -> None:
    service = load_service("tanren")
    assert (service.signing_name, service.protocol) == ("tanren", "rest-json")
    model = json.loads((MODELS_FOLDER / "tanren" / "2026-11-21" / "service-2.json").read_text())
    undocumented = [name for name, operation in model["operations"].items() if not operation.get("documentation")]
    undocumented += [
        f"{name}.{member}"
        for name, shape in model["shapes"].items()
        for member, reference in shape.get("members", {}).items()
        if member != "message" and not reference.get("documentation")
    ]
    assert undocumented == []


def test_what_whoever_starts_a_server_has_in_its_own_models_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "bedrock" / "2023-04-20"
    folder.mkdir(parents=True)
    (folder / "service-2.sdk-extras.json").write_text('{"version": 1.0, "merge": {"operations": {"Mine": {}}}}')
    program = (
        "from tanren.aws.service_models import load_service; print('Mine' in load_service('bedrock').operation_names)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "AWS_DATA_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize("name", ["s3", "sts", "iam", "dynamodb", "lambda"])
def test_any_other_service_of_botocore_compiles_as_well(name: str) -> None:
    assert len(list(load_service(name).operations())) > 5
