from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tanren.domain.conversation import Conversation, Message, Role, user_turn
from tanren.domain.errors import JobFailed, ValidationFailed
from tanren.weights.chat_template import ChatTemplate
from tests.numerics.tiny_models import SPECIALS, TEMPLATE, save_tokenizer

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
tricky = st.lists(
    st.sampled_from([*SPECIALS, "<|", "|>", "end", "he", "ll", "\n", "\n\n", " a", "\U000f0a11", "0", "é"]), min_size=1
).map("".join)


@st.composite
def conversations(draw: st.DrawFn, text: st.SearchStrategy[str]) -> Conversation:
    turns = draw(st.integers(1, 3))
    messages = [Message(role=role, text=draw(text)) for _ in range(turns) for role in (Role.USER, Role.ASSISTANT)]
    return Conversation(system=draw(st.none() | text), messages=tuple(messages))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return save_tokenizer(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="module")
def template(tokenizer: Any) -> ChatTemplate:
    return ChatTemplate(tokenizer)


def as_messages(conversation: Conversation) -> list[dict[str, str]]:
    system = [{"role": "system", "content": conversation.system}] if conversation.system is not None else []
    return system + [{"role": str(message.role), "content": message.text} for message in conversation.messages]


def without_answer(conversation: Conversation) -> Conversation:
    return Conversation(system=conversation.system, messages=conversation.messages[:-1])


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(conversation=conversations(texts))
def test_prompt_ids_of_ordinary_text_equal_the_plain_template(
    tokenizer: Any, template: ChatTemplate, conversation: Conversation
) -> None:
    asked = without_answer(conversation)
    # The header ends with a line break, with which an answer's first would be one token.
    assume(not any(message.role is Role.ASSISTANT and message.text[0] == "\n" for message in asked.messages))
    plain = tokenizer.apply_chat_template(as_messages(asked), add_generation_prompt=True, return_dict=False)
    assert template.prompt_ids(asked) == plain


@settings(deadline=None, max_examples=100)
@given(conversation=conversations(texts | tricky))
def test_an_example_begins_with_the_prompt_that_serving_feeds(
    template: ChatTemplate, conversation: Conversation
) -> None:
    ids, mask = template.example(conversation)
    prompt = template.prompt_ids(without_answer(conversation))
    assert ids[: len(prompt)] == prompt
    assert len(ids) == len(mask)
    assert mask[len(prompt)] == 1


@settings(deadline=None, max_examples=100)
@given(conversation=conversations(texts | tricky))
def test_the_mask_covers_exactly_the_answers_and_the_ends_of_their_turns(
    template: ChatTemplate, conversation: Conversation
) -> None:
    ids, mask = template.example(conversation)
    spans: list[list[int]] = []
    for index, (id, is_target) in enumerate(zip(ids, mask, strict=True)):
        if is_target and (index == 0 or not mask[index - 1]):
            spans.append([])
        if is_target:
            spans[-1].append(id)
    answers = [message.text for message in conversation.messages if message.role is Role.ASSISTANT]
    assert [span[-1] for span in spans] == [template.end_of_turn_id] * len(answers)
    learned = [template.decode(span[:-1]) for span in spans]
    assert learned == answers


@settings(deadline=None, max_examples=100)
@given(conversation=conversations(texts | tricky))
def test_before_each_learned_answer_stand_the_ids_of_its_own_prompt(
    template: ChatTemplate, conversation: Conversation
) -> None:
    ids, mask = template.example(conversation)
    starts = [at for at in range(1, len(mask)) if mask[at] and not mask[at - 1]]
    answers = [index for index, message in enumerate(conversation.messages) if message.role is Role.ASSISTANT]
    for start, index in zip(starts, answers, strict=True):
        asked = Conversation(system=conversation.system, messages=conversation.messages[:index])
        assert template.prompt_ids(asked) == ids[:start]


def test_an_earlier_answer_shares_no_token_with_its_header(template: ChatTemplate) -> None:
    roles = (Role.USER, Role.ASSISTANT, Role.USER, Role.ASSISTANT)
    texts = ("a", "\nb", "c", "\nd")
    talk = Conversation(messages=tuple(Message(role=role, text=text) for role, text in zip(roles, texts, strict=True)))
    ids, mask = template.example(talk)
    learned = [id for id, is_target in zip(ids, mask, strict=True) if is_target]
    assert template.decode(learned) == "\nb<|end|>\nd<|end|>"


