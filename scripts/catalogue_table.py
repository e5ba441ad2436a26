"""Writes the tables of docs/catalogue.md, from the catalogue itself, between its marks. `--check` compares.

What stands outside the marks is written by hand: decisions, and what is not confirmed.
"""

import sys
from pathlib import Path

from tanren.catalog.foundation_models import NOT_TEXT, every_foundation_model
from tanren.catalog.hyperparameters import EXTENSIONS
from tanren.domain.foundation_models import FoundationModel, RecordLimits
from tanren.domain.hyperparameters import HyperparameterRule

TARGET = Path(__file__).resolve().parent.parent / "docs" / "catalogue.md"
SHORT = {"FINE_TUNING": "FT", "CONTINUED_PRE_TRAINING": "CPT"}


def models_table() -> str:
    lines = ["| id | what AWS calls it | provider | customization | body | AWS's status |", "|---|---|---|---|---|---|"]
    lines += [
        f"| `{model.model_id}` | {model.product_name} | {model.provider} "
        f"| {_customizations(model)} | `{model.body_format}` "
        f"| {model.lifecycle_status if model.is_stand_in else '–'} |"
        for model in every_foundation_model()
    ]
    return "\n".join(lines)


def rules_table() -> str:
    lines = ["| family | hyperparameter | from | to | default |", "|---|---|---|---|---|"]
    for rules, models in _by(lambda model: _own(model.hyperparameters)).items():
        for number, rule in enumerate(rules):
            lines.append(f"| {_names(models) if number == 0 else ''} | {_rule(rule)} |")
    return "\n".join(lines)


def limits_table() -> str:
    lines = [
        "| family | data formats | records | validation records | file | validation file |",
        "|---|---|---|---|---|---|",
    ]
    for limits, models in _by(lambda model: model.record_limits).items():
        if limits != RecordLimits():
            validation = _range(None, limits.maximum_validation)
            lines.append(
                f"| {_names(models)} | {', '.join(f'`{each}`' for each in limits.formats)} "
                f"| {_range(limits.minimum, limits.maximum)} | {validation} "
                f"| {_size(limits.maximum_bytes)} | {_size(limits.maximum_validation_bytes)} |"
            )
    return "\n".join(lines)


def extensions_table() -> str:
    lines = ["| key | allowed | default | |", "|---|---|---|---|"]
    lines += [
        f"| `{rule.name}` | {rule.describe()} | {'–' if rule.default is None else rule.default} | {rule.help} |"
        for rule in EXTENSIONS
    ]
    return "\n".join(lines)


def refused_table() -> str:
    lines = ["| ids that begin with | are for |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{beginning}` | {made} |" for beginning, made in NOT_TEXT)])


TABLES = {
    "models": models_table,
    "hyperparameters": rules_table,
    "limits": limits_table,
    "extensions": extensions_table,
    "refused": refused_table,
}


def page(text: str) -> str:
    """The page with its tables made anew."""
    for name, table in TABLES.items():
        start, end = f"<!-- {name}: made by scripts/catalogue_table.py -->", f"<!-- /{name} -->"
        before, found, rest = text.partition(start)
        _, found_end, after = rest.partition(end)
        if not (found and found_end):
            raise SystemExit(f"{TARGET} has no marks {start} and {end}")
        text = f"{before}{start}\n\n{table()}\n\n{end}{after}"
    return text


def _by(key) -> dict:
    groups: dict = {}
    for model in every_foundation_model():
        groups.setdefault(key(model), []).append(model)
    return {value: models for value, models in groups.items() if value}


def _own(rules: tuple[HyperparameterRule, ...]) -> tuple[HyperparameterRule, ...]:
    return tuple(rule for rule in rules if not rule.is_extension)


def _customizations(model: FoundationModel) -> str:
    named = [SHORT[each] for each in model.customizations]
    named += [f"{SHORT[each]} by the SDK overlay" for each in model.dialect_customizations]
    return ", ".join(named) or "–"


def _names(models: list[FoundationModel]) -> str:
    return ", ".join(dict.fromkeys(model.product_name for model in models))


def _rule(rule: HyperparameterRule) -> str:
    return f"`{rule.name}` | {rule.minimum:g} | {rule.maximum:g} | {rule.default:g}"


def _range(least: int | None, most: int | None) -> str:
    if least is None:
        return "–" if most is None else f"up to {most:,}"
    return f"{least:,} and more" if most is None else f"{least:,} to {most:,}"


def _size(most: int | None) -> str:
    if most is None:
        return "–"
    return f"{most // 1024**3} GiB" if most >= 1024**3 else f"{most // 1024**2} MiB"


if __name__ == "__main__":
    old = TARGET.read_text()
    if "--check" not in sys.argv:
        TARGET.write_text(page(old))
    elif old != page(old):
        sys.exit("docs/catalogue.md is out of date; run: python scripts/catalogue_table.py")
