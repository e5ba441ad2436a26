"""Where a custom model comes from, model by model up to the foundation model, and what was trained from it."""

from dataclasses import dataclass
from typing import Final

from tanren.catalog.weights import WeightsCatalogue
from tanren.control.custom_models import CustomModelControl
from tanren.domain import arns
from tanren.domain.custom_models import CustomModel
from tanren.domain.customization_jobs import CustomizationJob
from tanren.domain.scope import Scope
from tanren.domain.weights import BINDING_MEMBER, BoundWeights
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs

LONGEST_LINE: Final = 1000
"""Generations; a line of descent has no circles, so this is only for rows that somebody has tampered with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    model_arn: str
    model: CustomModel | None
    """None for a foundation model, and for one that was deleted since."""
    job: CustomizationJob | None
    """That made a model which was deleted since."""

    @property
    def is_deleted(self) -> bool:
        arn = arns.parse_arn(self.model_arn)
        return self.model is None and arn is not None and arn.kind != arns.FOUNDATION_MODEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    ancestors: tuple[Generation, ...]
    """The model itself first, the foundation model last."""
    descendants: tuple[CustomModel, ...]
    weights: BoundWeights | None
    """None until it is known which weights a model from elsewhere belongs to."""


class ModelLineageControl:
    def __init__(
        self,
        control: CustomModelControl,
        models: CustomModels,
        jobs: CustomizationJobs,
        weights: WeightsCatalogue,
    ) -> None:
        self._control = control
        self._models = models
        self._jobs = jobs
        self._weights = weights

    def of(self, scope: Scope, identifier: str) -> Lineage:
        model = self._control.get(scope, identifier)
        # A job's model without a note is from before there was a choice.
        is_bound = BINDING_MEMBER in model.request or model.job_arn is not None
        return Lineage(
            ancestors=tuple(self._ancestors(scope, model)),
            descendants=tuple(self._models.every_in(scope, self._models.table.c.base_model_arn == model.model_arn)),
            weights=self._weights.bound_to(model.request) if is_bound else None,
        )

    def _ancestors(self, scope: Scope, model: CustomModel) -> list[Generation]:
        line = [Generation(model_arn=model.model_arn, model=model, job=None)]
        parent_arn = model.base_model_arn
        while parent_arn is not None and len(line) < LONGEST_LINE:
            parent = self._models.get(scope, parent_arn)
            # A deleted model's job still says what it was trained on, and from what.
            job = self._maker(scope, parent_arn) if parent is None else None
            line.append(Generation(model_arn=parent_arn, model=parent, job=job))
            parent_arn = parent.base_model_arn if parent is not None else job.base_model_arn if job else None
        return line

    def _maker(self, scope: Scope, model_arn: str) -> CustomizationJob | None:
        arn = arns.parse_arn(model_arn)
        if arn is None or arn.kind != arns.CUSTOM_MODEL:
            return None
        made = self._jobs.every_in(scope, self._jobs.table.c.output_model_arn == model_arn)
        return made[0] if made else None
