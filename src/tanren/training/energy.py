"""Electrical energy of a run, where the machine counts it: Intel's and AMD's RAPL counters, as Linux shows them.

A counter is of a whole package of cores, so it counts what else runs there too; it wraps around after about an hour of
full load and is therefore looked at now and then. Where there is none, the figure is None and the reason is recorded.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tanren.training.metrics import StepRecord, ValidationRecord
from tanren.training.reporting import Phase, TrainingReporter

POWERCAP: Final = Path("/sys/class/powercap")
_LOOK_SECONDS: Final = 10.0
"""Between two looks: far less than a counter needs to wrap around."""
_MICROJOULES_PER_WATT_HOUR: Final = 3.6e9


@dataclass(slots=True)
class _Counter:
    file: Path
    range: int
    last: int
    total: int = 0


class EnergyMeter:
    """From its making on; `look` is called often and costs nothing most of the time."""

    def __init__(self, root: Path = POWERCAP, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked_at = clock()
        self._counters: list[_Counter] = []
        self.reason: str | None = None
        """Why there is no figure."""
        # intel-rapl:0 is a package; intel-rapl:0:1 would be a part of it and counted twice.
        folders = sorted(path for path in root.glob("intel-rapl:*") if path.name.count(":") == 1)
        if not folders:
            self.reason = f"this machine shows no energy counters in {root}"
        for folder in folders:
            try:
                if not (folder / "name").read_text().startswith("package"):
                    continue
                file = folder / "energy_uj"
                limit = int((folder / "max_energy_range_uj").read_text())
                self._counters.append(_Counter(file, limit, int(file.read_text())))
            except (OSError, ValueError) as error:
                self._give_up(error, folder)
                return
        if folders and not self._counters:
            self.reason = f"none of the counters in {root} is of a package of cores"

    def look(self, *, now: bool = False) -> None:
        if not now and self._clock() - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = self._clock()
        for counter in self._counters:
            try:
                value = int(counter.file.read_text())
            except (OSError, ValueError) as error:
                self._give_up(error, counter.file)
                return
            spent = value - counter.last
            counter.total += spent if spent >= 0 else spent + counter.range
            counter.last = value

    def _give_up(self, error: Exception, place: Path) -> None:
        self._counters = []
        self.reason = f"{place} cannot be read: {error}"

    def watt_hours(self) -> float | None:
        self.look(now=True)
        if not self._counters:
            return None
        return sum(counter.total for counter in self._counters) / _MICROJOULES_PER_WATT_HOUR

    def to_json(self) -> dict[str, Any]:
        figure = self.watt_hours()
        return {
            "watt_hours": figure,
            "of": None if figure is None else "all packages of cores of the machine, in this attempt",
            "reason": self.reason,
        }


class MeteringReporter:
    """Passes on what it is told, with a look at the counters."""

    def __init__(self, told: TrainingReporter, meter: EnergyMeter) -> None:
        self._told = told
        self._meter = meter

    def phase(self, name: Phase, detail: str) -> None:
        self._told.phase(name, detail)

    def step(self, record: StepRecord) -> None:
        self._meter.look()
        self._told.step(record)

    def validation(self, record: ValidationRecord) -> None:
        self._meter.look()
        self._told.validation(record)
