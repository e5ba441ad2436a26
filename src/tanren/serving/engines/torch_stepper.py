"""A `Stepper` in plain PyTorch over a `transformers` model: the oracle of the native one. Right before fast.

A call goes through its sequences one after another. Each one's keys and values are gathered from its blocks into a
cache of `transformers`, the model reads the sequence's rows behind them, and what it adds is scattered into the blocks.
So the model's own attention masks (sliding windows, sinks, layers without positions) are in force, whatever the
architecture; every layer keeps all its positions, those that a window never sees again too.

What holds for results   a row does not depend on other sequences of the call. How a prompt was cut into calls shows in
        the last bits, since a matrix product of other shape sums in other order: with bfloat16 a near tie between two
        tokens may then be decided otherwise.

Cost    a forward pass a sequence and call, and a copy of all its keys and values.

Shapes  N blocks, B positions in a block, H heads of keys and values, D head size, T tokens, V vocabulary
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers.cache_utils import DynamicCache, DynamicLayer

from tanren.domain.errors import ModelFailed, NotImplementedHere
from tanren.serving.engines.adapter_switch import AdapterSwitch, ResidentAdapter
from tanren.serving.engines.stepper import BLOCK_TOKENS, NO_ADAPTER, NextTokens, TokenRows, nothing
from tanren.weights.lora import LoraFactors


class TorchStepper:
    """Implements `Stepper`."""

    def __init__(self, model: nn.Module, *, key_value_bytes: int) -> None:
        """`model`: causal, of `transformers`, in evaluation mode; its device computes.

        Raises   NotImplementedHere where its keys and values cannot be kept in blocks, or not one block fits into
                 `key_value_bytes`.
        """
        self._model = model
        self._switch = AdapterSwitch(model)
        self._device = next(model.parameters()).device
        self._adapters: dict[int, ResidentAdapter] = {}
        self._next_handle = 0
        self._layers = _BlockLayers(_layers_of_one_token(model, self._device), key_value_bytes)

    @property
    def name(self) -> str:
        return "torch"

    @property
    def block_count(self) -> int:
        return self._layers.block_count

    @property
    def block_bytes(self) -> int:
        return self._layers.block_bytes

    @property
    def weight_bytes(self) -> int:
        return sum(parameter.nbytes for parameter in self._model.parameters())

    def add_adapter(self, factors: Mapping[str, object]) -> int:
        handle, self._next_handle = self._next_handle, self._next_handle + 1
        of_modules = {name: cast(LoraFactors, each) for name, each in factors.items()}
        self._adapters[handle] = ResidentAdapter(
            factors={
                name: LoraFactors(a_RI=each.a_RI.to(self._device), b_OR=each.b_OR.to(self._device), scale=each.scale)
                for name, each in of_modules.items()
            }
        )
        return handle

    def adapter_bytes(self, handle: int) -> int:
        return self._adapters[handle].size_bytes

    def drop_adapter(self, handle: int) -> None:
        del self._adapters[handle]

    def touch(self, blocks: range) -> Iterator[None]:
        return self._layers.touch(blocks)

    @torch.inference_mode()
    def step(self, rows: TokenRows, meanwhile: Callable[[], object] = nothing) -> NextTokens:
        meanwhile()
        wanted: dict[int, NDArray[np.float32]] = {}
        """Row → logits."""
        selected = set(rows.selected_S.tolist())
        for sequence in range(len(rows.adapters_Q)):
            mine = np.flatnonzero(rows.sequences_M == sequence)
            if len(mine) == 0:
                continue
            asked = [index for index, row in enumerate(mine.tolist()) if row in selected]
            logits_TV = self._read(rows, sequence, mine, asked)
            wanted.update(zip(mine[asked].tolist(), logits_TV, strict=True))
        logits_SV = [wanted[row] for row in rows.selected_S.tolist()]
        best_S = [int(logits_V.argmax()) for logits_V in logits_SV]
        return NextTokens(
            best_S=np.array(best_S, dtype=np.int32),
            best_logits_S=np.array([each[best] for each, best in zip(logits_SV, best_S, strict=True)], np.float32),
            logits_LV=np.array([logits_SV[index] for index in rows.with_logits_L.tolist()], dtype=np.float32),
        )

    def close(self) -> None:
        self._adapters.clear()
        self._layers.clear()

    def _read(self, rows: TokenRows, sequence: int, mine: NDArray[np.int64], asked: list[int]) -> NDArray[np.float32]:
        """Logits after those rows of one sequence whose index within it is in `asked`."""
        positions_T = rows.positions_M[mine]
        start, end = int(positions_T[0]), int(positions_T[-1]) + 1
        if not np.array_equal(positions_T, np.arange(start, end)):
            raise ModelFailed(f"rows of sequence {sequence} do not stand in ascending position without gaps")
        needed = -(-end // BLOCK_TOKENS)
        blocks: list[int] = rows.blocks_QP[sequence, :needed].tolist()
        if len(blocks) < needed or min(blocks) < 0:
            raise ModelFailed(f"sequence {sequence} has {end} positions, but its blocks do not reach so far")
        handle = int(rows.adapters_Q[sequence])
        cache = self._layers.cache_of(blocks, start)
        with self._switch.on(None if handle == NO_ADAPTER else self._adapters[handle]):
            answer: Any = self._model(
                input_ids=torch.from_numpy(rows.tokens_M[mine].astype(np.int64))[None].to(self._device),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=torch.tensor(asked, device=self._device) if asked else 1,
            )
        self._layers.write(blocks, start, end, cache)
        logits_TV: Tensor = answer.logits[0] if asked else answer.logits[0, :0]
        return logits_TV.float().cpu().numpy()


class _BlockLayers:
    """Keys and values of all blocks, for each layer [N, H, B, D]."""

    def __init__(self, one_token: list[tuple[Tensor, Tensor]], key_value_bytes: int) -> None:
        self.block_bytes = BLOCK_TOKENS * sum(keys.nbytes + values.nbytes for keys, values in one_token)
        self.block_count = key_value_bytes // self.block_bytes
        if self.block_count < 1:
            raise NotImplementedHere(
                f"{key_value_bytes} bytes for keys and values hold not one block of {self.block_bytes}; give more with "
                "key_value_megabytes"
            )
        self._layers = [(self._blocks_like(keys), self._blocks_like(values)) for keys, values in one_token]

    def cache_of(self, blocks: list[int], count: int) -> DynamicCache:
        """The first `count` positions of a sequence with these blocks."""
        cache: Any = DynamicCache()
        if count:
            for layer, (keys_NHBD, values_NHBD) in enumerate(self._layers):
                cache.update(_gathered(keys_NHBD, blocks, count), _gathered(values_NHBD, blocks, count), layer)
        return cache

    def write(self, blocks: list[int], start: int, end: int, cache: DynamicCache) -> None:
        """Positions `start` to `end` of a cache, into the sequence's blocks."""
        positions = torch.arange(start, end)
        blocks_T, offsets_T = torch.tensor(blocks)[positions // BLOCK_TOKENS], positions % BLOCK_TOKENS
        for (keys_NHBD, values_NHBD), layer in zip(self._layers, cast(Any, cache).layers, strict=True):
            keys_NHBD[blocks_T, :, offsets_T] = layer.keys[0, :, start:end].transpose(0, 1)
            values_NHBD[blocks_T, :, offsets_T] = layer.values[0, :, start:end].transpose(0, 1)

    def touch(self, blocks: range) -> Iterator[None]:
        for layer in self._layers:
            for each_NHBD in layer:
                touched = each_NHBD[blocks.start : blocks.stop]
                touched.copy_(touched.clone())
            yield

    def clear(self) -> None:
        self._layers.clear()

    def _blocks_like(self, token_1H1D: Tensor) -> Tensor:
        _, heads, _, size = token_1H1D.shape
        return token_1H1D.new_zeros(self.block_count, heads, BLOCK_TOKENS, size)


def _gathered(blocks_NHBD: Tensor, blocks: list[int], count: int) -> Tensor:
    """The first `count` positions of these blocks, as [1, H, T, D]."""
    return blocks_NHBD[blocks].transpose(0, 1).flatten(1, 2)[None, :, :count]


@torch.inference_mode()
def _layers_of_one_token(model: nn.Module, device: torch.device) -> list[tuple[Tensor, Tensor]]:
    """Keys and values [1, H, 1, D] that the model keeps for one token, by layer.

    Raises   NotImplementedHere where it keeps anything else, or where they depend on how long the sequence becomes.
    """
    _check_angles(cast(Any, model).config)
    cache: Any = DynamicCache()
    token_11 = torch.zeros(1, 1, dtype=torch.long, device=device)
    cast(Any, model)(input_ids=token_11, past_key_values=cache, use_cache=True)
    layers: list[Any] = cache.layers
    for index, layer in enumerate(layers):
        is_plain = type(cast(object, layer)) is DynamicLayer and bool(layer.is_initialized)
        if not is_plain or layer.keys.shape[2] != 1 or layer.values.shape[2] != 1:
            raise NotImplementedHere(
                f"layer {index} of {type(model).__name__} keeps something else than the keys and values of each token; "
                "it cannot be kept in blocks"
            )
    return [(layer.keys, layer.values) for layer in layers]


def _check_angles(config: Any) -> None:
    """Raises   NotImplementedHere where a key's rotation depends on the length of the whole sequence, so that the keys
    of a short prompt are wrong for a long one that begins alike."""
    angles: Any = getattr(config, "rope_parameters", None) or {}
    original = getattr(config, "original_max_position_embeddings", None) or angles.get(
        "original_max_position_embeddings"
    )
    if angles.get("rope_type") == "longrope" and original and config.max_position_embeddings > original:
        raise NotImplementedHere(
            f"its rotary positions (longrope) change beyond {original} tokens, for all keys of a sequence; they cannot "
            "be kept in blocks that sequences share"
        )
