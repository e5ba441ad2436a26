"""A stepper without a model, whose next token is a hash of the adapter and of every token before it.

It remembers in each block what was written there, and reads a sequence's past only from its blocks: a table that names
a wrong block, a block shared between adapters or beginnings, or one given away while it is needed, is another answer; a
call that breaks the port's rules is an AssertionError.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tanren.domain.conversation import Conversation
from tanren.domain.errors import ValidationFailed
from tanren.serving.engines.adapter_switch import ResidentAdapter
from tanren.serving.engines.served_base import ServedBase
from tanren.serving.engines.stepper import BLOCK_TOKENS, NO_ADAPTER, NextTokens, TokenRows, nothing
from tanren.serving.protocol import AdapterRef

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ."
END_ID = len(ALPHABET)
VOCABULARY = END_ID + 1


def next_id(adapter: str, ids: Sequence[int]) -> int:
    """What follows `ids` under the adapter of this name; "" for the base. Never the end of a turn."""
    digest = hashlib.sha256(adapter.encode() + b":" + bytes(ids)).digest()
    return int.from_bytes(digest[:4], "big") % END_ID


def answer_ids(adapter: str, prompt: Sequence[int], count: int) -> list[int]:
    ids = list(prompt)
    for _ in range(count):
        ids.append(next_id(adapter, ids))
    return ids[len(prompt) :]


def text_of(ids: Sequence[int]) -> str:
    return "".join(ALPHABET[id] for id in ids if id != END_ID)


def ids_of(text: str) -> list[int]:
    return [ALPHABET.index(character) for character in text]


@dataclass
class HashingStepper:
    """Implements `Stepper`. `before_step` is called in every step, on the engine's thread."""

    block_count: int = 64
    name: str = "hashing"
    weight_bytes: int = 0
    block_bytes: int = 1 << 20
    before_step: Callable[[TokenRows], None] = lambda rows: None
    steps: list[TokenRows] = field(default_factory=list)
    adapters: dict[int, str] = field(default_factory=dict)
    touched: list[int] = field(default_factory=list)
    """A block for each bit of touching."""
    added: int = 0
    is_closed: bool = False

    def __post_init__(self) -> None:
        self._written: list[list[tuple[str, int, int]]] = [
            [(("?"), -1, -1)] * BLOCK_TOKENS for _ in range(self.block_count)
        ]
        """(adapter, position, token) at each place of each block."""

    def add_adapter(self, factors: Mapping[str, object]) -> int:
        handle, self.added = self.added, self.added + 1
        (self.adapters[handle],) = factors
        return handle

    def adapter_bytes(self, handle: int) -> int:
        return len(self.adapters[handle])

    def drop_adapter(self, handle: int) -> None:
        del self.adapters[handle]

    def touch(self, blocks: range) -> Iterator[None]:
        for block in blocks:
            self.touched.append(block)
            yield

    def step(self, rows: TokenRows, meanwhile: Callable[[], object] = nothing) -> NextTokens:
        meanwhile()
        self.before_step(rows)
        assert not self.is_closed
        for name in (
            "tokens_M",
            "positions_M",
            "sequences_M",
            "blocks_QP",
            "adapters_Q",
            "selected_S",
            "with_logits_L",
        ):
            array = getattr(rows, name)
            assert array.dtype == np.int32, name
            assert array.flags.c_contiguous, name
        self.steps.append(rows)
        names = ["" if handle == NO_ADAPTER else self.adapters[handle] for handle in rows.adapters_Q.tolist()]
        owned: dict[int, int] = {}
        for row, sequence in enumerate(rows.sequences_M.tolist()):
            position = int(rows.positions_M[row])
            block = int(rows.blocks_QP[sequence, position // BLOCK_TOKENS])
            assert 0 <= block < self.block_count
            assert owned.setdefault(block, sequence) == sequence, "two sequences write to one block"
            self._written[block][position % BLOCK_TOKENS] = (names[sequence], position, int(rows.tokens_M[row]))
        for sequence in range(len(names)):
            needed = int(rows.positions_M[rows.sequences_M == sequence].max()) // BLOCK_TOKENS + 1
            assert (rows.blocks_QP[sequence, needed:] == -1).all(), "a table names more blocks than its sequence has"
        best = [self._next(rows, row, names) for row in rows.selected_S.tolist()]
        logits_LV = np.full((len(rows.with_logits_L), VOCABULARY), -10.0, dtype=np.float32)
        for at, index in enumerate(rows.with_logits_L.tolist()):
            # Two tokens have even odds, so that draws can be seen to be drawn.
            logits_LV[at, best[index]] = logits_LV[at, (best[index] + 1) % END_ID] = 10.0
        return NextTokens(
            best_S=np.array(best, dtype=np.int32),
            best_logits_S=np.full(len(best), 10.0, dtype=np.float32),
            logits_LV=logits_LV,
        )

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True

    def _next(self, rows: TokenRows, row: int, names: list[str]) -> int:
        sequence, last = int(rows.sequences_M[row]), int(rows.positions_M[row])
        read: list[int] = []
        for position in range(last + 1):
            block = int(rows.blocks_QP[sequence, position // BLOCK_TOKENS])
            adapter, at, token = self._written[block][position % BLOCK_TOKENS]
            assert (adapter, at) == (names[sequence], position), "what is read was written for somebody else"
            read.append(token)
        return next_id(names[sequence], read)


def hashing_base(*, context_length: int = 256, **changes: object) -> ServedBase:
    """A base over `ALPHABET`, a token a character, no template. Adapters are loaded by name: whatever folder they are
    said to lie in, their digest is their name; `bad` is refused."""

    def load_adapter(adapter: AdapterRef) -> ResidentAdapter:
        if adapter.sha256 == "bad":
            raise ValidationFailed("damaged")
        return ResidentAdapter(factors={adapter.sha256: None})  # type: ignore[dict-item]

    def prompt_ids(conversation: Conversation) -> list[int]:
        return ids_of(conversation.messages[0].text)

    members: dict[str, object] = {
        "folder": "/nowhere",
        "parameter_count": 1,
        "context_length": context_length,
        "stop_ids": frozenset({END_ID}),
        "prompt_ids": prompt_ids,
        "decode": text_of,
        "digest": lambda: "0" * 64,
        "load_adapter": load_adapter,
        **changes,
    }
    return ServedBase(**members)  # type: ignore[arg-type]


def named(name: str) -> AdapterRef:
    return AdapterRef(folder=f"/adapters/{name}", sha256=name)
