"""How a run computes: what was chosen by looking at its model and its machine, and why not more. Recorded with the run.

    packed or padded rows     `document_attention` knows the architecture's attention, or not
    fused or plain blocks     `fused_blocks` knows all of a block's parts, or not
    lanes                     micro-batches are computed at the same time, each on a core, or one after the other
    kept or recomputed        a block's activations stay until its backward pass, or only its input does (`memory_plan`)
    attention                 by rectangles, or by the GPU's kernel for documents (`varlen_attention`)

Nothing here is tried and given up: each choice is made before the first step, from the modules and the spec alone.
"""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import torch

from tanren.domain.sentences import Sentence, joined, sentence
from tanren.training.document_attention import layout_for
from tanren.training.fused_blocks import fuse_blocks
from tanren.training.lanes import Lanes, draws, lane_count, why_one_lane
from tanren.training.packing import Layout
from tanren.training.varlen_attention import why_not_varlen

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic:
    layout: Layout
    not_fused_because: str | None
    """None: the blocks are fused."""
    one_lane_because: str | None
    """None: nothing forbids more."""
    threads: int
    """Of all lanes together."""
    recomputes_blocks: bool
    """Blocks keep their input only, and are computed again in the backward pass."""
    not_varlen_because: str | None
    """None: a GPU's kernel for documents computes the attention."""

    @property
    def lanes(self) -> int:
        return lane_count(self.threads) if self.one_lane_because is None else 1

    def sentence(self) -> Sentence:
        return joined(
            sentence("Packed rows") if self.layout == "packed" else sentence("Padded rows"),
            sentence(", fused blocks")
            if self.not_fused_because is None
            else sentence(", plain blocks ({reason})", reason=self.not_fused_because),
            sentence(", computed again backwards") if self.recomputes_blocks else "",
            sentence(", variable-length attention") if self.not_varlen_because is None else "",
            sentence(", {count} lanes", count=self.lanes) if self.lanes > 1 else sentence(", one lane"),
            "" if self.one_lane_because is None else f" ({self.one_lane_because})",
            sentence("."),
        )

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "lanes": self.lanes}

    def with_threads(self, threads: int) -> "Arithmetic":
        return replace(self, threads=threads)

    def open_lanes(self) -> Lanes:
        return Lanes(self.lanes, threads=self.threads)


def arrange(
    model: "PreTrainedModel",
    *,
    threads: int,
    trained_count: int,
    device: str,
    dtype: torch.dtype = torch.float32,
    recomputes_blocks: bool = False,
) -> Arithmetic:
    """Changes the model's attention and blocks to what is chosen for them. Call it once a model.

    Takes   dtype: of the arithmetic, which may be another than that of the weights.
    """
    layout = layout_for(model)
    not_fused_because = fuse_blocks(model) if layout == "packed" else "its attention is not known for packed rows"
    if recomputes_blocks:
        _recompute_blocks(model)
    return Arithmetic(
        layout=layout,
        not_fused_because=not_fused_because,
        one_lane_because=why_one_lane(model, trained_count=trained_count, device=device),
        threads=threads,
        recomputes_blocks=recomputes_blocks,
        not_varlen_because=(
            why_not_varlen(dtype, _head_width(model), torch.device(device)) if layout == "packed" else "rows are padded"
        ),
    )


def _recompute_blocks(model: "PreTrainedModel") -> None:
    # What dropout drew the first time it has to draw again; without any, lanes would only wait for the generator.
    model.activation_checkpointing_enable({"use_reentrant": False, "preserve_rng_state": draws(model)})
    # Only re-entrant recomputation needs a gradient at the blocks' input; that of the first would be for nobody.
    model.disable_input_require_grads()


def _head_width(model: "PreTrainedModel") -> int:
    config = cast(Any, model.config)
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
