from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
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
    # Where the answer of an earlier turn begins with line breaks, a token may span the border; it counts as learned.
    assert learned[-1] == answers[-1]
    assert [text.lstrip("\n") for text in learned] == [text.lstrip("\n") for text in answers]


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
