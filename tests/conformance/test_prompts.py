"""The same template that trained serves: the ids before every learned answer are those that serving feeds.

    training   a row in a data format of the model's family → record → token sequence
    serving    the same conversation in a body format, or in Converse → request → over the engine's wire → prompt ids

Over every model of the catalogue (each by its body format and its data formats), every body format, every data format,
and the template of every architecture that is loaded. All four are enumerated from their registries: what is added to
one of them and not here, fails a test.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.bodies.registry import BODY_FORMATS, decode_body
from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.data.formats import FORMATS_OF, SCHEMA_VERSION, DataFormat
from tanren.data.reading import read_records
from tanren.domain.conversation import Conversation, Message, Role
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.errors import ValidationFailed
from tanren.domain.foundation_models import FoundationModel
from tanren.domain.generation import GenerationRequest
from tanren.model_files.architectures import ARCHITECTURES
from tanren.runtime.conversing import read_converse
from tanren.serving.wire import request_from_json, request_to_json
from tanren.training.objectives.continued_pre_training import ContinuedPreTraining
from tanren.training.objectives.supervised import Supervised
from tanren.training.tokenization import Tokenizer, TokenSequence
from tests.conformance.family_tokenizers import FAMILIES, NAMES, chat_template, tokenizer
from tests.unit.bodies.golden_cases import OF_IMPORTED_MODELS

Json = dict[str, Any]


def conversation(*texts: str, system: str | None = None) -> Conversation:
    roles = (Role.USER, Role.ASSISTANT)
    messages = tuple(Message(role=roles[index % 2], text=text) for index, text in enumerate(texts))
    return Conversation(system=system, messages=messages)


CONVERSATIONS: Final[Mapping[str, Conversation]] = {
    "one turn": conversation("Where is the tower?", "Paris."),
    "a system prompt": conversation("Where is the tower?", "Paris.", system="Be brief."),
    "several turns": conversation("Hello a", "he", "and?", "\n\nllama", "why", "{", "so", "end"),
    "several turns and a system prompt": conversation("one", "two", "three", "four", system="Count."),
    "line breaks at the borders": conversation("\n a\n", "\n\nb", "c\n", "\n d"),
    "other scripts": conversation("東京はどこ?", "日本 é 🙂"),
}
"""Each ends with the answer to be learned; no text ends in spaces."""

TRAILING: Final[Mapping[str, Conversation]] = {
    "a space at the end": conversation("Where is the tower? ", "Paris. "),
    "white space around": conversation("  \n one \t", " two  ", " three ", " four "),
}

# Writers: the conversation without its answer, as a caller of each format writes it; None where the format cannot.


def _llama(asked: Conversation) -> Json:
    turns = [("system", asked.system)] if asked.system else []
    turns += [(str(message.role), message.text) for message in asked.messages]
    text = "".join(f"<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>" for role, text in turns)
    return {"prompt": f"<|begin_of_text|>{text}<|start_header_id|>assistant<|end_header_id|>\n\n", "max_gen_len": 9}


def _inst(asked: Conversation) -> Json:
    opening = f"<<SYS>>\n{asked.system}\n<</SYS>>\n\n" if asked.system else ""
    text = ""
    for message in asked.messages:
        is_user = message.role is Role.USER
        text += f"<s>[INST] {opening}{message.text} [/INST]" if is_user else f" {message.text} </s>"
        opening = ""
    return {"prompt": text, "max_tokens": 9, "top_p": 0.5}


def _human(asked: Conversation) -> Json:
    names = {Role.USER: "Human", Role.ASSISTANT: "Assistant"}
    turns = "".join(f"\n\n{names[message.role]}: {message.text}" for message in asked.messages)
    return {"prompt": f"{asked.system or ''}{turns}\n\nAssistant:", "max_tokens_to_sample": 9}


def _only_text(name: str, **more: Any) -> Callable[[Conversation], Json | None]:
    def write(asked: Conversation) -> Json | None:
        return None if asked.system or len(asked.messages) > 1 else {name: asked.messages[0].text, **more}

    return write


def _blocks(asked: Conversation) -> Json:
    system = {"system": [{"text": asked.system}]} if asked.system else {}
    messages = [{"role": str(message.role), "content": [{"text": message.text}]} for message in asked.messages]
    return {"messages": messages, **system}


def _messages(asked: Conversation) -> list[Json]:
    return [{"role": str(message.role), "content": message.text} for message in asked.messages]


def _system_message(asked: Conversation) -> list[Json]:
    return [{"role": "system", "content": asked.system}] if asked.system else []


WRITERS: Final[Mapping[str, Callable[[Conversation], Json | None]]] = {
    "anthropic_messages": lambda asked: {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "messages": _messages(asked),
        **({"system": asked.system} if asked.system else {}),
    },
    "anthropic_text": _human,
    "cohere_command": _only_text("prompt", p=0.5),
    "meta_llama": _llama,
    "mistral_chat": lambda asked: {"messages": [*_system_message(asked), *_messages(asked)], "max_tokens": 9},
    "mistral_text": _inst,
    "nova_messages": lambda asked: {"schemaVersion": "messages-v1", **_blocks(asked)},
    "openai_chat": lambda asked: {
        "messages": [*_system_message(asked), *_messages(asked)],
        "max_completion_tokens": 9,
    },
    "titan_text": _only_text("inputText"),
}
IN_FAMILYS_TEMPLATE: Final = ("anthropic_text", "meta_llama", "mistral_text")
"""Formats whose prompt is text in their family's template, in which white space around a turn says nothing."""
BARE: Final[Mapping[str, Callable[[Conversation], Json | None]]] = {
    "anthropic_text": _only_text("prompt", max_tokens_to_sample=9),
    "loose completion": _only_text("prompt", max_tokens=9),
    "meta_llama": _only_text("prompt", max_gen_len=9),
    "mistral_text": _only_text("prompt", stop=[]),
}
"""Prompts that follow no template."""

