"""Decoder blocks with adapters, forwards and backwards by hand: the arithmetic of LoRA on a frozen base and no more.

    h = norm(x)    q, k, v = h → projections    o = attention(rotated q, rotated k, v)    x' = x + o → projection
    h = norm(x')   g, u = h → projections       p = silu(g) · u                           y = x' + p → projection

What torch's own differentiation would do beside it, and this does not:
    * keep what can be had again from what is kept anyway: the norms' results, silu(g), silu(g) · u
    * add an adapter's part to the base's in a tensor of its own: here it is added by the matrix product itself
    * multiply by the As of projections that share an input one by one: they are one product
    * convert back and forth between float32 and the base's dtype, and add up gradients of one input in a tensor each

Backwards, with z = x Aᵀ and y = x Wᵀ + z Bᵀ (B scaled):
    dz = dy B        dx = dy W + dz A        dB = dyᵀ z        dA = dzᵀ x
    where x is a norm's result, x = (r · input) ⊙ w with r a number a row: dA = ((r · dz)ᵀ input) ⊙ w, without making it

Why      at 135 M parameters in bf16, 7 % less of a core's time than the modules take, and a run's peak falls from 3.2
         to about 2 GB. The modules stay as they are: everything but a packed row without cache still goes through them.

Legend   N tokens of a packed row, D model width, H query heads, K key heads, W width of a head, I width of the
         feed-forward, R rank, O features out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer

from tanren.training.document_attention import WHOLE, attention_backwards, attention_forwards
from tanren.weights.lora import LoraLinear

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_PARTS: Final = {
    "": {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"},
    "self_attn": {"q_proj", "k_proj", "v_proj", "o_proj"},
    "mlp": {"gate_proj", "up_proj", "down_proj", "act_fn"},
}
"""The modules of a block, all of them, as this road knows it."""
_NORMS: Final = {"LlamaRMSNorm", "MistralRMSNorm", "Qwen2RMSNorm"}
_BLOCKS: Final = {"LlamaDecoderLayer", "MistralDecoderLayer", "Qwen2DecoderLayer"}


def is_fusible(config: Mapping[str, Any]) -> bool:
    """What `fuse_blocks` will find in a model of this config.json, told without the model."""
    family = str(config["architectures"][0]).removesuffix("ForCausalLM")
    has_bias = config.get("mlp_bias") or (config.get("attention_bias") and family != "Qwen2")
    return f"{family}DecoderLayer" in _BLOCKS and config.get("hidden_act", "silu") == "silu" and not has_bias


def fuse_blocks(model: "PreTrainedModel") -> str | None:
    """Puts `FusedBlock`s in the place of the model's blocks, all or none. Returns why not, or None where it did."""
    blocks = cast(nn.ModuleList, cast(Any, model).model.layers)
    for block in blocks:
        if reason := _why_not(block, model.config):
            return reason
    for index, block in enumerate(blocks):
        blocks[index] = FusedBlock(block)
    return None


