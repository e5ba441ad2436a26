"""Fine-tuning on answers: of a conversation, the assistant's turns are learned and nothing else."""

from typing import TYPE_CHECKING

from torch import Tensor

from tanren.data.records import TrainingRecord
from tanren.domain.conversation import Conversation
from tanren.domain.errors import ValidationFailed
from tanren.training.objectives.next_token import next_token_loss_sum
from tanren.training.packing import MicroBatch
from tanren.training.tokenization import Tokenizer, TokenSequence

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Supervised:
    def sequence(self, record: TrainingRecord, tokenizer: Tokenizer) -> TokenSequence:
        if not isinstance(record.content, Conversation):
            raise ValidationFailed("a plain document has no answer to learn; it is for CONTINUED_PRE_TRAINING.")
        return tokenizer.of_conversation(record.content, record.source)

    def loss_sum(self, model: "PreTrainedModel", batch: MicroBatch) -> Tensor:
        return next_token_loss_sum(model, batch)