ROWS: Final[Mapping[DataFormat, Callable[[Conversation], Json | None]]] = {
    DataFormat.PROMPT_COMPLETION: lambda whole: (
        None
        if whole.system or len(whole.messages) > 2
        else {"prompt": whole.messages[0].text, "completion": whole.messages[1].text}
    ),
    DataFormat.CLAUDE_MESSAGES: lambda whole: {
        **({"system": whole.system} if whole.system else {}),
        "messages": _messages(whole),
    },
    DataFormat.CONVERSATION: lambda whole: {"schemaVersion": SCHEMA_VERSION, **_blocks(whole)},
}


def asked_for(whole: Conversation, answer: int = -1) -> Conversation:
    """What is asked before an answer."""
    return replace(whole, messages=whole.messages[:answer])


def trained(name: str, row: Json, *, body_format: str = "titan_text") -> TokenSequence:
    """By the road of a job on a family of this body format: a line of a file, a record, the objective's sequence."""
    made = tokenizer(name)
    lines = [json.dumps(row, ensure_ascii=False).encode() + b"\n"]
    (record,) = read_records(
        lines,
        file="train.jsonl",
        customization_type=CustomizationType.FINE_TUNING,
        prompt_templates=BODY_FORMATS[body_format].prompt_templates,
    )
    return Supervised().sequence(
        record, Tokenizer(chat_template(name), bos_id=made.bos_token_id, eos_id=made.eos_token_id)
    )


def answers_of(sequence: TokenSequence) -> list[tuple[int, int]]:
    """Where learned stretches begin and end."""
    edges = [0, *sequence.loss_mask, 0]
    starts = [index for index in range(len(edges) - 1) if (edges[index], edges[index + 1]) == (0, 1)]
    ends = [index for index in range(len(edges) - 1) if (edges[index], edges[index + 1]) == (1, 0)]
    return list(zip(starts, ends, strict=True))


@cache
def served_ids(name: str, request: str) -> tuple[int, ...]:
    return tuple(chat_template(name).prompt_ids(request_from_json(json.loads(request)).conversation))


def served(name: str, request: GenerationRequest) -> list[int]:
    """What an engine feeds that is asked over its wire."""
    return list(served_ids(name, json.dumps(request_to_json(request))))


