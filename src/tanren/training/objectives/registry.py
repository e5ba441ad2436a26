"""Every objective by its name in `TrainingSpec.objective`."""

from tanren.training.objectives.base import Objective
from tanren.training.objectives.continued_pre_training import ContinuedPreTraining
from tanren.training.objectives.supervised import Supervised

OBJECTIVES: dict[str, Objective] = {
    "supervised": Supervised(),
    "continued_pre_training": ContinuedPreTraining(),
}
