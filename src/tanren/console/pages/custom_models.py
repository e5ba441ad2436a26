"""Custom models: the list, and a model with all that belongs to it and depends on it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from tanren.console.api import Api, ApiRefusal
from tanren.console.lineage_drawing import LineageDrawing, lineage_drawing
from tanren.console.visits import Visit, next_page, texts

PAGE_SIZE: Final = 20
FILES_SHOWN: Final = 50
_LISTED: Final = 100
_NEWEST: Final = {"sortBy": "CreationTime", "sortOrder": "Descending"}


async def list_models(visit: Visit) -> Response:
    """The tabs [Models] and [Training jobs], as AWS's console has them; each a page at a time."""
    query = visit.request.query_params
    tab = "jobs" if query.get("tab") == "jobs" else "models"
    paging: dict[str, Any] = {"maxResults": PAGE_SIZE, **_NEWEST}
    if token := query.get("page"):
        paging["nextToken"] = token
    if wanted := query.get("name"):
        paging["nameContains"] = wanted
    if tab == "jobs":
        answer = await visit.api.ask("bedrock", "ListModelCustomizationJobs", **paging)
        rows = answer.get("modelCustomizationJobSummaries", [])
    else:
        answer = await visit.api.ask("bedrock", "ListCustomModels", **paging)
        rows = answer.get("modelSummaries", [])
    return visit.page(
        "custom_models.html",
        title=visit.words.text("Custom models"),
        tab=tab,
        rows=rows,
        wanted=wanted or "",
        following=next_page(visit.request, answer.get("nextToken")),
    )


async def find_model(visit: Visit) -> Response:
    """From an ARN, which names a model to programs, to its page, which is called as people call it."""
    arn = visit.request.query_params.get("arn", "")
    model = await visit.api.ask("bedrock", "GetCustomModel", modelIdentifier=arn)
    return visit.go(f"/console/models/{quote(model['modelName'])}")


async def show_model(visit: Visit) -> Response:
    api, name = visit.api, visit.request.path_params["name"]
    model = await api.ask("bedrock", "GetCustomModel", modelIdentifier=name)
    arn = model["modelArn"]
    throughputs, deployments, evaluations, tags, lineage, files = await asyncio.gather(
        _listed(api, "ListProvisionedModelThroughputs", "provisionedModelSummaries", modelArnEquals=arn),
        _listed(api, "ListCustomModelDeployments", "modelDeploymentSummaries", modelArnEquals=arn),
        _listed(api, "ListEvaluationJobs", "jobSummaries", maxResults=_LISTED, **_NEWEST),
        _listed(api, "ListTagsForResource", "tags", resourceARN=arn),
        _lineage(api, name),
        _files(api, model),
    )
    names = {
        arn: model["modelName"],
        model["modelName"]: model["modelName"],
        **{each["provisionedModelArn"]: each["provisionedModelName"] for each in throughputs},
        **{each["customModelDeploymentArn"]: each["customModelDeploymentName"] for each in deployments},
    }
    return visit.page(
        "custom_model.html",
        title=model["modelName"],
        model=model,
        throughputs=throughputs,
        deployments=deployments,
        evaluations=[each for each in evaluations if names.keys() & set(each.get("modelIdentifiers", []))],
        names=names,
        evaluation_form=_evaluation_form(model, throughputs, deployments),
        tags=tags,
        lineage=lineage,
        files=files,
        output=_output(model),
    )


async def delete_model(visit: Visit) -> Response:
    """Deletes what was named in the box; the API refuses a model that something depends on, and says what."""
    name = visit.request.path_params["name"]
    given = texts(await visit.request.form())
    if given.get("confirmation") != name:
        return visit.go(f"/console/models/{quote(name)}")
    await visit.api.ask("bedrock", "DeleteCustomModel", modelIdentifier=name)
    return visit.go("/console/custom-models")


async def change_tags(visit: Visit) -> Response:
    """Adds a tag, or takes one away."""
    name = visit.request.path_params["name"]
    given = texts(await visit.request.form())
    model = await visit.api.ask("bedrock", "GetCustomModel", modelIdentifier=name)
    if key := given.get("remove"):
        await visit.api.ask("bedrock", "UntagResource", resourceARN=model["modelArn"], tagKeys=[key])
    elif key := given.get("key"):
        tag = {"key": key, "value": given.get("value", "")}
        await visit.api.ask("bedrock", "TagResource", resourceARN=model["modelArn"], tags=[tag])
    return visit.go(f"/console/models/{quote(name)}#tags")


async def _listed(api: Api, operation: str, member: str, **params: Any) -> list[dict[str, Any]]:
    """Nothing from an endpoint that lacks the operation, or for a user who may not ask."""
    try:
        return (await api.ask("bedrock", operation, **params)).get(member, [])
    except ApiRefusal:
        return []


async def _lineage(api: Api, name: str) -> LineageDrawing | None:
    try:
        return lineage_drawing(await api.ask("tanren", "GetModelLineage", modelIdentifier=name))
    except ApiRefusal:
        return None


def _output(model: Mapping[str, Any]) -> tuple[str, str] | None:
    """Bucket and folder of what the model's job has written; None for a model that no job made."""
    uri: str = (model.get("outputDataConfig") or {}).get("s3Uri", "")
    if not uri or not model.get("jobArn"):
        return None
    bucket, _, folder = uri.removeprefix("s3://").partition("/")
    below = f"{folder.rstrip('/')}/" if folder.strip("/") else ""
    return bucket, f"{below}model-customization-job-{model['jobArn'].rpartition('/')[2]}/"


async def _files(api: Api, model: Mapping[str, Any]) -> list[dict[str, Any]]:
    place = _output(model)
    if place is None:
        return []
    try:
        answer = await api.ask("s3", "ListObjectsV2", Bucket=place[0], Prefix=place[1], MaxKeys=FILES_SHOWN)
    except ApiRefusal:
        return []
    return answer.get("Contents", [])


def _evaluation_form(
    model: Mapping[str, Any], throughputs: Sequence[Mapping[str, Any]], deployments: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """What the form of an evaluation begins with: this model, by what answers for it, beside its source."""
    answers = [each["provisionedModelArn"] for each in throughputs if each["status"] == "InService"]
    answers += [each["customModelDeploymentArn"] for each in deployments if each["status"] == "Active"]
    # A foundation model's id, as the form lists it.
    base: str = model.get("baseModelArn") or ""
    baseline = base.partition(":foundation-model/")[2] or base
    return {"model": answers[0] if answers else model["modelArn"], "baseline": baseline}
