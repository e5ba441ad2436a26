"""What the compiled models say, at the places where a mistake would be silent."""

import pytest

from tanren.aws.service_models import load_service


def test_both_bedrock_services_sign_as_bedrock_and_their_operations_are_complete() -> None:
    control, runtime = load_service("bedrock"), load_service("bedrock-runtime")
    assert (control.signing_name, runtime.signing_name) == ("bedrock", "bedrock")
    assert (len(control.operation_names), len(runtime.operation_names)) == (108, 11)
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


@pytest.mark.parametrize("name", ["s3", "sts", "iam", "dynamodb", "lambda"])
def test_any_other_service_of_botocore_compiles_as_well(name: str) -> None:
    assert len(list(load_service(name).operations())) > 5
