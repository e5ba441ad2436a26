"""How many rows of the waiting prompts a tick reads: as many as running answers may be kept waiting for.

A tick reads all weights once, whatever rows are in it, so the more prompt rows it has, the less each of them costs. But
it delays every running answer. So a tick beside answers is to last TICK_SECONDS, at which a text still comes as fast as
it is read. How many rows that are is learnt from the ticks themselves, since it is one thing on a server's processor
and another in a laptop, and grows and falls with what else the machine has to do. Where no answer is running, nobody is
kept waiting but other prompts, and a tick reads the most.

Measured   native engine, two cores with AMX, ms for 64, 128 and 256 prompt rows: 135 M parameters 23, 35 and 59; 0.5 B
           65, 93 and 160. 32 prompts of 128 tokens at once with answers of 128, tokens/s of all answers with 64, 128
           and 256 rows a tick: 135 M 771, 845 and 880; 0.5 B 361, 427 and 446.
"""

from typing import Final

from tanren.serving.engines.stepper import BLOCK_TOKENS

TICK_SECONDS: Final = 0.2
"""What a tick with prompt rows is to last beside running answers: five tokens a second are some four words."""
LEAST_ROWS: Final = 64
"""With fewer, a tick spends its time on reading weights: they are read even where it lasts longer."""
MOST_CHANGE: Final = 2
"""From one tick to the next: one that was held up by something else is soon made good."""


class PromptPace:
    """For one thread, the engine's."""

    def __init__(self, most: int) -> None:
        """`most`: rows that a tick may have in any case."""
        self._most = most
        self._least = min(LEAST_ROWS, most)
        self._beside_answers = self._least

    def rows(self, *, beside_answers: bool) -> int:
        """How many the next tick may read; they are whole blocks where they are more than the least."""
        return self._beside_answers if beside_answers else self._most

    def took(self, rows: int, seconds: float) -> None:
        """A tick with so many prompt rows lasted so long.

        One with few of them tells nothing: most of its time went to the weights. Nor does one that had fewer than it
        might have had, and was in time.
        """
        now = self._beside_answers
        if rows < self._least or seconds <= 0 or (rows < now and seconds <= TICK_SECONDS):
            return
        fitting = rows * TICK_SECONDS / seconds
        wanted = int(min(max(fitting, now / MOST_CHANGE), now * MOST_CHANGE, self._most))
        self._beside_answers = max(self._least, wanted - wanted % BLOCK_TOKENS)
