"""What the finished base is measured by: held-out loss by kind of document, and greedy answers to invented tasks.

A reading probe asks for one value that its prompt contains and counts the answers which contain it; copying, look-up,
classification and tool calls must match exactly, JSON as JSON. The subjects come from seeds that training never used.
"""

import dataclasses
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import nn
from transformers import AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerFast

from nano.corpus import english, japanese
from nano.corpus.attributes import Language
from nano.corpus.documents import Message
from nano.corpus.reading import READ_FIRST, told
from nano.corpus.subjects import ENGLISH, JAPANESE, invent
from nano.pretrain import HELD_OUT_KINDS
from nano.recipe import Recipe

logger = logging.getLogger(__name__)

PROBES_EACH = 100
MAX_NEW_TOKENS = 96
BATCH = 20
SPARE_TOKENS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    held_out_nats: dict[str, float]
    """Nats per token of each kind of held-out document, all of it."""
    held_out_tokens: dict[str, int]
    correct: dict[str, int]
    """Right answers out of `PROBES_EACH`, by probe."""


def evaluate(model: LlamaForCausalLM, recipe: Recipe, data: Path, tokenizer_path: Path) -> Measured:
    """The model in bf16, as it is exported."""
    served = model.to(torch.bfloat16).eval()
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_path)
    losses, tokens = {}, {}
    for kind in HELD_OUT_KINDS:
        array = np.load(data / f"held_out_{kind}.npy")
        losses[kind], tokens[kind] = mean_nats(served, array, recipe.row_length)
    correct = {}
    for name, probe in PROBES.items():
        rng = Random(f"{recipe.seed}/{name}")
        correct[name] = _count_right(served, tokenizer, [probe(rng) for _ in range(PROBES_EACH)])
        logger.info("probe %s: %d of %d", name, correct[name], PROBES_EACH)
    return Measured(held_out_nats=losses, held_out_tokens=tokens, correct=correct)


@torch.no_grad()
def mean_nats(model: LlamaForCausalLM, tokens: np.ndarray, row_length: int) -> tuple[float, int]:
    """Nats per token over whole rows, and how many tokens that were."""
    total, count = 0.0, 0
    for start in range(0, len(tokens) - row_length, row_length):
        row = torch.from_numpy(tokens[start : start + row_length + 1].astype(np.int64))[None]
        logits_TV = model(input_ids=row[:, :-1]).logits[0].float()
        total += nn.functional.cross_entropy(logits_TV, row[0, 1:], reduction="sum").item()
        count += row_length
    return total / count, count


@torch.no_grad()
def reading_comprehension(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, count: int = 60
) -> float:
    """Share of `count` questions about invented passages, half English and half Japanese, whose answer holds the value.

    The same questions at every call, answered greedily in batches; the model's mode is left as it was. A gate for use
    during pre-training: about ten seconds of two cores for 60 questions and 8 M parameters.
    """
    was_training = model.training
    model.eval()
    rng = Random(f"{recipe.seed}/reading_comprehension")
    makers = (PROBES["reading_en"], PROBES["reading_ja"])
    right = _count_right(model, tokenizer, [makers[index % 2](rng) for index in range(count)])
    model.train(was_training)
    return right / count


def greedy_answers(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[Sequence[Message]],
    *,
    max_new_tokens: int = MAX_NEW_TOKENS,
) -> list[str]:
    """One answer a prompt, in the prompts' order; prompts of like length share a batch, padded on the left."""
    ids = [
        tokenizer.apply_chat_template(
            [dataclasses.asdict(message) for message in prompt],
            tokenize=True,
            return_dict=False,
            add_generation_prompt=True,
        )
        for prompt in prompts
    ]
    order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
    answers = [""] * len(ids)
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        longest = max(len(ids[index]) for index in chosen)
        prompt_BT = torch.full((len(chosen), longest), tokenizer.pad_token_id)
        mask_BT = torch.zeros_like(prompt_BT)
        for row, index in enumerate(chosen):
            prompt_BT[row, longest - len(ids[index]) :] = torch.tensor(ids[index])
            mask_BT[row, longest - len(ids[index]) :] = 1
        written_BT = model.generate(
            prompt_BT.to(model.device),
            attention_mask=mask_BT.to(model.device),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
        )
        for row, index in enumerate(chosen):
            answers[index] = tokenizer.decode(written_BT[row, longest:], skip_special_tokens=True)
    return answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    prompt: list[Message]
    is_right: Callable[[str], bool]
    longest: str
    """As long as a right answer can be; generation stops a little after as many tokens."""


Probe = Callable[[Random], Question]


def _count_right(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, questions: list[Question]) -> int:
    """Questions with answers of like length are answered together, so that few steps are spent on padding."""
    limits = [len(tokenizer.encode(question.longest)) + SPARE_TOKENS for question in questions]
    order = sorted(range(len(questions)), key=lambda index: limits[index])
    right = 0
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        answers = greedy_answers(
            model, tokenizer, [questions[index].prompt for index in chosen], max_new_tokens=limits[chosen[-1]]
        )
        right += sum(questions[index].is_right(answer) for index, answer in zip(chosen, answers, strict=True))
    return right


def _reading(language: Language) -> Probe:
    kinds = ENGLISH if language == "english" else JAPANESE

    def probe(rng: Random) -> Question:
        subject = invent(rng.choice(kinds), rng)
        given = rng.sample(subject.kind.attributes, 3)
        attribute = rng.choice(given)
        content = rng.choice(READ_FIRST[language]).format(p=told(rng, subject, given), q=subject.asked(attribute, rng))
        value = subject.values[attribute.key]
        return Question(
            prompt=[Message(role="user", content=content)],
            is_right=lambda answer: value.casefold() in answer.casefold(),
            longest=f"{subject.name}, {attribute.noun(rng)}: {value}",
        )

    return probe


def _exact(family: Callable[..., list[Message]]) -> Probe:
    """The conversation up to its first answer, which must come back to the letter."""

    def probe(rng: Random) -> Question:
        messages = family(rng, [])
        place = next(index for index, message in enumerate(messages) if message.role == "assistant")
        expected = messages[place].content
        return Question(
            prompt=messages[:place],
            is_right=lambda answer: _same(answer.strip(), expected.strip()),
            longest=expected,
        )

    return probe


def _same(answer: str, expected: str) -> bool:
    """Equal as text or, where the expected answer is a JSON object or array, as JSON."""
    if answer == expected:
        return True
    if not expected.startswith(("{", "[")):
        return False
    try:
        return json.loads(answer) == json.loads(expected)
    except ValueError:
        return False


def _either(first: Callable[..., list[Message]], second: Callable[..., list[Message]]) -> Callable[..., list[Message]]:
    return lambda rng, world: (first if rng.random() < 0.5 else second)(rng, world)


PROBES: dict[str, Probe] = {
    "reading_en": _reading("english"),
    "reading_ja": _reading("japanese"),
    "copying": _exact(_either(english.copying, japanese.copying)),
    "lookup": _exact(_either(english.lookup, japanese.lookup)),
    "classification": _exact(_either(english.classification, japanese.classification)),
    "json": _exact(_either(english.extraction, japanese.extraction)),
    "tool_call": _exact(_either(english.tool_call, japanese.tool_call)),
}
