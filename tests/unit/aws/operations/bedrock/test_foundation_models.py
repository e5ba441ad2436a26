"""boto3 lists foundation models, gets one, and asks for customizations that a family has or has not."""

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tanren.aws.chain import build_application
from tanren.aws.operations.bedrock.customization_jobs import customization_job_handlers
from tanren.aws.operations.bedrock.foundation_models import foundation_model_handlers
from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tests.protocol.loopback import OneKey, client

ARN = "arn:aws:bedrock:us-east-1::foundation-model/"
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.fixture
def bedrock(plane: Any) -> Any:
    handlers = {**foundation_model_handlers(plane.weights), **customization_job_handlers(plane.jobs)}
    app = build_application(
        handlers={"bedrock": handlers, "bedrock-runtime": {}}, access_keys=OneKey(), neighbourhood=None
    )
    return client(app, "bedrock")


def listed(bedrock: Any, **filters: str) -> set[str]:
    return {summary["modelId"] for summary in bedrock.list_foundation_models(**filters)["modelSummaries"]}


def error_of(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_the_list_is_the_whole_catalogue(bedrock: Any):
    assert listed(bedrock) == set(FOUNDATION_MODELS)


@pytest.mark.parametrize("provider", ["Mistral AI", "mistral ai", "MISTRAL AI"])
def test_a_provider_is_found_however_it_is_capitalized(bedrock: Any, provider: str):
    assert listed(bedrock, byProvider=provider) == {name for name in FOUNDATION_MODELS if name.startswith("mistral.")}


def test_a_provider_that_has_no_model_here_gives_none(bedrock: Any):
    assert listed(bedrock, byProvider="Stability AI") == set()


def test_the_list_is_filtered_by_what_can_be_done(bedrock: Any):
    pre_trained = listed(bedrock, byCustomizationType="CONTINUED_PRE_TRAINING")
    tuned = listed(bedrock, byCustomizationType="FINE_TUNING")
    assert pre_trained < tuned < set(FOUNDATION_MODELS)
    assert "amazon.titan-text-express-v1" in pre_trained
    assert {"cohere.command-text-v14", "meta.llama2-13b-v1:0:4k", HAIKU} <= tuned - pre_trained
    assert "anthropic.claude-v2" not in tuned
    assert listed(bedrock, byCustomizationType="DISTILLATION") == set()
    assert listed(bedrock, byOutputModality="TEXT") == set(FOUNDATION_MODELS)
    assert listed(bedrock, byOutputModality="IMAGE") == set()
    assert listed(bedrock, byInferenceType="ON_DEMAND") == set(FOUNDATION_MODELS)
    both = listed(bedrock, byProvider="Amazon", byCustomizationType="CONTINUED_PRE_TRAINING")
    assert both == {name for name in pre_trained if name.startswith("amazon.")}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("byCustomizationType", "fine_tuning"),
        ("byCustomizationType", "REINFORCEMENT_FINE_TUNING"),
        ("byOutputModality", "AUDIO"),
        ("byInferenceType", "INFERENCE_PROFILE"),
        ("byProvider", "no/such"),
    ],
)
def test_a_filter_that_the_service_model_has_not_is_refused(bedrock: Any, name: str, value: str):
    code, message = error_of(bedrock.list_foundation_models, **{name: value})
    assert code == "ValidationException"
    assert value in message


@pytest.mark.parametrize("identifier", [HAIKU, ARN + HAIKU])
def test_a_model_is_got_by_id_and_by_arn(bedrock: Any, identifier: str):
    assert bedrock.get_foundation_model(modelIdentifier=identifier)["modelDetails"] == {
        "modelArn": ARN + HAIKU,
        "modelId": HAIKU,
        "modelName": "stand-in: nano-v1",
        "providerName": "Anthropic",
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": ["FINE_TUNING"],
        "inferenceTypesSupported": ["ON_DEMAND", "PROVISIONED"],
        "modelLifecycle": {"status": "LEGACY"},
    }


