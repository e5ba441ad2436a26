"""Writes the table of bounds into docs/hyperparameters.md and its Japanese twin. `--check` compares."""

import sys
from pathlib import Path

from tanren.catalog.foundation_models import every_foundation_model
from tanren.catalog.hyperparameters import EXTENSIONS
from tanren.domain.hyperparameters import HyperparameterRule

DOCS = Path(__file__).resolve().parent.parent / "docs"
HEADS = {
    "hyperparameters.md": ("key", "from – to", "default", "models", "every model"),
    "hyperparameters.ja.md": ("キー", "範囲", "既定", "モデル", "全モデル"),
}
"""Of the columns, and what stands for all models, by page."""
START, END = "<!-- bounds: made by scripts/hyperparameters_table.py -->", "<!-- /bounds -->"


def families() -> dict[tuple[str, ...], dict[str, HyperparameterRule]]:
    """AWS's rules by the names of the models that share them."""
    found: dict[tuple[HyperparameterRule, ...], list[str]] = {}
    for model in every_foundation_model():
        own = tuple(rule for rule in model.hyperparameters if not rule.is_extension)
        if own:
            found.setdefault(own, []).append(model.product_name)
    return {tuple(dict.fromkeys(names)): {rule.name: rule for rule in rules} for rules, names in found.items()}


def keys() -> list[str]:
    """Every key that some model takes, AWS's first."""
    own = [name for rules in families().values() for name in rules]
    return list(dict.fromkeys([*own, *(rule.name for rule in EXTENSIONS)]))


def table(heads: tuple[str, ...]) -> str:
    """One line a key and family; families that agree share it."""
    *columns, everywhere = heads
    lines = [f"| {' | '.join(columns)} |", "|---|---|---|---|"]
    extensions = {rule.name: rule for rule in EXTENSIONS}
    for name in keys():
        shared: dict[str, list[str]] = {}
        for models, rules in families().items():
            if name in rules:
                shared.setdefault(bounds(rules[name]), []).append(_short(models))
        if name in extensions:
            shared.setdefault(bounds(extensions[name]), []).append(everywhere)
        for number, (written, models) in enumerate(shared.items()):
            lines.append(f"| {f'`{name}`' if number == 0 else ''} | {written} | {'; '.join(models)} |")
    return "\n".join(lines)


def bounds(rule: HyperparameterRule) -> str:
    """Range and default as two cells."""
    if rule.kind == "choice":
        return f"{', '.join(rule.choices)} | {rule.default}"
    default = "–" if rule.default is None else f"{rule.default:g}"
    return f"{rule.minimum:g} – {rule.maximum:g} | {default}"


def page(text: str, heads: tuple[str, ...]) -> str:
    before, found, rest = text.partition(START)
    _, found_end, after = rest.partition(END)
    if not (found and found_end):
        raise SystemExit(f"a page of hyperparameters has no marks {START} and {END}")
    return f"{before}{START}\n\n{table(heads)}\n\n{END}{after}"


def _short(models: tuple[str, ...]) -> str:
    return ", ".join(models) if len(models) <= 4 else f"{models[0]} … {models[-1]}"


def main() -> None:
    for name, heads in HEADS.items():
        target = DOCS / name
        old = target.read_text(encoding="utf-8")
        if "--check" not in sys.argv:
            target.write_text(page(old, heads), encoding="utf-8")
        elif old != page(old, heads):
            sys.exit(f"docs/{name} is out of date; run: python scripts/hyperparameters_table.py")


if __name__ == "__main__":
    main()
