"""Hyperparameters as Bedrock sends them: a map of strings, checked against the family's bounds.

An unknown key is refused, none is ignored. What a job runs with is resolved here, once, and recorded.
"""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from tanren.domain.errors import ValidationFailed
from tanren.domain.sentences import joined, sentence

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
    only_with: tuple[str, str] | None = None
    """Another key and its value without which this one would have no effect, and is refused."""
    only_for: str | None = None
    """The customizationType without which it would have none."""
    only_where: Literal["validation loss", "no validation data"] | None = None
    """What the job has to have, or not to have, for the key to have one; see `keys_without_effect`."""

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
    rules: Iterable[HyperparameterRule], given: Mapping[str, str], *, customization_type: str | None = None
) -> dict[str, HyperparameterValue]:
    """Every rule's value, given or default.

    Raises   ValidationFailed for an unknown key, a value out of range, or a key without effect in this job.
    """
    by_name = {rule.name: rule for rule in rules}
    unknown = sorted(set(given) - set(by_name))
    if unknown:
        known = ", ".join(sorted(by_name))
        near = _near_misses(unknown[0], by_name)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValidationFailed(f"hyperParameters has unknown key {unknown[0]!r}.{meant} This base model takes {known}.")
    values: dict[str, HyperparameterValue] = {
        rule.name: rule.default for rule in by_name.values() if rule.default is not None
    }
    values.update({name: by_name[name].read(text) for name, text in given.items()})
    for name in sorted(given):
        rule = by_name[name]
        if rule.only_with is not None and values.get(rule.only_with[0]) != rule.only_with[1]:
            key, value = rule.only_with
            raise ValidationFailed(
                f"hyperParameters.{name} has no effect where {key} is '{values.get(key)}'; leave it out, or set {key} "
                f"to '{value}'."
            )
        if rule.only_for is not None and customization_type not in (None, rule.only_for):
            raise ValidationFailed(
                f"hyperParameters.{name} has no effect in a {customization_type} job; it is for {rule.only_for}."
            )
    return values


def keys_without_effect(
    rules: Iterable[HyperparameterRule], given: Mapping[str, str], *, has_validation_data: bool
) -> dict[str, str]:
    """Given keys that change nothing in this job, each with the reason in a sentence.

    Why      AWS takes its own keys without a word, so a job with them runs and its events say this; keys of ours are
             refused (`refuse_extensions_without_effect`).
    """
    by_name = {rule.name: rule for rule in rules}
    has_loss = has_validation_data or "evalPercentage" in given or _default_of(by_name, "evalPercentage") is not None
    no_loss = sentence("there is no validation loss to go by; add validationDataConfig")
    if "evalPercentage" in by_name:
        no_loss = sentence("there is no validation loss to go by; add validationDataConfig, or evalPercentage")
    reasons = {
        "validation loss": None if has_loss else no_loss,
        "no validation data": sentence("the job has validation data of its own") if has_validation_data else None,
    }
    found: dict[str, str] = {}
    for name in sorted(given):
        condition = by_name[name].only_where
        reason = None if condition is None else reasons[condition]
        if reason is not None:
            found[name] = joined(
                sentence("hyperParameters.{name} has no effect here: ", name=name), reason, sentence(".")
            )
    return found


def refuse_extensions_without_effect(
    rules: Iterable[HyperparameterRule], given: Mapping[str, str], *, has_validation_data: bool
) -> None:
    """Raises   ValidationFailed where a key that AWS does not have would change nothing."""
    rules = tuple(rules)
    extensions = {rule.name for rule in rules if rule.is_extension}
    for name, reason in keys_without_effect(rules, given, has_validation_data=has_validation_data).items():
        if name in extensions:
            raise ValidationFailed(f"{reason} Or leave {name} out.")


def _default_of(rules: Mapping[str, HyperparameterRule], name: str) -> HyperparameterValue | None:
    return rules[name].default if name in rules else None


def _near_misses(name: str, known: Collection[str]) -> list[str]:
    """Keys that whoever wrote `name` may have meant; the spelling of other trainers counts as near."""
    plain = {key.lower(): key for key in known}
    return [plain[key] for key in difflib.get_close_matches(name.replace("_", "").lower(), plain, n=2)]


def _plain(bound: float | None) -> str:
    return "any" if bound is None else f"{bound:g}"
