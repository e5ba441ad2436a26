"""What the native engine must know of a checkpoint beside its tensors: sizes, norms, windows, rotary tables.

Read from the config as `transformers` reads it, with its defaults; the rotary tables are made by the architecture's own
module, so that whatever scaling it knows is in them. What the engine does not compute is refused by name, so that the
reference engine can be taken instead.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from tanren.domain.errors import ModelFailed
from tanren.model_files.architectures import ARCHITECTURES, Architecture, Dimensions, is_tied
from tanren.model_files.inspection import read_config
from tanren.model_files.untrusted_json import read_object
from tanren.serving.engines.served_base import skeleton_of
from tanren.serving.engines.stepper import BLOCK_TOKENS
from tanren.weights.base_models import read_facts

_STATIC_ROPES: Final = ("default", "linear", "llama3", "yarn")
"""Kinds whose angles depend on the position alone; `dynamic` and `longrope` change with the sequence's length."""
_ACTIVATIONS: Final = {"silu": False, "gelu_pytorch_tanh": True}
"""Name → whether it is a GELU."""
_WINDOW_IN_ALL_LAYERS: Final = ("mistral", "phi3")
"""Others say it layer by layer, in `layer_types`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RopeTables:
    """Legend  N tables, T positions, H half of the values that are turned."""

    cosines_NTH: NDArray[np.float32]
    sines_NTH: NDArray[np.float32]
    of_layer: tuple[int, ...]
    """-1: the layer knows no positions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeArchitecture:
    architecture: Architecture
    sizes: Dimensions
    is_bfloat16: bool
    """Of most of the weights. Others are computed in float32, as the reference engine does."""
    is_tied: bool
    context_length: int
    is_gelu: bool
    norm_offset: float
    """Gemma stores its norms less one."""
    rms_epsilon: float
    attention_scale: float
    attention_softcap: float
    """0: none, as below."""
    logit_softcap: float
    embedding_scale: float
    windows: tuple[int, ...]
    """Of each layer; 0 where it attends to everything."""
    config: Any
    """Of `transformers`."""

    @property
    def block_bytes(self) -> int:
        """Of one block of keys and values, in all layers; a head is filled up to whole vectors."""
        head = -(-self.sizes.head_dim // 16) * 16
        number_bytes = 2 if self.is_bfloat16 else 4
        return self.sizes.layers * self.sizes.kv_heads * 2 * BLOCK_TOKENS * head * number_bytes


def read_native_architecture(folder: Path) -> NativeArchitecture:
    """Raises   ModelFailed where the native engine does not compute this model, with what it lacks."""
    facts = read_facts(folder)
    _, architecture, sizes = read_config(folder)
    if architecture.has_experts:
        raise _not_native(facts.architecture, "layers of experts and attention sinks")
    config: Any = skeleton_of(folder).config
    activation = str(getattr(config, "hidden_activation", None) or config.hidden_act)
    if activation not in _ACTIVATIONS:
        raise _not_native(facts.architecture, f"the activation {activation}")
    if getattr(config, "use_bidirectional_attention", False):
        raise _not_native(facts.architecture, "attention to later tokens")
    for parameters in _rope_parameters(config):
        if parameters["rope_type"] not in _STATIC_ROPES:
            raise _not_native(facts.architecture, f"rotary embeddings of the kind {parameters['rope_type']}")
    is_gemma = architecture.has_feedforward_norms
    softcap = getattr(config, "attn_logit_softcapping", None)
    if softcap and architecture.attention != "eager":
        raise _not_native(facts.architecture, "a soft cap that its own kernel leaves out")
    is_bfloat16 = facts.dtype == "BF16"
    return NativeArchitecture(
        architecture=architecture,
        sizes=sizes,
        is_bfloat16=is_bfloat16,
        is_tied=is_tied(architecture, read_object(folder / "config.json")),
        context_length=facts.context_length,
        is_gelu=_ACTIVATIONS[activation],
        norm_offset=1.0 if is_gemma else 0.0,
        rms_epsilon=float(config.rms_norm_eps),
        attention_scale=float(getattr(config, "query_pre_attn_scalar", sizes.head_dim)) ** -0.5,
        attention_softcap=float(softcap or 0),
        logit_softcap=float(getattr(config, "final_logit_softcapping", None) or 0),
        embedding_scale=_embedding_scale(sizes.hidden, is_bfloat16=is_bfloat16) if is_gemma else 1.0,
        windows=_windows(facts.architecture, config, sizes.layers),
        config=config,
    )


def rope_tables(native: NativeArchitecture, folder: Path, *, position_count: int) -> RopeTables:
    """Cosines and sines of positions 0 … `position_count` - 1, as the architecture's own module has them."""
    config = native.config
    skeleton: Any = skeleton_of(folder)
    rotary = type(skeleton.model.rotary_emb)(config)
    positions_1T = torch.arange(position_count)[None]
    kinds: list[str | None] = [None]
    of_layer = [0] * native.sizes.layers
    if any(isinstance(each, dict) for each in config.rope_parameters.values()):
        kinds = sorted(set(config.layer_types))
        of_layer = [kinds.index(kind) for kind in config.layer_types]
    if hasattr(config, "no_rope_layers"):
        of_layer = [0 if has_rope else -1 for has_rope in config.no_rope_layers]
    cosines: list[NDArray[np.float32]] = []
    sines: list[NDArray[np.float32]] = []
    for kind in kinds:
        turned = rotary(torch.zeros(1), positions_1T, *([] if kind is None else [kind]))
        # Both halves of a head have the same angles; one is kept.
        cosine_TH, sine_TH = (each[0, :, : each.shape[-1] // 2].float().numpy() for each in turned)
        cosines.append(cosine_TH)
        sines.append(sine_TH)
    return RopeTables(
        cosines_NTH=np.ascontiguousarray(np.stack(cosines)),
        sines_NTH=np.ascontiguousarray(np.stack(sines)),
        of_layer=tuple(of_layer),
    )


def _rope_parameters(config: Any) -> list[dict[str, Any]]:
    """One, or one for each kind of layer."""
    parameters: dict[str, Any] = config.rope_parameters
    nested = [each for each in parameters.values() if isinstance(each, dict)]
    return nested or [parameters]


def _windows(name: str, config: Any, layer_count: int) -> tuple[int, ...]:
    window = int(getattr(config, "sliding_window", None) or 0)
    if config.model_type in _WINDOW_IN_ALL_LAYERS:
        return (window,) * layer_count
    kinds: list[str] = getattr(config, "layer_types", None) or ["full_attention"] * layer_count
    odd = set(kinds) - {"full_attention", "sliding_attention"}
    if odd:
        raise _not_native(name, f"layers of the kind {min(odd)}")
    return tuple(window if kind == "sliding_attention" else 0 for kind in kinds)


def _embedding_scale(hidden_size: int, *, is_bfloat16: bool) -> float:
    # Gemma rounds the factor to the dtype of the embedding.
    return float(torch.tensor(hidden_size**0.5).to(torch.bfloat16 if is_bfloat16 else torch.float32))


def _not_native(name: str, what: str) -> ModelFailed:
    known = ", ".join(each for each, architecture in ARCHITECTURES.items() if not architecture.has_experts)
    return ModelFailed(
        f"the native engine does not compute {what}, which this {name} has; the reference engine does. It computes "
        f"{known}."
    )