class FusedBlock(GradientCheckpointingLayer):
    """A block of the model; the one that it stands for answers where there is a cache or no packed row.

    Why   transformers' layer and no plain module: it is computed again backwards where the model is told to.
    """

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block
        part = cast(Any, block)
        attention, mlp = part.self_attn, part.mlp
        self._shape = _Shape(
            head_width=attention.head_dim,
            scaling=attention.scaling,
            window=_window(attention) or WHOLE,
        )
        self._qkv = [_projection(module) for module in (attention.q_proj, attention.k_proj, attention.v_proj)]
        self._o = _projection(attention.o_proj)
        self._gate_up = [_projection(module) for module in (mlp.gate_proj, mlp.up_proj)]
        self._down = _projection(mlp.down_proj)
        self._adapted = [layer for layer in block.modules() if isinstance(layer, LoraLinear)]

    def forward(
        self,
        hidden_1ND: Tensor,
        *,
        position_embeddings: tuple[Tensor, Tensor],
        document_starts: Tensor | None = None,
        past_key_values: object = None,
        **given: Any,
    ) -> Tensor:
        if document_starts is None or past_key_values is not None or not all(a.is_enabled for a in self._adapted):
            more = given if document_starts is None else {**given, "document_starts": document_starts}
            return self.block(
                hidden_1ND, position_embeddings=position_embeddings, past_key_values=past_key_values, **more
            )
        block = cast(Any, self.block)
        cos_1NW, sin_1NW = position_embeddings
        rotation = _Rotation(cos_1NW[0, :, None], sin_1NW[0, :, None])
        middle_ND = _Attention.apply(
            hidden_1ND[0],
            _Norm.of(block.input_layernorm),
            self._shape,
            rotation,
            document_starts,
            self._qkv,
            self._o,
            *_factors([*self._qkv, self._o]),
        )
        return cast(
            Tensor,
            _FeedForward.apply(
                middle_ND,
                _Norm.of(block.post_attention_layernorm),
                self._gate_up,
                self._down,
                *_factors([*self._gate_up, self._down]),
            ),
        )[None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """Of a block's attention."""

    head_width: int
    scaling: float
    window: int


@dataclass(frozen=True, slots=True, eq=False)
class _Projection:
    """A frozen linear layer and, where it has one, its adapter."""

    weight_OI: Tensor
    bias_O: Tensor | None
    adapter: LoraLinear | None


class _Factors:
    """An adapter's factors in the dtype of the base; B scaled."""

    def __init__(self, projection: _Projection) -> None:
        adapter, dtype = projection.adapter, projection.weight_OI.dtype
        self.is_there = adapter is not None
        if adapter is not None:
            self.scale = adapter.settings.scale
            self.a_RI = adapter.lora_a_RI.detach().to(dtype)
            self.b_OR = (adapter.lora_b_OR.detach() * self.scale).to(dtype)


class _Fan:
    """Projections that share an input: y = x Wᵀ + bias + (x Aᵀ) Bᵀ for each."""

    def __init__(self, projections: Sequence[_Projection]) -> None:
        self._projections = projections
        self._factors = [_Factors(projection) for projection in projections]
        self._a_RI = _joined_a(self._factors)
        self.adapter_count = sum(factors.is_there for factors in self._factors)

    def narrow(self, x_NI: Tensor) -> list[Tensor]:
        """What the adapters make of the input, `z`: [N, R] for each that there is."""
        if self._a_RI is None:
            return []
        z_NR = x_NI @ self._a_RI.T
        return _split(z_NR, self._factors)

    def forwards(self, x_NI: Tensor, z: Sequence[Tensor], *, onto_NO: Tensor | None = None) -> Iterator[Tensor]:
        """[N, O] for each. Takes onto_NO: what the result is added to, where there is one projection only."""
        rest = iter(z)
        for projection, factors in zip(self._projections, self._factors, strict=True):
            start = projection.bias_O if onto_NO is None else onto_NO
            weight_IO = projection.weight_OI.T
            y_NO = x_NI @ weight_IO if start is None else torch.addmm(start, x_NI, weight_IO)
            if factors.is_there:
                y_NO.addmm_(next(rest), factors.b_OR.T)
            yield y_NO

    def backwards(
        self, d_y: Sequence[Tensor], z: Sequence[Tensor], *, wants_input: bool
    ) -> tuple[Tensor | None, Tensor | None, list[Tensor]]:
        """(dx [N, I], dz [N, R of all], dB of each)."""
        rest = iter(z)
        d_z: list[Tensor] = []
        d_b: list[Tensor] = []
        d_x_NI: Tensor | None = None
        for projection, factors, d_y_NO in zip(self._projections, self._factors, d_y, strict=True):
            if factors.is_there:
                d_z.append(d_y_NO @ factors.b_OR)
                d_b.append((d_y_NO.T @ next(rest)).to(torch.float32).mul_(factors.scale))
            if wants_input:
                weight_OI = projection.weight_OI
                d_x_NI = d_y_NO @ weight_OI if d_x_NI is None else d_x_NI.addmm_(d_y_NO, weight_OI)
        if not d_z:
            return d_x_NI, None, d_b
        d_z_NR = d_z[0] if len(d_z) == 1 else torch.cat(d_z, dim=1)
        if d_x_NI is not None:
            d_x_NI.addmm_(d_z_NR, cast(Tensor, self._a_RI))
        return d_x_NI, d_z_NR, d_b

    def in_order(self, d_a_RI: Tensor | None, d_b: Sequence[Tensor]) -> list[Tensor | None]:
        """dA and dB of each projection, as its parameters stand among the arguments."""
        found: list[Tensor | None] = []
        rows = iter(d_a_RI.split([f.a_RI.shape[0] for f in self._factors if f.is_there]) if d_a_RI is not None else ())
        rest = iter(d_b)
        for factors in self._factors:
            found += [next(rows), next(rest)] if factors.is_there else [None, None]
        return found


def _joined_a(factors: Sequence[_Factors]) -> Tensor | None:
    present = [each.a_RI for each in factors if each.is_there]
    if len(present) < 2:
        return present[0] if present else None
    return torch.cat(present)


def _split(z_NR: Tensor, factors: Sequence[_Factors]) -> list[Tensor]:
    """Each whole in itself: a matrix product would copy a strided part every time."""
    ranks = [each.a_RI.shape[0] for each in factors if each.is_there]
    return [z_NR] if len(ranks) == 1 else [part.contiguous() for part in z_NR.split(ranks, dim=1)]


@dataclass(frozen=True, slots=True, eq=False)
class _Norm:
    """w ⊙ x / root mean square of x, with the statistics in float32."""

    weight_D: Tensor
    eps: float

    @staticmethod
    def of(module: Any) -> "_Norm":
        return _Norm(module.weight, module.variance_epsilon)

    def forwards(self, x_ND: Tensor) -> tuple[Tensor, Tensor]:
        """(result [N, D], r [N, 1] in float32)."""
        wide_ND = x_ND.to(torch.float32)
        r_N1 = torch.linalg.vecdot(wide_ND, wide_ND)[:, None].div_(x_ND.shape[1]).add_(self.eps).rsqrt_()
        return (wide_ND * r_N1).to(x_ND.dtype).mul_(self.weight_D), r_N1

    def backwards(self, d_h_ND: Tensor, x_ND: Tensor, r_N1: Tensor, residual_ND: Tensor) -> Tensor:
        """The gradient of x, with that of the way around the norm added. Overwrites d_h_ND where it is float32."""
        wide_ND = x_ND.to(torch.float32)
        d_ND = d_h_ND.to(torch.float32).mul_(self.weight_D)
        inner_N1 = torch.linalg.vecdot(d_ND, wide_ND)[:, None].mul_(r_N1.pow(3)).div_(x_ND.shape[1])
        return d_ND.mul_(r_N1).addcmul_(wide_ND, inner_N1, value=-1).add_(residual_ND).to(x_ND.dtype)

    def d_a(self, d_z_NR: Tensor, x_ND: Tensor, r_N1: Tensor) -> Tensor:
        """dA of projections whose input is the norm's result."""
        scaled_NR = (d_z_NR * r_N1).to(x_ND.dtype)
        return (scaled_NR.T @ x_ND).to(torch.float32).mul_(self.weight_D)


@dataclass(frozen=True, slots=True, eq=False)
class _Rotation:
    """Of each head's first half against its second, by an angle that grows with the position."""

    cos_N1W: Tensor
    sin_N1W: Tensor

    def forwards(self, x_NHW: Tensor) -> Tensor:
        return self._turned(x_NHW, 1)

    def backwards(self, d_NHW: Tensor) -> Tensor:
        return self._turned(d_NHW, -1)

    def _turned(self, x_NHW: Tensor, direction: int) -> Tensor:
        half = x_NHW.shape[-1] // 2
        first, second = slice(None, half), slice(half, None)
        turned_NHW = x_NHW * self.cos_N1W
        turned_NHW[..., first].addcmul_(x_NHW[..., second], self.sin_N1W[..., first], value=-direction)
        turned_NHW[..., second].addcmul_(x_NHW[..., first], self.sin_N1W[..., second], value=direction)
        return turned_NHW


class _Attention(torch.autograd.Function):
    """x + projection(attention(norm(x)))."""

    @staticmethod
    def forward(
        ctx: Any,
        x_ND: Tensor,
        norm: _Norm,
        shape: _Shape,
        rotation: _Rotation,
        starts: Tensor,
        into: Sequence[_Projection],
        out_of: _Projection,
        *parameters: Tensor | None,
    ) -> Tensor:
        fan, last = _Fan(into), _Fan([out_of])
        h_ND, r_N1 = norm.forwards(x_ND)
        z = fan.narrow(h_ND)
        q_NHW, k_NKW, v_NKW = (y.unflatten(1, (-1, shape.head_width)) for y in fan.forwards(h_ND, z))
        q_NHW, k_NKW = rotation.forwards(q_NHW), rotation.forwards(k_NKW)
        o_NHW = attention_forwards(q_NHW, k_NKW, v_NKW, starts, shape.scaling, shape.window)
        o_NO = o_NHW.flatten(1)
        z_last = last.narrow(o_NO)
        (y_ND,) = last.forwards(o_NO, z_last, onto_NO=x_ND)
        ctx.save_for_backward(x_ND, r_N1, q_NHW, k_NKW, v_NKW, o_NO, *z, *z_last)
        ctx.norm, ctx.shape, ctx.rotation, ctx.starts, ctx.fan, ctx.last = norm, shape, rotation, starts, fan, last
        return y_ND

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (d_y_ND,) = gradients
        x_ND, r_N1, q_NHW, k_NKW, v_NKW, o_NO, *z = cast(tuple[Tensor, ...], ctx.saved_tensors)
        fan, last, shape = cast(_Fan, ctx.fan), cast(_Fan, ctx.last), cast(_Shape, ctx.shape)
        norm, rotation = cast(_Norm, ctx.norm), cast(_Rotation, ctx.rotation)
        count = fan.adapter_count
        d_o_NO, d_z_last, d_b_last = last.backwards([d_y_ND], z[count:], wants_input=True)
        d_a_last = None if d_z_last is None else (d_z_last.T @ o_NO).to(torch.float32)
        d_o_NHW = cast(Tensor, d_o_NO).unflatten(1, (-1, shape.head_width))
        d_q, d_k, d_v = attention_backwards(d_o_NHW, q_NHW, k_NKW, v_NKW, ctx.starts, shape.scaling, shape.window)
        d_into = [each.flatten(1) for each in (rotation.backwards(d_q), rotation.backwards(d_k), d_v)]
        wants_input = cast(bool, ctx.needs_input_grad[0])
        d_h_ND, d_z, d_b = fan.backwards(d_into, z[:count], wants_input=wants_input)
        d_a = None if d_z is None else norm.d_a(d_z, x_ND, r_N1)
        d_x = norm.backwards(d_h_ND, x_ND, r_N1, d_y_ND) if d_h_ND is not None else None
        return d_x, *(None,) * 6, *fan.in_order(d_a, d_b), *last.in_order(d_a_last, d_b_last)


class _FeedForward(torch.autograd.Function):
    """x + projection(silu(gate(norm(x))) · up(norm(x)))."""

    @staticmethod
    def forward(
        ctx: Any,
        x_ND: Tensor,
        norm: _Norm,
        into: Sequence[_Projection],
        out_of: _Projection,
        *parameters: Tensor | None,
    ) -> Tensor:
        fan, last = _Fan(into), _Fan([out_of])
        h_ND, r_N1 = norm.forwards(x_ND)
        z = fan.narrow(h_ND)
        gate_NI, up_NI = fan.forwards(h_ND, z)
        product_NI = F.silu(gate_NI).mul_(up_NI)
        z_last = last.narrow(product_NI)
        (y_ND,) = last.forwards(product_NI, z_last, onto_NO=x_ND)
        ctx.save_for_backward(x_ND, r_N1, gate_NI, up_NI, *z, *z_last)
        ctx.norm, ctx.fan, ctx.last = norm, fan, last
        return y_ND

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (d_y_ND,) = gradients
        x_ND, r_N1, gate_NI, up_NI, *z = cast(tuple[Tensor, ...], ctx.saved_tensors)
        norm, fan, last = cast(_Norm, ctx.norm), cast(_Fan, ctx.fan), cast(_Fan, ctx.last)
        count = fan.adapter_count
        d_product, d_z_last, d_b_last = last.backwards([d_y_ND], z[count:], wants_input=True)
        d_product_NI = cast(Tensor, d_product)
        active_NI = F.silu(gate_NI)
        d_a_last = None if d_z_last is None else (d_z_last.T @ (active_NI * up_NI)).to(torch.float32)
        d_up_NI = active_NI.mul_(d_product_NI)
        d_gate_NI = torch.ops.aten.silu_backward(d_product_NI.mul_(up_NI), gate_NI)
        wants_input = cast(bool, ctx.needs_input_grad[0])
        d_h_ND, d_z, d_b = fan.backwards([d_gate_NI, d_up_NI], z[:count], wants_input=wants_input)
        d_a = None if d_z is None else norm.d_a(d_z, x_ND, r_N1)
        d_x = norm.backwards(d_h_ND, x_ND, r_N1, d_y_ND) if d_h_ND is not None else None
        return d_x, *(None,) * 3, *fan.in_order(d_a, d_b), *last.in_order(d_a_last, d_b_last)


def _projection(module: nn.Module) -> _Projection:
    adapter = module if isinstance(module, LoraLinear) else None
    linear = cast(nn.Linear, module if adapter is None else adapter.base)
    return _Projection(linear.weight, cast(Tensor | None, linear.bias), adapter)


def _factors(projections: Sequence[_Projection]) -> list[Tensor | None]:
    """What is trained, as arguments that torch sees: A and B of each projection."""
    found: list[Tensor | None] = []
    for adapter in (projection.adapter for projection in projections):
        found += [None, None] if adapter is None else [adapter.lora_a_RI, adapter.lora_b_OR]
    return found


def _window(attention: Any) -> int | None:
    """Mistral's modules leave it to the config."""
    is_told = hasattr(attention, "sliding_window") or not hasattr(attention.config, "sliding_window")
    return getattr(attention if is_told else attention.config, "sliding_window", None)


def _why_not(block: nn.Module, config: Any) -> str | None:
    """What of a block this road does not know, in words; None where it knows all of it."""
    if type(block).__name__ not in _BLOCKS:
        return f"{type(block).__name__} is none of the blocks that can be fused"
    for name, expected in _PARTS.items():
        if {child for child, _ in block.get_submodule(name).named_children()} != expected:
            return f"its blocks have other parts in {name or 'themselves'} than {', '.join(sorted(expected))}"
    if config.hidden_act != "silu":
        return f"its activation is {config.hidden_act}, not silu"
    for name, module in block.named_modules():
        if name.endswith("layernorm") and type(module).__name__ not in _NORMS:
            return f"{name} is a {type(module).__name__}"
        if isinstance(module, LoraLinear) and module.settings.dropout:
            return "adapters drop out some of their inputs"
        if name.endswith("_proj") and not isinstance(module, LoraLinear) and type(module) is not nn.Linear:
            return f"{name} is a {type(module).__name__}"
    for name in ("self_attn.o_proj", "mlp.down_proj"):
        if _projection(block.get_submodule(name)).bias_O is not None:
            return f"{name} has a bias"
    trained = {name for name, parameter in block.named_parameters() if parameter.requires_grad}
    if beside := sorted(name for name in trained if ".lora_" not in name):
        return f"{beside[0]} is trained itself"
    return None if trained else "nothing in its blocks is trained"
