"""AWS's words for each constraint, all violations at once, and the deliberate exceptions."""

import time
from typing import Any

import pytest

from tanren.aws.service_models import Operation, Shape, load_service
from tanren.aws.validation import DEVIATIONS, pattern_of, validate
from tanren.domain.errors import ValidationFailed
from tests.protocol.sampling import Sampler

BEDROCK = load_service("bedrock")
RUNTIME = load_service("bedrock-runtime")
ARN = "arn:aws:bedrock:us-east-1:123456789012:"


def operation(name: str) -> Operation:
    return (BEDROCK if name in BEDROCK.operation_names else RUNTIME).operation(name)


def violations(name: str, params: dict[str, Any]) -> str:
    with pytest.raises(ValidationFailed) as raised:
        validate(operation(name), params)
    return str(raised.value)


def job(**changes: Any) -> dict[str, Any]:
    params = Sampler(1).structure(BEDROCK.operation("CreateModelCustomizationJob").input)  # pyright: ignore
    params.pop("customizationConfig", None)
    return {name: value for name, value in {**params, **changes}.items() if value is not None}


def test_all_violations_are_reported_at_once_in_the_words_of_aws() -> None:
    message = violations("CreateModelCustomizationJob", job(jobName="bad name!", roleArn=None, customizationType="X"))
    assert message == (
        "3 validation errors detected: "
        "Value 'bad name!' at 'jobName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9\\+\\-\\.])*; "
        "Value null at 'roleArn' failed to satisfy constraint: Member must not be null; "
        "Value 'X' at 'customizationType' failed to satisfy constraint: Member must satisfy enum value set: "
        "[FINE_TUNING, CONTINUED_PRE_TRAINING, DISTILLATION, REINFORCEMENT_FINE_TUNING, IMPORTED]"
    )


def test_one_violation_is_one_error() -> None:
    assert violations("CreateModelCustomizationJob", job(jobName="a" * 64)) == (
        f"1 validation error detected: Value '{'a' * 64}' at 'jobName' failed to satisfy constraint: "
        "Member must have length less than or equal to 63"
    )


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        (
            "ListCustomModels",
            {"maxResults": 0},
            "Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        ("ListCustomModels", {"maxResults": 1001}, "Member must have value less than or equal to 1000"),
        (
            "Converse",
            {"modelId": "m", "inferenceConfig": {"temperature": 1.5}},
            "at 'inferenceConfig.temperature' failed to satisfy constraint: "
            "Member must have value less than or equal to 1",
        ),
        ("Converse", {"modelId": "m", "inferenceConfig": {"topP": float("nan")}}, "at 'inferenceConfig.topP'"),
        ("TagResource", {"resourceARN": "x", "tags": []}, "at 'resourceARN' failed"),
        (
            "TagResource",
            {"resourceARN": ARN + "provisioned-model/abcdef123456", "tags": [{"key": "a", "value": "b"}, {"key": ""}]},
            "Value null at 'tags.2.member.value'",
        ),
        (
            "InvokeModel",
            {"modelId": "m", "body": b"x" * 25_000_001},
            "Value at 'body' failed to satisfy constraint: Member must have length less than or equal to 25000000",
        ),
    ],
)
def test_ranges_sizes_and_nested_members_are_named(name: str, params: dict[str, Any], message: str) -> None:
    assert message in violations(name, params)


def test_a_long_value_is_shown_in_part_and_a_sensitive_one_not_at_all() -> None:
    assert len(violations("CreateModelCustomizationJob", job(roleArn="x" * 2000))) < 1000
    secret = Shape(service="t", name="Secret", kind="string", maximum=1, is_sensitive=True)
    from tanren.aws.validation import _violations

    assert list(_violations("s3cret", secret, "token")) == [
        "Value at 'token' failed to satisfy constraint: Member must have length less than or equal to 1"
    ]


