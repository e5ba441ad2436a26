"""Hyperparameters as Bedrock sends them: a map of strings, checked against the family's bounds.

An unknown key is refused, none is ignored. What a job runs with is resolved here, once, and recorded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from tanren.domain.errors import ValidationFailed

HyperparameterValue = int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class HyperparameterRule:
    name: str
    kind: Literal["int", "float", "choice"]
    minimum: float | None = None
    """Inclusive."""
    maximum: float | None = None
    """Inclusive."""
    choices: tuple[str, ...] = ()
    default: HyperparameterValue | None = None
    """None: absent unless given."""
    help: str
    is_extension: bool = False
    """True for a key that AWS does not have; a job that uses it does not run there."""

    def describe(self) -> str:
        """The rule in words, as error messages give it."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        noun = "a whole number" if self.kind == "int" else "a number"
        return f"{noun} from {_plain(self.minimum)} to {_plain(self.maximum)}"

    def read(self, text: str) -> HyperparameterValue:
        """The value of `text`. Raises ValidationFailed, naming key, value and range."""
        complaint = ValidationFailed(f"hyperParameters.{self.name} is '{text}'; it must be {self.describe()}.")
        if self.kind == "choice":
            if text not in self.choices:
                raise complaint
            return text
        try:
            value = int(text) if self.kind == "int" else float(text)
        except ValueError:
            raise complaint from None
        low, high = self.minimum, self.maximum
        # NaN compares false with everything, so it is refused by asking for the positive.
        if not ((low is None or value >= low) and (high is None or value <= high)):
            raise complaint
        return value


def resolve_hyperparameters(
    rules: Iterable[HyperparameterRule], given: Mapping[str, str]
) -> dict[str, HyperparameterValue]:
    """Every rule's value, given or default. Raises ValidationFailed for an unknown key or a value out of range."""
    by_name = {rule.name: rule for rule in rules}
    unknown = sorted(set(given) - set(by_name))
    if unknown:
        known = ", ".join(sorted(by_name))
        raise ValidationFailed(f"hyperParameters has unknown key {unknown[0]!r}; this base model takes {known}.")
    values: dict[str, HyperparameterValue] = {
        rule.name: rule.default for rule in by_name.values() if rule.default is not None
    }
    values.update({name: by_name[name].read(text) for name, text in given.items()})
    return values


def _plain(bound: float | None) -> str:
    return "any" if bound is None else f"{bound:g}"
