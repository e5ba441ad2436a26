"""The report: its headings, its tables, hostile text, both languages, and its files."""

import csv
import io
import re
from html.parser import HTMLParser

import pytest

from tanren.evaluation.arms import Arm, ArmKind
from tanren.evaluation.criteria import parse_criteria
from tanren.evaluation.plan import Curve, Plan
from tanren.evaluation.report.content import report_of
from tanren.evaluation.report.folder import report_files
from tanren.evaluation.report.html import html
from tanren.evaluation.report.markdown import markdown
from tanren.evaluation.report.tables import csv_text
from tanren.evaluation.report.wording import WORDS
from tanren.evaluation.run import Models, evaluate
from tests.unit.evaluation.models import RuledJudge, SpokenModel, numbered

HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(2)> | cell\n# heading\n```\n[click](javascript:alert(3)) "
    '**bold** https://evil.example @someone $x$ {{ 7 * 7 }} \u202eabc\x07 " onmouseover="alert(4)'
)
QUESTIONS = numbered(12, reference=lambda n: f"=SUM(A{n}) is the right answer to it.")
RIGHT = {question.prompt: question.reference for question in QUESTIONS}
SPOKEN = {"base": lambda prompt: HOSTILE, "tuned": lambda prompt: RIGHT.get(prompt, "")}


def evaluation_of(count: int = 12, **changes):
    plan = Plan(
        name=HOSTILE,
        questions=QUESTIONS[:count],
        arms=(
            Arm(name="base", kind=ArmKind.BASE, model_id="base-model"),
            Arm(name="tuned", kind=ArmKind.TUNED, model_id="tuned-model"),
        ),
        metrics=("contains", "rougeL"),
        criteria=parse_criteria("rougeL >= base + 0.1"),
        asks_general_set=False,
        curves=(Curve(name="training", steps=(1, 2, 3), losses=(3.0, 2.0, 1.5)),),
        settings={"training data": f"{HOSTILE} (sha256 abc)"},
    )
    answerer = lambda model_id: SpokenModel(SPOKEN[model_id.removesuffix("-model")])  # noqa: E731
    return evaluate(plan, Models(answerer=answerer, **changes))


EVALUATION = evaluation_of(decider=RuledJudge(better=lambda first, second: "first" if "SUM" in first else "second"))


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def elements(page: str) -> Elements:
    found = Elements()
    found.feed(page)
    return found


@pytest.mark.parametrize(
    ("language", "headings"),
    [
        ("en", ["Settings", "Metrics", "Results", "Discussion", "Supplementary experiments"]),
        ("ja", ["設定", "評価指標", "結果", "考察", "補足実験"]),
    ],
)
def test_the_report_has_the_five_headings_of_a_write_up_in_their_order(language, headings):
    text = markdown(report_of(EVALUATION, language))
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == headings


@pytest.mark.parametrize("language", ["en", "ja"])
def test_no_word_of_a_model_or_a_file_becomes_markup_in_the_page(language):
    found = elements(html(report_of(EVALUATION, language)))
    assert "script" not in found.names
    assert "img" not in found.names
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert not [value for name, value in found.attributes if name in ("href", "src") and value and ":" in value]
    assert "<script>alert(1)</script>" in found.text
    assert "{{ 7 * 7 }}" in found.text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_asks_nobody_for_anything(language):
    page = html(report_of(EVALUATION, language))
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    assert not re.search(r"url\((?!#)", page)
    assert "@import" not in page


def test_no_word_of_a_model_becomes_markup_in_the_article():
    text = markdown(report_of(EVALUATION, "en"))
    outside = [line for line in text.splitlines() if "alert" in line]
    assert outside
    for line in outside:
        assert "<script" not in line
        assert "<img" not in line
        assert "](javascript" not in line.replace("\\]", "").replace("\\[", "")
        assert "https://" not in line
        assert "@someone" not in line
        assert "\u202e" not in line
    tables = [line for line in text.splitlines() if line.startswith("|") and "alert" in line]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} <= {3, 4, 5}


def test_the_table_of_answers_is_prompt_tuned_base_comment():
    text = markdown(report_of(EVALUATION, "ja"))
    assert "| プロンプト | Fine-tuning model の回答 | Base model の回答 | 総評 |" in text
    english = markdown(report_of(EVALUATION, "en"))
    assert "The judge prefers tuned: because" in english


def test_four_questions_say_that_nothing_can_be_shown_with_the_figure():
    found = report_of(evaluation_of(4), "en")
    assert "Nothing can be shown with 4 questions" in found.headlines[0].text
    assert "0.125" in found.headlines[0].text
    assert "At least 7 questions are needed" in found.headlines[0].text
    assert found.verdict == "DON'T SHIP"
    assert "4 問では何も示せません" in report_of(evaluation_of(4), "ja").headlines[0].text


def test_more_questions_say_by_how_much_and_how_sure():
    found = report_of(EVALUATION, "en").headlines[0]
    assert found.tone == "good"
    assert re.search(r"95 % interval \+0\.\d{3} to \+", found.text) or "+1.000" in found.text


def test_a_baseline_without_a_tuned_model_is_a_report_too():
    plan = Plan(
        name="baseline",
        questions=QUESTIONS,
        arms=(Arm(name="base", kind=ArmKind.BASE, model_id="base-model"),),
        metrics=("contains",),
    )
    found = evaluate(plan, Models(answerer=lambda model_id: SpokenModel(SPOKEN["base"])))
    assert "nothing has been tuned yet" in report_of(found, "en").verdict
    assert html(report_of(found, "ja"))


def test_both_languages_have_every_sentence_with_the_same_places_for_figures():
    places = re.compile(r"\{(\w+)\}")
    assert WORDS["en"].keys() == WORDS["ja"].keys()
    for key, english in WORDS["en"].items():
        assert set(places.findall(english)) == set(places.findall(WORDS["ja"][key])), key


def test_the_pictures_letters_are_text_and_their_colours_are_the_pages():
    page = html(report_of(EVALUATION, "ja"))
    assert "var(--good)" in page
    assert "<text" in page
    assert "ステップ" in page


def test_a_spreadsheet_runs_no_answer_and_csv_has_every_answer():
    text = csv_text(EVALUATION)
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == 24
    assert rows[0]["answer"] == HOSTILE
    assert rows[12]["answer"].startswith("'=SUM(A1)")
    assert float(rows[12]["contains"]) == 1.0


def test_the_folder_has_page_article_pictures_tables_and_the_evaluation_itself():
    import pyarrow.parquet as pq

    files = {file.name: file for file in report_files(EVALUATION)}
    assert files.keys() >= {
        "evaluation.json", "report.en.html", "report.ja.html", "report.en.md", "report.ja.md", "items.csv",
        "items.parquet", "pictures/en-intervals.png", "pictures/ja-loss.png",
    }  # fmt: skip
    named = re.findall(r"\]\((pictures/[^)]+)\)", files["report.ja.md"].content.decode())
    assert set(named) <= files.keys()
    assert len(named) == 2
    table = pq.read_table(io.BytesIO(files["items.parquet"].content))
    assert table.num_rows == 24
    assert table["answer"].to_pylist()[12] == QUESTIONS[0].reference


def test_the_same_evaluation_makes_the_same_files():
    assert report_files(EVALUATION, languages=("en",)) == report_files(EVALUATION, languages=("en",))