def asked_in(body: Json, body_format: str, own: str) -> GenerationRequest:
    """By the road of InvokeModel to a model whose own format is `own`; only Mistral's know its chat by themselves."""
    decoded = decode_body(json.dumps(body).encode(), "mistral_text" if body_format == "mistral_chat" else own)
    assert decoded.body_format.name == body_format
    return decoded.request


def conversed(asked: Conversation, model: FoundationModel) -> GenerationRequest:
    return read_converse(_blocks(asked)).request(BODY_FORMATS[model.body_format].defaults)


def data_formats(model: FoundationModel) -> tuple[DataFormat, ...]:
    """Those that AWS takes of the family, else all that are for its customizations."""
    of_customizations = [each for kind in model.customizations for each in FORMATS_OF[CustomizationType(kind)]]
    return tuple(DataFormat(each) for each in model.record_limits.formats or of_customizations)


PROFILES: Final = {(model.body_format, data_formats(model)): model for model in FOUNDATION_MODELS.values()}
"""Of the catalogue, one model of each kind that differs in body format or in data formats."""


def test_every_body_format_data_format_and_architecture_is_covered_here():
    assert {*WRITERS, *OF_IMPORTED_MODELS} == BODY_FORMATS.keys()
    assert {*ROWS, DataFormat.INPUT} == set(DataFormat)
    assert {family.architecture for family in FAMILIES.values()} == set(ARCHITECTURES)
    assert {model.body_format for model in FOUNDATION_MODELS.values()} <= BODY_FORMATS.keys()


def is_bare(whole: Conversation) -> bool:
    """No turn has white space around it."""
    return all(message.text == message.text.strip() for message in whole.messages)


def has_place_for(name: str, whole: Conversation) -> bool:
    return not whole.system or name not in FAMILIES or FAMILIES[name].has_system


@pytest.mark.parametrize("kind", [*CONVERSATIONS, *TRAILING])
@pytest.mark.parametrize("name", NAMES)
def test_the_ids_before_each_answer_are_those_that_every_body_asks_with(name: str, kind: str):
    whole = {**CONVERSATIONS, **TRAILING}[kind]
    if not has_place_for(name, whole):
        pytest.skip("the family has no place for a system prompt; see the test that it is refused")
    compared = 0
    for model in PROFILES.values():
        for data_format in data_formats(model):
            row = ROWS[data_format](whole) if data_format in ROWS else None
            if row is not None:
                compared += _compare(name, whole, trained(name, row), model)
    assert compared > len(PROFILES)


def _compare(name: str, whole: Conversation, sequence: TokenSequence, model: FoundationModel) -> int:
    """How many bodies have been compared, all answers together."""
    answers = [index for index, message in enumerate(whole.messages) if message.role is Role.ASSISTANT]
    learned = answers_of(sequence)
    assert len(learned) == len(answers)
    compared = 0
    for (start, end), answer in zip(learned, answers, strict=True):
        asked, before = asked_for(whole, answer), list(sequence.ids[:start])
        text = chat_template(name).decode(list(sequence.ids[start:end]), skip_special_tokens=True)
        assert whole.messages[answer].text.strip() in text
        assert served(name, conversed(asked, model)) == before
        for body_format, write in WRITERS.items():
            body = write(asked)
            if body is None or (body_format in IN_FAMILYS_TEMPLATE and not is_bare(asked)):
                continue
            assert served(name, asked_in(body, body_format, model.body_format)) == before, body_format
            compared += 1
    return compared


@pytest.mark.parametrize("body_format", IN_FAMILYS_TEMPLATE)
@pytest.mark.parametrize("kind", TRAILING)
def test_white_space_around_a_turn_says_nothing_in_a_familys_own_template(body_format: str, kind: str):
    asked = asked_for(TRAILING[kind])
    bare = replace(asked, messages=tuple(replace(each, text=each.text.strip()) for each in asked.messages))
    body = WRITERS[body_format](asked)
    assert body is not None
    assert asked_in(body, body_format, body_format).conversation == bare


