"""A conversation → token ids, alike for training and for serving, with text that can never become a control token.

Algorithm   the tokenizer's own Jinja template renders the conversation, within bounds (`bounded_templates`). Where a
            message spells a special token ("<|end|>" typed by a user), a placeholder of private-use characters stands
            for it while the template runs; afterwards the text is cut at the special tokens that the *template* wrote,
            and the pieces between are tokenised with special tokens switched off. Ordinary text takes the plain road
            and equals `apply_chat_template` exactly. Names, descriptions and schemas of tools, their inputs and
            results, and documents are text in this sense.
Tools       what a template can do with tools is found by asking it: it renders a probe, and what it writes says whether
            it has a manner of its own and how a call is spelt in it (`chat_messages.py` has the manner for the others).
Cost        one rendering and one tokenisation for a prompt; two of each for an example of one turn.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from jinja2 import TemplateError

from tanren.domain.conversation import Conversation, Message, Role, Tool, ToolResult, ToolUse, user_turn
from tanren.domain.errors import JobFailed, ValidationFailed
from tanren.domain.tool_calls import STATED_FORM, CallForm, ToolCall, read_calls
from tanren.model_files.bounded_templates import BoundedTemplate
from tanren.weights.chat_messages import ToolManner, template_messages, template_tools

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_MARK = "\U000f0a11"
"""A private-use character; a placeholder is a number between two of them. Where a text holds it, it is hidden too."""

NO_TOOL_USE = "This model doesn't support tool use."
"""AWS's words."""

_PROBE_INPUT = {"probe_key": "probe_value"}
_PROBE_INPUT_WRITTEN = re.compile(r'\{\s*"probe_key"\s*:\s*"probe_value"\s*\}')
_PROBE_TOOL = Tool(
    name="probe_tool",
    description="probe_description",
    input_schema={"type": "object", "properties": {"probe_key": {"type": "string"}}, "required": ["probe_key"]},
)
_PROBE = Conversation(
    messages=(
        Message(role=Role.USER, text="probe_question"),
        Message(
            role=Role.ASSISTANT,
            text="",
            tool_uses=(ToolUse(id="probe_id", name=_PROBE_TOOL.name, input=_PROBE_INPUT),),
        ),
        Message(role=Role.USER, text="", tool_results=(ToolResult(tool_use_id="probe_id", text="probe_result"),)),
    ),
    tools=(_PROBE_TOOL,),
)
"""A question, a call and its result, with texts that no template writes by itself."""


