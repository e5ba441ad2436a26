"""Three custom models, each trained from the one before."""

from datetime import UTC, datetime

from tanren.domain.arns import custom_model_arn, foundation_model_arn
from tanren.domain.custom_models import CustomModel, CustomModelStatus
from tanren.domain.scope import Scope
from tanren.storage.custom_models import CustomModels
from tanren.storage.database import Database

FOUNDATION = "amazon.titan-text-express-v1"


def chain_of_models(database: Database, scope: Scope) -> list[str]:
    """Their ARNs: `first`, `second`, `third`."""
    rows, arns = CustomModels(database), list[str]()
    parent = foundation_model_arn(scope.region, FOUNDATION)
    for name in ("first", "second", "third"):
        model_id = name.rjust(12, "a")
        arn = custom_model_arn(scope, FOUNDATION, model_id)
        model = CustomModel(
            scope=scope,
            model_id=model_id,
            model_arn=arn,
            model_name=name,
            status=CustomModelStatus.ACTIVE,
            job_arn=f"arn:aws:bedrock:{scope.region}:{scope.account_id}:model-customization-job/{FOUNDATION}/{model_id}",
            job_name=f"{name}-job",
            base_model_arn=parent,
            foundation_model_id=FOUNDATION,
            customization_type="FINE_TUNING",
            hyperparameters={},
            request={"training_s3_uri": f"s3://my-bucket/{name}.jsonl"},
            artifact_path=f"custom-models/{name}",
            artifact_sha256="0" * 64,
            training_loss=1.0,
            validation_losses=(),
            created_at=datetime(2026, 11, 21, tzinfo=UTC),
        )
        with database.writing() as connection:
            rows.add(connection, scope, model)
        arns.append(arn)
        parent = arn
    return arns
