"""Base models: what stands behind each id, what can be done with it, its hyperparameters, and access to it."""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from tanren.console.api import Api, ApiRefusal, if_there
from tanren.console.display import model_title
from tanren.console.hyperparameter_fields import fields_of
from tanren.console.model_formats import Shape, body_of, rows_of
from tanren.console.requests import ApiRequest, boto3_script, cli_script
from tanren.console.visits import Visit, texts

_TEXT_URL: Final = "data:text/plain;charset=utf-8;base64,"
_LARGEST_FORM: Final = 16384
"""Bytes, as the API takes it."""


async def list_models(visit: Visit) -> Response:
    """All of them, those that can be customized first; a page of text, since the list is short."""
    wanted = visit.request.query_params.get("customization", "")
    named = visit.request.query_params.get("name_contains", "").strip()
    filters = {"byCustomizationType": wanted} if wanted else {}
    answer, status = await asyncio.gather(
        visit.api.ask("bedrock", "ListFoundationModels", **filters), if_there(visit.api, "GetServiceStatus")
    )
    status = status or {}
    weights = status.get("baseModels", [])
    found = (model for model in answer.get("modelSummaries", []) if named.lower() in _findable(model))
    models = sorted(found, key=lambda model: not model.get("customizationsSupported"))
    return visit.page(
        "foundation_models.html",
        title=visit.words.text("Base models"),
        models=models,
        wanted=wanted,
        named=named,
        fields={model["modelId"]: fields_of(model["modelId"]) for model in models},
        bodies={model["modelId"]: body_of(model["modelId"]) for model in models},
        rows={model["modelId"]: _rows_of(model) for model in models},
        weights=weights,
        weights_by_name={each["name"]: each for each in weights},
        memory=status.get("memoryBytes"),
    )


def _findable(model: Mapping[str, Any]) -> str:
    return f"{model['modelId']} {model_title(model)} {model.get('providerName', '')}".lower()


def _rows_of(model: Mapping[str, Any]) -> tuple[Shape, ...]:
    return rows_of(model["modelId"], model.get("customizationsSupported") or [])


async def show_model(visit: Visit) -> Response:
    """A model, the licence under which it answers, and whether the account has asked for it."""
    api, model_id = visit.api, visit.request.path_params["model_id"]
    model, availability, offers, form = await asyncio.gather(
        api.ask("bedrock", "GetFoundationModel", modelIdentifier=model_id),
        _if_there(api, "GetFoundationModelAvailability", modelId=model_id),
        _if_there(api, "ListFoundationModelAgreementOffers", modelId=model_id),
        _if_there(api, "GetUseCaseForModelAccess"),
    )
    details = model["modelDetails"]
    offer = next(iter((offers or {}).get("offers", [])), None)
    request = _agreement(model_id, offer["offerToken"]) if offer else None
    return visit.page(
        "foundation_model.html",
        title=model_title(details),
        model=details,
        fields=fields_of(model_id),
        body=body_of(model_id),
        rows=_rows_of(details),
        has_access=None if availability is None else availability["agreementAvailability"]["status"] == "AVAILABLE",
        offer=offer,
        licence_text=_licence_text(offer),
        use_case="" if form is None else form["formData"].decode("utf-8", "replace"),
        boto3_script=boto3_script([request]) if request else "",
        cli_script=cli_script([request]) if request else "",
    )


async def request_access(visit: Visit) -> Response:
    """Puts on record what the models are wanted for, if it was told, and that the licence was accepted."""
    model_id = visit.request.path_params["model_id"]
    given = texts(await visit.request.form())
    if given.get("accepted") == "on" and given.get("offer_token"):
        if use_case := given.get("use_case", ""):
            form = use_case.encode()[:_LARGEST_FORM]
            await visit.api.ask("bedrock", "PutUseCaseForModelAccess", formData=form)
        await _agreement(model_id, given["offer_token"]).send(visit.api)
    return visit.go(f"/console/foundation-models/{model_id}")


async def withdraw_access(visit: Visit) -> Response:
    model_id = visit.request.path_params["model_id"]
    await visit.api.ask("bedrock", "DeleteFoundationModelAgreement", modelId=model_id)
    return visit.go(f"/console/foundation-models/{model_id}")


def _agreement(model_id: str, offer_token: str) -> ApiRequest:
    return ApiRequest(
        service="bedrock",
        operation="CreateFoundationModelAgreement",
        params={"modelId": model_id, "offerToken": offer_token},
    )


def _licence_text(offer: Any) -> str | None:
    """Of a licence that lies in the offer itself; others are linked to, and are no page of ours."""
    url = str((((offer or {}).get("termDetails") or {}).get("legalTerm") or {}).get("url") or "")
    if not url.startswith(_TEXT_URL):
        return None
    try:
        return base64.b64decode(url.removeprefix(_TEXT_URL), validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return None


async def _if_there(api: Api, operation: str, **params: Any) -> dict[str, Any] | None:
    """The answer; None from an endpoint that has none, or for a user who may not ask."""
    try:
        return await api.ask("bedrock", operation, **params)
    except ApiRefusal:
        return None
