"""How much memory a run will take, told before it begins and compared with what it took.

    total = process + weights + gradients + moments + the largest of (activations, loading, saving)

Activations are what the backward pass needs of one micro-batch: per token and layer a few rows of the model's widths,
and the output head's logits. Loading holds a weight file beside the weights made of it; saving holds what is written.
Where memory is short, the micro-batch becomes smaller; where that is not enough, blocks keep their input only and are
computed again backwards (a half longer under LoRA, a third in full fine-tuning). The run says so.

Cost     a look at the config and the rows' lengths; no tensor is made.
Legend   D model width, H width of all query heads, K of all key heads, I width of the feed-forward, V vocabulary.
"""

import itertools
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch

from tanren.domain.errors import JobFailed
from tanren.domain.sentences import joined, sentence
from tanren.model_files.architectures import ARCHITECTURES
from tanren.model_files.memory import available_bytes
from tanren.training.eight_bit import BYTES_A_PARAMETER
from tanren.training.fused_blocks import is_fusible
from tanren.training.lanes import LANE_GRADIENT_BYTES, lane_count
from tanren.training.loop import TOKEN_BUDGET
from tanren.training.objectives.next_token import CHUNK_LOGITS, WIDE_LOGITS
from tanren.training.spec import TrainingSpec
from tanren.weights.base_models import BaseModelFacts, read_facts

TOKEN_BUDGETS: Final = {"cpu": (TOKEN_BUDGET, 1024, 512, 256, 128), "cuda": (16384, 8192, 4096, 2048)}
"""What is tried, in this order. A GPU wants more at a time; with less than the last it would wait for its launches."""
ACCURACY: Final = 1.5
"""The forecast of what a run adds to its process is within this factor of what it measures, on CPU; tests hold it."""

_FLOAT32: Final = 4
_MOMENT_BYTES: Final = {"adamw": 2 * _FLOAT32, "adamw-8bit": BYTES_A_PARAMETER, "sgd": _FLOAT32, "adafactor": 0}
"""That an optimiser keeps for every trained number; Adafactor's row and column are next to nothing."""
_RECOMPUTING: Final = {"auto": (False, True), "on": (True,), "off": (False,)}
"""What a spec's gradient_checkpointing allows, in the order in which it is tried."""
_LOGIT_COPIES: Final = 4
"""Logits in float32, their log-softmax, and the gradients of both; by chunks they are in the model's dtype, once."""
_WORKING_BYTES: Final = {"cpu": 24_000_000, "cuda": 500_000_000}
"""Of a lane's first backward pass, whatever the model: threads' buffers, packed operands, the allocator's slack. Of a
GPU an assumption: cuBLAS's workspaces and what the allocator cannot use again."""
_SLACK: Final = 1.15
"""What the allocator holds beside what is in use, measured."""
_WORKING_COPIES: Final = 2
"""Activations of a layer that exist beside the kept ones while its gradient is computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """What of a config decides the size of its activations."""

    model: int
    queries: int
    keys: int
    feed_forward: int
    heads: int
    is_eager: bool
    """Attention keeps a probability for every pair of tokens."""
    is_fusible: bool
    """Adapters on its blocks are trained as `fused_blocks` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLengths:
    """What of the data decides it."""

    tokens: int
    targets: int
    longest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryForecast:
    """Bytes, on the device that computes."""

    process_bytes: int
    """Taken before the model is loaded; on a GPU none."""
    weights_bytes: int
    gradients_bytes: int
    moments_bytes: int
    activations_bytes: int
    """Of the largest micro-batch, forwards and backwards."""
    loading_bytes: int
    """The weight file, while the weights are made of it."""
    saving_bytes: int
    """Of the largest file of a checkpoint, while it is written."""
    token_budget: int
    largest_micro_batch: int
    """Tokens; at most the budget, unless one row alone is longer."""
    recomputes_blocks: bool
    """Of a block, only the input is kept until the backward pass."""

    @property
    def total_bytes(self) -> int:
        kept = self.process_bytes + self.weights_bytes
        trained = self.gradients_bytes + self.moments_bytes + max(self.activations_bytes, self.saving_bytes)
        return kept + max(trained, self.loading_bytes)

    @property
    def added_bytes(self) -> int:
        """What the run takes beyond what its process has now."""
        return self.total_bytes - self.process_bytes

    def parts(self) -> str:
        named = {
            "weights": self.weights_bytes,
            "gradients": self.gradients_bytes,
            "optimiser": self.moments_bytes,
            f"activations of {self.largest_micro_batch} tokens": self.activations_bytes,
            "the process": self.process_bytes,
        }
        return ", ".join(f"{name} {in_words(size)}" for name, size in named.items() if size)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "total_bytes": self.total_bytes}