MODEL_IDS = [
    ("CreateProvisionedModelThroughput", ARN + "custom-model/customer-service-titan"),
    ("CreateProvisionedModelThroughput", ARN + "custom-model/amazon.titan-text-express-v1:0:8k/abcdef123456"),
    ("CreateProvisionedModelThroughput", "customer-service-titan"),
    ("CreateProvisionedModelThroughput", "amazon.titan-text-express-v1"),
    ("InvokeModel", ARN + "provisioned-model/abcdef123456"),
    ("InvokeModel", ARN + "custom-model/customer-service-titan"),
    ("InvokeModel", ARN + "custom-model/amazon.titan-text-express-v1:0:8k/abcdef123456"),
    ("InvokeModel", "us.anthropic.claude-3-5-sonnet-20241022-v2:0"),
    ("Converse", ARN + "custom-model-deployment/abcdef123456"),
    ("GetCustomModel", ARN + "custom-model/customer-service-titan"),
]


@pytest.mark.parametrize(("name", "model_id"), MODEL_IDS)
def test_the_model_identifiers_that_scripts_send_are_accepted(name: str, model_id: str) -> None:
    member = "modelIdentifier" if name == "GetCustomModel" else "modelId"
    params = {member: model_id}
    if name == "CreateProvisionedModelThroughput":
        params |= {"modelUnits": 1, "provisionedModelName": "pt"}  # pyright: ignore
    validate(operation(name), params)


def test_the_judge_samples_of_aws_with_task_type_general_are_accepted() -> None:
    dataset = {"name": "d", "datasetLocation": {"s3Uri": "s3://bucket/d.jsonl"}}
    metrics = {"taskType": "General", "dataset": dataset, "metricNames": ["Builtin.Correctness"]}
    evaluator = {"bedrockEvaluatorModels": [{"modelIdentifier": ARN + "custom-model/my-judge"}]}
    params: dict[str, Any] = {
        "jobName": "judge",
        "roleArn": "arn:aws:iam::123456789012:role/r",
        "evaluationConfig": {"automated": {"datasetMetricConfigs": [metrics], "evaluatorModelConfig": evaluator}},
        "inferenceConfig": {"models": [{"bedrockModel": {"modelIdentifier": ARN + "custom-model/tuned"}}]},
        "outputDataConfig": {"s3Uri": "s3://bucket/out/"},
    }
    validate(operation("CreateEvaluationJob"), params)
    metrics["taskType"] = "Gen eral"
    assert "taskType" in violations("CreateEvaluationJob", params)


def test_every_deviation_names_a_shape_that_exists_and_gives_a_reason() -> None:
    for deviation in DEVIATIONS:
        shape = load_service(deviation.service).shape(deviation.shape)
        assert shape.pattern or deviation.ignore_enum
        assert len(deviation.reason) > 20


def every_pattern() -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for service in (BEDROCK, RUNTIME, load_service("iam"), load_service("sts")):
        for op in service.operations():
            stack = [shape for shape in (op.input, op.output) if shape]
            seen: set[int] = set()
            while stack:
                shape = stack.pop()
                if id(shape) in seen:
                    continue
                seen.add(id(shape))
                if shape.pattern:
                    longest = int(shape.maximum) if shape.maximum is not None else 4096
                    found[shape.pattern] = max(found.get(shape.pattern, 0), min(longest, 4096))
                stack += [member.shape for member in shape.members.values()]
                stack += [shape for shape in (shape.element, shape.key) if shape]
    return sorted(found.items())


def test_no_pattern_of_the_models_can_be_made_slow() -> None:
    patterns = every_pattern()
    assert len(patterns) > 100
    began = time.process_time()
    for java, longest in patterns:
        pattern = pattern_of(java)
        for seed in ("a", "-", "a-", "a.", "0", "a_", ":", ARN + "custom-model/a", "s3://aaa/a/"):
            for text in ((seed + seed[-1] * longest), seed * longest):
                pattern.fullmatch(text[: longest - 1] + "☃")
    assert time.process_time() - began < 10


def test_unicode_categories_of_java_are_understood_in_and_outside_classes() -> None:
    pattern = pattern_of(r"\p{L}[\p{L}\p{M}0-9_]*( [\p{L}\p{M}0-9_]+)*")
    assert pattern.fullmatch("Übung e\u0301 9")
    assert not pattern.fullmatch("9bung")
    assert not pattern.fullmatch("Übung-x")


def test_a_word_character_of_java_is_ascii() -> None:
    pattern = pattern_of(r"[\w+=,.@-]+")
    assert pattern.fullmatch("anna_b+1@x")
    assert not pattern.fullmatch("アンナ")
