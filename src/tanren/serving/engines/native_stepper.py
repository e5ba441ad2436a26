"""The `Stepper` of our own C++ library: a checkpoint's tensors packed into it, and calls handed on to it.

Weights stored in bfloat16 are computed as such, with sums in float32; others in float32 throughout, as the reference
engine does. Keys and values have the weights' dtype. The C++ sources in `native/` say how; `forward.hpp` is the place
to begin.

What holds for results   a row's logits are the same to the last bit whatever it is computed beside, however its prompt
         was cut into calls, and whatever the number of threads; not on another instruction set.

Cost     the weights once in memory, tied ones once, and with AMX-BF16 bfloat16 ones in three quarters of their size,
         adapters' factors as well, none changed (see compression.hpp); scratch of some six megabytes for each thousand
         of hidden features; loading is one pass over the files.

Legend   O features out, I features in, R rank; for a call, see stepper.py.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from ctypes import byref
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor

from tanren.domain.errors import ModelFailed
from tanren.model_files.architectures import linear_layers
from tanren.model_files.digests import weight_files
from tanren.serving.engines.native_architecture import (
    NativeArchitecture,
    RopeTables,
    read_native_architecture,
    rope_tables,
)
from tanren.serving.engines.native_library import BUILT, INSTRUCTION_SETS, Request, Shape, load_native_library
from tanren.serving.engines.stepper import BLOCK_TOKENS, NextTokens, TokenRows, nothing
from tanren.weights.lora import LoraFactors

_SITES: Final = {
    "self_attn.q_proj": (0, 0),
    "self_attn.k_proj": (0, 1),
    "self_attn.v_proj": (0, 2),
    "self_attn.o_proj": (1, 0),
    "mlp.gate_proj": (2, 0),
    "mlp.up_proj": (2, 1),
    "mlp.down_proj": (3, 0),
}
"""Linear layer of a block → `Site` in model.hpp, and the segment of it."""
_FUSED: Final = {
    "self_attn.qkv_proj": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "mlp.gate_up_proj": ("mlp.gate_proj", "mlp.up_proj"),
}
"""One matrix in the checkpoint, several above each other."""
_NORMS: Final = {
    "input_layernorm": 0,
    "post_attention_layernorm": 2,
    "self_attn.q_norm": 4,
    "self_attn.k_norm": 5,
}
"""Norm of a block → `Norm` in model.hpp."""
_NORMS_ON_BOTH_SIDES: Final = {
    **_NORMS,
    "post_attention_layernorm": 1,
    "pre_feedforward_layernorm": 2,
    "post_feedforward_layernorm": 3,
}
"""The same where what attention and feed-forward give is normed as well; then a name means something else."""


class NativeStepper:
    """Implements `Stepper`."""

    def __init__(
        self,
        folder: Path,
        *,
        key_value_bytes: int,
        thread_count: int,
        instruction_set: str | None = None,
        compresses_weights: bool = True,
        libraries: Path = BUILT,
    ) -> None:
        """`instruction_set`: a key of INSTRUCTION_SETS; None for the fastest that works here. `compresses_weights`:
        bfloat16 ones, where the instruction set can (AMX-BF16); no logit differs.

        Raises   ModelFailed where the model is not one that the engine computes, not one block fits into
                 `key_value_bytes`, or the library is not here (EngineFailed).
        """
        self._engine = 0
        self._library = load_native_library(instruction_set, folder=libraries)
        self._native = native = read_native_architecture(folder)
        self._block_count = min(key_value_bytes // native.block_bytes, 2**31 - 1)
        if self._block_count < 1:
            raise ModelFailed(
                f"not one block of keys and values fits into {key_value_bytes} bytes; one of this model's takes "
                f"{native.block_bytes}"
            )
        self._parts = _parts(native)
        self._logits = np.empty(0, dtype=np.float32)
        positions = min(native.context_length, self._block_count * BLOCK_TOKENS)
        ropes = rope_tables(native, folder, position_count=positions)
        self._engine = self._library.open(_shape(native, ropes, self._block_count, thread_count, compresses_weights))
        try:
            for table, (cosines_TH, sines_TH) in enumerate(zip(ropes.cosines_NTH, ropes.sines_NTH, strict=True)):
                self._call("set_rope_table", table, cosines_TH.ctypes.data, sines_TH.ctypes.data)
            for layer, (table, window) in enumerate(zip(ropes.of_layer, native.windows, strict=True)):
                self._call("set_layer", layer, table, window)
            with _Tensors(folder, is_bfloat16=native.is_bfloat16) as tensors:
                self._fill(tensors)
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        return f"native ({INSTRUCTION_SETS[self._library.instruction_set]})"

    @property
    def block_count(self) -> int:
        return self._block_count

    @property
    def block_bytes(self) -> int:
        return self._native.block_bytes

    @property
    def weight_bytes(self) -> int:
        return self._call("weight_bytes")

    def add_adapter(self, factors: Mapping[str, object]) -> int:
        handle = self._call("add_adapter")
        try:
            for name, each in factors.items():
                self._set_factors(handle, name, cast(LoraFactors, each))
        except BaseException:
            self.drop_adapter(handle)
            raise
        return handle

    def adapter_bytes(self, handle: int) -> int:
        return self._call("adapter_bytes", handle)

    def drop_adapter(self, handle: int) -> None:
        self._call("drop_adapter", handle)

    def touch(self, blocks: range) -> Iterator[None]:
        for layer in range(self._native.sizes.layers):
            self._call("touch", layer, blocks.start, blocks.stop)
            yield

    def step(self, rows: TokenRows, meanwhile: Callable[[], object] = nothing) -> NextTokens:
        _check_arrays(rows)
        selected, with_logits = len(rows.selected_S), len(rows.with_logits_L)
        best_S = np.empty(selected, dtype=np.int32)
        best_logits_S = np.empty(selected, dtype=np.float32)
        logits_LV = self._room_for_logits(with_logits)
        request = Request(
            rows=len(rows.tokens_M),
            sequences=len(rows.adapters_Q),
            blocks_per_sequence=rows.blocks_QP.shape[1],
            selected=selected,
            with_logits=with_logits,
            tokens=rows.tokens_M.ctypes.data,
            positions=rows.positions_M.ctypes.data,
            sequence_of=rows.sequences_M.ctypes.data,
            blocks=rows.blocks_QP.ctypes.data,
            adapters=rows.adapters_Q.ctypes.data,
            selected_rows=rows.selected_S.ctypes.data,
            logits_of=rows.with_logits_L.ctypes.data,
            best=best_S.ctypes.data,
            best_logits=best_logits_S.ctypes.data,
            logits=logits_LV.ctypes.data,
        )
        self._call("begin", byref(request))
        try:
            meanwhile()
        finally:
            self._call("finish")
        return NextTokens(best_S=best_S, best_logits_S=best_logits_S, logits_LV=logits_LV)

    def close(self) -> None:
        engine, self._engine = self._engine, 0
        if engine:
            self._library.close(engine)

    def _call(self, name: str, *arguments: Any) -> int:
        if not self._engine:
            raise ModelFailed("the native engine has been closed")
        return self._library.call(name, self._engine, *arguments)

    def _room_for_logits(self, count: int) -> NDArray[np.float32]:
        # Kept from call to call: some megabytes of fresh pages for each would cost as much as computing them.
        vocabulary = self._native.sizes.vocabulary
        if len(self._logits) < count * vocabulary:
            self._logits = np.empty(count * vocabulary, dtype=np.float32)
        return self._logits[: count * vocabulary].reshape(count, vocabulary)

    def _fill(self, tensors: "_Tensors") -> None:
        native = self._native
        self._set("set_embedding", tensors.weight("model.embed_tokens.weight"))
        if not native.is_tied:
            self._set("set_head", tensors.weight("lm_head.weight"))
        self._set("set_final_norm", tensors.vector("model.norm.weight") + native.norm_offset)
        norms = _NORMS_ON_BOTH_SIDES if native.architecture.has_feedforward_norms else _NORMS
        for layer in range(native.sizes.layers):
            block = f"model.layers.{layer}."
            for name, number in norms.items():
                if f"{block}{name}.weight" in tensors:
                    self._set("set_norm", tensors.vector(f"{block}{name}.weight") + native.norm_offset, layer, number)
            for name, parts in self._parts.items():
                weight_OI = tensors.weight(f"{block}{name}.weight")
                has_bias = f"{block}{name}.bias" in tensors
                bias_O = tensors.vector(f"{block}{name}.bias") if has_bias else None
                for part in parts:
                    bias = None if bias_O is None else bias_O[part.rows].data_ptr()
                    self._call("set_linear", layer, *part.place, weight_OI[part.rows].data_ptr(), bias)

    def _set(self, function: str, tensor: Tensor, *place: int) -> None:
        self._call(function, *place, tensor.data_ptr())

    def _set_factors(self, handle: int, name: str, factors: LoraFactors) -> None:
        beginning, _, rest = name.removeprefix("model.layers.").partition(".")
        parts = self._parts.get(rest)
        if parts is None or not beginning.isdigit() or not name.startswith("model.layers."):
            raise ModelFailed(
                f"the native engine has no adapter for {name}, only for the linear layers of the model's blocks; the "
                "reference engine has"
            )
        a_RI = factors.a_RI.to("cpu", torch.float32).contiguous()
        b_OR = factors.b_OR.to("cpu", torch.float32).contiguous()
        out = sum(part.rows.stop - part.rows.start for part in parts)
        if a_RI.shape[1] != parts[0].features_in or b_OR.shape != (out, a_RI.shape[0]):
            raise ModelFailed(
                f"the adapter's factors for {name} have the shapes {tuple(a_RI.shape)} and {tuple(b_OR.shape)}; the "
                f"layer goes from {parts[0].features_in} to {out} features"
            )
        for part in parts:
            self._call(
                "set_factors", handle, int(beginning), *part.place, a_RI.shape[0], a_RI.data_ptr(),
                b_OR[part.rows].data_ptr(), factors.scale,
            )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Rows of a linear layer's matrix that are one segment of the library's."""

    place: tuple[int, int]
    """Site and segment."""
    rows: slice
    features_in: int


