"""Custom models: the list, and a model with all that belongs to it."""

from starlette.responses import Response

from tanren.console.visits import Visit, next_page, texts

PAGE_SIZE = 20


async def list_models(visit: Visit) -> Response:
    """The tabs [Models] and [Training jobs], as AWS's console has them; each a page at a time."""
    query = visit.request.query_params
    tab = "jobs" if query.get("tab") == "jobs" else "models"
    paging = {"maxResults": PAGE_SIZE, "sortBy": "CreationTime", "sortOrder": "Descending"}
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


async def show_model(visit: Visit) -> Response:
    name = visit.request.path_params["name"]
    model = await visit.api.ask("bedrock", "GetCustomModel", modelIdentifier=name)
    throughputs = await visit.api.ask("bedrock", "ListProvisionedModelThroughputs", modelArnEquals=model["modelArn"])
    return visit.page(
        "custom_model.html",
        title=model["modelName"],
        model=model,
        throughputs=throughputs.get("provisionedModelSummaries", []),
    )


async def delete_model(visit: Visit) -> Response:
    """Deletes what was named in the box; the API refuses a model that something depends on, and says what."""
    name = visit.request.path_params["name"]
    given = texts(await visit.request.form())
    if given.get("confirmation") != name:
        return visit.go(f"/console/models/{name}")
    await visit.api.ask("bedrock", "DeleteCustomModel", modelIdentifier=name)
    return visit.go("/console/custom-models")
