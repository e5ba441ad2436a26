"""What the weights of this moment answer to a few held-out prompts: "watch it learn".

Greedy, at most `LONGEST_ANSWER` tokens, all prompts in one batch, and never longer than the time it is given: samples
are a view of a run and take no more than `SHARE_OF_RUN` of it.

Why     nothing here may change the run: no gradient, no random number, no weight is touched, and the loop puts the
        model back into training mode itself. A test compares the bytes of a run with and without samples.
Legend  B prompts, T positions, V vocabulary.
"""

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from tokenizers import Tokenizer as FastTokenizer
from torch import Tensor

from tanren.data.records import Document, TrainingRecord
from tanren.domain.conversation import Role
from tanren.training.tokenization import TokenSequence

if TYPE_CHECKING:
    from transformers import PreTrainedModel

PROMPTS: Final = 3
LONGEST_ANSWER: Final = 40
"""Tokens."""
REPLACEMENT: Final = "\ufffd"
"""What the tokenizer writes for bytes that are no character."""
LONGEST_PROMPT: Final = 512
"""Tokens; a row with a longer prompt is not asked."""
SHARE_OF_RUN: Final = 0.02
LEAST_TOKENS: Final = 12
"""Of an answer, unless it ends before: a shorter piece shows nothing and is let go."""
LEAST_AT_THE_END: Final = 4
"""When no later one comes."""
_DOCUMENT_START: Final = 24
"""Tokens of a document after which the model goes on by itself."""
_LOOKED_THROUGH: Final = 2000
"""Records in which the prompts' text is looked for."""
_PLAIN_ATTENTION: Final = ("sdpa", "eager")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    ids: tuple[int, ...]
    """As trained on, up to where the answer begins."""
    text: str
    """What the user said, without the template."""
    expected: str
    """The beginning of the answer that the data give."""
    is_held_out: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    prompt: str
    text: str
    expected: str
    is_held_out: bool
    is_whole: bool
    """False where it was cut, by time or length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The answers after a step."""

    step: int
    """Optimiser steps done."""
    epoch: int
    answers: tuple[Answer, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Sampler:
    """The prompts of one run, and the means to answer them."""

    def __init__(self, base_folder: Path, sequences: Sequence[TokenSequence], *, is_held_out: bool) -> None:
        self._decoder = FastTokenizer.from_file(str(base_folder / "tokenizer.json"))
        self._sequences = [sequence for sequence in sequences[: 8 * PROMPTS] if _prompt_length(sequence)][:PROMPTS]
        # Of the template's end of a turn; it need not be the model's own end of a text.
        self._ends = frozenset(sequence.ids[last] for sequence in self._sequences for last in _last_target(sequence))
        self._is_held_out = is_held_out
        self.prompts: list[Prompt] = []
        self._seconds_a_token = 0.0
        """Of the last time; 0 before the first, which finds it out."""

    def find_texts(self, records: Callable[[], Iterable[TrainingRecord]]) -> None:
        """Makes the prompts; their text is taken from the records, which know what the template added."""
        wanted = {sequence.source: "" for sequence in self._sequences}
        for number, record in enumerate(records()):
            if number >= _LOOKED_THROUGH or all(wanted.values()):
                break
            if record.source in wanted:
                wanted[record.source] = _user_text(record)
        self.prompts = [self._prompt(sequence, wanted[sequence.source]) for sequence in self._sequences]

    def _prompt(self, sequence: TokenSequence, text: str) -> Prompt:
        length = _prompt_length(sequence)
        ids = tuple(sequence.ids[:length])
        answer = [
            id for id, is_target in zip(sequence.ids[length:], sequence.loss_mask[length:], strict=True) if is_target
        ]
        return Prompt(
            ids=ids,
            text=text or self._text(ids),
            expected=self._text(answer[:LONGEST_ANSWER]),
            is_held_out=self._is_held_out,
        )

    def expected_seconds(self, tokens: int) -> float:
        """Of answers of so many tokens."""
        return self._seconds_a_token * tokens

    def answer(
        self, model: "PreTrainedModel", *, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> tuple[Answer, ...]:
        """Of every prompt, in order. Empty where the time was too short for answers that show something."""
        ends = _end_ids(model) | self._ends
        began = clock()
        deadline = began + seconds
        answers = greedy(
            model,
            [prompt.ids for prompt in self.prompts],
            max_new_tokens=LONGEST_ANSWER,
            end_ids=ends,
            is_over=lambda: clock() > deadline,
        )
        longest = max(map(len, answers))
        # The first token stands for reading the prompts too, so short answers make the estimate too high, not too low.
        self._seconds_a_token = (clock() - began) / max(1, longest)
        if longest < LEAST_AT_THE_END and not all(ids and ids[-1] in ends for ids in answers):
            return ()
        return tuple(
            Answer(
                prompt=prompt.text,
                # One that is cut may end within a character.
                text=self._text([id for id in ids if id not in ends]).rstrip(REPLACEMENT),
                expected=prompt.expected,
                is_held_out=prompt.is_held_out,
                is_whole=bool(ids) and ids[-1] in ends,
            )
            for prompt, ids in zip(self.prompts, answers, strict=True)
        )

    def _text(self, ids: Sequence[int]) -> str:
        return self._decoder.decode(list(ids), skip_special_tokens=True).strip()


def greedy(
    model: "PreTrainedModel",
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    end_ids: frozenset[int],
    is_over: Callable[[], bool],
) -> list[list[int]]:
    """The most probable token again and again, for all prompts at once; what has ended is no longer added to.

    How     prompts are filled up before their beginning, where the mask hides it, so that all ends stand together.
    """
    if not prompts:
        return []
    device = model.device
    longest = max(len(ids) for ids in prompts)
    ids_BT = torch.zeros(len(prompts), longest, dtype=torch.int64)
    mask_BT = torch.zeros(len(prompts), longest, dtype=torch.int64)
    for row, ids in enumerate(prompts):
        ids_BT[row, longest - len(ids) :] = torch.tensor(list(ids))
        mask_BT[row, longest - len(ids) :] = 1
    ids_BT, mask_BT = ids_BT.to(device), mask_BT.to(device)
    answers: list[list[int]] = [[] for _ in prompts]
    has_ended = [False] * len(prompts)
    cache: Any = None
    model.eval()
    with torch.no_grad(), plain_forward(model):
        for _ in range(max_new_tokens):
            if is_over():
                break
            positions_BT = (mask_BT.cumsum(-1) - 1).clamp(min=0)[:, -ids_BT.shape[1] :]
            out = cast(Any, model)(
                input_ids=ids_BT,
                attention_mask=mask_BT,
                position_ids=positions_BT,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache = out.past_key_values
            next_B = cast(Tensor, out.logits)[:, -1].argmax(-1)
            for row, id in enumerate(next_B.tolist()):
                if not has_ended[row]:
                    answers[row].append(id)
                    has_ended[row] = id in end_ids
            if all(has_ended):
                break
            ids_BT = next_B[:, None]
            mask_BT = torch.cat([mask_BT, torch.ones_like(ids_BT)], dim=1)
    return answers


@contextmanager
def plain_forward(model: "PreTrainedModel") -> Generator[None]:
    """Within, the model computes as transformers has it: no compiled graph for a new shape, no packed attention."""
    config = cast(Any, model.config)
    before = config._attn_implementation
    if before not in _PLAIN_ATTENTION:
        config._attn_implementation = "sdpa"
    try:
        with torch.compiler.set_stance("force_eager"):
            yield
    finally:
        if before not in _PLAIN_ATTENTION:
            config._attn_implementation = before


def _prompt_length(sequence: TokenSequence) -> int:
    """Tokens before the answer; of a document, its beginning. 0: the row is not one to ask with."""
    first = sequence.loss_mask.find(1)
    if first <= 1:
        # A document: all of it is learned.
        first = min(_DOCUMENT_START, len(sequence.ids) // 2)
    return first if 0 < first <= LONGEST_PROMPT else 0


def _last_target(sequence: TokenSequence) -> list[int]:
    """Where the answer's last token is; none of a document that was cut off by nothing but its length."""
    last = sequence.loss_mask.rfind(1)
    return [last] if last >= 0 else []


def _user_text(record: TrainingRecord) -> str:
    if isinstance(record.content, Document):
        return ""
    said = [message.text for message in record.content.messages if message.role is Role.USER]
    return said[0] if said else ""


def _end_ids(model: "PreTrainedModel") -> frozenset[int]:
    found: set[int] = set()
    for config in (model.config, getattr(model, "generation_config", None)):
        ids = getattr(config, "eos_token_id", None)
        found |= {ids} if isinstance(ids, int) else set(cast("list[int]", ids or []))
    return frozenset(found)