class _Tensors:
    """A checkpoint's tensors, read one at a time, in the dtypes that the library takes."""

    def __init__(self, folder: Path, *, is_bfloat16: bool) -> None:
        self._dtype = torch.bfloat16 if is_bfloat16 else torch.float32
        self._open = ExitStack()
        self._files: dict[str, Any] = {}
        for file in weight_files(folder):
            opened: Any = self._open.enter_context(safe_open(file, framework="pt"))
            self._files.update(dict.fromkeys(opened.keys(), opened))

    def __enter__(self) -> "_Tensors":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def weight(self, name: str) -> Tensor:
        return self._files[name].get_tensor(name).to(self._dtype).contiguous()

    def vector(self, name: str) -> Tensor:
        """A norm's weight or a bias; float32 always."""
        return self._files[name].get_tensor(name).to(torch.float32).contiguous()


def _parts(native: NativeArchitecture) -> dict[str, list[_Part]]:
    """Linear layer of a block, as the checkpoint has it → the segments that it is."""
    sizes = native.sizes
    queries, keys = sizes.heads * sizes.head_dim, sizes.kv_heads * sizes.head_dim
    features_out = {
        "self_attn.q_proj": queries,
        "self_attn.k_proj": keys,
        "self_attn.v_proj": keys,
        "self_attn.o_proj": sizes.hidden,
        "mlp.gate_proj": sizes.intermediate,
        "mlp.up_proj": sizes.intermediate,
        "mlp.down_proj": sizes.hidden,
    }
    found: dict[str, list[_Part]] = {}
    for name, (_, features_in) in linear_layers(native.architecture, sizes).items():
        start = 0
        found[name] = []
        for segment in _FUSED.get(name, (name,)):
            rows = slice(start, start + features_out[segment])
            found[name].append(_Part(place=_SITES[segment], rows=rows, features_in=features_in))
            start = rows.stop
    return found


