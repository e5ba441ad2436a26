"""Cores that each take a micro-batch of their own, instead of all helping with the same one.

A matrix product uses two cores well, but between the products of a block are dozens of short operations, and after each
of them cores wait for one another. Here a lane computes the loss and the gradients of a micro-batch from beginning to
end, and lanes meet once a round. What comes out is added up in the order of the micro-batches, whichever lane is done
first, so the same number of threads gives the same bits.

Cost     a lane's gradients exist beside the sum: `LANE_GRADIENT_BYTES` bounds them.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

import torch
from torch import nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_LANES: Final = 4
"""A step of few records does not divide into more parts of like size; further threads help within a lane."""
LANE_GRADIENT_BYTES: Final = 1 << 28
"""Above, as in full fine-tuning of any but a small model, the gradients of a second lane cost more than it gains."""
_ROPES_WITH_STATE: Final = ("dynamic", "longrope")
"""transformers chooses their frequencies by the longest position seen, in a buffer that all lanes would share."""


def why_one_lane(model: "PreTrainedModel", *, trained_count: int, device: str) -> str | None:
    """What forbids more than one, in words; None where nothing does."""
    rope = cast("dict[str, Any]", getattr(model.config, "rope_parameters", None) or {})
    if not device.startswith("cpu"):
        return f"one fills {device}"
    if draws(model):
        return "dropout is drawn from one generator, in one order"
    if rope.get("rope_type") in _ROPES_WITH_STATE:
        return f"rope of type {rope['rope_type']} keeps state"
    if trained_count * 4 > LANE_GRADIENT_BYTES:
        return "the gradients of another would take too much memory"
    return None


def lane_count(threads: int) -> int:
    """A thread each, up to `MOST_LANES`; what is above helps within them."""
    return max(1, min(threads, MOST_LANES))


def draws(model: "PreTrainedModel") -> bool:
    """Whether it drops out anything while it trains."""
    return bool(getattr(model.config, "attention_dropout", 0)) or any(map(_drops, model.modules()))


def _drops(module: nn.Module) -> bool:
    settings = getattr(module, "settings", None)
    return bool(getattr(settings, "dropout", 0)) or (isinstance(module, nn.Dropout) and module.p > 0)


class Lanes:
    """Close it, or use it as a context: its threads live until then. One lane is the calling thread itself."""

    def __init__(self, count: int = 1, *, threads: int = 1) -> None:
        self.count = count
        self._pool: ThreadPoolExecutor | None = None
        if count > 1:
            share = max(1, threads // count)
            # Of the calling thread torch keeps the number that it has: it is a thread's own.
            self._pool = ThreadPoolExecutor(
                count, thread_name_prefix="lane", initializer=_take_threads, initargs=(share,)
            )

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """The results in the items' order. Where one fails, the others are waited for; the first failure is raised."""
        if self._pool is None:
            return [work(item) for item in items]
        futures = [self._pool.submit(work, item) for item in items]
        wait(futures)
        return [future.result() for future in futures]

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _take_threads(share: int) -> None:
    """The calling thread computes with so many from now on, whatever another thread sets."""
    # torch gives a thread, when it first asks, the number that was set last in any thread. Asked here, that is over
    # before this thread's own is set; else a lane that had nothing to do before a resume would compute in other parts.
    torch.get_num_threads()
    torch.set_num_threads(share)
