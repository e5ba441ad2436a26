"""Put, Get and DeleteModelInvocationLoggingConfiguration."""

from typing import Any, Final

from tanren.aws.context import Handler, Members, RequestContext
from tanren.control.account_places import AccountPlaces
from tanren.control.invocation_logging import InvocationLoggingControl
from tanren.domain.scope import Scope
from tanren.threads import WAITING

MOST_PUTS: Final = 4
"""Of an account at a time: each waits for its destinations to answer."""


def invocation_logging_handlers(control: InvocationLoggingControl) -> dict[str, Handler]:
    places = AccountPlaces(MOST_PUTS, of="PutModelInvocationLoggingConfiguration calls")

    def put_in_place(scope: Scope, config: dict[str, Any]) -> None:
        with places.place(scope.account_id):
            control.put(scope, config)

    async def put(context: RequestContext, params: Members) -> Members:
        await WAITING.run(put_in_place, context.scope, params["loggingConfig"])
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
