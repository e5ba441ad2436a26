import re

import botocore.session
import pytest

from tanren.catalog.foundation_models import every_foundation_model
from tanren.domain import arns


@pytest.mark.parametrize("model", list(every_foundation_model()), ids=lambda model: model.model_id)
def test_the_arns_that_we_make_fit_the_patterns_of_the_service_model(model, scope):
    pattern_of = {
        "ModelCustomizationJobArn": arns.customization_job_arn(scope, model.model_id, "abcdefghijkl"),
        "CustomModelArn": arns.custom_model_arn(scope, model.model_id, "abcdefghijkl"),
        "FoundationModelArn": arns.foundation_model_arn(scope.region, model.model_id),
        "ProvisionedModelArn": arns.provisioned_model_arn(scope, "abcdefghijkl"),
        "CustomModelDeploymentArn": arns.custom_model_deployment_arn(scope, "abcdefghijkl"),
        "BaseModelIdentifier": model.model_id,
        "ModelIdentifier": model.model_id,
    }
    shapes = botocore.session.get_session().get_service_model("bedrock").shape_for
    for shape, text in pattern_of.items():
        assert re.fullmatch(shapes(shape).metadata["pattern"], text), (shape, text)


def test_an_arn_is_read_whether_or_not_it_is_percent_encoded(scope):
    text = arns.custom_model_arn(scope, "amazon.titan-text-express-v1:0:8k", "abcdefghijkl")
    plain = arns.parse_arn(text)
    assert plain == arns.parse_arn(text.replace(":", "%3A").replace("/", "%2F"))
    assert plain.resource_id == "abcdefghijkl"
    assert plain.is_in(scope)


@pytest.mark.parametrize(
    "text", ["", "name", "amazon.titan-text-express-v1", "arn:", "arn:aws:bedrock:us-east-1:12:x/y"]
)
def test_what_is_no_arn_is_none(text):
    assert arns.parse_arn(text) is None
