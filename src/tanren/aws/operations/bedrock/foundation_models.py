"""GetFoundationModel and ListFoundationModels, from the catalogue."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.catalog.foundation_models import every_foundation_model, foundation_model
from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.arns import FOUNDATION_MODEL, foundation_model_arn, parse_arn
from tanren.domain.foundation_models import FoundationModel


def foundation_model_handlers(weights: WeightsCatalogue) -> dict[str, Handler]:
    def get(context: RequestContext, params: Members) -> Members:
        identifier = params["modelIdentifier"]
        arn = parse_arn(identifier)
        model_id = arn.path if arn is not None and arn.kind == FOUNDATION_MODEL else identifier
        return {"modelDetails": _details(foundation_model(model_id), context.scope.region, weights)}

    def list_models(context: RequestContext, params: Members) -> Members:
        wanted = [model for model in every_foundation_model() if _matches(model, params)]
        return {"modelSummaries": [_details(model, context.scope.region, weights) for model in wanted]}

    return {"GetFoundationModel": get, "ListFoundationModels": list_models}


def _matches(model: FoundationModel, params: Members) -> bool:
    provider = params.get("byProvider")
    customization = params.get("byCustomizationType")
    inference_type = params.get("byInferenceType")
    return (
        (provider is None or provider.lower() == model.provider.lower())
        and (customization is None or customization in model.customizations)
        and (inference_type is None or inference_type in model.inference_types)
        and params.get("byOutputModality", "TEXT") == "TEXT"
    )


def _details(model: FoundationModel, region: str, weights: WeightsCatalogue) -> Members:
    return {
        "modelArn": foundation_model_arn(region, model.model_id),
        "modelId": model.model_id,
        "modelName": weights.model_name(model),
        "providerName": model.provider,
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": list(model.customizations),
        "inferenceTypesSupported": list(model.inference_types),
        "modelLifecycle": {"status": model.lifecycle_status},
    }
