"""Going on with pre-training: of a document, every token is learned."""

from typing import TYPE_CHECKING

from torch import Tensor

from tanren.data.records import Document, TrainingRecord
from tanren.domain.errors import ValidationFailed
from tanren.training.objectives.next_token import next_token_loss_sum
from tanren.training.packing import MicroBatch
from tanren.training.tokenization import Tokenizer, TokenSequence

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class ContinuedPreTraining:
    def sequence(self, record: TrainingRecord, tokenizer: Tokenizer) -> TokenSequence:
        if not isinstance(record.content, Document):
            raise ValidationFailed("a conversation is no plain document; it is for FINE_TUNING.")
        return tokenizer.of_document(record.content, record.source)

    def loss_sum(self, model: "PreTrainedModel", batch: MicroBatch) -> Tensor:
        return next_token_loss_sum(model, batch)
