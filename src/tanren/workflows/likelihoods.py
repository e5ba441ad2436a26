"""How probable weights at hand find given answers: the tokens, the mask and the loss are those of training.

Bedrock's API gives no probabilities, so this is for models of this machine's own store alone. Weights are loaded for
one call and let go; what was computed is remembered.

Cost     the weights in float32, in the process that calls, and one forward pass an answer.
"""

from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tanren.data.records import RecordSource
from tanren.domain.conversation import Conversation
from tanren.domain.errors import JobFailed, ValidationFailed
from tanren.evaluation.answers import Likelihood
from tanren.model_files.digests import weights_digest
from tanren.training.memory_forecast import available_memory
from tanren.training.objectives.next_token import next_token_loss_sum
from tanren.training.packing import pad
from tanren.training.tokenization import TokenSequence
from tanren.weights.adapters import read_adapter
from tanren.weights.base_models import load_base_model, load_tokenizer, read_facts
from tanren.weights.chat_template import ChatTemplate
from tanren.weights.lora import merge_factors

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_BYTES_OF_A_WEIGHT = 4


class WeightsLikelihoods:
    """See `evaluation.answers.LikelihoodScorer`."""

    def __init__(
        self, base_folder: Path, adapter: Path | None, *, device: str, check_wanted: Callable[[], None]
    ) -> None:
        """`check_wanted` is called before each answer, and raises what is to end the work."""
        self._base_folder = base_folder
        self._adapter = adapter
        self._device = device
        self._check_wanted = check_wanted
        self._known: dict[Conversation, Likelihood | None] = {}

    def likelihoods(self, conversations: Sequence[Conversation]) -> Sequence[Likelihood | None]:
        """Raises JobFailed where the weights do not fit into memory, or cannot be used."""
        todo = [conversation for conversation in dict.fromkeys(conversations) if conversation not in self._known]
        if todo:
            template = ChatTemplate(load_tokenizer(self._base_folder))
            model, room = self._model(), read_facts(self._base_folder).context_length
            with torch.no_grad():
                for conversation in todo:
                    self._check_wanted()
                    self._known[conversation] = _likelihood(model, template, conversation, room, self._device)
        return [self._known[conversation] for conversation in conversations]

    def _model(self) -> "PreTrainedModel":
        needed = read_facts(self._base_folder).parameter_count * _BYTES_OF_A_WEIGHT
        free = available_memory(self._device)
        if free is not None and needed > free:
            raise JobFailed(
                f"How probable {self._base_folder.name} finds the references takes its weights in float32, "
                f"{needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory are free. Leave loss, perplexity and bits "
                "per byte out, or free the memory."
            )
        model = load_base_model(self._base_folder, dtype="float32", device=self._device)
        if self._adapter is not None:
            adapter = read_adapter(self._adapter, base_weights_sha256=weights_digest(self._base_folder))
            merge_factors(model, adapter.factors)
        return model


def _likelihood(
    model: "PreTrainedModel", template: ChatTemplate, conversation: Conversation, room: int, device: str
) -> Likelihood | None:
    """None where the conversation cannot be written for the model, or is longer than it can read."""
    try:
        ids, mask = template.example(conversation)
    except ValidationFailed:
        return None
    if len(ids) > room:
        return None
    sequence = TokenSequence(
        ids=array("i", ids), loss_mask=_of_last_answer(mask), source=RecordSource(file="answer", line=1)
    )
    batch = pad([sequence], device=device)
    return Likelihood(
        nats=float(next_token_loss_sum(model, batch)),
        token_count=batch.target_count,
        byte_count=len(conversation.messages[-1].text.encode()),
    )


def _of_last_answer(mask: Sequence[int]) -> bytes:
    """The mask without the answers of examples before."""
    end = len(mask) - mask[::-1].index(1)
    begin = end
    while begin and mask[begin - 1]:
        begin -= 1
    return bytes(begin) + bytes([1]) * (end - begin) + bytes(len(mask) - end)
