"""Every request URI of both services leads to its operation, however the client writes an ARN."""

import string

import pytest
from botocore.utils import percent_encode
from hypothesis import given
from hypothesis import strategies as st

from tanren.aws.errors import WireError
from tanren.aws.routing import Route, Router
from tanren.aws.service_models import load_service

SERVICES = [load_service("bedrock"), load_service("bedrock-runtime")]
ROUTER = Router(SERVICES)
ALL = [(service.name, *item) for service in SERVICES for item in service.methods_and_uris()]
JOB = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.titan-v1:0:8k/abcdef123456"
MODEL = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdef123456"

labels = st.text(min_size=1, max_size=40)


@given(st.sampled_from(ALL), st.lists(labels, min_size=3, max_size=3))
def test_every_operation_is_reached_with_any_label_encoded_into_one_segment(
    item: tuple[str, str, str, str], values: list[str]
) -> None:
    service, name, method, uri = item
    names = [field for _, field, _, _ in string.Formatter().parse(uri.partition("?")[0]) if field]
    given_labels = dict(zip(names, values, strict=False))
    path = uri.partition("?")[0]
    for label, value in given_labels.items():
        path = path.replace("{" + label + "}", percent_encode(value, safe="-_.~"))
    assert ROUTER.resolve(method, path) == Route(service=service, operation=name, labels=given_labels)


@pytest.mark.parametrize("arn", [JOB, JOB.replace(":", "%3A").replace("/", "%2F"), JOB.replace("/", "%2F")])
def test_an_arn_in_one_encoded_segment_or_raw_reaches_its_operation(arn: str) -> None:
    stop = ROUTER.resolve("POST", f"/model-customization-jobs/{arn}/stop")
    assert (stop.operation, stop.labels) == ("StopModelCustomizationJob", {"jobIdentifier": JOB})
    get = ROUTER.resolve("GET", f"/model-customization-jobs/{arn}")
    assert (get.operation, get.labels) == ("GetModelCustomizationJob", {"jobIdentifier": JOB})


@pytest.mark.parametrize("verb", ["invoke", "invoke-with-response-stream", "converse", "converse-stream"])
def test_a_raw_model_arn_ends_where_the_verb_begins(verb: str) -> None:
    assert ROUTER.resolve("POST", f"/model/{MODEL}/{verb}").labels == {"modelId": MODEL}


def test_the_more_literal_of_two_readings_of_a_raw_arn_wins() -> None:
    policy = "arn:aws:bedrock:us-east-1:123456789012:automated-reasoning-policy/abcdef123456"
    found = ROUTER.resolve("GET", f"/automated-reasoning-policies/{policy}/test-cases/abc")
    assert found.operation == "GetAutomatedReasoningPolicyTestCase"
    assert found.labels == {"policyArn": policy, "testCaseId": "abc"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("PUT", "/model-customization-jobs"),
        ("GET", "/custom-models/"),
        ("GET", "/custom-models//x"),
        ("POST", "/model/amazon/titan/invoke"),
        ("GET", "/"),
        ("GET", ""),
    ],
)
def test_an_unknown_path_or_method_is_an_unknown_operation(method: str, path: str) -> None:
    with pytest.raises(WireError) as raised:
        ROUTER.resolve(method, path)
    assert (raised.value.code, raised.value.status) == ("UnknownOperationException", 404)


def test_two_operations_with_one_method_and_path_are_refused_when_the_router_is_made() -> None:
    with pytest.raises(ValueError, match="both claim"):
        Router([SERVICES[0], SERVICES[0]])
