"""Greedy answers of what a job has published, many prompts at a time.

Base and adapter are loaded by the reference engine's own loader, in its dtypes, and the adapter is switched on by its
own hook; only the batching is ours, since one sequence at a time would take minutes. Prompts of one length go together,
so no row is filled up and each is computed as if alone; in bfloat16 the last bits still depend on the batch, so now and
then a near tie may fall the other way than in the engine.
"""

from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import torch
from transformers.cache_utils import DynamicCache

from proofs.demonstrations.rows import Pair
from proofs.demonstrations.teaching import Taught
from tanren.domain.conversation import user_turn
from tanren.domain.errors import TanrenError
from tanren.domain.generation import GenerationEnd, GenerationEvent, GenerationRequest, TextDelta
from tanren.serving.engines.adapter_switch import AdapterSwitch
from tanren.serving.engines.reference import ReferenceEngine
from tanren.serving.engines.reference_base import load_reference_base
from tanren.serving.protocol import AdapterRef

_ROWS = 64


def answers(taught: Taught, pairs: Sequence[Pair], *, max_new_tokens: int) -> list[str]:
    """One a pair, of the published weights."""
    outcome = taught.outcome
    if not outcome.is_adapter:
        return base_answers(outcome.folder, pairs, max_new_tokens=max_new_tokens)
    adapter = AdapterRef(folder=str(outcome.folder), sha256=outcome.sha256)
    return base_answers(taught.base_folder, pairs, max_new_tokens=max_new_tokens, adapter=adapter)


@torch.inference_mode()
def base_answers(
    folder: Path, pairs: Sequence[Pair], *, max_new_tokens: int, adapter: AdapterRef | None = None
) -> list[str]:
    base = load_reference_base(folder)
    resident = None if adapter is None else base.load_adapter(adapter)
    prompts = [base.prompt_ids(user_turn(pair.prompt, system=pair.system)) for pair in pairs]
    by_length: dict[int, list[int]] = {}
    for index, ids in enumerate(prompts):
        by_length.setdefault(len(ids), []).append(index)
    written: dict[int, str] = {}
    with AdapterSwitch(base.model).on(resident):
        for indexes in (group[i : i + _ROWS] for group in by_length.values() for i in range(0, len(group), _ROWS)):
            rows = _continued(base.model, [prompts[i] for i in indexes], base.stop_ids, max_new_tokens)
            written.update(zip(indexes, map(base.decode, rows), strict=True))
    return [written[index] for index in range(len(pairs))]


def engine_answers(taught: Taught, pairs: Sequence[Pair], *, max_new_tokens: int) -> list[str]:
    """The same by the reference engine itself, one after another."""
    outcome = taught.outcome
    engine = ReferenceEngine(load_reference_base(taught.base_folder if outcome.is_adapter else outcome.folder))
    adapter = AdapterRef(folder=str(outcome.folder), sha256=outcome.sha256) if outcome.is_adapter else None
    try:
        return [_of_engine(engine, adapter, pair, max_new_tokens) for pair in pairs]
    finally:
        engine.close()


def _of_engine(engine: ReferenceEngine, adapter: AdapterRef | None, pair: Pair, max_new_tokens: int) -> str:
    """Raises what the engine delivers instead of an answer."""
    conversation = user_turn(pair.prompt, system=pair.system)
    request = GenerationRequest(conversation=conversation, max_new_tokens=max_new_tokens, temperature=0.0)
    events: SimpleQueue[GenerationEvent | TanrenError] = SimpleQueue()
    engine.generate(request, adapter, events.put)
    text = ""
    while not isinstance(event := events.get(timeout=60), GenerationEnd):
        if isinstance(event, TanrenError):
            raise event
        text += event.text if isinstance(event, TextDelta) else ""
    return text


def _continued(model: Any, prompts: list[list[int]], stop_ids: frozenset[int], max_new_tokens: int) -> list[list[int]]:
    """The most likely tokens, one after another, of each row up to its first stop id.

    Shapes   ids [B, T]; all prompts have one length.
    """
    cache = DynamicCache()
    ids_BT = torch.tensor(prompts)
    rows: list[list[int]] = [[] for _ in prompts]
    going = set(range(len(prompts)))
    for _ in range(max_new_tokens):
        logits_B1V = model(input_ids=ids_BT, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
        tokens = logits_B1V[:, -1].argmax(-1).tolist()
        for row in tuple(going):
            if tokens[row] in stop_ids:
                going.remove(row)
            else:
                rows[row].append(tokens[row])
        if not going:
            break
        ids_BT = torch.tensor(tokens)[:, None]
    return rows
