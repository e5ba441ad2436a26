"""The report's pictures: intervals, loss curves, a learning curve; SVG for a page, PNG for where pictures are uploaded.

Why SVG keeps its letters   text stays text, so Japanese is drawn by the reader's fonts, and ink and paper follow the
                            page's colours, in the light and in the dark. A PNG is drawn here: its letters are English
                            wherever no Japanese font is installed.
"""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from tanren.evaluation.comparison import Comparison
from tanren.evaluation.report.figures import percent, signed
from tanren.evaluation.report.wording import say
from tanren.evaluation.results import Evaluation

_INK: Final = "#101112"
_FAINT: Final = "#a1a2a3"
_GOOD: Final = "#0f7b4f"
_BAD: Final = "#b3362b"
_OPEN: Final = "#6b7280"
_VARIABLES: Final = {
    _INK: "var(--ink)",
    _FAINT: "var(--faint)",
    _GOOD: "var(--good)",
    _BAD: "var(--bad)",
    _OPEN: "var(--open)",
}
"""What is drawn in a colour of ours takes that of the page."""
_JAPANESE_FONTS: Final = ("Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "IPAGothic", "TakaoGothic", "Yu Gothic")
_COLOURS: Final = {"better": _GOOD, "worse": _BAD}
_SHARE_OF_SPAN: Final = {"bleu": 100.0, "chrf": 100.0, "correctness": 9.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    name: str
    """Of its file, without a suffix."""
    caption: str
    svg: str
    """With the page's variables for its colours."""
    png: bytes


def pictures(evaluation: Evaluation, language: str) -> tuple[Picture, ...]:
    drawn: list[tuple[str, str, Callable[[Any, str], None], float]] = []
    for number, result in enumerate(evaluation.tuned, start=1):
        shown = [comparison for comparison in result.comparisons if comparison.low is not None]
        if shown:
            suffix = "" if len(evaluation.tuned) == 1 else f"-{number}"
            caption = f"{result.arm.name}: {say(language, 'intervals-picture')}"
            drawn.append((f"intervals{suffix}", caption, _intervals(shown), 0.9 + 0.42 * len(shown)))
    if evaluation.curves:
        drawn.append(("loss", say(language, "curves-picture"), _curves(evaluation), 3.2))
    if evaluation.learning_curve is not None:
        drawn.append(("learning-curve", say(language, "learning-picture"), _learning(evaluation), 2.8))
    return tuple(
        Picture(
            name=name,
            caption=caption,
            svg=_svg(draw, language, height),
            png=_png(draw, language if language == "en" or _japanese_font() else "en", height),
        )
        for name, caption, draw, height in drawn
    )


def _intervals(comparisons: list[Comparison]) -> Callable[[Any, str], None]:
    """One row a metric, in shares of the metric's span, so that rows can be compared by eye."""

    def draw(axes: Any, language: str) -> None:
        for row, comparison in enumerate(reversed(comparisons)):
            span = _SHARE_OF_SPAN.get(comparison.metric, 1.0)
            low, high = (comparison.low or 0.0) / span, (comparison.high or 0.0) / span
            colour = _COLOURS.get(comparison.outcome, _OPEN)
            axes.plot([low, high], [row, row], color=colour, linewidth=2.4, solid_capstyle="butt")
            axes.plot([comparison.difference / span], [row], "o", color=colour, markersize=6)
            axes.annotate(
                signed(comparison.difference, name=comparison.metric),
                (comparison.difference / span, row),
                textcoords="offset points",
                xytext=(0, 6),
                ha="center",
                fontsize=8,
                color=_INK,
            )
        axes.axvline(0, color=_INK, linewidth=0.8)
        axes.set_yticks(range(len(comparisons)), [comparison.metric for comparison in reversed(comparisons)])
        axes.set_ylim(-0.6, len(comparisons) - 0.3)
        axes.xaxis.set_major_formatter(_signed_percent)
        axes.tick_params(axis="y", length=0)

    return draw


def _curves(evaluation: Evaluation) -> Callable[[Any, str], None]:
    def draw(axes: Any, language: str) -> None:
        for place, curve in enumerate(evaluation.curves):
            axes.plot(
                curve.steps,
                curve.losses,
                color=(_OPEN, _GOOD, _BAD, _INK)[place % 4],
                linewidth=1.6,
                marker="o" if len(curve.steps) <= 40 else None,
                markersize=3,
                label=curve.name,
            )
        axes.set_xlabel(say(language, "step"), color=_INK, fontsize=9)
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False, fontsize=8, labelcolor=_INK)

    return draw


def _learning(evaluation: Evaluation) -> Callable[[Any, str], None]:
    def draw(axes: Any, language: str) -> None:
        found = evaluation.learning_curve
        assert found is not None
        axes.plot(
            [point.data_share for point in found.points],
            [point.value for point in found.points],
            color=_GOOD,
            linewidth=1.8,
            marker="o",
        )
        axes.xaxis.set_major_formatter(_percent)
        axes.set_xlabel(say(language, "share-of-data"), color=_INK, fontsize=9)
        axes.set_ylabel(found.metric, color=_INK, fontsize=9)

    return draw


def _signed_percent(share: float, _: int) -> str:
    return f"{100 * share:+.0f} %" if share else "0"


def _percent(share: float, _: int) -> str:
    return percent(share)


def _svg(draw: Callable[[Any, str], None], language: str, height: float) -> str:
    # The salt makes the ids in the picture the same in every run.
    rendered = _rendered(draw, language, height, "svg", {"svg.fonttype": "none", "svg.hashsalt": "tanren"}).decode()
    svg = rendered[rendered.index("<svg") :]
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    return svg


def _png(draw: Callable[[Any, str], None], language: str, height: float) -> bytes:
    font = _japanese_font()
    family = {"font.family": [font, "DejaVu Sans"]} if language == "ja" and font else {}
    return _rendered(draw, language, height, "png", family)


def _rendered(
    draw: Callable[[Any, str], None], language: str, height: float, kind: str, options: dict[str, Any]
) -> bytes:
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    settings: Any = {"svg.fonttype": "none", **options}
    with mpl.rc_context(settings), warnings.catch_warnings():
        # A letter that no installed font has is a box in a PNG; in an SVG the reader's font has it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(7.2, height), dpi=160)
        FigureCanvasAgg(figure)
        axes: Any = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(_FAINT)
        axes.tick_params(colors=_INK, labelsize=9)
        axes.grid(axis="x", color=_FAINT, alpha=0.35, linewidth=0.6)
        axes.patch.set_alpha(0)
        draw(axes, language)
        figure.tight_layout()
        drawn = io.BytesIO()
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(
            drawn, format=kind, transparent=kind == "svg", facecolor="none" if kind == "svg" else "white",
            metadata=metadata,
        )  # fmt: skip
        return drawn.getvalue()


@cache
def _japanese_font() -> str | None:
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return next((name for name in _JAPANESE_FONTS if name in installed), None)
