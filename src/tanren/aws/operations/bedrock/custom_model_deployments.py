"""Create, Get, List, Update and DeleteCustomModelDeployment. Its times are called `createdAt`, not creationTime."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.bedrock.lists import list_filter, page_request, tag_map
from tanren.control.custom_model_deployments import CustomModelDeploymentControl, NewDeployment
from tanren.domain.custom_model_deployments import CustomModelDeployment


def custom_model_deployment_handlers(control: CustomModelDeploymentControl) -> dict[str, Handler]:
    def create(context: RequestContext, params: Members) -> Members:
        new = NewDeployment(
            name=params["modelDeploymentName"],
            model_identifier=params["modelArn"],
            description=params.get("description"),
            client_request_token=params.get("clientRequestToken"),
            tags=tag_map(params.get("tags")),
        )
        return {"customModelDeploymentArn": control.create(context.scope, new)}

    def get(context: RequestContext, params: Members) -> Members:
        found = control.get(context.scope, params["customModelDeploymentIdentifier"])
        update = None
        if found.update_status is not None:
            update = {"modelArn": found.update_model_arn, "updateStatus": found.update_status}
        return {
            "customModelDeploymentArn": found.deployment_arn,
            "modelDeploymentName": found.name,
            "modelArn": found.model_arn,
            "createdAt": found.created_at,
            "status": found.status,
            "description": found.description,
            "updateDetails": update,
            "failureMessage": found.failure_message,
            "lastUpdatedAt": found.updated_at,
        }

    def list_deployments(context: RequestContext, params: Members) -> Members:
        wanted = list_filter(params, {"statusEquals": "status", "modelArnEquals": "model_arn"}, times="created")
        page = control.page(context.scope, page_request(params), wanted)
        return {"modelDeploymentSummaries": [_summary(item) for item in page.items], "nextToken": page.next_token}

    def update(context: RequestContext, params: Members) -> Members:
        identifier = params["customModelDeploymentIdentifier"]
        arn = control.update(context.scope, identifier, model_identifier=params["modelArn"])
        return {"customModelDeploymentArn": arn}

    def delete(context: RequestContext, params: Members) -> Members:
        control.delete(context.scope, params["customModelDeploymentIdentifier"])
        return {}

    return {
        "CreateCustomModelDeployment": create,
        "GetCustomModelDeployment": get,
        "ListCustomModelDeployments": list_deployments,
        "UpdateCustomModelDeployment": update,
        "DeleteCustomModelDeployment": delete,
    }


def _summary(found: CustomModelDeployment) -> Members:
    return {
        "customModelDeploymentArn": found.deployment_arn,
        "customModelDeploymentName": found.name,
        "modelArn": found.model_arn,
        "createdAt": found.created_at,
        "status": found.status,
        "lastUpdatedAt": found.updated_at,
        "failureMessage": found.failure_message,
    }
