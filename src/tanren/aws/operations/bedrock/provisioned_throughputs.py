"""Create, Get, List, Update and DeleteProvisionedModelThroughput."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.bedrock.lists import list_filter, page_request, tag_map
from tanren.control.provisioned_throughputs import NewProvisionedThroughput, ProvisionedThroughputControl
from tanren.domain.arns import foundation_model_arn
from tanren.domain.provisioned_throughputs import ProvisionedThroughput


def provisioned_throughput_handlers(control: ProvisionedThroughputControl) -> dict[str, Handler]:
    def create(context: RequestContext, params: Members) -> Members:
        new = NewProvisionedThroughput(
            name=params["provisionedModelName"],
            model_identifier=params["modelId"],
            model_units=params["modelUnits"],
            commitment_duration=params.get("commitmentDuration"),
            client_request_token=params.get("clientRequestToken"),
            tags=tag_map(params.get("tags")),
        )
        return {"provisionedModelArn": control.create(context.scope, new)}

    def get(context: RequestContext, params: Members) -> Members:
        found = control.get(context.scope, params["provisionedModelId"])
        return {**_summary(found), "failureMessage": found.failure_message}

    def list_throughputs(context: RequestContext, params: Members) -> Members:
        wanted = list_filter(params, {"statusEquals": "status", "modelArnEquals": "model_arn"})
        page = control.page(context.scope, page_request(params), wanted)
        return {"provisionedModelSummaries": [_summary(item) for item in page.items], "nextToken": page.next_token}

    def update(context: RequestContext, params: Members) -> Members:
        control.update(
            context.scope,
            params["provisionedModelId"],
            name=params.get("desiredProvisionedModelName"),
            model_identifier=params.get("desiredModelId"),
        )
        return {}

    def delete(context: RequestContext, params: Members) -> Members:
        control.delete(context.scope, params["provisionedModelId"])
        return {}

    return {
        "CreateProvisionedModelThroughput": create,
        "GetProvisionedModelThroughput": get,
        "ListProvisionedModelThroughputs": list_throughputs,
        "UpdateProvisionedModelThroughput": update,
        "DeleteProvisionedModelThroughput": delete,
    }


def _summary(found: ProvisionedThroughput) -> Members:
    return {
        "provisionedModelName": found.name,
        "provisionedModelArn": found.provisioned_arn,
        "modelUnits": found.model_units,
        "desiredModelUnits": found.model_units,
        "modelArn": found.model_arn,
        "desiredModelArn": found.desired_model_arn,
        "foundationModelArn": foundation_model_arn(found.scope.region, found.foundation_model_id),
        "status": found.status,
        "commitmentDuration": found.commitment_duration,
        "commitmentExpirationTime": found.commitment_expires_at,
        "creationTime": found.created_at,
        "lastModifiedTime": found.updated_at,
    }
