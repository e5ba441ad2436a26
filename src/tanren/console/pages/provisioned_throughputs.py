"""Provisioned throughput: bought for a custom model, shown with what calls it, deleted."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.responses import Response

from tanren.console.api import Api, ApiRefusal, if_there
from tanren.console.display import short_name
from tanren.console.languages import Words
from tanren.console.playground_turns import converse_snippet, langchain_snippet
from tanren.console.requests import ApiRequest, boto3_script, cli_script
from tanren.console.visits import Visit, next_page, texts
from tanren.domain.errors import ValidationFailed
from tanren.domain.time_to_live import TTL_TAG, parse_ttl

PAGE_SIZE: Final = 20
FIELDS: Final = ("name", "model", "units", "term", "ttl")
"""Of a purchase."""
TERMS: Final[Mapping[str, str]] = {"": "No commitment", "OneMonth": "1 month", "SixMonths": "6 months"}
TIMES_TO_LIVE: Final = ("", "50m", "2h", "8h", "1d")
"""Empty: until it is deleted. 50 minutes is what the articles try a model in."""
_MAXIMUM_LISTED: Final = 100


async def list_throughputs(visit: Visit) -> Response:
    paging: dict[str, Any] = {"maxResults": PAGE_SIZE, "sortBy": "CreationTime", "sortOrder": "Descending"}
    if token := visit.request.query_params.get("page"):
        paging["nextToken"] = token
    answer = await visit.api.ask("bedrock", "ListProvisionedModelThroughputs", **paging)
    rows = answer.get("provisionedModelSummaries", [])
    tags, capacities = await asyncio.gather(
        asyncio.gather(*(_tags(visit.api, row["provisionedModelArn"]) for row in rows)),
        asyncio.gather(*(_capacity(visit.api, row["provisionedModelArn"]) for row in rows)),
    )
    return visit.page(
        "provisioned_throughputs.html",
        title=visit.words.text("Provisioned throughput"),
        rows=[
            (row, capacity, _deleted_at(row, tag)) for row, tag, capacity in zip(rows, tags, capacities, strict=True)
        ],
        terms=TERMS,
        following=next_page(visit.request, answer.get("nextToken")),
        is_changing=any(row["status"] in ("Creating", "Updating") for row in rows),
    )


async def new_throughput(visit: Visit) -> Response:
    return await _form_page(visit, visit.request.query_params)


async def confirm_throughput(visit: Visit) -> Response:
    """The question whether to buy: a page with an address of its own, which may be loaded again."""
    given = dict(visit.request.query_params)
    if not _is_complete(given):
        return await _form_page(visit, given, status=400)
    request = _purchase(given)
    estimate, model_name = await asyncio.gather(
        if_there(visit.api, "EstimateProvisionedThroughput", modelId=given["model"], modelUnits=int(given["units"])),
        _model_name(visit.api, given["model"]),
    )
    return visit.page(
        "throughput_confirmation.html",
        estimate=estimate,
        model_name=model_name,
        times_to_live=_times_to_live(visit.words),
        title=visit.words.text("Purchase provisioned throughput"),
        given=given,
        form_address=_address("create", given),
        terms=TERMS,
        boto3_script=boto3_script([request]),
        cli_script=cli_script([request]),
    )


async def buy_throughput(visit: Visit) -> Response:
    """The purchase, where the box is ticked."""
    given = texts(await visit.request.form())
    if not _is_complete(given):
        return await _form_page(visit, given, status=400)
    if given.get("confirmed") != "on":
        return visit.go(_address("confirm", given))
    try:
        await _purchase(given).send(visit.api)
    except ApiRefusal as refusal:
        return await _form_page(visit, given, refusal=refusal, status=400)
    return visit.go(f"/console/provisioned-throughput/{quote(given['name'])}")


async def show_throughput(visit: Visit) -> Response:
    name = visit.request.path_params["name"]
    throughput = await visit.api.ask("bedrock", "GetProvisionedModelThroughput", provisionedModelId=name)
    arn = throughput["provisionedModelArn"]
    tags, capacity, estimate, used = await asyncio.gather(
        _tags(visit.api, arn),
        _capacity(visit.api, arn),
        if_there(
            visit.api,
            "EstimateProvisionedThroughput",
            modelId=throughput["modelArn"],
            modelUnits=throughput["modelUnits"],
        ),
        _used(visit.api, throughput),
    )
    return visit.page(
        "provisioned_throughput.html",
        title=throughput["provisionedModelName"],
        throughput=throughput,
        tokens_per_minute=capacity.get("tokensPerMinute"),
        ttl=tags.get(TTL_TAG),
        deleted_at=_deleted_at(throughput, tags),
        estimate=estimate,
        used=used,
        terms=TERMS,
        boto3_snippet=converse_snippet(arn),
        cli_snippet=cli_script(
            [
                ApiRequest(
                    service="bedrock-runtime",
                    operation="Converse",
                    params={"modelId": arn, "messages": [{"role": "user", "content": [{"text": "Hello"}]}]},
                )
            ]
        ),
        langchain_snippet=langchain_snippet(arn),
        is_changing=throughput["status"] in ("Creating", "Updating"),
    )


async def delete_throughput(visit: Visit) -> Response:
    """The API refuses one inside its term."""
    name = visit.request.path_params["name"]
    given = texts(await visit.request.form())
    if given.get("confirmed") != "on":
        return visit.go(f"/console/provisioned-throughput/{quote(name)}")
    await visit.api.ask("bedrock", "DeleteProvisionedModelThroughput", provisionedModelId=name)
    return visit.go("/console/provisioned-throughput")


def _is_complete(given: Mapping[str, str]) -> bool:
    units = given.get("units", "")
    return bool(given.get("name") and given.get("model") and units.isascii() and units.isdigit())


def _address(page: str, given: Mapping[str, str]) -> str:
    """Of the form, or of the question, with what was chosen."""
    chosen = {name: given[name] for name in FIELDS if given.get(name)}
    return f"/console/provisioned-throughput/{page}?{urlencode(chosen)}"


def _purchase(given: Mapping[str, str]) -> ApiRequest:
    params: dict[str, Any] = {
        "provisionedModelName": given["name"],
        "modelId": given["model"],
        "modelUnits": int(given["units"]),
    }
    if term := given.get("term"):
        params["commitmentDuration"] = term
    if ttl := given.get("ttl"):
        params["tags"] = [{"key": TTL_TAG, "value": ttl}]
    return ApiRequest(service="bedrock", operation="CreateProvisionedModelThroughput", params=params)


async def _form_page(
    visit: Visit, given: Mapping[str, str], *, refusal: ApiRefusal | None = None, status: int = 200
) -> Response:
    answer = await visit.api.ask(
        "bedrock", "ListCustomModels", maxResults=_MAXIMUM_LISTED, sortBy="CreationTime", sortOrder="Descending"
    )
    return visit.page(
        "throughput_form.html",
        title=visit.words.text("Purchase provisioned throughput"),
        status=status,
        given=given,
        models=answer.get("modelSummaries", []),
        terms=TERMS,
        times_to_live=_times_to_live(visit.words),
        refusal=refusal,
        is_incomplete=status == 400 and refusal is None,
    )


def _times_to_live(words: Words) -> dict[str, str]:
    return {
        value: words.duration(parse_ttl(value).total_seconds()) if value else words.text("never")
        for value in TIMES_TO_LIVE
    }


async def _model_name(api: Api, identifier: str) -> str:
    """As people call it; what was given where it cannot be asked for, as of a base model."""
    try:
        return (await api.ask("bedrock", "GetCustomModel", modelIdentifier=identifier))["modelName"]
    except ApiRefusal:
        return short_name(identifier)


async def _capacity(api: Api, arn: str) -> dict[str, Any]:
    """Measured by tanren alone; empty until then."""
    return await if_there(api, "GetProvisionedCapacity", provisionedModelId=arn) or {}


async def _used(api: Api, throughput: Mapping[str, Any]) -> dict[str, Any] | None:
    """What it was used for since it was bought, and what that cost; None where nobody counts."""
    found = await if_there(api, "GetUsage", startTime=throughput["creationTime"])
    if found is None:
        return None
    lines = [line for line in found["usage"] if line["resourceArn"] == throughput["provisionedModelArn"]]
    costs = [line["cost"] for line in lines if "cost" in line]
    return {
        "requests": sum(line["requestCount"] for line in lines),
        "tokens": sum(line["inputTokenCount"] + line["outputTokenCount"] for line in lines),
        "hours": sum(line["unitSeconds"] for line in lines) / 3600,
        "cost": sum(costs) if costs else None,
        "currency": found.get("currency", ""),
    }


def _deleted_at(throughput: Mapping[str, Any], tags: Mapping[str, str]) -> datetime | None:
    """When it deletes itself; None where it does not, or where the tag says no time that can be read."""
    try:
        lives = parse_ttl(tags[TTL_TAG])
    except (KeyError, ValidationFailed):
        return None
    return throughput["creationTime"] + lives


async def _tags(api: Api, arn: str) -> dict[str, str]:
    answer = await api.ask("bedrock", "ListTagsForResource", resourceARN=arn)
    return {tag["key"]: tag["value"] for tag in answer.get("tags", [])}
