"""The report as one page by itself: no script, no font, no address outside; light and dark, screen and paper.

jinja2 escapes whatever stands in the blocks; the pictures alone are markup, and they are our own drawings.
"""

from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tanren.evaluation.report.blocks import INVISIBLE, Heading, Paragraph, PictureBlock, Report, Table
from tanren.evaluation.report.pictures import Picture
from tanren.evaluation.report.wording import say


def html(report: Report) -> str:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_visible
    )
    source = files("tanren.evaluation.report").joinpath("page.html.jinja").read_text("utf-8")
    template = environment.from_string(source)
    return template.render(
        report=report,
        kinds={Heading: "heading", Paragraph: "paragraph", Table: "table", PictureBlock: "picture"},
        drawn=_drawn,
        made_by=say(report.language, "generated-by"),
    )


def _visible(value: object) -> object:
    """Text without signs that turn the text around it, or that no page may hold; markup stays markup."""
    if isinstance(value, Markup):
        return Markup(INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", value))
    return INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value


def _drawn(picture: Picture) -> Markup:
    """Markup as it is: `pictures.py` has drawn it, and matplotlib escapes the letters in it."""
    return Markup(picture.svg)
