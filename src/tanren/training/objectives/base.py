"""What an objective is: which sequence a record becomes, and what is minimised over it.

Why   the loop adds up `loss_sum` over micro-batches and divides once by the step's number of targets, so an objective
      must neither average nor shift. Another objective (preference, distillation) is another file and a registry line.
"""

from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from tanren.data.records import TrainingRecord
from tanren.training.packing import MicroBatch
from tanren.training.tokenization import Tokenizer, TokenSequence

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Objective(Protocol):
    def sequence(self, record: TrainingRecord, tokenizer: Tokenizer) -> TokenSequence:
        """Called once a record, before training. Raises ValidationFailed where the record is of another kind."""
        ...

    def loss_sum(self, model: "PreTrainedModel", batch: MicroBatch) -> Tensor:
        """A float32 scalar in nats, summed over the batch's targets; carries the gradient."""
        ...