class ChatTemplate:
    """The one road from conversations to ids.

    Raises   JobFailed at construction where the tokenizer has no chat template, or one that a model cannot learn to
             end a turn with.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        if not getattr(tokenizer, "chat_template", None):
            raise JobFailed(
                "The base model's tokenizer has no chat template, so there is no way to write a conversation for it. "
                "Add chat_template.jinja to its folder."
            )
        self._template = BoundedTemplate(cast(str, cast(Any, tokenizer).get_chat_template()))
        self._special_tokens = cast(dict[str, Any], cast(Any, tokenizer).special_tokens_map)
        self._rendering = threading.Lock()
        backend = cast(Any, tokenizer).backend_tokenizer
        self._parsing = type(backend).from_str(backend.to_str())
        self._parsing.no_truncation()
        self._parsing.no_padding()
        self._parsing.encode_special_tokens = False
        added = cast(dict[int, Any], cast(Any, tokenizer).added_tokens_decoder)
        self._special_ids: dict[str, int] = {token.content: id for id, token in added.items() if token.special}
        # The longest first, so that one special token that begins another does not win.
        ordered = sorted(
            (token for token in added.values() if token.special), key=lambda token: len(token.content), reverse=True
        )
        self._spelling = re.compile("|".join([_MARK, *(re.escape(token.content) for token in ordered)]))
        self._written = re.compile(
            "|".join(
                (r"\s*" if token.lstrip else "") + f"({re.escape(token.content)})" + (r"\s*" if token.rstrip else "")
                for token in ordered
            )
            or r"(?!)"
        )
        self.end_of_turn_id = self._find_end_of_turn()
        eos = cast(int | None, cast(Any, tokenizer).eos_token_id)
        self.stop_ids = frozenset({self.end_of_turn_id} | ({eos} if eos is not None else set[int]()))
        """Ids with which the model ends an answer."""

    def prompt_ids(self, conversation: Conversation) -> list[int]:
        """What serving feeds: the conversation, then the header under which the model answers, then the beginning of
        the answer where the conversation ends with one (prefill).

        Raises   ValidationFailed where the template refuses it, for instance because it has no place for `system`, or
                 for tools.
        """
        prefill = conversation.messages[-1] if conversation.messages else None
        if prefill is None or prefill.role is Role.USER:
            text, literals = self._render(conversation, add_generation_prompt=True)
            return self._encode(text, literals)
        if prefill.tool_uses:
            raise ValidationFailed("The conversation ends with a tool use; its tool result is missing.")
        asked = replace(conversation, messages=conversation.messages[:-1])
        # Tokenised apart from the prompt, as an answer is in training.
        return self.prompt_ids(asked) + self.text_ids(prefill.text)

    def example(self, conversation: Conversation) -> tuple[list[int], list[int]]:
        """(ids, loss mask) of a conversation that ends with the assistant's answer.

        The mask is 1 on the tokens that the model has to produce: each assistant turn's answer with the token that
        ends the turn, and nothing else.

        Why      ids before the last answer equal `prompt_ids` of the conversation without it, since the prompt and the
                 answer are tokenised apart, as serving does: the answer is generated behind the prompt's tokens.
        Raises   JobFailed where the template writes a prompt that is no beginning of the whole (then training and
                 serving would differ); ValidationFailed where it refuses the conversation.
        """
        assert conversation.messages
        assert conversation.messages[-1].role is Role.ASSISTANT
        whole, literals = self._render(conversation, add_generation_prompt=False)
        asked = replace(conversation, messages=conversation.messages[:-1])
        prompt, prompt_literals = self._render(asked, add_generation_prompt=True)
        if not whole.startswith(prompt) or literals[: len(prompt_literals)] != prompt_literals:
            raise JobFailed(
                "The base model's chat template writes a prompt that is not the beginning of the conversation with "
                "its answer; a model trained on it would be asked differently than it was taught. Use another template."
            )
        ids = self._encode(prompt, literals)
        mask = [0] * len(ids)
        for index, message in enumerate(conversation.messages[:-1]):
            if message.role is Role.ASSISTANT:
                earlier = replace(conversation, messages=conversation.messages[:index])
                self._mark_answer(ids, mask, start=_shared_length(ids, self.prompt_ids(earlier)))
        start = len(ids)
        ids += self._encode(whole[len(prompt) :], literals)
        mask += [0] * (len(ids) - start)
        self._mark_answer(ids, mask, start=start)
        return ids, mask

    def text_ids(self, text: str) -> list[int]:
        """Plain text, no template, no special token even where it spells one."""
        return _ids(self._literal, text)

    def tokenizer_json(self) -> str:
        """The tokenizer as `tokenizers` writes it; a string of megabytes."""
        return self._parsing.to_str()

    def decode(self, ids: list[int], *, skip_special_tokens: bool = False) -> str:
        return self._parsing.decode(ids, skip_special_tokens=skip_special_tokens)

    def _mark_answer(self, ids: list[int], mask: list[int], *, start: int) -> None:
        """1 from `start` through the first token that ends a turn."""
        if self.end_of_turn_id in ids[start:]:
            end = ids.index(self.end_of_turn_id, start) + 1
            mask[start:end] = [1] * (end - start)
            return
        raise JobFailed(
            "The base model's chat template does not end an assistant turn with "
            f"{self.decode([self.end_of_turn_id])!r}; a model trained on it would never learn to stop."
        )

    @cached_property
    def tool_manner(self) -> ToolManner:
        """How tools are written for this model; found by rendering a probe, once."""
        if self._native_form is not None:
            return ToolManner.NATIVE
        for manner in (ToolManner.STATED, ToolManner.STATED_TO_USER):
            written = self._probed(_PROBE, manner)
            if written is not None and all(part in written for part in ("probe_description", "probe_result")):
                return manner
        return ToolManner.NONE

    @property
    def call_form(self) -> CallForm:
        """How the model is to write a call."""
        return self._native_form or STATED_FORM

    def special_pieces(self, text: str) -> list[str | int]:
        """The text cut at the special tokens that it spells: pieces of plain text, and ids."""
        pieces: list[str | int] = []
        position = 0
        for match in self._written.finditer(text):
            spelt = cast(str, match[match.lastindex or 0])
            pieces += [text[position : match.start(match.lastindex or 0)], self._special_ids[spelt]]
            position = match.end(match.lastindex or 0)
        pieces.append(text[position:])
        return [piece for piece in pieces if piece != ""]

    @cached_property
    def _native_form(self) -> CallForm | None:
        """The form of a call in the template's own manner; None where it has none that can be read back."""
        asked = replace(_PROBE, messages=_PROBE.messages[:1])
        called = replace(_PROBE, messages=_PROBE.messages[:2])
        prompt = self._probed(asked, ToolManner.NATIVE, add_generation_prompt=True)
        whole = self._probed(called, ToolManner.NATIVE)
        answered = self._probed(_PROBE, ToolManner.NATIVE)
        if prompt is None or whole is None or answered is None or not whole.startswith(prompt):
            return None
        if "probe_description" not in prompt or "probe_key" not in prompt or "probe_result" not in answered:
            return None
        answer = whole[len(prompt) :]
        name_at, given = answer.find(_PROBE_TOOL.name), _PROBE_INPUT_WRITTEN.search(answer)
        if name_at < 0 or given is None or given.start() < name_at:
            return None
        end = self._written.search(answer, given.end())
        if end is None or self._special_ids[cast(str, end[end.lastindex or 0])] not in self.stop_ids:
            return None
        form = CallForm(
            before=answer[:name_at],
            between=answer[name_at + len(_PROBE_TOOL.name) : given.start()],
            after=answer[given.end() : end.start()],
        )
        visible = "".join(piece for piece in self.special_pieces(answer[: end.start()]) if isinstance(piece, str))
        read = read_calls(visible)
        is_read_back = read.calls == (ToolCall(name=_PROBE_TOOL.name, input=_PROBE_INPUT),) and not read.text
        return form if is_read_back else None

    def _probed(
        self, conversation: Conversation, manner: ToolManner, *, add_generation_prompt: bool = False
    ) -> str | None:
        try:
            return self._rendered(conversation, manner, add_generation_prompt=add_generation_prompt)[0]
        except ValidationFailed:
            return None

    def _render(self, conversation: Conversation, *, add_generation_prompt: bool) -> tuple[str, list[str]]:
        """The template's text, and what its placeholders stand for, in order."""
        has_tools = bool(conversation.tools) or any(
            message.tool_uses or message.tool_results for message in conversation.messages
        )
        manner = self.tool_manner if has_tools else ToolManner.STATED
        if manner is ToolManner.NONE:
            raise ValidationFailed(NO_TOOL_USE)
        return self._rendered(conversation, manner, add_generation_prompt=add_generation_prompt)

    def _rendered(
        self, conversation: Conversation, manner: ToolManner, *, add_generation_prompt: bool
    ) -> tuple[str, list[str]]:
        literals: list[str] = []

        def placeholder(match: re.Match[str]) -> str:
            literals.append(match.group())
            return f"{_MARK}{len(literals) - 1}{_MARK}"

        def hidden(value: Any) -> Any:
            """The same, with every special token that a text of it spells behind a placeholder."""
            if isinstance(value, str):
                return self._spelling.sub(placeholder, value)
            if isinstance(value, Mapping):
                members = cast("Mapping[Any, Any]", value)
                return {hidden(key): hidden(each) for key, each in members.items()}
            if isinstance(value, list | tuple):
                return [hidden(each) for each in cast("list[Any]", value)]
            return value

        is_native = bool(conversation.tools) and manner is ToolManner.NATIVE
        variables = {
            **self._special_tokens,
            "tools": hidden(template_tools(conversation.tools)) if is_native else None,
            "messages": hidden(template_messages(conversation, manner)),
            "documents": None,
            "add_generation_prompt": add_generation_prompt,
        }
        try:
            with self._rendering:
                text = self._template.render(variables)
        except TemplateError as error:
            raise ValidationFailed(f"The base model's chat template refuses this conversation: {error}") from error
        return text, literals

    def _encode(self, text: str, literals: list[str]) -> list[int]:
        if _MARK not in text:
            return _ids(self._parsing, text)
        if not self._cuts_cleanly:
            raise ValidationFailed(
                "A message spells a control token of the base model, and this model's tokenizer cannot write it as "
                f"plain text: {', '.join(sorted(set(literals)))}. Rephrase the message."
            )
        return self._encode_cut(text, literals)

    def _encode_cut(self, text: str, literals: list[str]) -> list[int]:
        ids: list[int] = []
        position = 0
        for match in self._written.finditer(text):
            ids += self._encode_literal(text[position : match.start()], literals)
            ids.append(self._special_ids[cast(str, match[match.lastindex or 0])])
            position = match.end()
        return ids + self._encode_literal(text[position:], literals)

    def _encode_literal(self, text: str, literals: list[str]) -> list[int]:
        restored = re.sub(f"{_MARK}(\\d+){_MARK}", lambda match: literals[int(match[1])], text)
        return _ids(self._literal, restored) if restored else []

    @cached_property
    def _literal(self) -> Any:
        """The tokenizer with special tokens off. Made when first needed: a large vocabulary takes a second."""
        literal = type(self._parsing).from_str(self._parsing.to_str())
        literal.encode_special_tokens = True
        return literal

    @cached_property
    def _cuts_cleanly(self) -> bool:
        """Whether pieces tokenised apart give the ids of the whole; some tokenizers spell a first piece differently."""
        probe = user_turn("one two\n three")
        text, _ = self._render(probe, add_generation_prompt=True)
        return self._encode_cut(text, []) == self._parsing.encode(text, add_special_tokens=False).ids

    def _find_end_of_turn(self) -> int:
        """The first special token that the template writes behind an assistant's text."""
        probe = Conversation.from_json(
            {"system": None, "messages": [{"role": "user", "text": "a"}, {"role": "assistant", "text": "b"}]}
        )
        text, literals = self._render(probe, add_generation_prompt=False)
        ids = self._encode(text, literals)
        asked = Conversation(messages=probe.messages[:1])
        prompt = self._encode(*self._render(asked, add_generation_prompt=True))
        specials = set(self._special_ids.values())
        for token in ids[_shared_length(ids, prompt) :]:
            if token in specials:
                return token
        raise JobFailed(
            "The base model's chat template writes no special token behind the assistant's answer; "
            "a model trained on it would never learn to stop. Use a template that ends each turn."
        )


def _ids(tokenizer: Any, text: str) -> list[int]:
    """Without the characters' places, which nobody asks for and which cost a quarter more."""
    return tokenizer.encode_batch_fast([text], add_special_tokens=False)[0].ids


def _shared_length(left: list[int], right: list[int]) -> int:
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return index
    return min(len(left), len(right))
