"""The architectures that are loaded, as data: which tensors of which shape a config asks for, and where LoRA goes.

An architecture is here when a test trains, serves and exports it and compares its numbers with plain transformers and
peft (`tests/numerics/test_architectures.py`). Any other is refused by name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    model_type: str
    """Of config.json; transformers chooses the class by it."""
    models: str
    """For people."""
    is_tied_by_default: bool = False
    """Whether the head is the embedding, where the config does not say."""
    head_dim_by_default: int | None = None
    """None: hidden size / heads."""
    has_qkv_bias: bool = False
    """Whatever the config says."""
    attention_bias_by_default: bool = False
    has_qk_norm: bool = False
    has_feedforward_norms: bool = False
    is_fused: bool = False
    """q, k and v are one matrix, gate and up another."""
    has_experts: bool = False
    attention: str = "sdpa"
    """The kernel it is computed with. Soft caps and sinks are not known to sdpa."""


ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    "LlamaForCausalLM": Architecture(model_type="llama", models="Llama 2 and 3, SmolLM, SmolLM2, TinyLlama"),
    "MistralForCausalLM": Architecture(model_type="mistral", models="Mistral 7B"),
    "Qwen2ForCausalLM": Architecture(model_type="qwen2", models="Qwen2, Qwen2.5", has_qkv_bias=True),
    "Qwen3ForCausalLM": Architecture(model_type="qwen3", models="Qwen3", head_dim_by_default=128, has_qk_norm=True),
    "Gemma2ForCausalLM": Architecture(
        model_type="gemma2",
        models="Gemma 2",
        is_tied_by_default=True,
        head_dim_by_default=256,
        has_feedforward_norms=True,
        attention="eager",
    ),
    "Gemma3ForCausalLM": Architecture(
        model_type="gemma3_text",
        models="Gemma 3 text",
        is_tied_by_default=True,
        head_dim_by_default=256,
        has_qk_norm=True,
        has_feedforward_norms=True,
    ),
    "Phi3ForCausalLM": Architecture(model_type="phi3", models="Phi-3, Phi-4-mini", is_fused=True),
    "SmolLM3ForCausalLM": Architecture(model_type="smollm3", models="SmolLM3", is_tied_by_default=True),
    "GptOssForCausalLM": Architecture(
        model_type="gpt_oss",
        models="GPT-OSS",
        head_dim_by_default=64,
        attention_bias_by_default=True,
        has_experts=True,
        attention="eager",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """The sizes that a config states; whole numbers, 1 or more."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    experts: int
    """0 where there are none."""


def linear_layers(architecture: Architecture, sizes: Dimensions) -> dict[str, tuple[int, int]]:
    """Name within a block → (features out, features in): what LoRA adapts. A router and fused experts are not.

    Why      each is an nn.Linear of its own in transformers and a target of peft; experts are three-dimensional
             parameters that neither adapts here, and a router that moves would send tokens to untrained experts.
    """
    q, kv = sizes.heads * sizes.head_dim, sizes.kv_heads * sizes.head_dim
    found = {"self_attn.o_proj": (sizes.hidden, q)}
    if architecture.is_fused:
        found["self_attn.qkv_proj"] = (q + 2 * kv, sizes.hidden)
        found["mlp.gate_up_proj"] = (2 * sizes.intermediate, sizes.hidden)
    else:
        found["self_attn.q_proj"] = (q, sizes.hidden)
        found["self_attn.k_proj"] = found["self_attn.v_proj"] = (kv, sizes.hidden)
        found["mlp.gate_proj"] = found["mlp.up_proj"] = (sizes.intermediate, sizes.hidden)
    found["mlp.down_proj"] = (sizes.hidden, sizes.intermediate)
    if architecture.has_experts:
        return {name: shape for name, shape in found.items() if name.startswith("self_attn.")}
    return found


def expected_tensors(
    architecture: Architecture, sizes: Dimensions, config: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """(name, shape) of every tensor that the model needs; the head only where it is not the embedding."""
    yield "model.embed_tokens.weight", (sizes.vocabulary, sizes.hidden)
    for layer in range(sizes.layers):
        for name, shape in _block(architecture, sizes, config):
            yield f"model.layers.{layer}.{name}", shape
    yield "model.norm.weight", (sizes.hidden,)
    if not is_tied(architecture, config):
        yield "lm_head.weight", (sizes.vocabulary, sizes.hidden)


def is_tied(architecture: Architecture, config: Mapping[str, Any]) -> bool:
    return bool(config.get("tie_word_embeddings", architecture.is_tied_by_default))


def _block(
    architecture: Architecture, sizes: Dimensions, config: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden = sizes.hidden
    attention_bias = bool(config.get("attention_bias", architecture.attention_bias_by_default))
    for name, (out, into) in linear_layers(architecture, sizes).items():
        yield f"{name}.weight", (out, into)
        is_attention = name.startswith("self_attn.")
        is_qkv = is_attention and not name.endswith("o_proj")
        if (architecture.has_qkv_bias and is_qkv) or (
            not architecture.has_qkv_bias and is_attention and attention_bias
        ):
            yield f"{name}.bias", (out,)
        if not is_attention and bool(config.get("mlp_bias", False)):
            yield f"{name}.bias", (out,)
    norms = ["input_layernorm", "post_attention_layernorm"]
    if architecture.has_feedforward_norms:
        norms += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
    for name in norms:
        yield f"{name}.weight", (hidden,)
    if architecture.has_qk_norm:
        yield "self_attn.q_norm.weight", (sizes.head_dim,)
        yield "self_attn.k_norm.weight", (sizes.head_dim,)
    if architecture.has_experts:
        yield "self_attn.sinks", (sizes.heads,)
        yield "mlp.router.weight", (sizes.experts, hidden)
        yield "mlp.router.bias", (sizes.experts,)
        yield "mlp.experts.gate_up_proj", (sizes.experts, hidden, 2 * sizes.intermediate)
        yield "mlp.experts.gate_up_proj_bias", (sizes.experts, 2 * sizes.intermediate)
        yield "mlp.experts.down_proj", (sizes.experts, sizes.intermediate, hidden)
        yield "mlp.experts.down_proj_bias", (sizes.experts, hidden)
