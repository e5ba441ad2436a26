"""How a run talks to whoever started it, and how it is told to end."""

from typing import Literal, Protocol

from tanren.training.metrics import StepRecord, ValidationRecord

StopRequest = Literal["stop", "yield"]
"""stop: the user wants no model. yield: the machine is wanted back; the run will go on elsewhere."""

Phase = Literal["data_processing", "loading", "training", "publishing"]


class TrainingReporter(Protocol):
    """Called from the training thread, so each call must be quick. What it raises ends the run.

    Why   a resumed run repeats the records of steps that its checkpoint did not hold: `step` and `validation` must
          take the same record twice. They come in order, and `TrainingOutcome` has all of them.
    """

    def phase(self, name: Phase, detail: str) -> None:
        """A part of the run has begun, or something worth knowing was found in it; `detail` is a sentence."""
        ...

    def step(self, record: StepRecord) -> None:
        """An optimiser step is done."""
        ...

    def validation(self, record: ValidationRecord) -> None:
        """An epoch's validation is done."""
        ...


class TrainingStopped(Exception):
    """The user asked for the end of the run; there is no model."""


class TrainingYielded(Exception):
    """The run has written its state and let go; `train` with the same work folder continues it."""
