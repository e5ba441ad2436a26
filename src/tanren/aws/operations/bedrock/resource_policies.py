"""PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy, of custom models."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.control.resource_policies import ResourcePolicyControl


def resource_policy_handlers(control: ResourcePolicyControl) -> dict[str, Handler]:
    def put(context: RequestContext, params: Members) -> Members:
        control.put(context.scope, params["resourceArn"], params["resourcePolicy"])
        return {"resourceArn": params["resourceArn"]}

    def get(context: RequestContext, params: Members) -> Members:
        return {"resourcePolicy": control.get(context.scope, params["resourceArn"])}

    def delete(context: RequestContext, params: Members) -> Members:
        control.delete(context.scope, params["resourceArn"])
        return {}

    return {"PutResourcePolicy": put, "GetResourcePolicy": get, "DeleteResourcePolicy": delete}
