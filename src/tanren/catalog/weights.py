"""The weights behind a foundation model id: nano, until the user names others in `catalog.toml`.

The file is looked at whenever weights are asked for, and read again only when it has changed: a running server sees a
new line at its next job and its next invocation. A change that cannot be read is refused wherever it matters, with file
and line; nothing falls back to nano.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tanren.catalog.stand_ins import FILE_NAME, StandIn, line_of, read_stand_ins
from tanren.domain.errors import ResourceNotFound, ServiceUnavailable, TanrenError, ValidationFailed
from tanren.domain.foundation_models import FoundationModel
from tanren.domain.weights import BINDING_MEMBER, BoundWeights
from tanren.model_files.store import NANO_KEY, NANO_NAME, ModelStore, StoredModel

logger = logging.getLogger(__name__)

NANO_LORA_LEARNING_RATE: Final = 3.5e-3
NANO_FULL_LEARNING_RATE: Final = 1e-3
LONGEST_NAME: Final = 20
"""Of modelName in the service model."""
_STAND_IN: Final = "stand-in: "

_RATES_BY_SIZE: Final = (
    (100_000_000, 2e-4, 2e-5),
    (10_000_000, 1e-3, 2e-4),
    (0, 5e-3, 1e-3),
)
"""From how many parameters, LoRA's rate, full fine-tuning's: what the field takes for a first run. Small weights need
larger steps. A line of catalog.toml overrides both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    key: str
    """Of the folder in the model store."""
    folder: Path
    """A Hugging Face causal language model: config, safetensors, tokenizer with chat template."""
    name: str
    """In full, such as Qwen/Qwen2.5-0.5B-Instruct."""
    revision: str
    """Commit or digest; empty for nano."""
    sha256: str
    """`weights_digest` of the folder."""
    lora_learning_rate: float
    """The rate at which LoRA on these weights learns well: what a family's default rate is mapped to."""
    full_learning_rate: float
    """The same for full fine-tuning."""
    is_original: bool
    """The user has said that they are the model which the id names."""

    def bound(self) -> BoundWeights:
        """What a job notes of them."""
        return BoundWeights(
            key=self.key,
            name=self.name,
            revision=self.revision,
            sha256=self.sha256,
            lora_learning_rate=self.lora_learning_rate,
            full_learning_rate=self.full_learning_rate,
            is_original=self.is_original,
        )


