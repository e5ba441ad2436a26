"""GetProvisionedCapacity."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.control.provisioned_throughputs import ProvisionedThroughputControl


def provisioned_capacity_handlers(control: ProvisionedThroughputControl) -> dict[str, Handler]:
    def capacity(context: RequestContext, params: Members) -> Members:
        found = control.get(context.scope, params["provisionedModelId"])
        return {
            "provisionedModelArn": found.provisioned_arn,
            "modelUnits": found.model_units,
            "tokensPerMinute": found.tokens_per_minute,
        }

    return {"GetProvisionedCapacity": capacity}
