"""GetUsage."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.control.usage import UsageControl, UsageLine


def usage_handlers(control: UsageControl) -> dict[str, Handler]:
    def usage(context: RequestContext, params: Members) -> Members:
        report = control.between(context.scope, params.get("startTime"), params.get("endTime"))
        return {
            "startTime": report.start,
            "endTime": report.end,
            "usage": [_line(each) for each in report.lines],
            "currency": report.prices.currency if report.prices else None,
            "source": report.prices.file.name if report.prices else None,
        }

    return {"GetUsage": usage}


def _line(line: UsageLine) -> Members:
    return {
        "resourceArn": line.resource_arn,
        "modelArn": line.model_arn,
        "requestCount": line.used.request_count,
        "inputTokenCount": line.used.input_tokens,
        "outputTokenCount": line.used.output_tokens,
        "generationSeconds": line.used.generation_seconds,
        "unitSeconds": line.used.unit_seconds,
        "cost": line.cost,
    }
