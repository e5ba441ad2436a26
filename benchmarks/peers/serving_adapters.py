"""Thirty-two random adapters of rank 16 on all linear layers of a benchmark's model, in the PEFT layout."""

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from tanren.model_files.digests import weights_digest
from tanren.weights.adapters import write_adapter
from tanren.weights.lora import LoraFactors, LoraSettings

COUNT = 32
RANK = 16
SPREAD = 0.02
"""Standard deviation of A and B: an update that changes answers and overflows nothing."""


def main() -> None:
    folder = Path(sys.argv[1])
    target = folder / "adapters"
    if (target / "made").exists():
        return
    model = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.bfloat16)
    base = weights_digest(folder / "model")
    for number in range(COUNT):
        torch.manual_seed(number)
        factors = {
            name: LoraFactors(
                a_RI=torch.randn(RANK, layer.in_features) * SPREAD,
                b_OR=torch.randn(layer.out_features, RANK) * SPREAD,
                scale=2.0,
            )
            for name, layer in model.named_modules()
            if isinstance(layer, torch.nn.Linear) and name != "lm_head"
        }
        write_adapter(
            target / f"{number:02d}",
            factors,
            settings=LoraSettings(rank=RANK, alpha=2.0 * RANK),
            base_weights_sha256=base,
            base_name="model",
        )
    (target / "made").touch()


if __name__ == "__main__":
    main()
