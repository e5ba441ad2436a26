"""GetCustomModel, ListCustomModels, DeleteCustomModel."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.bedrock.customization_jobs import data_configs, metrics
from tanren.aws.operations.bedrock.lists import list_filter, page_request
from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.catalog.weights import WeightsCatalogue, shown_name
from tanren.control.custom_models import CustomModelControl
from tanren.domain.arns import FOUNDATION_MODEL, parse_arn
from tanren.domain.custom_models import CustomModel
from tanren.domain.errors import ValidationFailed


def custom_model_handlers(control: CustomModelControl, weights: WeightsCatalogue) -> dict[str, Handler]:
    def get(context: RequestContext, params: Members) -> Members:
        return _details(control.get(context.scope, params["modelIdentifier"]))

    def list_models(context: RequestContext, params: Members) -> Members:
        if params.get("isOwned") is False:
            # Nothing is shared into an account yet, so models of others are none.
            return {"modelSummaries": []}
        if "foundationModelArnEquals" in params:
            params["foundationModelId"] = _foundation_id(params["foundationModelArnEquals"])
        wanted = list_filter(
            params,
            {
                "baseModelArnEquals": "base_model_arn",
                "foundationModelId": "foundation_model_id",
                "modelStatus": "status",
            },
        )
        page = control.page(context.scope, page_request(params), wanted)
        return {"modelSummaries": [_summary(model, weights) for model in page.items], "nextToken": page.next_token}

    def delete(context: RequestContext, params: Members) -> Members:
        control.delete(context.scope, params["modelIdentifier"])
        return {}

    return {"GetCustomModel": get, "ListCustomModels": list_models, "DeleteCustomModel": delete}


def _foundation_id(arn_text: str) -> str:
    arn = parse_arn(arn_text)
    if arn is None or arn.kind != FOUNDATION_MODEL:
        raise ValidationFailed(f"foundationModelArnEquals is {arn_text!r}, which is no ARN of a foundation model.")
    return arn.path


def _details(model: CustomModel) -> Members:
    request = model.request
    return {
        "modelArn": model.model_arn,
        "modelName": model.model_name,
        "jobName": model.job_name,
        "jobArn": model.job_arn,
        "baseModelArn": model.base_model_arn,
        "customizationType": model.customization_type,
        "hyperParameters": model.hyperparameters,
        "creationTime": model.created_at,
        "modelStatus": model.status,
        **data_configs(request["training_s3_uri"], tuple(request["validation_s3_uris"]), request["output_s3_uri"]),
        **metrics(model.training_loss, model.validation_losses),
    }


def _summary(model: CustomModel, weights: WeightsCatalogue) -> Members:
    parent = parse_arn(model.base_model_arn)
    base_id = parent.path if parent is not None and parent.kind == FOUNDATION_MODEL else model.foundation_model_id
    return {
        "modelArn": model.model_arn,
        "modelName": model.model_name,
        "creationTime": model.created_at,
        "baseModelArn": model.base_model_arn,
        "baseModelName": shown_name(FOUNDATION_MODELS[base_id], weights.bound_to(model.request)),
        "customizationType": model.customization_type,
        "ownerAccountId": model.scope.account_id,
        "modelStatus": model.status,
    }
