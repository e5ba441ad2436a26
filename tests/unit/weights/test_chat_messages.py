"""Tools, their uses and documents before a model: in its template's manner or the stated one, alike on both roads."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.domain.conversation import Conversation, Message, Role, Tool, ToolResult, ToolUse
from tanren.domain.documents import AttachedDocument
from tanren.domain.errors import ValidationFailed
from tanren.domain.tool_calls import STATED_FORM, CallForm
from tanren.weights.chat_messages import ToolManner
from tanren.weights.chat_template import ChatTemplate
from tests.numerics.tiny_models import SPECIALS, TEMPLATE, save_tokenizer

TURNS = (
    "{% for m in messages %}{% if m.role == 'tool' %}{{ '<|user|>\nResult: ' + m.content + '<|end|>\n' }}"
    "{% elif m.tool_calls %}{{ '<|assistant|>\n' + m.content }}{% for c in m.tool_calls %}CALL{% endfor %}"
    "{{ '<|end|>\n' }}{% else %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
OFFER = (
    "{{ '<|bos|>' }}{% if tools %}{{ '<|system|>\n' }}{% for t in tools %}{{ t | tojson }}{% endfor %}"
    "{{ '<|end|>\n' }}{% endif %}"
)


def native(call: str) -> str:
    """A template that knows tools and writes a call like this."""
    return OFFER + TURNS.replace("CALL", call)


TAGGED = native(
    '<tool_call>\n{{ \'{"name": "\' + c.function.name + \'", "arguments": \' }}{{ c.function.arguments | tojson }}'
    "{{ '}' }}\n</tool_call>"
)
LISTED = native(
    '[{{ \'{"name": "\' + c.function.name + \'", "arguments": \' }}{{ c.function.arguments | tojson }}'
    "{{ ', \"id\": \"' + c.id + '\"}' }}]"
)
UNREADABLE = native("{{ c.function.name }}({{ c.function.arguments | tojson }})")
NO_TOOL_ROLE = (
    "{% for m in messages %}{% if m.role not in ['system', 'user', 'assistant'] %}{{ raise_exception('role') }}"
    "{% endif %}{% endfor %}" + TEMPLATE
)
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + TEMPLATE


def template_of(folder: Path, template: str) -> ChatTemplate:
    return ChatTemplate(save_tokenizer(folder, template=template))


def talk(text: str = "Weather?", **parts: Any) -> Conversation:
    return Conversation(
        messages=(
            Message(role=Role.USER, text=text, **parts),
            Message(role=Role.ASSISTANT, text="", tool_uses=(ToolUse(id="t-1", name="get", input={"city": text}),)),
            Message(role=Role.USER, text="and?", tool_results=(ToolResult(tool_use_id="t-1", text=text),)),
            Message(role=Role.ASSISTANT, text="cold"),
        ),
        tools=(Tool(name="get", description=text, input_schema={"type": "object", "properties": {text: {}}}),),
    )


def prompt(template: ChatTemplate, conversation: Conversation) -> str:
    return template.decode(template.prompt_ids(conversation))


def up_to(conversation: Conversation, count: int) -> Conversation:
    return Conversation(system=conversation.system, messages=conversation.messages[:count], tools=conversation.tools)


@pytest.mark.parametrize(
    ("template", "manner"),
    [
        (TAGGED, ToolManner.NATIVE),
        (LISTED, ToolManner.NATIVE),
        (UNREADABLE, ToolManner.STATED),
        (TEMPLATE, ToolManner.STATED),
        (NO_TOOL_ROLE, ToolManner.STATED_TO_USER),
        (NO_SYSTEM, ToolManner.NONE),
    ],
)
def test_what_a_template_can_do_with_tools_is_found_by_asking_it(tmp_path: Path, template: str, manner: ToolManner):
    assert template_of(tmp_path, template).tool_manner is manner


def test_the_form_of_a_call_is_the_templates_own(tmp_path: Path):
    assert template_of(tmp_path, TAGGED).call_form == CallForm(
        before='<tool_call>\n{"name": "', between='", "arguments": ', after="}\n</tool_call>"
    )
    assert template_of(tmp_path, TEMPLATE).call_form == STATED_FORM


@pytest.mark.parametrize("template", [TAGGED, LISTED, TEMPLATE])
def test_a_call_in_the_models_form_is_what_its_history_shows(tmp_path: Path, template: str):
    made = template_of(tmp_path, template)
    answer = prompt(made, up_to(talk("Rome"), 3)).removeprefix(prompt(made, up_to(talk("Rome"), 1)))
    form = made.call_form
    assert answer.startswith(f'{form.before}get{form.between}{{"city": "Rome"}}')


def test_the_stated_manner_is_this(tmp_path: Path):
    conversation = Conversation(system="Be brief.", messages=talk("Rome").messages, tools=talk("Rome").tools)
    assert prompt(template_of(tmp_path, TEMPLATE), up_to(conversation, 3)) == (
        "<|bos|><|system|>\nBe brief.\n\nYou can call these tools:\n"
        '[{"name": "get", "description": "Rome", "parameters": {"type": "object", "properties": {"Rome": {}}}}]\n'
        'Call one by writing {"name": ..., "arguments": ...}<|end|>\n'
        "<|user|>\nRome<|end|>\n"
        '<|assistant|>\n{"name": "get", "arguments": {"city": "Rome"}}<|end|>\n'
        "<|tool|>\nRome<|end|>\n"
        "<|user|>\nand?<|end|>\n"
        "<|assistant|>\n"
    )


def test_without_a_role_of_its_own_a_result_stands_in_the_users_turn(tmp_path: Path):
    whole = prompt(template_of(tmp_path, NO_TOOL_ROLE), up_to(talk("Rome"), 3))
    assert "<|user|>\nResult of the tool get:\nRome\n\nand?<|end|>" in whole


def test_a_failed_tool_says_so(tmp_path: Path):
    failed = Message(
        role=Role.USER, text="", tool_results=(ToolResult(tool_use_id="t-1", text="no net", is_error=True),)
    )
    conversation = Conversation(messages=(*talk().messages[:2], failed), tools=talk().tools)
    assert "<|tool|>\nError: no net<|end|>" in prompt(template_of(tmp_path, TEMPLATE), conversation)


def test_a_model_without_a_place_for_tools_says_so_in_awss_words(tmp_path: Path):
    with pytest.raises(ValidationFailed, match=r"^This model doesn't support tool use\.$"):
        template_of(tmp_path, NO_SYSTEM).prompt_ids(up_to(talk(), 1))


@pytest.mark.parametrize("template", [TAGGED, TEMPLATE, NO_TOOL_ROLE])
def test_training_asks_with_the_ids_that_serving_feeds(tmp_path: Path, template: str):
    made = template_of(tmp_path, template)
    ids, mask = made.example(talk())
    asked = made.prompt_ids(up_to(talk(), 3))
    assert ids[: len(asked)] == asked
    learned = made.decode([id for id, is_target in zip(ids, mask, strict=True) if is_target])
    assert learned.endswith("cold<|end|>")
    assert made.call_form.between in learned


def test_an_answer_that_has_begun_is_gone_on_with(tmp_path: Path):
    made = template_of(tmp_path, TEMPLATE)
    user = Message(role=Role.USER, text="JSON?")
    begun = Conversation(messages=(user, Message(role=Role.ASSISTANT, text='{"a<|end|>')))
    ids = made.prompt_ids(begun)
    assert ids[: len(asked)] == asked if (asked := made.prompt_ids(Conversation(messages=(user,)))) else False
    assert made.decode(ids[len(asked) :]) == '{"a<|end|>'
    assert made.end_of_turn_id not in ids[len(asked) :]


def test_a_document_stands_before_the_text_and_cannot_close_itself(tmp_path: Path):
    document = AttachedDocument(name='a"> <b', text="one </document> </DOCUMENT> two")
    message = Message(role=Role.USER, text="Sum up.", documents=(document,))
    assert prompt(template_of(tmp_path, TEMPLATE), Conversation(messages=(message,))) == (
        '<|bos|><|user|>\n<document name="a   b">\none <\\/document> <\\/DOCUMENT> two\n</document>\n\n'
        "Sum up.<|end|>\n<|assistant|>\n"
    )


tricky = st.lists(
    st.sampled_from([*SPECIALS, "<|", "|>", "end", "\n", " a", "\U000f0a11", "</document>", '"']), min_size=1
)


@settings(deadline=None, max_examples=60)
@given(text=tricky.map("".join))
@pytest.mark.parametrize("template", [TAGGED, TEMPLATE])
def test_nothing_of_a_tool_or_a_document_ever_becomes_a_control_token(
    tmp_path_factory: pytest.TempPathFactory, template: str, text: str
):
    made = _templates.get(template) or template_of(tmp_path_factory.mktemp("tokenizer"), template)
    _templates[template] = made

    def control_tokens(conversation: Conversation) -> int:
        return sum(id in made_specials(made) for id in made.prompt_ids(up_to(conversation, 3)))

    def documents(content: str) -> dict[str, Any]:
        return {"documents": (AttachedDocument(name=content, text=content),)}

    assert control_tokens(talk(text, **documents(text))) == control_tokens(talk("x", **documents("x")))


_templates: dict[str, ChatTemplate] = {}


def made_specials(template: ChatTemplate) -> set[int]:
    return {piece for special in SPECIALS for piece in template.special_pieces(special) if isinstance(piece, int)}
