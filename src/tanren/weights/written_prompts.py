"""The road from text to ids of a model without a chat template: prompts as their callers wrote them.

It has the members of `ChatTemplate` that an engine uses, so that an engine need not know which of both it has.
"""

from typing import TYPE_CHECKING, Any, cast

from tanren.domain.conversation import Conversation
from tanren.domain.errors import JobFailed, ValidationFailed
from tanren.domain.tool_calls import STATED_FORM, CallForm
from tanren.weights.guarded_tokenizer import GuardedTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NO_CONVERSATIONS = (
    "This action doesn't support the model that you provided. Try again with a supported text or chat model."
)
"""AWS's words."""


class WrittenPrompts:
    """Raises   JobFailed at construction where nothing says how an answer ends."""

    call_form: CallForm = STATED_FORM

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._tokens = GuardedTokenizer(tokenizer)
        end = cast(int | None, cast(Any, tokenizer).eos_token_id)
        if end is None:
            raise JobFailed(
                "The model's tokenizer has neither a chat template nor an eos_token, so nothing says where its answers "
                "end. Name eos_token in tokenizer_config.json."
            )
        self.end_of_turn_id = end
        self.stop_ids = frozenset({end})

    def prompt_ids(self, conversation: Conversation) -> list[int]:
        """Raises ValidationFailed for anything but a written prompt."""
        if conversation.prompt is None:
            raise ValidationFailed(
                f"{NO_CONVERSATIONS} This one has no chat template; InvokeModel with a prompt is what it answers."
            )
        return self._tokens.encode_prompt(conversation.prompt)

    def decode(self, ids: list[int], *, skip_special_tokens: bool = False) -> str:
        return self._tokens.decode(ids, skip_special_tokens=skip_special_tokens)

    def tokenizer_json(self) -> str:
        return self._tokens.to_json()

    def special_pieces(self, text: str) -> list[str | int]:
        return self._tokens.special_pieces(text)