def _shape(
    native: NativeArchitecture, ropes: RopeTables, block_count: int, thread_count: int, compresses_weights: bool
) -> Shape:
    sizes = native.sizes
    table_count, position_count, rotary_half = ropes.cosines_NTH.shape
    return Shape(
        hidden=sizes.hidden,
        layers=sizes.layers,
        heads=sizes.heads,
        kv_heads=sizes.kv_heads,
        head_dim=sizes.head_dim,
        intermediate=sizes.intermediate,
        vocabulary=sizes.vocabulary,
        positions=position_count,
        rotary_half=rotary_half,
        rope_tables=table_count,
        block_count=block_count,
        threads=thread_count,
        is_bfloat16=native.is_bfloat16,
        is_tied=native.is_tied,
        has_qk_norm=native.architecture.has_qk_norm,
        has_post_norms=native.architecture.has_feedforward_norms,
        is_gelu=native.is_gelu,
        compresses_weights=compresses_weights,
        rms_epsilon=native.rms_epsilon,
        attention_scale=native.attention_scale,
        attention_softcap=native.attention_softcap,
        logit_softcap=native.logit_softcap,
        embedding_scale=native.embedding_scale,
    )


def _check_arrays(rows: TokenRows) -> None:
    """What is in the arrays, the library checks; here, that they are what it reads. Raises ModelFailed."""
    row_count, sequence_count = len(rows.tokens_M), len(rows.adapters_Q)
    shapes = {
        "tokens_M": (row_count,),
        "positions_M": (row_count,),
        "sequences_M": (row_count,),
        "blocks_QP": (sequence_count, rows.blocks_QP.shape[-1]),
        "adapters_Q": (sequence_count,),
        "selected_S": (len(rows.selected_S),),
        "with_logits_L": (len(rows.with_logits_L),),
    }
    for name, shape in shapes.items():
        array: NDArray[np.int32] = getattr(rows, name)
        if array.shape != shape or array.dtype != np.int32 or not array.flags.c_contiguous:
            raise ModelFailed(
                f"{name} is {array.dtype} of shape {array.shape}; the native engine takes int32, C-contiguous, of "
                f"shape {shape}"
            )