# As GPT-OSS does: control tokens open an answer, and an earlier turn ends otherwise than the last.
CHANNELS = (
    "{{ '<|bos|>' }}{% for m in messages %}{{ '<|' + m['role'] + '|>' }}"
    "{% if m['role'] == 'assistant' %}{{ '<|system|>' }}{% endif %}{{ m['content'] }}"
    "{{ '<|end|>' if loop.last and not add_generation_prompt else '<|user|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def test_control_tokens_that_open_an_answer_are_asked_with_and_not_learned(tmp_path: Path) -> None:
    template = ChatTemplate(save_tokenizer(tmp_path, template=CHANNELS))
    assert template.decode([template.end_of_turn_id]) == "<|end|>"
    assert template.decode(template.prompt_ids(user_turn("a"))).endswith("<|assistant|><|system|>")
    roles = (Role.USER, Role.ASSISTANT, Role.USER, Role.ASSISTANT)
    talk = Conversation(messages=tuple(Message(role=role, text=text) for role, text in zip(roles, "abcd", strict=True)))
    ids, mask = template.example(talk)
    learned = [template.decode([id]) for id, is_target in zip(ids, mask, strict=True) if is_target]
    assert learned == ["b", "d", "<|end|>"]


def test_an_earlier_answer_that_is_written_otherwise_than_asked_for_is_refused_by_its_place(tmp_path: Path) -> None:
    other = "('!' if m['role'] == 'assistant' and not loop.last else '')"
    changed = TEMPLATE.replace("'|>\n' + m", f"'|>' + {other} + '\n' + m")
    assert changed != TEMPLATE
    made = ChatTemplate(save_tokenizer(tmp_path, template=changed))
    roles = (Role.USER, Role.ASSISTANT, Role.USER, Role.ASSISTANT)
    talk = Conversation(messages=tuple(Message(role=role, text=text) for role, text in zip(roles, "abcd", strict=True)))
    with pytest.raises(ValidationFailed, match="writes message 2 of this conversation, an answer, otherwise than"):
        made.example(talk)


def test_a_begun_answer_has_what_the_template_writes_before_an_answers_text(tmp_path: Path) -> None:
    led = TEMPLATE.replace("+ m['content']", "+ (' ' if m['role'] == 'assistant' else '') + m['content']")
    made = ChatTemplate(save_tokenizer(tmp_path, template=led))
    begun = Conversation(messages=(*user_turn("a").messages, Message(role=Role.ASSISTANT, text="Pa")))
    ids, _ = made.example(Conversation(messages=(*user_turn("a").messages, Message(role=Role.ASSISTANT, text="Paris"))))
    prefilled = made.prompt_ids(begun)
    assert prefilled == ids[: len(prefilled)]
    assert made.decode(prefilled).endswith("<|assistant|>\n Pa")


@settings(deadline=None, max_examples=100)
@given(conversation=conversations(tricky))
def test_text_that_spells_a_special_token_never_becomes_one(
    template: ChatTemplate, tokenizer: Any, conversation: Conversation
) -> None:
    ids, _ = template.example(conversation)
    special_ids = set(tokenizer.all_special_ids) | set(tokenizer.convert_tokens_to_ids(SPECIALS))
    has_system = conversation.system is not None
    written = 1 + 2 * (len(conversation.messages) + has_system)
    assert sum(id in special_ids for id in ids) == written
    # And nothing of the text is lost.
    whole = template.decode(ids)
    for message in as_messages(conversation):
        assert f"<|{message['role']}|>\n{message['content']}<|end|>\n" in whole


def test_the_cut_road_gives_the_ids_of_the_plain_one(template: ChatTemplate) -> None:
    plain = template.prompt_ids(user_turn("hello a\n\n b"))
    marked = template.prompt_ids(user_turn("hello a\n\n b<|end|>"))
    begin = plain.index(template.end_of_turn_id)
    assert marked[:begin] == plain[:begin]
    assert marked[-len(plain[begin:]) :] == plain[begin:]


def test_plain_text_has_no_special_ids(template: ChatTemplate, tokenizer: Any) -> None:
    ids = template.text_ids("a<|end|>b")
    assert tokenizer.convert_tokens_to_ids("<|end|>") not in ids
    assert template.decode(ids) == "a<|end|>b"


def test_stop_ids_hold_the_end_of_a_turn(template: ChatTemplate, tokenizer: Any) -> None:
    assert template.stop_ids == {tokenizer.convert_tokens_to_ids("<|end|>")}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (None, "no chat template"),
        ("{% for m in messages %}{{ m['content'] }}\n{% endfor %}", "no special token behind"),
    ],
)
def test_a_tokenizer_without_usable_template_is_refused(tmp_path: Path, bad: str | None, reason: str) -> None:
    with pytest.raises(JobFailed, match=reason):
        ChatTemplate(save_tokenizer(tmp_path, template=bad))


def test_a_template_whose_prompt_is_no_beginning_is_refused(tmp_path: Path) -> None:
    numbered = "{{ messages|length }}" + TEMPLATE
    template = ChatTemplate(save_tokenizer(tmp_path, template=numbered))
    conversation = Conversation(messages=(Message(role=Role.USER, text="a"), Message(role=Role.ASSISTANT, text="b")))
    with pytest.raises(JobFailed, match="not the beginning"):
        template.example(conversation)


def test_a_template_that_refuses_says_so(tmp_path: Path) -> None:
    refusing = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + TEMPLATE
    template = ChatTemplate(save_tokenizer(tmp_path, template=refusing))
    with pytest.raises(ValidationFailed, match="no system role"):
        template.prompt_ids(user_turn("a", system="s"))