def test_no_stand_in_is_shown_under_the_name_of_the_original(bedrock: Any):
    for summary in bedrock.list_foundation_models()["modelSummaries"]:
        is_own = summary["modelId"].startswith("tanren.")
        assert summary["modelName"] == ("nano-v1" if is_own else "stand-in: nano-v1")
        assert len(summary["modelName"]) <= 20


def test_an_unknown_model_is_not_found_and_a_model_for_speech_is_refused(bedrock: Any):
    code, message = error_of(bedrock.get_foundation_model, modelIdentifier="amazon.titan-text-huge-v1")
    assert (code, "amazon.titan-text-express-v1" in message) == ("ResourceNotFoundException", True)
    code, message = error_of(bedrock.get_foundation_model, modelIdentifier="amazon.nova-2-sonic-v1:0")
    assert (code, "speech" in message) == ("ValidationException", True)


def new_job(base: str, customization_type: str) -> dict[str, Any]:
    return {
        "jobName": "job",
        "customModelName": "model",
        "roleArn": "arn:aws:iam::123456789012:role/Mine",
        "baseModelIdentifier": base,
        "customizationType": customization_type,
        "trainingDataConfig": {"s3Uri": "s3://my-bucket/train.jsonl"},
        "outputDataConfig": {"s3Uri": "s3://my-bucket/out/"},
    }


@pytest.mark.parametrize(
    ("base", "customization_type", "said"),
    [
        ("cohere.command-text-v14:7:4k", "CONTINUED_PRE_TRAINING", "it supports FINE_TUNING"),
        ("meta.llama3-1-8b-instruct-v1:0:128k", "CONTINUED_PRE_TRAINING", "it supports FINE_TUNING"),
        ("meta.llama2-13b-v1:0:4k", "CONTINUED_PRE_TRAINING", "it supports FINE_TUNING"),
        (ARN + HAIKU, "CONTINUED_PRE_TRAINING", "it supports FINE_TUNING"),
        ("anthropic.claude-v2", "FINE_TUNING", "it supports none: it can only be invoked"),
        ("amazon.nova-lite-v1:0:300k", "DISTILLATION", "DISTILLATION is not implemented"),
        ("amazon.nova-2-omni-v1:0", "FINE_TUNING", "several media"),
    ],
)
def test_a_customization_that_a_family_has_not_is_refused_with_those_that_it_has(
    bedrock: Any, base: str, customization_type: str, said: str
):
    code, message = error_of(bedrock.create_model_customization_job, **new_job(base, customization_type))
    assert code == "ValidationException"
    assert said in message
    assert bedrock.list_model_customization_jobs()["modelCustomizationJobSummaries"] == []


@pytest.mark.parametrize(
    ("base", "given", "said"),
    [
        ("amazon.nova-micro-v1:0:128k", {"learningRate": "0.001"}, r"learningRate.*1e-06 to 0\.0001"),
        ("cohere.command-text-v14", {"batchSize": "16"}, "batchSize.*8 to 8"),
        ("cohere.command-text-v14", {"evalPercentage": "80"}, "evalPercentage.*5 to 50"),
        ("meta.llama3-2-1b-instruct-v1:0", {"learningRateWarmupSteps": "5"}, "unknown key 'learningRateWarmupSteps'"),
        (HAIKU, {"learningRate": "0.00001"}, "unknown key 'learningRate'.*learningRateMultiplier"),
    ],
)
def test_a_hyperparameter_out_of_its_familys_bounds_is_refused(
    bedrock: Any, base: str, given: dict[str, str], said: str
):
    code, message = error_of(
        bedrock.create_model_customization_job, **new_job(base, "FINE_TUNING"), hyperParameters=given
    )
    assert code == "ValidationException"
    assert re.search(said, message)


@pytest.mark.parametrize("base", ["cohere.command-text-v14:7:4k", "amazon.nova-2-lite-v1:0:256k"])
def test_a_customization_that_a_family_has_makes_a_job(bedrock: Any, base: str):
    arn = bedrock.create_model_customization_job(**new_job(base, "FINE_TUNING"))["jobArn"]
    assert f":model-customization-job/{base}/" in arn
