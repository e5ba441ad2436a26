"""The rules of dry runs: what a customization job would be refused for, and what it would take, without the job."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tanren.catalog.weights import WeightsCatalogue
from tanren.control.base_folders import base_folder, bound_weights
from tanren.control.chained_customization import with_adapter_shape
from tanren.control.model_references import ReferredModel, refer
from tanren.control.price_book import PriceBook, read_price_book
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.errors import ValidationFailed
from tanren.domain.hyperparameters import refuse_extensions_without_effect, resolve_hyperparameters
from tanren.domain.scope import Scope
from tanren.domain.weights import BoundWeights
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.training_records import TrainingRecords

MEASURED_JOBS: Final = 5
"""The newest of the caller's on the same weights, of which a rate is taken."""
MEASURED_STEPS: Final = 200
"""The last of each."""
FORWARD_SHARE: Final = 1 / 3
"""Of a trained token's time, that a token of a validation takes: a forward pass and no backward."""

Run = Callable[[Mapping[str, Any]], dict[str, Any]]
"""`DryRunProcess.run`: from orders to what was found. It blocks, and raises what a dry run is refused with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDryRun:
    """What ValidateTrainingData, ExamineTrainingData and EstimateCustomizationJob ask for, shapes already checked."""

    base_model_identifier: str
    customization_type: CustomizationType
    training_s3_uri: str
    validation_s3_uris: Sequence[str]
    hyperparameters: Mapping[str, str]
    """Of an estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How fast earlier jobs trained."""

    tokens_per_second: float
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEstimate:
    found: Mapping[str, Any]
    """As `workflows/dry_run.py` has it in `Estimate`."""
    rate: Rate | None
    prices: PriceBook | None
    price: float | None
    """Of 1,000 tokens."""

    @property
    def total_tokens(self) -> int:
        return self.found["epoch_tokens"] * self.found["epochs"]

    @property
    def steps(self) -> int:
        return -(-self.found["records"] // self.found["batch_size"]) * self.found["epochs"]

    @property
    def seconds(self) -> float | None:
        """Of training, and of a validation after each epoch."""
        if self.rate is None:
            return None
        validation = self.found["validation_tokens"] * self.found["epochs"] * FORWARD_SHARE
        return (self.total_tokens + validation) / self.rate.tokens_per_second


class DryRunControl:
    def __init__(
        self,
        jobs: CustomizationJobs,
        models: CustomModels,
        records: TrainingRecords,
        weights: WeightsCatalogue,
        artifacts: ArtifactStore,
        *,
        price_file: Path,
        run: Run,
    ) -> None:
        self._jobs = jobs
        self._models = models
        self._records = records
        self._weights = weights
        self._artifacts = artifacts
        self._price_file = price_file
        self._run = run

    def validate(self, scope: Scope, new: NewDryRun) -> list[dict[str, Any]]:
        """A report on each file, the training data first."""
        base = self._base(scope, new)
        return self._run(_orders(scope, new, base))["files"]

    def examine(self, scope: Scope, new: NewDryRun, *, first_record: int, record_count: int) -> dict[str, Any]:
        """As `validate`, and what the training data would teach; the records asked for token by token."""
        base = self._base(scope, new)
        folder = base_folder(base, bound_weights(base, self._weights), self._weights, self._artifacts)
        examination = {
            "baseFolder": str(folder),
            "firstRecord": first_record,
            "recordCount": record_count,
        }
        return self._run({**_orders(scope, new, base), "examination": examination})

    def estimate(self, scope: Scope, new: NewDryRun) -> JobEstimate:
        base = self._base(scope, new)
        rules = base.foundation.hyperparameters
        hyperparameters = with_adapter_shape(base, new.hyperparameters)
        values = resolve_hyperparameters(rules, hyperparameters, customization_type=new.customization_type)
        refuse_extensions_without_effect(rules, hyperparameters, has_validation_data=bool(new.validation_s3_uris))
        prices = read_price_book(self._price_file)
        bound = bound_weights(base, self._weights)
        found = self._run(
            {
                **_orders(scope, new, base),
                "estimate": {
                    "hyperParameters": hyperparameters,
                    "weights": bound.to_json(),
                    "baseFolder": str(base_folder(base, bound, self._weights, self._artifacts)),
                },
            }
        )
        return JobEstimate(
            found=found,
            rate=self._rate(scope, bound, str(values["customizationMethod"])),
            prices=prices,
            price=None if prices is None else prices.per_thousand_tokens.get(base.foundation.model_id),
        )

    def _base(self, scope: Scope, new: NewDryRun) -> ReferredModel:
        base = refer(self._models, scope, new.base_model_identifier)
        customizations = base.foundation.customizations + base.foundation.dialect_customizations
        if new.customization_type not in customizations:
            raise ValidationFailed(
                f"The base model {base.foundation.model_id} does not support customizationType "
                f"{new.customization_type}; it supports {', '.join(customizations) or 'none'}."
            )
        for uri in (new.training_s3_uri, *new.validation_s3_uris):
            if uri.endswith("/") or uri.count("/") < 3:
                raise ValidationFailed(f"{uri} names no object; give the S3 URI of a file: s3://bucket/path/file.jsonl")
        return base

    def _rate(self, scope: Scope, bound: BoundWeights, method: str) -> Rate | None:
        """Of the caller's own jobs: what others train, and how fast, is theirs to know."""
        tokens, seconds, jobs = 0, 0.0, 0
        for job in reversed(self._jobs.every_in(scope)):
            alike = self._weights.bound_to(job.request).key == bound.key
            if not alike or job.hyperparameters.get("customizationMethod", "lora") != method:
                continue
            # The first step warms up.
            steps = [step for step in self._records.newest_steps(job.job_arn, MEASURED_STEPS) if step["step"] > 0]
            if not steps:
                continue
            tokens += sum(step["tokens"] for step in steps)
            seconds += sum(step["seconds"] for step in steps)
            jobs += 1
            if jobs == MEASURED_JOBS:
                break
        return Rate(tokens_per_second=tokens / seconds, jobs=jobs) if seconds > 0 else None


def _orders(scope: Scope, new: NewDryRun, base: ReferredModel) -> dict[str, Any]:
    return {
        "scope": asdict(scope),
        "foundationModelId": base.foundation.model_id,
        "customizationType": str(new.customization_type),
        "trainingS3Uri": new.training_s3_uri,
        "validationS3Uris": list(new.validation_s3_uris),
    }
