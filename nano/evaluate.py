"""What the finished base is measured by: held-out loss by kind of document, and greedy answers to invented tasks.

A probe asks for one value that its prompt contains and counts the answers
which contain it; copying, classification and JSON must match exactly. The subjects come from a seed that training
never used.
"""

import dataclasses
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
from nano.corpus.documents import Message
from nano.corpus.subjects import ENGLISH, JAPANESE, invent
from nano.pretrain import HELD_OUT_KINDS
from nano.recipe import Recipe

logger = logging.getLogger(__name__)

PROBES_EACH = 50
MAX_NEW_TOKENS = 48


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
        correct[name] = sum(_is_answered(served, tokenizer, *probe(rng)) for _ in range(PROBES_EACH))
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


def greedy_answer(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, messages: Sequence[Message]) -> str:
    ids = tokenizer.apply_chat_template(
        [dataclasses.asdict(message) for message in messages],
        tokenize=True,
        return_dict=False,
        add_generation_prompt=True,
    )
    prompt_BT = torch.tensor([ids])
    written_BT = model.generate(
        prompt_BT, attention_mask=torch.ones_like(prompt_BT), max_new_tokens=MAX_NEW_TOKENS, do_sample=False
    )
    return tokenizer.decode(written_BT[0, len(ids) :], skip_special_tokens=True)


def _is_answered(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, prompt: list[Message], is_right: Callable[[str], bool]
) -> bool:
    return is_right(greedy_answer(model, tokenizer, prompt))


Probe = Callable[[Random], tuple[list[Message], Callable[[str], bool]]]


def _reading(language: str) -> Probe:
    kinds, family = (ENGLISH, english) if language == "english" else (JAPANESE, japanese)

    def probe(rng: Random) -> tuple[list[Message], Callable[[str], bool]]:
        subject = invent(rng.choice(kinds), rng)
        told = rng.sample(list(subject.kind.attributes), 3)
        attribute = rng.choice(told)
        separator = " " if language == "english" else ""
        passage = separator.join(
            [subject.name + (":" if separator else "："), *(subject.stated(each, rng) for each in told)]
        )
        content = rng.choice(family.READ_FIRST).format(p=passage, q=subject.asked(attribute, rng))
        value = subject.values[attribute.key]
        return [Message(role="user", content=content)], lambda answer: value.casefold() in answer.casefold()

    return probe


def _exact(family: Callable[..., list[Message]]) -> Probe:
    def probe(rng: Random) -> tuple[list[Message], Callable[[str], bool]]:
        messages = family(rng, [])
        expected = messages[-1].content
        return messages[:-1], lambda answer: answer.strip() == expected

    return probe


def _call(rng: Random) -> tuple[list[Message], Callable[[str], bool]]:
    messages = english.tool_call(rng, [])
    expected = messages[2].content
    return messages[:2], lambda answer: answer.strip() == expected


PROBES: dict[str, Probe] = {
    "reading a passage, English": _reading("english"),
    "reading a passage, Japanese": _reading("japanese"),
    "copying and look-up, English": _exact(english.recall),
    "copying and look-up, Japanese": _exact(japanese.recall),
    "classification, English": _exact(english.classification),
    "JSON extraction, English": _exact(english.extraction),
    "tool call, English": _call,
}
