"""The weights behind a foundation model id."""

from dataclasses import dataclass
from pathlib import Path

NANO_FOLDER = Path(__file__).parent / "nano"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    folder: Path
    """A Hugging Face causal language model: config, safetensors, tokenizer with chat template."""
    name: str
    lora_learning_rate: float
    """The rate at which LoRA on these weights learns well: what a family's default rate is mapped to."""
    full_learning_rate: float
    """The same for full fine-tuning."""


NANO = Weights(folder=NANO_FOLDER, name="nano-v1", lora_learning_rate=7e-3, full_learning_rate=3e-3)


def weights_of(foundation_model_id: str) -> Weights:
    """Which weights answer under an id of the catalogue: nano, until the user names others."""
    return NANO
