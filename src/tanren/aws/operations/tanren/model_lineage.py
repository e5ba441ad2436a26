"""GetModelLineage."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.control.model_lineage import Generation, ModelLineageControl
from tanren.domain.custom_models import CustomModel


def model_lineage_handlers(control: ModelLineageControl) -> dict[str, Handler]:
    def lineage(context: RequestContext, params: Members) -> Members:
        found = control.of(context.scope, params["modelIdentifier"])
        return {
            "ancestors": [_generation(each) for each in found.ancestors],
            "descendants": [_model(each) for each in found.descendants],
            "weights": found.weights.name if found.weights else None,
            "weightsRevision": (found.weights.revision or None) if found.weights else None,
        }

    return {"GetModelLineage": lineage}


def _generation(generation: Generation) -> Members:
    if generation.model is not None:
        return _model(generation.model)
    job = generation.job
    if job is None:
        return {"modelArn": generation.model_arn, "isDeleted": generation.is_deleted}
    return {
        "modelArn": generation.model_arn,
        "modelName": job.output_model_name,
        "jobArn": job.job_arn,
        "customizationType": job.customization_type,
        "trainingDataS3Uri": job.training_s3_uri,
        "creationTime": job.ended_at,
        "isDeleted": generation.is_deleted,
    }


def _model(model: CustomModel) -> Members:
    return {
        "modelArn": model.model_arn,
        "modelName": model.model_name,
        "jobArn": model.job_arn,
        "customizationType": model.customization_type,
        "trainingDataS3Uri": model.request.get("training_s3_uri"),
        "creationTime": model.created_at,
        "isDeleted": False,
    }
