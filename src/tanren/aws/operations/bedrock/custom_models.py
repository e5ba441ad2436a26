"""CreateCustomModel, GetCustomModel, ListCustomModels, DeleteCustomModel."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.bedrock.customization_jobs import data_configs, metrics
from tanren.aws.operations.bedrock.lists import list_filter, page_request, tag_map
from tanren.aws.operations.bedrock.model_import_jobs import s3_source_uri
from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.catalog.weights import WeightsCatalogue, shown_name
from tanren.control.custom_models import CustomModelControl, NewCustomModel
from tanren.domain.arns import FOUNDATION_MODEL, parse_arn
from tanren.domain.custom_models import CustomModel
from tanren.domain.errors import ValidationFailed

_UNSUPPORTED = ("modelKmsKeyArn", "customModelDataSource")


def custom_model_handlers(control: CustomModelControl, weights: WeightsCatalogue) -> dict[str, Handler]:
    def create(context: RequestContext, params: Members) -> Members:
        unsupported = tuple(member for member in _UNSUPPORTED if params.get(member))
        if not unsupported and "modelSourceConfig" not in params:
            raise ValidationFailed("modelSourceConfig is missing; it names the S3 folder of an adapter or a model.")
        new = NewCustomModel(
            model_name=params["modelName"],
            source_s3_uri="" if unsupported else s3_source_uri(params["modelSourceConfig"], "modelSourceConfig"),
            role_arn=params.get("roleArn"),
            client_request_token=params.get("clientRequestToken"),
            tags=tag_map(params.get("modelTags")),
            unsupported=unsupported,
        )
        return {"modelArn": control.create(context.scope, new)}

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

    return {
        "CreateCustomModel": create,
        "GetCustomModel": get,
        "ListCustomModels": list_models,
        "DeleteCustomModel": delete,
    }


def _foundation_id(arn_text: str) -> str:
    arn = parse_arn(arn_text)
    if arn is None or arn.kind != FOUNDATION_MODEL:
        raise ValidationFailed(f"foundationModelArnEquals is {arn_text!r}, which is no ARN of a foundation model.")
    return arn.path


def _details(model: CustomModel) -> Members:
    request = model.request
    trained_from = (
        data_configs(request["training_s3_uri"], tuple(request["validation_s3_uris"]), request["output_s3_uri"])
        if "training_s3_uri" in request
        else {}
    )
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
        "failureMessage": model.failure_message,
        **trained_from,
        **metrics(model.training_loss, model.validation_losses),
    }


def _summary(model: CustomModel, weights: WeightsCatalogue) -> Members:
    parent = None if model.base_model_arn is None else parse_arn(model.base_model_arn)
    base_id = parent.path if parent is not None and parent.kind == FOUNDATION_MODEL else model.foundation_model_id
    base = FOUNDATION_MODELS.get(base_id)
    return {
        "modelArn": model.model_arn,
        "modelName": model.model_name,
        "creationTime": model.created_at,
        # Required members: whole weights from elsewhere are their own base.
        "baseModelArn": model.base_model_arn or model.model_arn,
        "baseModelName": model.model_name if base is None else shown_name(base, weights.bound_to(model.request)),
        "customizationType": model.customization_type,
        "ownerAccountId": model.scope.account_id,
        "modelStatus": model.status,
    }
