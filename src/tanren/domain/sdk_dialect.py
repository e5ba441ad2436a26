"""What a job notes of a request in the SDK overlay's dialect: what was asked, and what was made of it.

    {"learning_rate": 0.0001, "epochs": 3}  →  learningRate "0.0001", epochCount "3"

A name in snake_case is the hyperparameter of that name in camelCase; a few are called otherwise (`OTHER_NAMES`). A name
that is already a hyperparameter's own stays. Whether the base model has it is not asked here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tanren.domain.errors import ValidationFailed

DIALECT_MEMBER: Final = "dialect"
"""Of the JSON that a job's row keeps beside its columns."""

OTHER_NAMES: Final[Mapping[str, str]] = {
    "epochs": "epochCount",
    "num_epochs": "epochCount",
    "warmup_steps": "learningRateWarmupSteps",
}
_NEXT_WORD: Final = re.compile(r"_+([a-z0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedHyperparameter:
    given: str
    """The name that was sent."""
    name: str
    """The hyperparameter that it is."""
    value: str
    """As Bedrock writes it: all of its hyperparameters are texts."""

    def sentence(self) -> str:
        return f"hyperParameters.{self.given} {self.value} is {self.name} {self.value}."


@dataclass(frozen=True, slots=True, kw_only=True)
class DialectRequest:
    operation: str
    """As the SDK overlay calls it."""
    hyperparameters: Mapping[str, Any]
    """As they were sent: names and numbers."""
    filled_in: Mapping[str, str]
    """Members that CreateModelCustomizationJob needs and the request left out."""

    def mapping(self) -> tuple[MappedHyperparameter, ...]:
        return mapped_hyperparameters(self.hyperparameters)

    def sentences(self) -> list[str]:
        """For the job's events."""
        changed = [each for each in self.mapping() if each.given != each.name]
        filled = [f"{name} was left out of {self.operation}, so it is {text}." for name, text in self.filled_in.items()]
        return [*(each.sentence() for each in changed), *filled]

    def to_json(self) -> dict[str, Any]:
        return {
            "operation": self.operation,
            "hyperParameters": dict(self.hyperparameters),
            "filledIn": dict(self.filled_in),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "DialectRequest":
        return cls(operation=value["operation"], hyperparameters=value["hyperParameters"], filled_in=value["filledIn"])


def mapped_hyperparameters(given: Mapping[str, Any]) -> tuple[MappedHyperparameter, ...]:
    """In the order in which they were given.

    Raises   ValidationFailed for a value that is neither number nor text, and for two names of one hyperparameter.
    """
    found: dict[str, MappedHyperparameter] = {}
    for name, value in given.items():
        mapped = MappedHyperparameter(given=name, name=_own_name(name), value=_text(name, value))
        earlier = found.setdefault(mapped.name, mapped)
        if earlier is not mapped:
            raise ValidationFailed(
                f"hyperParameters.{earlier.given} and hyperParameters.{name} are both {mapped.name}; give one of them."
            )
    return tuple(found.values())


def _own_name(name: str) -> str:
    return OTHER_NAMES.get(name) or _NEXT_WORD.sub(lambda found: found[1].upper(), name)


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        kind = {bool: "true or false", type(None): "null", list: "a list", dict: "an object"}[type(value)]
        raise ValidationFailed(f"hyperParameters.{name} is {kind}; it must be a number or a text.")
    # 3.0 is a whole number to whoever sends it, and to a language that has no other kind of number.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
