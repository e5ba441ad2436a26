"""How a run computes: what was chosen by looking at its model and its machine, and why not more. Recorded with the run.

    packed or padded rows     `document_attention` knows the architecture's attention, or not
    fused or plain blocks     `fused_blocks` knows all of a block's parts, or not
    lanes                     micro-batches are computed at the same time, each on a core, or one after the other

Nothing here is tried and given up: each choice is made before the first step, from the modules and the spec alone.
"""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from tanren.training.document_attention import layout_for
from tanren.training.fused_blocks import fuse_blocks
from tanren.training.lanes import Lanes, lane_count, why_one_lane
from tanren.training.packing import Layout

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

    @property
    def lanes(self) -> int:
        return lane_count(self.threads) if self.one_lane_because is None else 1

    def sentence(self) -> str:
        blocks = "fused blocks" if self.not_fused_because is None else f"plain blocks ({self.not_fused_because})"
        lanes = f"{self.lanes} lanes" if self.lanes > 1 else "one lane"
        why = f" ({self.one_lane_because})" if self.one_lane_because is not None else ""
        return f"{self.layout.capitalize()} rows, {blocks}, {lanes}{why}."

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "lanes": self.lanes}

    def with_threads(self, threads: int) -> "Arithmetic":
        return replace(self, threads=threads)

    def open_lanes(self) -> Lanes:
        return Lanes(self.lanes, threads=self.threads)


def arrange(model: "PreTrainedModel", *, threads: int, trained_count: int, device: str) -> Arithmetic:
    """Changes the model's attention and blocks to what is chosen for them. Call it once a model."""
    layout = layout_for(model)
    if not device.startswith("cpu"):
        not_fused_because: str | None = f"they are for the CPU, not for {device}"
    elif layout == "padded":
        not_fused_because = "its attention is not known for packed rows"
    else:
        not_fused_because = fuse_blocks(model)
    return Arithmetic(
        layout=layout,
        not_fused_because=not_fused_because,
        one_lane_because=why_one_lane(model, trained_count=trained_count, device=device),
        threads=threads,
    )
