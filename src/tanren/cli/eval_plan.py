"""What the options of `tanren eval run` name: arms, files, rates, curves. Each is refused before any model is asked."""

import csv
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tanren.cli.data_checks import customization_of
from tanren.cli.data_source import pieces_from
from tanren.cli.language import say
from tanren.data.reading import FileReader
from tanren.data.records import TrainingRecord
from tanren.domain.errors import ValidationFailed
from tanren.domain.success_criteria import BERTSCORE, LOWER_IS_BETTER
from tanren.evaluation.arms import Arm, ArmKind, few_shot_examples
from tanren.evaluation.costs import Rates
from tanren.evaluation.metrics.registry import default_metrics
from tanren.evaluation.plan import Curve
from tanren.evaluation.questions import Question
from tanren.evaluation.whole_text import whole

_FEW_SHOT_SEED: Final = 0
_LEAST_CURVE_ARMS: Final = 2


def arms_of(
    base: str,
    tuned: list[str],
    system_prompt: str | None,
    few_shot: int,
    training: tuple[TrainingRecord, ...],
    questions: tuple[Question, ...],
) -> tuple[Arm, ...]:
    """The base, what it can do with a better prompt, and the tuned models; in the order of the report."""
    arms = [Arm(name=ArmKind.BASE, kind=ArmKind.BASE, model_id=base)]
    if system_prompt is not None:
        arms.append(Arm(name=ArmKind.BASE_SYSTEM, kind=ArmKind.BASE_SYSTEM, model_id=base, system=whole(system_prompt)))
    if few_shot:
        examples = few_shot_examples(training, few_shot, questions=questions, seed=_FEW_SHOT_SEED)
        if len(examples) < few_shot:
            raise ValidationFailed(
                say(
                    "--few-shot {count} needs as many training records that are no questions; --train has {found}.",
                    count=few_shot,
                    found=len(examples),
                )
            )
        arms.append(Arm(name=ArmKind.BASE_FEW_SHOT, kind=ArmKind.BASE_FEW_SHOT, model_id=base, examples=examples))
    for number, (arm_name, model_id) in enumerate(map(named, tuned), start=1):
        default = "tuned" if len(tuned) == 1 else f"tuned {number}"
        arms.append(Arm(name=arm_name or default, kind=ArmKind.TUNED, model_id=model_id))
    return tuple(arms)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenMetrics:
    computed: tuple[str, ...]
    """From answers and references."""
    needs_weights: bool
    """Loss, perplexity and bits per byte are asked for: one figure in three units, so all three are told."""


def chosen_metrics(names: str | None, questions: Sequence[Question], *, has_encoder: bool) -> ChosenMetrics:
    """Raises   ValidationFailed for bertscore without an encoder."""
    asked = tuple(name.strip() for name in names.split(",")) if names else default_metrics(questions)
    if BERTSCORE in asked and not has_encoder:
        raise ValidationFailed(
            say(
                "bertscore needs an encoder model on this machine, and none comes with tanren: --encoder FOLDER, with "
                "config.json, a tokenizer and model.safetensors of one such as BERT."
            )
        )
    computed = tuple(name for name in asked if name not in (BERTSCORE, *LOWER_IS_BETTER))
    return ChosenMetrics(computed=computed, needs_weights=any(name in LOWER_IS_BETTER for name in asked))


def named(text: str) -> tuple[str, str]:
    """NAME=ID; no model id has an = in it."""
    before, sign, after = text.partition("=")
    return (before, after) if sign else ("", text)


def model_ids(tuned: list[str]) -> list[str]:
    return [named(text)[1] for text in tuned]


def records_of(file: str | None, endpoint_url: str | None, data_dir: Path | None) -> tuple[TrainingRecord, ...]:
    """Raises   ValidationFailed where the file is not right; `tanren data validate` says what."""
    if file is None:
        return ()
    kind = customization_of(file, endpoint_url, data_dir)
    reader = FileReader(pieces_from(file, endpoint_url, data_dir), file=file, customization_type=kind)
    records = tuple(reader.records())
    if not reader.summary().is_valid:
        raise ValidationFailed(
            say("{file} is not right as training data; `tanren data validate {file}` says where.", file=file)
        )
    return records


def settings_of(
    questions: str, train: str | None, validation: str | None, endpoint_url: str | None, data_dir: Path | None
) -> dict[str, str]:
    """What the report prints so that it can be repeated: files with their digests, version, seed of the examples."""

    found = {"tanren": version("tanren")}
    # Keys that the report has words for: report/wording.py.
    for label, file in (("questions-file", questions), ("training-data", train), ("validation-data", validation)):
        if file is not None:
            digest = hashlib.sha256()
            for piece in pieces_from(file, endpoint_url, data_dir):
                digest.update(piece)
            found[label] = f"{file} (sha256 {digest.hexdigest()})"
    return found


def rates_of(text: str | None) -> Rates | None:

    if text is None:
        return None
    try:
        asked, made = (float(part) for part in text.split(","))
    except ValueError:
        asked = made = math.nan
    if not (asked >= 0 and made >= 0):
        raise ValidationFailed(say("--rates is '{text}'; give two numbers: IN,OUT", text=text))
    return Rates(input_per_thousand=asked, output_per_thousand=made)


def shares_of(text: str | None) -> dict[str, float]:
    shares: dict[str, float] = {}
    for part in (text or "").split(","):
        if not part:
            continue
        arm, _, percent = part.partition("=")
        try:
            shares[arm.strip()] = float(percent) / 100
        except ValueError as error:
            raise ValidationFailed(
                say("--learning-curve has '{part}'; write ARM=PERCENT, such as half=50.", part=part)
            ) from error
    if text is not None and len(shares) < _LEAST_CURVE_ARMS:
        raise ValidationFailed(say("--learning-curve needs two arms at least."))
    return shares


def curve_of(path: Path) -> Curve:

    try:
        rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
        column = next(name for name in rows[0] if name.endswith("_loss"))
        return Curve(
            name=column.removesuffix("_loss"),
            steps=tuple(int(row["step_number"]) for row in rows),
            losses=tuple(float(row[column]) for row in rows),
        )
    except (OSError, KeyError, IndexError, StopIteration, ValueError) as error:
        raise ValidationFailed(
            say("{path} is no metrics file of a job; it needs the columns step_number and …_loss.", path=path)
        ) from error
