"""How much memory a model needs to answer and to be trained here, estimated from its facts; and how much there is.

    serve   every parameter in the dtype it is stored in (float16 is computed in float32), and an eighth for the cache
    LoRA    every parameter in float32, and a half for activations and the adapter with its optimizer
    full    every parameter four times in float32: weight, gradient, two moments of AdamW; and an eighth for activations

Estimates for batches and contexts of ordinary size, for a table; nothing is refused by them.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROCESS_BYTES: Final = 400_000_000
"""A process with torch and transformers imported, before any weights."""
_FLOAT32: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeeds:
    serve_bytes: int
    lora_bytes: int
    full_bytes: int


def memory_needs(parameter_count: int, dtype: str) -> MemoryNeeds:
    """Takes   dtype: as safetensors spells it, of most of the parameters."""
    stored = 2 if dtype == "BF16" else _FLOAT32
    return MemoryNeeds(
        serve_bytes=PROCESS_BYTES + parameter_count * stored * 9 // 8,
        lora_bytes=PROCESS_BYTES + parameter_count * _FLOAT32 * 3 // 2,
        full_bytes=PROCESS_BYTES + parameter_count * _FLOAT32 * 4 * 9 // 8,
    )


def available_bytes() -> int | None:
    """What new processes may take without swapping; on a system that does not say, all there is; None if unknown."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return total_bytes()


def total_bytes() -> int | None:
    """What this machine has; None if unknown."""
    with suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None
