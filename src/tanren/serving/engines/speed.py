"""How fast an engine makes an answer here: a figure that a user is told, measured in about a second.

One answer at a time, greedily, through the engine itself, template and text included. Counted are the tokens after an
answer's first, in the time since the first, so that a long prompt or a first call's preparations do not show. It is
smaller than what many answers side by side make together.
"""

import itertools
import queue
import time
from dataclasses import dataclass
from typing import Final

from tanren.domain.conversation import user_turn
from tanren.domain.errors import TanrenError
from tanren.domain.generation import GenerationEvent, GenerationRequest, GenerationStart, TextDelta
from tanren.serving.protocol import Engine

MOST_SECONDS: Final = 1.0
"""For the whole measurement; the step that is being computed then is finished."""
ENOUGH_TOKENS: Final = 64
LEAST_TOKENS: Final = 4
"""Fewer are no measurement."""
NOT_KNOWN: Final = "how many times slower it is than the native engine cannot be known where that one does not run"
_PROMPTS: Final = (
    "Write a long story about a smith and her apprentice.",
    "Explain in many sentences how steel is made, and what it is good for.",
    "List twenty things that can be found in a workshop, with a sentence on each.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedComparison:
    """Two engines on one base, one after the other, on this machine."""

    base: str
    """Which, for people."""
    reference: float | None
    """Tokens a second, as below; None where it could not be measured."""
    native: float | None = None
    native_name: str = ""
    reason: str = ""
    """Why the native engine was not measured, if it was not."""

    @property
    def times_slower(self) -> float | None:
        """How many times slower the reference engine is; None where that is not known."""
        return self.native / self.reference if self.native and self.reference else None

    def words(self) -> str:
        """What is known of the reference engine's slowness, as the end of a sentence about it."""
        if self.reason:
            return NOT_KNOWN
        if self.times_slower is None:
            return f"how many times slower it is than {self.native_name} could not be measured in {MOST_SECONDS:g} s"
        return (
            f"it is {self.times_slower:.2g} × slower than {self.native_name}, measured here with {self.base}, one "
            f"answer at a time: {shown(self.reference)} against {shown(self.native)}"
        )


def tokens_per_second(engine: Engine, *, seconds: float = MOST_SECONDS) -> float | None:
    """None where the model makes fewer than LEAST_TOKENS in that time, or breaks."""
    deadline = time.monotonic() + seconds
    made, spent = 0, 0.0
    for prompt in itertools.cycle(_PROMPTS):
        if made >= ENOUGH_TOKENS or time.monotonic() >= deadline:
            break
        try:
            tokens, took = _one_answer(engine, prompt, deadline)
        except TanrenError:
            return None
        made, spent = made + tokens, spent + took
    return made / spent if made >= LEAST_TOKENS and spent > 0 else None


def shown(rate: float | None) -> str:
    """Two figures, which is as much as such a measurement is worth."""
    if rate is None:
        return f"too few tokens in {MOST_SECONDS:g} s to measure"
    return f"{float(f'{rate:.2g}'):,.4g} tokens/s" if rate < 1000 else f"{int(float(f'{rate:.2g}')):,} tokens/s"


def _one_answer(engine: Engine, prompt: str, deadline: float) -> tuple[int, float]:
    """Tokens after the first, and the seconds in which they were made. Raises   what the engine raises."""
    heard: queue.SimpleQueue[tuple[float, GenerationEvent | TanrenError]] = queue.SimpleQueue()
    request = GenerationRequest(conversation=user_turn(prompt), max_new_tokens=ENOUGH_TOKENS, temperature=0.0)
    generation = engine.generate(request, None, lambda event: heard.put((time.monotonic(), event)))
    moments: list[tuple[float, int]] = []
    try:
        while (left := deadline - time.monotonic()) > 0:
            at, event = heard.get(timeout=left)
            if isinstance(event, TanrenError):
                raise event
            if isinstance(event, TextDelta):
                moments.append((at, event.output_token_count))
            elif not isinstance(event, GenerationStart):
                break
    except queue.Empty:
        pass
    finally:
        generation.cancel()
    if not moments:
        return 0, 0.0
    (began, first), (ended, last) = moments[0], moments[-1]
    return last - first, ended - began
