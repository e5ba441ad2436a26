"""What `recipe.toml` says: titles, the jobs of the recipe in order, the checks of what they make, figures.

Read strictly: a key that is not here is refused with its place, since a copied recipe is edited by hand.
"""

from pathlib import Path
from typing import Final, Literal

import msgspec

from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.errors import ValidationFailed

MANIFEST: Final = "recipe.toml"
Language = Literal["en", "ja"]
Metric = Literal["exact", "contains", "json_valid"]


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One text in both languages."""

    en: str
    ja: str

    def of(self, language: Language) -> str:
        return self.ja if language == "ja" else self.en


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One customization job; each after the first goes on from the model of the one before."""

    customization_type: CustomizationType
    training: str
    """File of the recipe's folder, as the others."""
    validation: str | None = None
    mask_personal_data: bool = False
    """Whether what looks like personal data is replaced by its kind before the file leaves this machine."""
    hyperparameters: dict[str, str]
    """For the recipe's own base model."""


class Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `python -m proofs.recipes --write` has seen: shares from 0 to 1."""

    base: float
    tuned: float


class Check(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Questions put to base and tuned model alike, and how an answer is held to be right."""

    title: Words
    questions: str
    """JSONL of `prompt` and `completion`, which is the reference; `also`, `schema`: `collection.Question`."""
    metric: Metric
    max_tokens: int
    at_least: float = 0.0
    """The least share of the tuned model that the proofs accept."""
    at_most: float = 1.0
    """The greatest one, for what should not happen."""
    measured: Measured | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the run that was measured."""

    seconds: float
    weights: str
    """First twelve digits of the SHA-256 of the base's `model.safetensors`."""
    machine: str
    date: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: Words
    summary: Words
    base_model: str
    stages: list[Stage]
    checks: list[Check]
    run: Run | None = None


def read_manifest(folder: Path) -> Manifest:
    """Raises   ValidationFailed, naming file and key, where it is not right or names a file that is not there."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.toml.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise ValidationFailed(f"{folder} is no recipe: it has no {MANIFEST}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValidationFailed(f"{path}: {error}.") from error
    if not manifest.stages:
        raise ValidationFailed(f"{path}: stages is empty; a recipe has one job at least.")
    named = [name for stage in manifest.stages for name in (stage.training, stage.validation) if name is not None]
    for name in [*named, *(check.questions for check in manifest.checks)]:
        if not (folder / name).is_file():
            raise ValidationFailed(f"{path} names {name}, which is no file of {folder}.")
    return manifest
