"""What the navigation leads to, in the console's words and order."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    text: str
    """English; the Japanese word stands in `japanese.py`."""
    path: str
    beneath: tuple[str, ...] = ()
    """Further paths whose pages belong to this entry."""

    def leads_to(self, path: str) -> bool:
        return any(path == p or path.startswith(p + "/") for p in (self.path, *self.beneath))


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    text: str
    entries: tuple[Entry, ...]


NAVIGATION: Final = (
    Section(text="Console", entries=(Entry(text="Overview", path="/console/overview"),)),
    Section(
        text="Foundation models",
        entries=(
            Entry(text="Base models", path="/console/foundation-models"),
            Entry(text="Custom models", path="/console/custom-models", beneath=("/console/jobs", "/console/models")),
        ),
    ),
    Section(text="Data", entries=(Entry(text="Buckets", path="/console/data"),)),
    Section(text="Playground", entries=(Entry(text="Chat", path="/console/playground"),)),
    Section(text="Evaluation", entries=(Entry(text="Evaluations", path="/console/evaluations"),)),
    Section(
        text="Deployment",
        entries=(Entry(text="Provisioned throughput", path="/console/provisioned-throughput"),),
    ),
    Section(
        text="Operations",
        entries=(Entry(text="Audit", path="/console/audit"), Entry(text="Status", path="/console/status")),
    ),
)
