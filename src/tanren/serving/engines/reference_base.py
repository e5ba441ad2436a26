"""What the reference engine needs: a base model with its weights, in the dtype in which it is stored."""

from dataclasses import dataclass, fields
from pathlib import Path

from torch import nn
from transformers.utils.logging import disable_progress_bar

from tanren.serving.engines.served_base import ServedBase, load_served_base
from tanren.weights.base_models import load_base_model, read_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceBase(ServedBase):
    model: nn.Module
    """A causal language model of `transformers`, in evaluation mode."""


def load_reference_base(folder: Path) -> ReferenceBase:
    """The base model of a folder; what is stored in float16 is computed in float32.

    Raises   JobFailed where the folder is no base model, or its tokenizer has no chat template to serve with.
    """
    disable_progress_bar()  # a host's log is for events
    model = load_base_model(folder, dtype="bfloat16" if read_facts(folder).dtype == "BF16" else "float32")
    served = load_served_base(folder, model=model)
    return ReferenceBase(model=model, **{each.name: getattr(served, each.name) for each in fields(served)})
