"""Put, Get and DeleteModelInvocationLoggingConfiguration."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.control.invocation_logging import InvocationLoggingControl


def invocation_logging_handlers(control: InvocationLoggingControl) -> dict[str, Handler]:
    def put(context: RequestContext, params: Members) -> Members:
        control.put(context.scope, params["loggingConfig"])
        return {}

    def get(context: RequestContext, params: Members) -> Members:
        config = control.get(context.scope)
        return {} if config is None else {"loggingConfig": config}

    def delete(context: RequestContext, params: Members) -> Members:
        control.delete(context.scope)
        return {}

    return {
        "PutModelInvocationLoggingConfiguration": put,
        "GetModelInvocationLoggingConfiguration": get,
        "DeleteModelInvocationLoggingConfiguration": delete,
    }
