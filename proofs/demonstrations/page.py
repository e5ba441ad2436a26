"""docs/demonstrations.md and its picture, from the figures of a run; no number on the page is typed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from proofs.demonstrations.lessons import LESSONS
from proofs.demonstrations.lines import Line
from proofs.demonstrations.running import REPOSITORY, spec_in_words, verdicts_by_line

PAGE = REPOSITORY / "docs" / "demonstrations.md"
PICTURE = REPOSITORY / "docs" / "images" / "demonstrations.png"
_TUNED, _BASE, _CONTROL, _FAINT = "#c2410c", "#94a3b8", "#1e3a5f", "#fdba74"

_HEAD = """\
# Five demonstrations that nano can be taught

Each trains the embedded base model for real, on CPU, by the training code of a customization job, and beside it, by the
same job, a **control**: the same architecture and tokenizer with random weights. What the tuned model gains over the
base is learned; what it has over the control comes from nano's pre-training.

    make proofs                                        all of it, as a test: a claim that does not hold fails
    python -m proofs.demonstrations --only a,b         some of it
    python -m proofs.demonstrations --page             this page, from build/proofs/demonstrations.json

All training and test data are invented and written by seeded generators
([proofs/demonstrations](../proofs/demonstrations)); no row tests that trained, and none shares eight words in a row
with what nano's corpus generators write ([a test](../tests/nano/test_demonstration_data.py) compares). Full fine-tuning
throughout, so that the control may move all of its weights too. Answers are greedy, from the published weights; the
first five of each demonstration are generated once more by the engine that serves.
"""


def write_page(figures: dict[str, Any]) -> None:
    """Raises ValueError where a demonstration is missing."""
    missing = sorted(set(LESSONS) - set(figures))
    if missing:
        raise ValueError(f"no figures of {', '.join(missing)}: run python -m proofs.demonstrations first")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    draw(figures, PICTURE)
    PAGE.write_text(page(figures), encoding="utf-8")


def page(figures: dict[str, Any]) -> str:
    parts = [
        _HEAD,
        _made(figures),
        f"![Validation loss and right answers of base, tuned model and control]({PICTURE.relative_to(PAGE.parent)})",
    ]
    parts += [_section(letter, each) for letter, each in figures.items()]
    parts.append(_samples(figures))
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _made(figures: dict[str, Any]) -> str:
    made = [each["made"] for each in figures.values()]
    verdicts = [verdict for each in figures.values() for verdict in each["verdicts"]]
    met = sum(verdict["status"] == "met" for verdict in verdicts)
    short = [
        f"* {verdict['name']}: {verdict['reason']}" for verdict in verdicts if verdict["status"] == "known shortfall"
    ]
    return (
        f"Weights `{made[0]['weights'][:12]}…` ({made[0]['parameters']:,} parameters); commit "
        f"{_several(each['commit'] for each in made)}; {_several(each['machine'] for each in made)}, "
        f"{made[0]['threads']} threads; {_several(each['date'] for each in made)}. "
        f"{met} of {len(verdicts)} claims met." + "".join(f"\n{line}" for line in short)
    )


def _section(letter: str, figures: dict[str, Any]) -> str:
    judged = verdicts_by_line(figures)
    rows = [
        f"| {_label(line)} | {' | '.join(Line(**line).shown())} | {'; '.join(judged.get(line['key'], []))} |"
        for line in figures["lines"]
    ]
    load = " to ".join(map(str, figures["made"]["load"]))
    alike = f" The serving engine gave {figures['served_alike']} answers alike." if figures["served_alike"] else ""
    return "\n".join(
        [
            f"## ({letter}) {figures['title']}",
            "",
            f"{figures['data']}",
            "",
            "| | base | tuned | control | claimed |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"{figures['rows']:,} rows, {figures['tokens']:,} tokens; {spec_in_words(figures)}. "
            f"{figures['seconds_in_all']:.0f} s with control and answers, at a load of {load}.{alike}",
        ]
    )


def _label(line: dict[str, Any]) -> str:
    return line["label"] + (f", of {line['of']}" if line["of"] else "")


def _samples(figures: dict[str, Any]) -> str:
    rows = [
        f"| {letter} | {_cell(sample['prompt'])} | {_cell(sample['expected'])} | {_cell(sample['base'])} "
        f"| {_cell(sample['tuned'])} | {_cell(sample['control'])} |"
        for letter, each in figures.items()
        for sample in each["samples"]
    ]
    return "\n".join(
        [
            "## Answers as they came",
            "",
            "The first rows of each kind, not chosen.",
            "",
            "| | asked | expected | base | tuned | control |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )


def _cell(text: str, length: int = 140) -> str:
    plain = " ".join(text.replace("|", "\\|").split())
    return plain if len(plain) <= length else plain[: length - 1] + "…"


def _several(values: Any) -> str:
    return ", ".join(sorted(set(values)))


def draw(figures: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, grid = pyplot.subplots(2, 3, figsize=(13, 7.4), dpi=140)
    losses, facts, routing, format_, jargon, legend = grid.flat
    _faq_curves(losses, figures["a"])
    _bars(
        facts, figures["b"], ("facts.familiar", "facts.new"), ("wording seen with\nother facts", "wholly new\nwording")
    )
    _bars(routing, figures["c"], ("routing.familiar", "routing.unseen"), ("familiar\nphrasing", "unseen\nphrasing"))
    _bars(
        format_,
        figures["d"],
        ("format.valid", "format.right", "format.other_right"),
        ("valid in\nthe schema", "all values\nright", "all right, in\nother manners"),
    )
    _jargon_curves(jargon, figures["e"])
    titles = (
        "a  question-answer pairs",
        "b  sixty made-up facts",
        "c  ticket routing",
        "d  answer format",
        "e  jargon, continued pre-training",
    )
    for axes, title in zip(grid.flat, titles, strict=False):
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
        axes.spines[["top", "right"]].set_visible(False)
    _legend(legend, figures)
    figure.tight_layout(h_pad=2.2, w_pad=2.0)
    figure.savefig(path, metadata={"Software": None})
    pyplot.close(figure)


def _faq_curves(axes: Any, figures: dict[str, Any]) -> None:
    curves = figures["curves"]
    epochs = range(len(curves["tuned"]))
    axes.plot(epochs, curves["control"], color=_CONTROL, linewidth=2)
    axes.plot(epochs, curves["other facts, tuned"], color=_FAINT, linewidth=1.4)
    axes.plot(epochs, curves["same facts, tuned"], color=_FAINT, linewidth=1.4)
    axes.plot(epochs, curves["tuned"], color=_TUNED, linewidth=2.2)
    lowest = min(range(1, len(epochs)), key=curves["tuned"].__getitem__)
    axes.plot([lowest], [curves["tuned"][lowest]], "o", color=_TUNED, markersize=6)
    last = len(epochs) - 1
    for name, label, above in (
        ("other facts, tuned", "facts never taught", -11),
        ("same facts, tuned", "taught facts, other words", 5),
    ):
        axes.annotate(
            label,
            (last, curves[name][-1]),
            xytext=(0, above),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color="#9a3412",
        )
    axes.annotate(
        f"{curves['tuned'][0]:.2f} → {curves['tuned'][lowest]:.2f}",
        (lowest, curves["tuned"][lowest]),
        xytext=(6, 8),
        textcoords="offset points",
        fontsize=9,
        color=_TUNED,
    )
    axes.set(xlabel="epoch", ylabel="validation loss, nats a token", ylim=(0, None))
    axes.grid(alpha=0.25)


def _jargon_curves(axes: Any, figures: dict[str, Any]) -> None:
    curves = figures["curves"]
    bars = (
        ("stories of the craft", "stories, tuned", "stories, without replay", "stories, control"),
        ("general text", "general, tuned", "general, without replay", "general, control"),
    )
    for group, (_, tuned, without, control) in enumerate(bars):
        values = (
            (curves[tuned][0], _BASE),
            (curves[tuned][-1], _TUNED),
            (curves[without][-1], _FAINT),
            (curves[control][-1], _CONTROL),
        )
        for place, (value, colour) in enumerate(values):
            x = group + (place - 1.5) * 0.2
            axes.bar(x, value, width=0.19, color=colour)
            axes.annotate(
                f"{value:.2f}", (x, value), xytext=(0, 2), textcoords="offset points", ha="center", fontsize=8
            )
    axes.set_xticks(range(len(bars)), [name for name, *_ in bars])
    axes.set_ylabel("loss, nats a token")


def _bars(axes: Any, figures: dict[str, Any], keys: Sequence[str], names: Sequence[str]) -> None:
    by_key = {line["key"]: line for line in figures["lines"]}
    bounds = _bounds()
    for group, key in enumerate(keys):
        line = by_key[key]
        whole = line["of"] if line["unit"] == "count" else 1
        for place, (column, colour) in enumerate((("base", _BASE), ("tuned", _TUNED), ("control", _CONTROL))):
            x = group + (place - 1) * 0.26
            axes.bar(x, 100 * line[column] / whole, width=0.25, color=colour)
            label = Line(**line).written(line[column])
            axes.annotate(
                label,
                (x, 100 * line[column] / whole),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                fontsize=8 if len(keys) < 3 else 7,
            )
        if key in bounds:
            axes.hlines(
                100 * bounds[key] / whole,
                group - 0.42,
                group + 0.42,
                colors="#111827",
                linestyles="dotted",
                linewidth=1.6,
            )
    axes.set_xticks(range(len(keys)), names)
    axes.set(ylim=(0, 112), yticks=range(0, 101, 25), ylabel="right, percent of the rows")


def _bounds() -> dict[str, float]:
    from proofs.demonstrations.claims import CLAIMS

    return {claim.line: claim.at_least for claim in CLAIMS if claim.at_least is not None}


def _legend(axes: Any, figures: dict[str, Any]) -> None:
    axes.axis("off")
    entries = (
        (_BASE, "nano, before"),
        (_TUNED, "nano, after the job"),
        (_FAINT, "nano: parts of the loss (a), without replay (e)"),
        (_CONTROL, "random weights, after the same job"),
    )
    for row, (colour, text) in enumerate(entries):
        axes.add_patch(_square(0.02, 0.86 - 0.11 * row, colour, axes))
        axes.text(0.12, 0.885 - 0.11 * row, text, fontsize=10.5, va="center", transform=axes.transAxes)
    axes.plot(
        [0.02, 0.09], [0.445, 0.445], color="#111827", linestyle="dotted", linewidth=1.8, transform=axes.transAxes
    )
    axes.text(0.12, 0.445, "what is claimed, at least", fontsize=10.5, va="center", transform=axes.transAxes)
    made = figures["a"]["made"]
    seconds = sum(
        line["tuned"]
        for letter, each in figures.items()
        if letter in LESSONS
        for line in each["lines"]
        if line["unit"] == "seconds"
    )
    note = (
        f"{made['parameters'] / 1e6:.1f} M parameters, weights {made['weights'][:12]}…\n"
        f"five jobs, {seconds:.0f} s together, on\n{made['machine']}\ncommit {made['commit']}, {made['date']}"
    )
    axes.text(0.02, 0.30, note, fontsize=9, va="top", color="#475569", linespacing=1.5, transform=axes.transAxes)


def _square(x: float, y: float, colour: str, axes: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), 0.07, 0.05, color=colour, transform=axes.transAxes)