@pytest.mark.parametrize("kind", ["one turn", "a space at the end"])
@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_in_no_template_is_the_users_turn_as_it_was_trained(name: str, kind: str):
    whole = {**CONVERSATIONS, **TRAILING}[kind]
    row = ROWS[DataFormat.PROMPT_COMPLETION](whole)
    assert row is not None
    sequence = trained(name, row)
    ((start, _),) = answers_of(sequence)
    for body_format, write in BARE.items():
        body = write(asked_for(whole))
        decoded = decode_body(json.dumps(body).encode(), "titan_text")
        assert decoded.body_format.name == ("anthropic_text" if body_format == "loose completion" else body_format)
        assert served(name, decoded.request) == list(sequence.ids[:start])


@pytest.mark.parametrize("body_format", IN_FAMILYS_TEMPLATE)
@pytest.mark.parametrize("kind", CONVERSATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_a_row_whose_prompt_is_in_its_familys_template_is_trained_as_that_prompt_is_answered(
    name: str, kind: str, body_format: str
):
    whole = CONVERSATIONS[kind]
    if not has_place_for(name, whole):
        pytest.skip("the family has no place for a system prompt; see the test that it is refused")
    body = WRITERS[body_format](asked_for(whole))
    assert body is not None
    row = {"prompt": body["prompt"], "completion": whole.messages[-1].text}
    sequence = trained(name, row, body_format=body_format)
    start, _ = answers_of(sequence)[-1]
    assert served(name, asked_in(body, body_format, body_format)) == list(sequence.ids[:start])


@pytest.mark.parametrize("name", [name for name in FAMILIES if not FAMILIES[name].has_system])
def test_a_system_prompt_without_a_place_is_refused_on_both_roads(name: str):
    whole = CONVERSATIONS["a system prompt"]
    for data_format in (DataFormat.CLAUDE_MESSAGES, DataFormat.CONVERSATION):
        row = ROWS[data_format](whole)
        assert row is not None
        with pytest.raises(ValidationFailed, match="System role not supported"):
            trained(name, row)
    for model in PROFILES.values():
        with pytest.raises(ValidationFailed, match="System role not supported"):
            served(name, conversed(asked_for(whole), model))


PREFILLS: Final[Mapping[str, Callable[[Json], Json]]] = {
    **{each: lambda body: {**body, "prompt": body["prompt"] + " Paris"} for each in ("anthropic_text", "mistral_text")},
    "meta_llama": lambda body: {**body, "prompt": body["prompt"] + "Paris"},
    "nova_messages": lambda body: {**body, "messages": [*body["messages"], _blocks(_BEGUN)["messages"][0]]},
    **{
        each: lambda body: {**body, "messages": [*body["messages"], *_messages(_BEGUN)]}
        for each in ("anthropic_messages", "mistral_chat", "openai_chat")
    },
}
"""The same body, with a beginning of the answer."""
_BEGUN: Final = Conversation(messages=(Message(role=Role.ASSISTANT, text="Paris"),))
WITHOUT_PREFILL: Final = ("cohere_command", "titan_text")


@pytest.mark.parametrize("kind", ["one turn", "a system prompt"])
@pytest.mark.parametrize("name", NAMES)
def test_an_answer_that_has_begun_is_the_beginning_of_the_answer_that_was_learned(name: str, kind: str):
    assert {*PREFILLS, *WITHOUT_PREFILL} == WRITERS.keys()
    whole = CONVERSATIONS[kind]
    if not has_place_for(name, whole):
        pytest.skip("the family has no place for a system prompt")
    row = ROWS[DataFormat.CONVERSATION](whole)
    assert row is not None
    sequence = trained(name, row)
    ((start, _),) = answers_of(sequence)
    begun = replace(whole, messages=(*whole.messages[:-1], *_BEGUN.messages))
    expected = served(name, conversed(begun, FOUNDATION_MODELS["tanren.nano-v1:0"]))
    assert len(expected) > start
    assert expected == list(sequence.ids[: len(expected)])
    for body_format, begin in PREFILLS.items():
        body = WRITERS[body_format](asked_for(whole))
        assert body is not None
        assert served(name, asked_in(begin(body), body_format, "titan_text")) == expected, body_format


@pytest.mark.parametrize("name", FAMILIES)
def test_what_begins_a_text_stands_there_once(name: str):
    bos = tokenizer(name).bos_token_id
    whole = CONVERSATIONS["one turn"]
    row = ROWS[DataFormat.PROMPT_COMPLETION](whole)
    assert row is not None
    ids = list(trained(name, row).ids)
    written = FAMILIES[name].template.count("bos_token")
    if not written:
        assert name == "smollm-2" or bos not in ids  # SmolLM2's is what opens each turn
        return
    assert (ids[0], ids.count(bos)) == (bos, 1)
    if FAMILIES[name].adds_bos:
        assert tokenizer(name)("a")["input_ids"][0] == bos  # so there was something to double


@pytest.mark.parametrize("name", [name for name in FAMILIES if "strftime_now" not in FAMILIES[name].template])
def test_a_prompt_is_what_transformers_makes_of_the_template(name: str):
    for whole in CONVERSATIONS.values():
        if has_place_for(name, whole):
            system = [{"role": "system", "content": whole.system}] if whole.system else []
            messages = [*system, *_messages(asked_for(whole))]
            plain = tokenizer(name).apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
            made = chat_template(name).prompt_ids(asked_for(whole))
            # The same text; its tokens differ where an earlier answer would share one with its header.
            assert chat_template(name).decode(made) == chat_template(name).decode(plain)
            if len(whole.messages) == 2:
                assert made == plain


@pytest.mark.parametrize("name", NAMES)
def test_a_template_says_the_same_today_and_tomorrow(name: str):
    ids = chat_template(name).prompt_ids(asked_for(CONVERSATIONS["one turn"]))
    template = FAMILIES[name].template if name in FAMILIES else ""
    if "strftime_now" in template:
        assert "2024" in chat_template(name).decode(ids)


@pytest.mark.parametrize("name", NAMES)
def test_a_document_to_go_on_pre_training_with_is_its_text_between_its_ends(name: str):
    made = tokenizer(name)
    text = "A tower in Paris. " + " ".join(made.all_special_tokens)
    line = json.dumps({"input": text}).encode()
    (record,) = read_records([line], file="a", customization_type=CustomizationType.CONTINUED_PRE_TRAINING)
    roads = Tokenizer(chat_template(name), bos_id=made.bos_token_id, eos_id=made.eos_token_id)
    ids = list(ContinuedPreTraining().sequence(record, roads).ids)
    begins = [] if made.bos_token_id is None else [made.bos_token_id]
    assert ids == [*begins, *chat_template(name).text_ids(text), made.eos_token_id]
    assert not set(ids[len(begins) : -1]) & set(made.all_special_ids)
    assert made.decode(ids[len(begins) : -1]).strip() == text


tricky = st.lists(
    st.sampled_from(["he", "ll", "\n", "\n\n", " ", " a", "P", "{", '{"', "<", "|", "[", "end", "é", "\U000f0a11"]),
    min_size=1,
    max_size=5,
).map("".join)


@settings(deadline=None, max_examples=25)
@given(data=st.data())
@pytest.mark.parametrize("name", NAMES)
def test_no_text_makes_the_two_roads_differ(name: str, data: st.DataObject):
    specials = sorted(chat_template(name)._tokens._special_ids)  # what a user might type to break out of a turn
    texts = data.draw(st.lists(tricky | st.sampled_from(specials), min_size=2, max_size=6).filter(_is_talk))
    whole = conversation(*texts[: len(texts) // 2 * 2])
    try:
        ids, mask = chat_template(name).example(whole)
    except ValidationFailed:
        return  # refused with its reason, as the prompt is
    answers = [index for index, message in enumerate(whole.messages) if message.role is Role.ASSISTANT]
    starts = [at for at in range(1, len(mask)) if mask[at] and not mask[at - 1]]
    assert len(starts) == len(answers)
    for start, answer in zip(starts, answers, strict=True):
        request = GenerationRequest(conversation=asked_for(whole, answer), max_new_tokens=1, temperature=0)
        assert served(name, request) == ids[:start]


def _is_talk(texts: list[str]) -> bool:
    return all(text.strip() for text in texts)
