"""EstimateProvisionedThroughput."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.control.throughput_estimates import ThroughputEstimate, ThroughputEstimateControl


def throughput_estimate_handlers(control: ThroughputEstimateControl) -> dict[str, Handler]:
    def estimate(context: RequestContext, params: Members) -> Members:
        found = control.estimate(context.scope, params["modelId"], params.get("modelUnits", 1))
        return {
            "baseModel": found.base_model,
            "isLoaded": found.is_loaded,
            "neededBytes": found.needed_bytes,
            "availableBytes": found.available_bytes,
            "fits": found.fits,
            "cost": _cost(found),
        }

    return {"EstimateProvisionedThroughput": estimate}


def _cost(found: ThroughputEstimate) -> Members | None:
    if found.prices is None or found.price_per_hour is None:
        return None
    return {
        "amountPerHour": found.price_per_hour,
        "currency": found.prices.currency,
        "source": found.prices.file.name,
    }
