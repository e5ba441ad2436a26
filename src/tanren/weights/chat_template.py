"""A conversation → token ids, alike for training and for serving, with text that can never become a control token.

Algorithm   the tokenizer's own Jinja template renders the conversation, within bounds (`bounded_templates`), over texts
            in which control tokens are hidden (`guarded_tokenizer`). Ordinary text takes the plain road and equals
            `apply_chat_template` exactly, but for what follows. Names, descriptions and schemas of tools, their inputs
            and results, and documents are text in this sense.
Borders     an answer is made behind the header's tokens, one by one, so it never shares a token with its header. Where
            the tokenizer would join the two, they are tokenised apart: in training, in the prompt that serving feeds,
            and in the history of a longer conversation. So the ids before every learned answer are those of its prompt.
            Control tokens that the template opens every answer with (GPT-OSS's channel) are asked with, since a caller
            would not see them; so they stand at the end of the prompt.
Tools       what a template can do with tools is found by asking it: it renders a probe, and what it writes says whether
            it has a manner of its own and how a call is spelt in it (`chat_messages.py` has the manner for the others).
Cost        one rendering and one tokenisation for a prompt, and a few characters' more for each earlier answer; two
            of each for an example of one turn.
"""

import re
import threading
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from jinja2 import TemplateError

