"""When a run ends before its planned epochs, and which epoch's weights are the best. Pure.

A validation loss counts as better when it is more than `threshold` below the last loss that counted; after `patience`
epochs in a row that are not, the run ends. The best weights are another question: those of the lowest loss of all, be
it lower by a hair. In the golden run (threshold 0.001, patience 2) epoch 6 is lower than epoch 5 by 0.00013, so it does
not save the run, which ends after epoch 7; but it is the best, and it is what is published.

Source   `earlyStoppingThreshold`, `earlyStoppingPatience` of Claude 3 Haiku on Bedrock; golden case in the tests.
"""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStopping:
    """The state after some validations; `after` gives the next."""

    threshold: float | None
    patience: int | None
    """None: never ends a run, only remembers the best."""
    reference_loss: float = math.inf
    """The last loss that counted as better."""
    stalled_epochs: int = 0
    """Validations in a row that did not."""
    best_loss: float | None = None
    best_step: int | None = None
    best_epoch: int | None = None

    def after(self, loss: float, *, step: int, epoch: int) -> "EarlyStopping":
        is_better = loss < self.reference_loss - (self.threshold or 0.0)
        is_best = self.best_loss is None or loss < self.best_loss
        return replace(
            self,
            reference_loss=loss if is_better else self.reference_loss,
            stalled_epochs=0 if is_better else self.stalled_epochs + 1,
            best_loss=loss if is_best else self.best_loss,
            best_step=step if is_best else self.best_step,
            best_epoch=epoch if is_best else self.best_epoch,
        )

    @property
    def is_over(self) -> bool:
        return self.patience is not None and self.stalled_epochs >= self.patience
