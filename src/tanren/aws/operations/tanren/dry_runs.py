"""ValidateTrainingData, ExamineTrainingData, EstimateCustomizationJob."""

from typing import Final

from tanren.aws.context import Handler, Members, RequestContext
from tanren.control.dry_runs import DryRunControl, JobEstimate, NewDryRun
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.sentences import Sentence, sentence, sentence_of_json
from tanren.threads import WAITING

RECORDS_SHOWN: Final = 5
"""Token by token, where the caller does not say how many."""


def dry_run_handlers(control: DryRunControl) -> dict[str, Handler]:
    async def validate(context: RequestContext, params: Members) -> Members:
        files = await WAITING.run(control.validate, context.scope, _new(params))
        return {"isValid": all(file["isValid"] for file in files), "files": files}

    async def examine(context: RequestContext, params: Members) -> Members:
        found = await WAITING.run(
            control.examine,
            context.scope,
            _new(params),
            first_record=params.get("firstRecord", 0),
            record_count=params.get("recordCount", RECORDS_SHOWN),
        )
        return {**found, "isValid": all(file["isValid"] for file in found["files"])}

    async def estimate(context: RequestContext, params: Members) -> Members:
        return _estimate(await WAITING.run(control.estimate, context.scope, _new(params)))

    return {"ValidateTrainingData": validate, "ExamineTrainingData": examine, "EstimateCustomizationJob": estimate}


def _new(params: Members) -> NewDryRun:
    validators = params.get("validationDataConfig", {}).get("validators", [])
    return NewDryRun(
        base_model_identifier=params["baseModelIdentifier"],
        customization_type=CustomizationType(params.get("customizationType", CustomizationType.FINE_TUNING)),
        training_s3_uri=params["trainingDataConfig"]["s3Uri"],
        validation_s3_uris=[validator["s3Uri"] for validator in validators],
        hyperparameters=params.get("hyperParameters", {}),
    )


def _estimate(estimate: JobEstimate) -> Members:
    found, notes = estimate.found, _notes(estimate)
    return {
        "tokens": {
            "recordCount": found["records"],
            "epochTokenCount": found["epoch_tokens"],
            "trainedTokenCount": found["trained_tokens"],
            "validationTokenCount": found["validation_tokens"],
            "longestRecordTokenCount": found["longest_record"],
            "epochs": found["epochs"],
            "totalTokenCount": estimate.total_tokens,
            "stepCount": estimate.steps,
        },
        "memory": {
            "neededBytes": found["needed_bytes"],
            "availableBytes": found["available_bytes"],
            "fits": found["fits"],
            "explanation": found["memory_words"],
            "explanationParts": found["memory_parts"],
        },
        "time": _time(estimate),
        "cost": _cost(estimate),
        "notes": notes,
        "noteParts": [[part.to_json() for part in note.parts] for note in notes],
    }


def _time(estimate: JobEstimate) -> Members | None:
    if estimate.rate is None:
        return None
    return {
        "seconds": estimate.seconds,
        "tokensPerSecond": estimate.rate.tokens_per_second,
        "jobCount": estimate.rate.jobs,
    }


def _cost(estimate: JobEstimate) -> Members | None:
    if estimate.prices is None or estimate.price is None:
        return None
    return {
        "amount": estimate.total_tokens / 1000 * estimate.price,
        "currency": estimate.prices.currency,
        "pricePerThousandTokens": estimate.price,
        "source": estimate.prices.file.name,
    }


def _notes(estimate: JobEstimate) -> list[Sentence]:
    notes = [sentence_of_json(warning) for warning in estimate.found["warnings"]]
    if estimate.rate is None:
        notes.append(
            sentence("No job of yours has trained on these weights by this method yet, so no time can be told.")
        )
    if estimate.prices is None:
        notes.append(sentence("There is no price book, so no cost can be told: docs/sdk.md says how to write one."))
    elif estimate.price is None:
        notes.append(
            sentence("The price book {file} has no price for this base model.", file=estimate.prices.file.name)
        )
    return notes