def forecast(
    spec: TrainingSpec,
    facts: BaseModelFacts,
    widths: Widths,
    rows: RowLengths,
    *,
    process_bytes: int,
    token_budget: int = TOKEN_BUDGET,
    recomputes_blocks: bool = False,
    threads: int = 1,
    kind: str = "cpu",
) -> MemoryForecast:
    """Pure. The formulas are those of `run.py`: LoRA in float32 on a frozen base; full in float32 throughout.

    Takes    threads: of which each may compute a micro-batch of its own; all of them together have `token_budget`;
             kind: of device, as torch names it.
    """
    is_lora, is_on_cpu = spec.method == "lora", kind == "cpu"
    trainable = adapter_parameters(widths, facts.layer_count, spec) if is_lora else facts.parameter_count
    has_lanes = is_on_cpu and not spec.lora_dropout and _FLOAT32 * trainable <= LANE_GRADIENT_BYTES
    lanes = lane_count(threads) if has_lanes else 1
    is_fused = is_lora and not spec.lora_dropout and widths.is_fusible
    weight_bytes = 2 if is_lora and spec.dtype == "bfloat16" else _FLOAT32
    stored_weights = facts.parameter_count * weight_bytes + (trainable * _FLOAT32 if is_lora else 0)
    tokens = min(max(token_budget, rows.longest), spec.batch_size * rows.longest)
    targets = -(-tokens * rows.targets // rows.tokens)
    moments = int(_MOMENT_BYTES[spec.optimizer] * trainable)
    return MemoryForecast(
        process_bytes=process_bytes,
        weights_bytes=stored_weights,
        gradients_bytes=_FLOAT32 * trainable * (1 if lanes == 1 else 1 + lanes),
        moments_bytes=moments,
        activations_bytes=_activations(
            spec,
            facts,
            widths,
            rows,
            tokens,
            targets,
            lanes=lanes,
            is_fused=is_fused,
            recomputes_blocks=recomputes_blocks,
            kind=kind,
        ),
        # A file of another dtype is converted and let go; one of the same dtype is the weights. A GPU gets the weights
        # when they are made, and a checkpoint is written from the processor's memory.
        loading_bytes=_loading_bytes(facts, weight_bytes) if is_on_cpu else 0,
        saving_bytes=moments if is_on_cpu else 0,
        token_budget=token_budget,
        largest_micro_batch=tokens,
        recomputes_blocks=recomputes_blocks,
    )


def _loading_bytes(facts: BaseModelFacts, weight_bytes: int) -> int:
    return facts.weights_size_bytes if facts.dtype != {2: "BF16", 4: "F32"}[weight_bytes] else 0


def _activations(
    spec: TrainingSpec,
    facts: BaseModelFacts,
    widths: Widths,
    rows: RowLengths,
    tokens: int,
    targets: int,
    *,
    lanes: int,
    is_fused: bool,
    recomputes_blocks: bool,
    kind: str,
) -> int:
    width = 2 if spec.dtype == "bfloat16" else _FLOAT32
    d, h, k, i = widths.model, widths.queries, widths.keys, widths.feed_forward
    # Plain: two norms (input, normalised, result), attention (q, k, v, result twice), gate, its activation, up, their
    # product. Fused: the norms' inputs, q, k, v and the result of attention, gate and up.
    values = 2 * (d + h + k + i) if is_fused else 6 * d + 3 * h + 2 * k + 4 * i
    a_token = width * values
    if spec.method == "lora":
        # Inputs of the adapters, kept once more where some are dropped: three of attention, its result, two of the
        # feed-forward, its product.
        inputs = 5 * d + h + i if spec.lora_dropout else 0
        a_token += width * (7 * spec.lora_rank + inputs)
    if widths.is_eager:
        a_token += 2 * width * widths.heads * rows.longest
    # Recomputed: every block's input, and one block at a time.
    layers = tokens * (width * d * facts.layer_count + a_token if recomputes_blocks else a_token * facts.layer_count)
    working = tokens * _WORKING_COPIES * (_FLOAT32 * max(i, h) + _FLOAT32 * d)
    if widths.is_eager:
        head = targets * facts.vocabulary_size * _FLOAT32 * _LOGIT_COPIES
    else:
        at_a_time = lanes * max(1, CHUNK_LOGITS[kind] // facts.vocabulary_size)
        a_logit = width + _FLOAT32 * WIDE_LOGITS[kind] / CHUNK_LOGITS[kind]
        head = min(targets, at_a_time) * facts.vocabulary_size * a_logit
    # The head's gradient is done with before that of the layers begins.
    return int(_SLACK * (layers + max(working, head))) + lanes * _WORKING_BYTES[kind]


def adapter_parameters(widths: Widths, layer_count: int, spec: TrainingSpec) -> int:
    """Of adapters on q, k, v, o, gate, up and down, or on some of them."""
    d, h, k, i = widths.model, widths.queries, widths.keys, widths.feed_forward
    attention = (d + h) + 2 * (d + k) + (h + d) if spec.lora_targets != "mlp" else 0
    feed_forward = 3 * (d + i) if spec.lora_targets != "attention" else 0
    return layer_count * spec.lora_rank * (attention + feed_forward)


def fitting_forecast(
    spec: TrainingSpec,
    base_folder: Path,
    rows: RowLengths,
    *,
    device: str,
    token_budget: int | None = None,
    recomputes_blocks: bool | None = None,
    available: int | None = None,
) -> tuple[MemoryForecast, int | None]:
    """The forecast with the largest micro-batch that fits, and what is free.

    Takes    token_budget: what an earlier attempt or a recorded run used; it is then not chosen anew, since another
             one adds up in another order. recomputes_blocks: what an earlier attempt did; else as the spec says.
             available: for tests; else what the device has.
    Raises   JobFailed where it cannot fit: what is missing, of what, and which setting helps.
    """
    facts, widths = read_facts(base_folder), read_widths(base_folder)
    free = available if available is not None else available_memory(device)
    process, kind = present_bytes(device), torch.device(device).type

    def made(budget: int, recomputes: bool, given: TrainingSpec = spec) -> MemoryForecast:
        return forecast(
            given,
            facts,
            widths,
            rows,
            process_bytes=process,
            token_budget=budget,
            recomputes_blocks=recomputes,
            threads=torch.get_num_threads(),
            kind=kind,
        )

    budgets = TOKEN_BUDGETS[kind] if token_budget is None else (token_budget,)
    choices = _RECOMPUTING[spec.gradient_checkpointing] if recomputes_blocks is None else (recomputes_blocks,)
    found = made(budgets[0], choices[0])
    if free is None:
        return found, None
    for recomputes, budget in itertools.product(choices, budgets):
        found = made(budget, recomputes)
        if found.added_bytes <= free:
            return found, free
    raise JobFailed(_refusal(spec, found, rows, free, made))


def _refusal(
    spec: TrainingSpec,
    least: MemoryForecast,
    rows: RowLengths,
    free: int,
    made: Callable[[int, bool, TrainingSpec], MemoryForecast],
) -> str:
    def needs(setting: str, other: MemoryForecast) -> str:
        size = in_words(other.added_bytes)
        if other.added_bytes <= free:
            return sentence("{setting} needs {size}, which fits", setting=setting, size=size)
        return sentence("{setting} needs {size}, which still does not fit", setting=setting, size=size)

    helps: list[str] = []
    if not least.recomputes_blocks:
        helps.append(needs('gradientCheckpointing "auto"', made(least.token_budget, True, spec)))
    if spec.method == "full":
        lora = made(least.token_budget, least.recomputes_blocks, replace(spec, method="lora"))
        helps.append(needs('customizationMethod "lora"', lora))
        if spec.optimizer == "adamw":
            thrifty = made(least.token_budget, least.recomputes_blocks, replace(spec, optimizer="adafactor"))
            helps.append(needs('optimizer "adafactor"', thrifty))
    elif least.weights_bytes > free:
        helps.append(sentence("take a smaller base model, or more memory: the weights alone do not fit"))
    elif spec.lora_rank > 16:
        helps.append(sentence("a loraRank below {rank} makes adapter and optimiser smaller", rank=spec.lora_rank))
    if least.activations_bytes > least.weights_bytes and rows.longest > least.token_budget:
        helps.append(sentence("the longest record has {count} tokens: shorter ones need less", count=rows.longest))
    if not helps:
        helps.append(sentence("take a smaller base model, or let other programs end"))
    refusal = sentence(
        "The job does not fit into memory: it needs {needed} more than its process has ({parts}), and {free} are free: "
        "{missing} are missing. What helps: ",
        needed=in_words(least.added_bytes),
        parts=least.parts(),
        free=in_words(free),
        missing=in_words(least.added_bytes - free),
    )
    return joined(refusal, helps[0], *(piece for each in helps[1:] for piece in ("; ", each)), sentence("."))


def read_widths(base_folder: Path) -> Widths:
    """From config.json, which `read_facts` has looked through."""
    config = json.loads((base_folder / "config.json").read_text("utf-8"))
    architecture = ARCHITECTURES[str(config["architectures"][0])]
    heads = int(config["num_attention_heads"])
    head_width = int(config.get("head_dim") or architecture.head_dim_by_default or int(config["hidden_size"]) // heads)
    experts = int(config.get("num_experts_per_tok") or 1) if architecture.has_experts else 1
    return Widths(
        model=int(config["hidden_size"]),
        queries=heads * head_width,
        keys=int(config.get("num_key_value_heads") or heads) * head_width,
        feed_forward=int(config["intermediate_size"]) * experts,
        heads=heads,
        is_eager=architecture.attention == "eager",
        is_fusible=is_fusible(config),
    )


def available_memory(device: str) -> int | None:
    """What a run may still take: of the GPU; else of the machine, or of the container where that allows less."""
    if not device.startswith("cpu"):
        return int(torch.cuda.mem_get_info(device)[0])
    found = [size for size in (available_bytes(), _container_bytes(Path("/sys/fs/cgroup"))) if size is not None]
    return min(found) if found else None


def _container_bytes(root: Path) -> int | None:
    """What the control group of a container has left; None where it sets no limit."""
    for limit, usage in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):  # "max" is no number: no limit
            left = int((root / limit).read_text()) - int((root / usage).read_text())
            return left if left < 1 << 60 else None
    return None


def present_bytes(device: str) -> int:
    """What the process holds now on the device."""
    if not device.startswith("cpu"):
        return int(torch.cuda.memory_allocated(device))
    with suppress(OSError, IndexError, ValueError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


class PeakMemory:
    """The most that the process held since `PeakMemory.begin`."""

    def __init__(self, device: str) -> None:
        self._device = device
        self.is_of_run = True
        """False where the system cannot forget an earlier peak: the figure is then the whole process's."""

    @staticmethod
    def begin(device: str) -> "PeakMemory":
        peak = PeakMemory(device)
        if not device.startswith("cpu"):
            torch.cuda.reset_peak_memory_stats(device)
            return peak
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            peak.is_of_run = False
        return peak

    def bytes(self) -> int | None:
        """None where the system does not say."""
        if not self._device.startswith("cpu"):
            return int(torch.cuda.max_memory_allocated(self._device))
        with suppress(OSError):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return None


def in_words(size: int) -> str:
    """1.9 GB, 340 MB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
