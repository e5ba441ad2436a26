"""GetJobMetrics, GetJobSamples, ListJobEvents, ListCheckpoints."""

import math

from tanren.aws.context import Handler, Members, RequestContext
from tanren.control.job_records import DEFAULT_POINTS, CheckpointOnDisk, JobCurves, JobRecordControl, Record
from tanren.domain.customization_jobs import TERMINAL
from tanren.domain.sentences import sentence_json
from tanren.storage.training_records import JobEvent

_LARGEST_EXPONENT = 709
"""exp of more is no finite float."""


def job_record_handlers(control: JobRecordControl) -> dict[str, Handler]:
    def metrics(context: RequestContext, params: Members) -> Members:
        most = params.get("maxResults", DEFAULT_POINTS)
        return _curves(control.curves(context.scope, params["jobIdentifier"], most=most))

    def samples(context: RequestContext, params: Members) -> Members:
        page = control.samples(
            context.scope, params["jobIdentifier"], size=params.get("maxResults"), token=params.get("nextToken")
        )
        return {"samples": [sample(record) for record in page.items], "nextToken": page.next_token}

    def events(context: RequestContext, params: Members) -> Members:
        page = control.events(
            context.scope,
            params["jobIdentifier"],
            size=params.get("maxResults"),
            token=params.get("nextToken"),
            descending=params.get("sortOrder") == "Descending",
        )
        return {"events": [job_event(each) for each in page.items], "nextToken": page.next_token}

    def checkpoints(context: RequestContext, params: Members) -> Members:
        job, found = control.checkpoints(context.scope, params["jobIdentifier"])
        return {"checkpoints": [_checkpoint(each) for each in found], "outputModelArn": job.output_model_arn}

    return {
        "GetJobMetrics": metrics,
        "GetJobSamples": samples,
        "ListJobEvents": events,
        "ListCheckpoints": checkpoints,
    }


def step_metrics(record: Record) -> Members:
    return {
        "step": record["step"],
        "epoch": record["epoch"],
        "trainingLoss": record["training_loss"],
        "perplexity": _perplexity(record["training_loss"]),
        "learningRate": record["learning_rate"],
        "gradientNorm": record["gradient_norm"],
        "tokenCount": record["tokens"],
        "trainedTokenCount": record["trained_tokens"],
        "seconds": record["seconds"],
    }


def validation_metrics(record: Record) -> Members:
    return {
        "step": record["step"],
        "epoch": record["epoch"],
        "validationLoss": record["validation_loss"],
        "perplexity": _perplexity(record["validation_loss"]),
        "validatorLosses": list(record["losses_by_set"]),
    }


def progress(last_step: Record | None, *, has_ended: bool) -> Members:
    """As the run told it after its newest step."""
    if last_step is None:
        return {"stepsDone": 0}
    return {
        "stepsDone": last_step["step"] + 1,
        "totalSteps": last_step.get("total_steps"),
        "share": last_step.get("share"),
        "remainingSeconds": None if has_ended else last_step.get("remaining_seconds"),
    }


def sample(record: Record) -> Members:
    return {
        "step": record["step"],
        "epoch": record["epoch"],
        "answers": [
            {
                "prompt": answer["prompt"],
                "answer": answer["text"],
                "expected": answer["expected"],
                "isHeldOut": answer["is_held_out"],
                "isWhole": answer["is_whole"],
            }
            for answer in record["answers"]
        ],
    }


def job_event(event: JobEvent) -> Members:
    return {
        "eventId": event.event_id,
        "at": event.at,
        "attempt": event.attempt,
        "message": event.message,
        "messageParts": sentence_json(event.message),
    }


def _curves(curves: JobCurves) -> Members:
    job = curves.job
    return {
        "jobArn": job.job_arn,
        "jobName": job.job_name,
        "status": job.status,
        "progress": progress(curves.last_step, has_ended=job.status in TERMINAL),
        "steps": [step_metrics(record) for record in curves.steps],
        "validations": [validation_metrics(record) for record in curves.validations],
        "lastStep": step_metrics(curves.last_step) if curves.last_step else None,
        "lastValidation": validation_metrics(curves.last_validation) if curves.last_validation else None,
        "bestValidation": validation_metrics(curves.best_validation) if curves.best_validation else None,
        "stepCount": curves.step_count,
        "validationCount": curves.validation_count,
        "trainedTokenCount": curves.trained_tokens,
        "trainedTokensPerSecond": curves.trained_tokens_per_second,
        "isThinnedOut": curves.is_thinned_out,
        "diagnosis": curves.diagnosis,
        "diagnosisParts": sentence_json(curves.diagnosis),
        "failureParts": sentence_json(curves.failure),
    }


def _checkpoint(found: CheckpointOnDisk) -> Members:
    return {
        "kind": found.kind,
        "step": found.step,
        "epoch": found.epoch,
        "sizeBytes": found.size_bytes,
        "createdAt": found.created_at,
    }


def _perplexity(loss: float) -> float | None:
    return math.exp(loss) if loss < _LARGEST_EXPONENT else None
