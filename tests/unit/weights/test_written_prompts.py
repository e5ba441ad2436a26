"""A prompt that its caller wrote is tokenised with its control tokens, and begins as the tokenizer begins a text."""

from pathlib import Path

import pytest

from tanren.domain.conversation import user_turn, written_prompt
from tanren.domain.errors import JobFailed, ValidationFailed
from tanren.weights.chat_template import ChatTemplate
from tanren.weights.written_prompts import WrittenPrompts
from tests.numerics.tiny_models import TEMPLATE, save_tokenizer


@pytest.mark.parametrize("adds_bos", [True, False])
def test_a_prompt_in_the_models_own_template_gives_the_ids_that_the_template_gives(tmp_path: Path, adds_bos: bool):
    tokenizer = save_tokenizer(tmp_path, template=TEMPLATE, adds_bos=adds_bos)
    template = ChatTemplate(tokenizer)
    by_template = template.prompt_ids(user_turn("hello"))
    written = "<|bos|><|user|>\nhello<|end|>\n<|assistant|>\n"
    assert template.prompt_ids(written_prompt(written)) == by_template
    assert WrittenPrompts(tokenizer).prompt_ids(written_prompt(written)) == by_template


def test_a_beginning_of_sequence_is_put_in_front_once_where_the_tokenizer_does_so(tmp_path: Path):
    with_bos = WrittenPrompts(save_tokenizer(tmp_path / "with", adds_bos=True))
    without = WrittenPrompts(save_tokenizer(tmp_path / "without", adds_bos=False))
    bare = without.prompt_ids(written_prompt("hello"))
    assert with_bos.prompt_ids(written_prompt("hello"))[1:] == bare
    assert with_bos.prompt_ids(written_prompt("<|bos|>hello")) == with_bos.prompt_ids(written_prompt("hello"))


def test_a_conversation_is_refused(tmp_path: Path):
    with pytest.raises(ValidationFailed, match=r"^This action doesn't support the model"):
        WrittenPrompts(save_tokenizer(tmp_path, template=None)).prompt_ids(user_turn("hello"))


def test_a_tokenizer_that_says_nowhere_how_an_answer_ends_is_refused(tmp_path: Path):
    tokenizer = save_tokenizer(tmp_path, template=None)
    tokenizer.eos_token = None
    with pytest.raises(JobFailed, match="neither a chat template nor an eos_token"):
        WrittenPrompts(tokenizer)