class WeightsCatalogue:
    """Made by each composition root; safe in threads."""

    def __init__(self, data_dir: Path) -> None:
        self.file = data_dir / FILE_NAME
        self.store = ModelStore(data_dir / "models")
        self._seen: tuple[object, dict[str, StandIn] | TanrenError] | None = None
        """What the file was when it was last read, and what was in it."""
        self._resolved: tuple[object, dict[str, Weights]] = (None, {})

    def weights_of(self, foundation_model_id: str) -> Weights:
        """Raises ServiceUnavailable where the file is broken, or names weights that the store does not have."""
        state = (_state_of(self.file), _state_of(self.store.root))
        known_state, known = self._resolved
        if known_state != state:
            known = {}
            self._resolved = (state, known)
        if foundation_model_id not in known:
            stand_in = line_of(self._stand_ins(), foundation_model_id) or StandIn(model=NANO_KEY)
            try:
                known[foundation_model_id] = self.resolve(stand_in)
            except TanrenError as error:
                raise ServiceUnavailable(f"{self.file}, {foundation_model_id}: {error}") from error
        return known[foundation_model_id]

    def folder_of(self, bound: BoundWeights) -> Path:
        """Of the weights that a job or a custom model is bound to, whatever the catalogue names today.

        Raises   ResourceNotFound where the store has them no longer.
        """
        model = self.store.find(bound.key)
        if model is None:
            raise ResourceNotFound(
                f"The weights {bound.name} (key {bound.key}) are not in the model store {self.store.root} any more. "
                f"Get the same revision again: {_how_to_get(bound)}."
            )
        if bound.sha256 and model.weights_sha256 != bound.sha256:
            raise ResourceNotFound(
                f"The weights {bound.name} (key {bound.key}) in {model.folder} are not the ones that were trained on: "
                f"their digest is {model.weights_sha256[:12]}…, expected {bound.sha256[:12]}…."
            )
        return model.folder

    def bound_to(self, request: Mapping[str, Any]) -> BoundWeights:
        """What the JSON of a job or custom model notes; one from before there was a choice is nano's."""
        noted = request.get(BINDING_MEMBER)
        if noted is not None:
            return BoundWeights.from_json(noted)
        return BoundWeights(
            key=NANO_KEY,
            name=NANO_NAME,
            revision="",
            sha256="",
            lora_learning_rate=NANO_LORA_LEARNING_RATE,
            full_learning_rate=NANO_FULL_LEARNING_RATE,
            is_original=False,
        )

    def model_name(self, model: FoundationModel) -> str:
        """What ListFoundationModels shows of a model today. Raises ServiceUnavailable as `weights_of`."""
        return shown_name(model, self.weights_of(model.model_id).bound())

    def resolve(self, stand_in: StandIn) -> Weights:
        """Raises ResourceNotFound or Conflict where the store has no such weights, or several."""
        model = self.store.named(stand_in.model, stand_in.revision)
        lora, full = learning_rates(model)
        return Weights(
            key=model.key,
            folder=model.folder,
            name=model.name,
            revision=model.origin.revision,
            sha256=model.weights_sha256,
            lora_learning_rate=stand_in.lora_learning_rate or lora,
            full_learning_rate=stand_in.full_learning_rate or full,
            is_original=stand_in.is_original,
        )

    def lines(self) -> dict[str, StandIn]:
        """What the file says now. Raises ValidationFailed."""
        return read_stand_ins(self.file)

    def check(self) -> None:
        """At a server's start. Raises ValidationFailed with the line that is wrong, or whose weights are missing."""
        for model_id, stand_in in self.lines().items():
            try:
                self.resolve(stand_in)
            except TanrenError as error:
                raise ValidationFailed(f"{self.file}, {model_id}: {error}") from error

    def _stand_ins(self) -> dict[str, StandIn]:
        state = _state_of(self.file)
        if self._seen is None or self._seen[0] != state:
            found: dict[str, StandIn] | TanrenError
            try:
                found = self.lines()
                if self._seen is not None:
                    logger.info("%s has changed: %d line(s)", self.file, len(found))
            except ValidationFailed as error:
                logger.error("%s; it is refused until it is put right", error)
                found = ServiceUnavailable(f"{error} Nothing is answered in place of it.")
            self._seen = (state, found)
        lines = self._seen[1]
        if isinstance(lines, TanrenError):
            raise ServiceUnavailable(str(lines))
        return lines


def learning_rates(model: StoredModel) -> tuple[float, float]:
    """LoRA's and full fine-tuning's, for weights whose line states none."""
    if model.key == NANO_KEY:
        return NANO_LORA_LEARNING_RATE, NANO_FULL_LEARNING_RATE
    return next((lora, full) for least, lora, full in _RATES_BY_SIZE if model.parameter_count >= least)


def short_name(name: str) -> str:
    """Without the owner: Qwen/Qwen2.5-0.5B-Instruct is Qwen2.5-0.5B-Instruct."""
    return name.rpartition("/")[2]


def shown_name(model: FoundationModel, weights: BoundWeights) -> str:
    """A modelName: at most 20 characters, and a stand-in says that it is one."""
    if not model.is_stand_in:
        return model.product_name
    if weights.is_original:
        return cut(short_name(weights.name), LONGEST_NAME)
    return _STAND_IN + cut(short_name(weights.name), LONGEST_NAME - len(_STAND_IN))


def cut(name: str, length: int) -> str:
    """At most so many characters, after a whole word where there is one: Qwen2.5-0.5B-Instruct in 10 is Qwen2.5-…"""
    if len(name) <= length:
        return name
    kept = name[: length - 1]
    word_end = max(kept.rfind("-"), kept.rfind("_"), kept.rfind(" ")) + 1
    return (kept[:word_end] or kept) + "…"


def _how_to_get(bound: BoundWeights) -> str:
    if bound.key.startswith("local--"):
        return "tanren models import DIR, with the folder that was imported"
    return f"tanren models pull {bound.name} --revision {bound.revision}"


def _state_of(path: Path) -> object:
    """Changes with the file: time of change, size, inode; None where it is not there."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
