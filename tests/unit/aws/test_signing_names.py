import itertools

import pytest
from ministack.core.router import detect_service

from tanren.aws.authorization_neighbours import _TARGETS, _WITH_ACTION
from tanren.aws.errors import WireError
from tanren.aws.signing_names import IAM_PREFIXES, iam_prefix_of

PATHS = (
    *("/", "/bucket/key", "/2015-03-31/functions/f/invocations", "/2021-01-01/domain", "/latest/meta-data/iam"),
    *("/v2/credentials", "/v2/apis", "/restapis", "/clusters", "/v1/chat/completions", "/2013-04-01/hostedzone"),
)
QUERIES: tuple[dict[str, list[str]], ...] = ({}, {"Action": ["SendMessage"]}, {"Action": ["GetUser"]})


@pytest.mark.parametrize("signing_name", IAM_PREFIXES)
def test_the_neighbour_finds_one_service_by_a_name_whatever_the_path_and_the_query(signing_name: str):
    scope = f"123456789012/20261121/us-east-1/{signing_name}/aws4_request"
    headers = {"host": "localhost:4500", "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0"}
    found = {
        detect_service(method, path, headers, query)
        for method, path, query in itertools.product(("GET", "POST", "DELETE"), PATHS, QUERIES)
    }
    assert len(found) == 1
    assert "s3" not in found or signing_name == "s3"


def test_no_two_names_are_one_service_of_the_neighbour():
    of_name = {
        name: detect_service(
            "GET", "/", {"authorization": f"AWS4-HMAC-SHA256 Credential=1/2/3/{name}/aws4_request"}, {}
        )
        for name in IAM_PREFIXES
    }
    shared = {name for name, service in of_name.items() if list(of_name.values()).count(service) > 1}
    assert shared == set()


def test_targets_and_actions_are_of_services_in_the_table():
    assert (_TARGETS.keys() | _WITH_ACTION) <= IAM_PREFIXES.keys()
    assert _TARGETS.keys() & _WITH_ACTION == {"monitoring", "sqs"}


@pytest.mark.parametrize(
    "name", ["foo", "opensearch", "s3express", "execute-api", "iot-data", "evil.example:8443#", ""]
)
def test_a_name_that_is_not_in_the_table_is_refused(name: str):
    with pytest.raises(WireError, match="is none that this server forwards"):
        iam_prefix_of(name)


def test_iam_has_its_own_names_for_some():
    assert iam_prefix_of("monitoring") == "cloudwatch"
    assert iam_prefix_of("tagging") == "tag"
    assert iam_prefix_of("lambda") == "lambda"