from tanren.domain.conversation import Conversation, Message, Role, Tool, ToolResult, ToolUse, user_turn
from tanren.domain.errors import JobFailed, ValidationFailed
from tanren.domain.tool_calls import STATED_FORM, CallForm, ToolCall, read_calls, without_empty_thought
from tanren.model_files.bounded_templates import BoundedTemplate
from tanren.weights.chat_messages import ToolManner, template_messages, template_tools
from tanren.weights.guarded_tokenizer import GuardedTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

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
_PROBE_CALL_ID = template_messages(_PROBE, ToolManner.NATIVE)[1]["tool_calls"][0]["id"]
_CALL_ID_WRITTEN = re.compile(rf',\s*"id"\s*:\s*"{_PROBE_CALL_ID}"')
_PROBE_ANSWER = "probe_answer"
_BORDER_CHARACTERS = 24
"""Of an answer, with which it is tried whether it would share a token with its header."""


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
        self._tokens = GuardedTokenizer(tokenizer)
        self._header = ""
        """What a prompt ends with, whatever was asked: from the last special token of the header on."""
        self._opening = ""
        """What the template writes before the text of every answer, where control tokens are in it: asked with."""
        self._lead = ""
        """The same, where none is in it (a space, an empty thought): a part of the answer, learned with it."""
        self._ending = ""
        """What it writes behind the text of a conversation's last answer."""
        self.end_of_turn_id = self._learn_answers()
        eos = cast(int | None, cast(Any, tokenizer).eos_token_id)
        self.stop_ids = frozenset({self.end_of_turn_id} | ({eos} if eos is not None else set[int]()))
        """Ids with which the model ends an answer."""

    def prompt_ids(self, conversation: Conversation) -> list[int]:
        """What serving feeds: the conversation, then the header under which the model answers, then the beginning of
        the answer where the conversation ends with one (prefill).

        Raises   ValidationFailed where the template refuses it, for instance because it has no place for `system`, or
                 for tools.
        """
        if conversation.prompt is not None:
            return self._tokens.encode_prompt(conversation.prompt)
        prefill = conversation.messages[-1] if conversation.messages else None
        if prefill is None or prefill.role is Role.USER:
            text, literals = self._prompt(conversation)
            return self._encode_apart(text, literals, self._borders(conversation, text))
        if prefill.tool_uses:
            raise ValidationFailed("The conversation ends with a tool use; its tool result is missing.")
        asked = replace(conversation, messages=conversation.messages[:-1])
        return self.prompt_ids(asked) + self._prefill_ids(conversation)

    def example(self, conversation: Conversation) -> tuple[list[int], list[int]]:
        """(ids, loss mask) of a conversation that ends with the assistant's answer.

        The mask is 1 on the tokens that the model has to produce: each assistant turn's answer with the token that
        ends the turn, and nothing else.

        Why      ids before each answer equal `prompt_ids` of the conversation up to it, since the answer is generated
                 behind the prompt's tokens.
        Raises   JobFailed where the template writes a prompt that is no beginning of the whole (then training and
                 serving would differ); ValidationFailed where it refuses the conversation, or writes an earlier answer
                 otherwise than it asked for it.
        """
        assert conversation.messages
        assert conversation.messages[-1].role is Role.ASSISTANT
        whole, literals = self._render(conversation, add_generation_prompt=False)
        asked = replace(conversation, messages=conversation.messages[:-1])
        prompt, prompt_literals = self._prompt(asked)
        if not whole.startswith(prompt) or literals[: len(prompt_literals)] != prompt_literals:
            raise JobFailed(
                "The base model's chat template writes a prompt that is not the beginning of the conversation with "
                "its answer; a model trained on it would be asked differently than it was taught. Use another template."
            )
        ids = self._encode_apart(prompt, prompt_literals, self._borders(asked, prompt))
        mask = [0] * len(ids)
        for index, message in enumerate(conversation.messages[:-1]):
            if message.role is Role.ASSISTANT:
                earlier = self.prompt_ids(replace(conversation, messages=conversation.messages[:index]))
                if ids[: len(earlier)] != earlier:
                    raise ValidationFailed(
                        f"The base model's chat template writes message {index + 1} of this conversation, an answer, "
                        "otherwise than it asks for it, so it cannot be learned as it would be given. Make a record of "
                        "its own of each answer, with the messages before it."
                    )
                self._mark_answer(ids, mask, start=len(earlier))
        start = len(ids)
        ids += self._behind_header(whole[len(prompt) :], literals)
        mask += [0] * (len(ids) - start)
        self._mark_answer(ids, mask, start=start)
        return ids, mask

    def text_ids(self, text: str) -> list[int]:
        """Plain text, no template, no special token even where it spells one."""
        return self._tokens.encode_literally(text)

    def tokenizer_json(self) -> str:
        """The tokenizer as `tokenizers` writes it; a string of megabytes."""
        return self._tokens.to_json()

    def decode(self, ids: list[int], *, skip_special_tokens: bool = False) -> str:
        return self._tokens.decode(ids, skip_special_tokens=skip_special_tokens)

    def _mark_answer(self, ids: list[int], mask: list[int], *, start: int) -> None:
        """1 from `start` through the token that ends the turn, which is the next special one.

        A template may end an earlier turn with another token than an answer; that one is not learned.
        """
        end = next((at for at in range(start, len(ids)) if ids[at] in self._tokens.control_ids), None)
        if end is None:
            raise JobFailed(
                "The base model's chat template does not end an assistant turn with "
                f"{self.decode([self.end_of_turn_id])!r}; a model trained on it would never learn to stop."
            )
        stop = end + (ids[end] == self.end_of_turn_id)
        mask[start:stop] = [1] * (stop - start)

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
        """The text cut at the added tokens that it spells: pieces of plain text, and ids."""
        return self._tokens.special_pieces(text)

    @cached_property
    def _native_form(self) -> CallForm | None:
        """The form of a call in the template's own manner; None where it has none that can be read back."""
        asked = replace(_PROBE, messages=_PROBE.messages[:1])
        called = replace(_PROBE, messages=_PROBE.messages[:2])
        header = self._probed(asked, ToolManner.NATIVE, add_generation_prompt=True)
        prompt = None if header is None else header + self._opening
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
        end = self._tokens.control_spelling.search(answer, given.end())
        if end is None or self._tokens.control_id(end) not in self.stop_ids:
            return None
        form = CallForm(
            before=answer[:name_at],
            between=answer[name_at + len(_PROBE_TOOL.name) : given.start()],
            # The id of a call is made here, when it has been read; a model that writes one, makes it up.
            after=_CALL_ID_WRITTEN.sub("", answer[given.end() : end.start()]),
        )
        visible = self._tokens.control_spelling.sub("", answer[: end.start()])
        read = read_calls(visible, names=(_PROBE_TOOL.name,))
        is_read_back = read.calls == (ToolCall(name=_PROBE_TOOL.name, input=_PROBE_INPUT),)
        return form if is_read_back and not without_empty_thought(read.text).strip() else None

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

        is_native = bool(conversation.tools) and manner is ToolManner.NATIVE
        variables = {
            **self._special_tokens,
            "tools": self._tokens.hidden(template_tools(conversation.tools), literals) if is_native else None,
            "messages": self._tokens.hidden(template_messages(conversation, manner), literals),
            "documents": None,
            "add_generation_prompt": add_generation_prompt,
        }
        try:
            with self._rendering:
                text = self._template.render(variables)
        except TemplateError as error:
            raise ValidationFailed(f"The base model's chat template refuses this conversation: {error}") from error
        return text, literals

    def _prompt(self, conversation: Conversation) -> tuple[str, list[str]]:
        """What the model answers behind, as text, and what its placeholders stand for."""
        text, literals = self._render(conversation, add_generation_prompt=True)
        return text + self._opening, literals

    def _prefill_ids(self, conversation: Conversation) -> list[int]:
        """The beginning of an answer as training writes it behind the prompt, so with what stands before its text."""
        asked = replace(conversation, messages=conversation.messages[:-1])
        prompt, _ = self._prompt(asked)
        whole, literals = self._render(conversation, add_generation_prompt=False)
        if whole.startswith(prompt) and whole.endswith(self._ending):
            return self._behind_header(whole[len(prompt) :].removesuffix(self._ending), literals)
        return self.text_ids(conversation.messages[-1].text)

    def _borders(self, conversation: Conversation, text: str) -> list[int]:
        """Where in the text of a prompt earlier answers begin that would share a token with their header."""
        borders: list[int] = []
        if len(self._header_ids) == 1 and self._header_ids[0] in self._tokens.control_ids:
            return borders  # which shares with nobody
        for index, message in enumerate(conversation.messages):
            if message.role is Role.USER:
                continue
            # A template may trim the text, or write something before it; mostly all three are one.
            bare = message.text.strip()
            if not any(map(self._joins_header, {message.text, bare, self._lead + bare})):
                continue
            prompt, _ = self._prompt(replace(conversation, messages=conversation.messages[:index]))
            if text.startswith(prompt) and self._joins_header(text[len(prompt) :]):
                borders.append(len(prompt))
        return borders

    def _joins_header(self, answer: str) -> bool:
        begun = self._header + answer[:_BORDER_CHARACTERS]
        return self._tokens.encode(begun)[: len(self._header_ids)] != self._header_ids

    @cached_property
    def _header_ids(self) -> list[int]:
        return self._tokens.encode(self._header)

    def _behind_header(self, text: str, literals: list[str]) -> list[int]:
        """The ids of an answer as they would follow its header's: a tokenizer may spell the first piece of a text
        differently."""
        ids = self._encode(self._header + text, literals)
        if ids[: len(self._header_ids)] == self._header_ids:
            return ids[len(self._header_ids) :]
        return self._encode(text, literals)

    def _encode_apart(self, text: str, literals: list[str], borders: list[int]) -> list[int]:
        edges = pairwise([0, *borders, len(text)])
        return [id for start, end in edges for id in self._encode(text[start:end], literals)]

    def _encode(self, text: str, literals: list[str]) -> list[int]:
        if not self._tokens.has_placeholder(text):
            return self._tokens.encode(text)
        if not self._cuts_cleanly:
            raise ValidationFailed(
                "A message spells a control token of the base model, and this model's tokenizer cannot write it as "
                f"plain text: {', '.join(sorted(set(literals)))}. Rephrase the message."
            )
        return self._tokens.encode_cut(text, literals)

    @cached_property
    def _cuts_cleanly(self) -> bool:
        """Whether pieces tokenised apart give the ids of the whole; some tokenizers spell a first piece differently."""
        text, _ = self._render(user_turn("one two\n three"), add_generation_prompt=True)
        return self._tokens.encode_cut(text, []) == self._tokens.encode(text)

    def _learn_answers(self) -> int:
        """Finds how the template writes answers: their header, what stands before their text, and what ends them.

        Returns the id of the first special token behind an answer's text.
        """
        asked = replace(_PROBE, messages=_PROBE.messages[:1], tools=())
        answer = Message(role=Role.ASSISTANT, text=_PROBE_ANSWER)
        prompt, _ = self._render(asked, add_generation_prompt=True)
        other, _ = self._render(user_turn("a"), add_generation_prompt=True)
        self._header = self._from_last_special(_shared_end(prompt, other))
        whole, _ = self._render(replace(asked, messages=(*asked.messages, answer)), add_generation_prompt=False)
        at = whole.rfind(_PROBE_ANSWER)
        end = self._tokens.control_spelling.search(whole, at + len(_PROBE_ANSWER)) if at >= 0 else None
        if end is None:
            raise JobFailed(
                "The base model's chat template writes no special token behind the assistant's answer; "
                "a model trained on it would never learn to stop. Use a template that ends each turn."
            )
        self._ending = whole[at + len(_PROBE_ANSWER) :]
        opening = whole[len(prompt) : at] if whole.startswith(prompt) else ""
        if not self._tokens.control_spelling.search(opening):
            self._lead = opening
        else:
            # Control tokens that every answer begins with are no part of what a caller reads, so they are asked with.
            self._opening = opening
            self._header = self._from_last_special(self._header + opening)
        return self._tokens.control_id(end)

    def _from_last_special(self, text: str) -> str:
        last = max((match.start() for match in self._tokens.control_spelling.finditer(text)), default=0)
        return text[last:]


def _shared_end(left: str, right: str) -> str:
    count = 0
    while count < min(len(left), len(right)) and left[-1 - count] == right[-1 - count]:
        count += 1
    return left[len(left) - count :]
