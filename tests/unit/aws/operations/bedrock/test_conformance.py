"""Requests for models, their imports, copies, policies and access, right and wrong, drawn from the service model: never
a 5xx, never an error that the model has not."""

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tanren.aws.chain import build_application
from tanren.aws.errors import COMMON_STATUSES
from tanren.aws.operations.bedrock.custom_models import custom_model_handlers
from tanren.aws.operations.bedrock.foundation_model_agreements import foundation_model_agreement_handlers
from tanren.aws.operations.bedrock.imported_models import imported_model_handlers
from tanren.aws.operations.bedrock.inference_profiles import inference_profile_handlers
from tanren.aws.operations.bedrock.model_copy_jobs import model_copy_job_handlers
from tanren.aws.operations.bedrock.model_import_jobs import model_import_job_handlers
from tanren.aws.operations.bedrock.resource_policies import resource_policy_handlers
from tanren.aws.service_models import Shape, load_service
from tanren.domain.scope import Scope
from tests.protocol.loopback import OneKey, client

HOME = Scope(account_id="123456789012", region="us-east-1")
ELSEWHERE = Scope(account_id="123456789012", region="eu-west-1")
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
POLICY = (
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "bedrock:*",'
    ' "Resource": "*"}}'
)
COMMON = COMMON_STATUSES.keys() | {"SerializationException"}
WRONG = ("x" * 64, "bad name!", "刀", "", "/", "☃\x00", "{}", "[" * 2000, "arn:aws:bedrock:us-east-1:1:x/y", "-")
NAMES = ("mine", "tuned", "theirs", "mylama", "one")


def right_values(plane: Any) -> dict[str, tuple[Any, ...]]:
    """Member → what it is for, so that requests reach further than the validation."""
    tuned, theirs = plane.has_model(HOME, "tuned"), plane.has_model(ELSEWHERE, "theirs")
    imported = plane.has_imported_model(HOME, "mylama")
    arns = (tuned, theirs, imported)
    right: dict[str, tuple[Any, ...]] = {
        "roleArn": ("arn:aws:iam::123456789012:role/R", "arn:aws:iam::210987654321:role/R"),
        "s3Uri": ("s3://my-bucket/folder/", "s3://my-bucket", "s3://my-bucket/a/b"),
        "clientRequestToken": ("t1", "t2"),
        "key": ("team", "cost"),
        "value": ("forge", ""),
        "statusEquals": ("InProgress", "Completed"),
        "modelStatus": ("Creating", "Active"),
        "sortBy": ("CreationTime",),
        "sortOrder": ("Ascending", "Descending"),
        "typeEquals": ("SYSTEM_DEFINED", "APPLICATION"),
        "offerType": ("ALL", "PUBLIC"),
        "resourcePolicy": (POLICY,),
        "modelId": (HAIKU, "amazon.nova-lite-v1:0", "amazon.no-such-v1"),
        "inferenceProfileIdentifier": ("us.amazon.nova-lite-v1:0", "eu.amazon.nova-lite-v1:0"),
        "jobArn": ("arn:aws:bedrock:us-east-1:123456789012:model-copy-job/aaaaaaaaaaaa",),
    }
    right |= dict.fromkeys(("jobName", "importedModelName", "modelName", "targetModelName", "nameContains"), NAMES)
    return right | dict.fromkeys(
        ("sourceModelArn", "resourceArn", "modelIdentifier", "jobIdentifier", "sourceModelArnEquals"), (*arns, *NAMES)
    )


def values_of(shape: Shape, name: str, right: dict[str, tuple[Any, ...]]) -> st.SearchStrategy[Any]:
    if shape.kind == "structure":
        members = {key: values_of(member.shape, key, right) for key, member in shape.members.items()}
        if shape.is_union:
            return st.sampled_from(sorted(members)).flatmap(lambda key: st.fixed_dictionaries({key: members[key]}))
        return st.fixed_dictionaries(
            {key: members[key] for key in shape.required},
            optional={key: value for key, value in members.items() if key not in shape.required},
        )
    if shape.kind == "list":
        assert shape.element is not None
        return st.lists(values_of(shape.element, name, right), max_size=3)
    if shape.kind in ("integer", "long"):
        return st.integers(-1, 1001)
    if shape.kind == "boolean":
        return st.booleans()
    if shape.kind == "timestamp":
        return st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
    if shape.kind == "blob":
        return st.binary(max_size=40)
    texts = st.one_of(st.sampled_from(WRONG), st.text(max_size=8))
    return st.one_of(*[st.sampled_from(right[name])] * 9, texts) if name in right else texts


def test_every_request_is_answered_by_a_result_or_a_modelled_error(plane: Any) -> None:
    handlers = {
        **model_import_job_handlers(plane.imports),
        **imported_model_handlers(plane.imported),
        **custom_model_handlers(plane.models, plane.weights),
        **model_copy_job_handlers(plane.copies),
        **resource_policy_handlers(plane.policies),
        **foundation_model_agreement_handlers(plane.agreements),
        **inference_profile_handlers(),
    }
    application = build_application(
        handlers={"bedrock": handlers, "bedrock-runtime": {}}, access_keys=OneKey(), neighbourhood=None
    )
    bedrock = client(application, "bedrock", parameter_validation=False)
    right = right_values(plane)
    token = bedrock.list_foundation_model_agreement_offers(modelId=HAIKU)["offers"][0]["offerToken"]
    right["offerToken"] = (token, token[:-8])
    method_of = {name: method for method, name in bedrock.meta.method_to_api_mapping.items()}
    operations = [load_service("bedrock").operation(name) for name in sorted(handlers)]
    reached: set[str] = set()

    @settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        operation = data.draw(st.sampled_from(operations), label="operation")
        params = {} if operation.input is None else data.draw(values_of(operation.input, "", right), label="params")
        if any(value == "" for value in params.values()):
            return  # in a path it would be another operation's
        try:
            getattr(bedrock, method_of[operation.name])(**params)
            reached.add(operation.name)
        except ClientError as error:
            response = error.response
            code, status = response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]
            assert status < 500, response
            assert code in operation.errors or code in COMMON, f"{operation.name}: {response}"

    check()
    # Most of the drawing is not for nothing: a good part of the operations has answered with a result.
    assert len(reached) > len(operations) / 2, sorted(reached)
