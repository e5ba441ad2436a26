"""Base models: what stands behind each id, what can be done with it, and the hyperparameters that it takes."""

import asyncio
from typing import Any

from starlette.responses import Response

from tanren.console.api import Api, ApiRefusal
from tanren.console.hyperparameter_fields import fields_of
from tanren.console.visits import Visit


async def list_models(visit: Visit) -> Response:
    """All of them, those that can be customized first; a page of text, since the list is short."""
    wanted = visit.request.query_params.get("customization", "")
    filters = {"byCustomizationType": wanted} if wanted else {}
    answer, weights = await asyncio.gather(
        visit.api.ask("bedrock", "ListFoundationModels", **filters), _weights(visit.api)
    )
    models = sorted(answer.get("modelSummaries", []), key=lambda model: not model.get("customizationsSupported"))
    return visit.page(
        "foundation_models.html",
        title=visit.words.text("Base models"),
        models=models,
        wanted=wanted,
        fields={model["modelId"]: fields_of(model["modelId"]) for model in models},
        weights=weights,
    )


async def _weights(api: Api) -> list[dict[str, Any]]:
    """The weights that the service has; nothing from an endpoint that does not say, or to a user who may not ask."""
    try:
        return (await api.ask("tanren", "GetServiceStatus")).get("baseModels", [])
    except ApiRefusal:
        return []
