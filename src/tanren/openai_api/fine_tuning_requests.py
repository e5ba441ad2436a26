"""POST /v1/fine_tuning/jobs, read: the hyperparameters, names and labels of a customization job of Bedrock's.

    n_epochs                  epochCount
    batch_size                batchSize
    learning_rate_multiplier  learningRateMultiplier where the family has it, else learningRate = its default × this
    seed                      seed
    suffix                    the beginning of the custom model's name
    metadata                  the job's tags

"auto" is the family's default, as is what is left out. `hyperparameters` beside `method` is OpenAI's older spelling.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from tanren.domain.errors import ValidationFailed
from tanren.domain.foundation_models import FoundationModel
from tanren.openai_api.calls import Json
from tanren.openai_api.errors import InvalidParameter

SUPERVISED: Final = "supervised"
AUTO: Final = "auto"
LONGEST_SUFFIX: Final = 40
MOST_METADATA: Final = 16
"""Pairs, as OpenAI's."""

NAMES: Final[Mapping[str, str]] = {"n_epochs": "epochCount", "batch_size": "batchSize"}
MULTIPLIER: Final = "learning_rate_multiplier"

_SUFFIX: Final = re.compile(r"([0-9a-zA-Z][_-]?){1,40}")
_TAG_KEY: Final = re.compile(r"[a-zA-Z0-9\s._:/=+@-]{1,64}")
_TAG_VALUE: Final = re.compile(r"[a-zA-Z0-9\s._:/=+@-]{0,256}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFineTuningJob:
    model: str
    training_file: str
    validation_file: str | None
    suffix: str | None
    hyperparameters: Mapping[str, int | float]
    """Those that are given, and not as "auto", under OpenAI's names."""
    place: str
    """Of the hyperparameters in the request, for errors."""
    seed: int | None
    metadata: Mapping[str, str]


def read_new_job(body: Json) -> NewFineTuningJob:
    """Raises   InvalidParameter."""
    rest = dict(body)
    model = _text(rest, "model")
    training_file = _text(rest, "training_file")
    validation_file = _text(rest, "validation_file") if "validation_file" in rest else None
    suffix = _text(rest, "suffix") if rest.get("suffix") else rest.pop("suffix", None)
    if suffix is not None and suffix != "" and not _SUFFIX.fullmatch(suffix):
        raise InvalidParameter(
            f"suffix is '{suffix}'; it becomes a part of the model's name: up to {LONGEST_SUFFIX} letters and digits, "
            "with single hyphens or underscores between them.",
            "suffix",
        )
    seed = rest.pop("seed", None)
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise InvalidParameter("seed must be a whole number.", "seed")
    if rest.pop("integrations", None):
        raise InvalidParameter("integrations: tanren sends metrics to no other service; leave it out.", "integrations")
    metadata = _metadata(rest.pop("metadata", {}))
    given, place = _hyperparameters(rest)
    if rest:
        name = next(iter(rest))
        raise InvalidParameter(f"{name}: tanren does not have this parameter; leave it out.", name)
    return NewFineTuningJob(
        model=model,
        training_file=training_file,
        validation_file=validation_file,
        suffix=suffix or None,
        hyperparameters=given,
        place=place,
        seed=seed,
        metadata=metadata,
    )


def bedrock_hyperparameters(new: NewFineTuningJob, foundation: FoundationModel) -> dict[str, str]:
    """The same as Bedrock has them: under the family's names, as texts.

    Raises   InvalidParameter, with the family's range, under OpenAI's name.
    """
    rules = {rule.name: rule for rule in foundation.hyperparameters}
    found: dict[str, str] = {}
    for name, value in new.hyperparameters.items():
        param = f"{new.place}.{name}"
        if name == MULTIPLIER and "learningRateMultiplier" not in rules:
            own, text = "learningRate", _plain(foundation.default_learning_rate * value)
        else:
            own, text = NAMES.get(name, "learningRateMultiplier"), _plain(value)
        found[own] = _checked(rules, own, text, f"{name} {_plain(value)}", param, foundation)
    if new.seed is not None:
        found["seed"] = _checked(rules, "seed", str(new.seed), f"seed {new.seed}", "seed", foundation)
    return found


def _checked(rules: Mapping[str, Any], own: str, text: str, said: str, param: str, foundation: FoundationModel) -> str:
    rule = rules.get(own)
    if rule is None:
        raise InvalidParameter(f"{foundation.model_id} has no {own}, so {said} has no effect; leave it out.", param)
    try:
        rule.read(text)
    except ValidationFailed as error:
        raise InvalidParameter(
            f"{said} is {own} {text} for {foundation.model_id}; there it must be {rule.describe()}.", param
        ) from error
    return text


def _text(rest: Json, name: str) -> str:
    value = rest.pop(name, None)
    if not isinstance(value, str) or not value:
        raise InvalidParameter(f"{name} is missing, or no text.", name)
    return value


def _metadata(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or len(cast("Json", value)) > MOST_METADATA:
        raise InvalidParameter(f"metadata must be an object of at most {MOST_METADATA} texts.", "metadata")
    for key, text in cast("Json", value).items():
        if not (_TAG_KEY.fullmatch(key) and isinstance(text, str) and _TAG_VALUE.fullmatch(text)):
            raise InvalidParameter(
                f"metadata.{key} cannot be a tag of the job: keys have 1 to 64 and values up to 256 letters, digits, "
                "spaces and . _ : / = + @ -",
                "metadata",
            )
    return cast("dict[str, str]", value)


def _hyperparameters(rest: Json) -> tuple[dict[str, int | float], str]:
    """Those that are given, and where. Raises   InvalidParameter."""
    older = rest.pop("hyperparameters", None)
    if "method" not in rest:
        return _numbers(older or {}, "hyperparameters"), "hyperparameters"
    if older:
        raise InvalidParameter("hyperparameters is the older spelling of method; give one of them.", "hyperparameters")
    method = _object(rest.pop("method"), "method")
    kind = method.pop("type", None)
    if kind != SUPERVISED:
        raise InvalidParameter(f"method.type is '{kind}'; tanren has '{SUPERVISED}'.", "method.type")
    supervised = _object(method.pop(SUPERVISED, None) or {}, f"method.{SUPERVISED}")
    place = f"method.{SUPERVISED}.hyperparameters"
    numbers = _numbers(supervised.pop("hyperparameters", None) or {}, place)
    for holder, path in ((method, "method"), (supervised, f"method.{SUPERVISED}")):
        name = next((name for name, value in holder.items() if value is not None), None)
        if name is not None:
            raise InvalidParameter(f"{path}.{name}: tanren does not have this; leave it out.", f"{path}.{name}")
    return numbers, place


def _numbers(value: Any, place: str) -> dict[str, int | float]:
    found: dict[str, int | float] = {}
    for name, number in _object(value, place).items():
        if name not in NAMES and name != MULTIPLIER:
            raise InvalidParameter(
                f"{place} has no {name}; it has {', '.join((*NAMES, MULTIPLIER))}.", f"{place}.{name}"
            )
        if number in (AUTO, None):
            continue
        is_whole = isinstance(number, int) and not isinstance(number, bool)
        if not is_whole and not (name == MULTIPLIER and isinstance(number, float)):
            raise InvalidParameter(f"{place}.{name} must be a number, or '{AUTO}'.", f"{place}.{name}")
        found[name] = cast("int | float", number)
    return found


def _object(value: Any, path: str) -> Json:
    if not isinstance(value, dict):
        raise InvalidParameter(f"{path} must be an object.", path)
    return dict(cast("Json", value))


def _plain(number: int | float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.12g}"
