"""The report: its headings, its tables, hostile text, both languages, and its files."""

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tanren.domain.success_criteria import parse_criteria
from tanren.evaluation.arms import Arm, ArmKind
from tanren.evaluation.plan import Curve, Plan
from tanren.evaluation.report.blocks import Paragraph, Table
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


def changed(evaluation, **changes):
    """With other values of the first tuned arm's comparisons."""
    tuned = evaluation.tuned[0]
    comparisons = tuple(replace(each, **changes) for each in tuned.comparisons)
    return replace(evaluation, arms=(evaluation.base, replace(tuned, comparisons=comparisons)))


def test_where_documents_are_counted_documents_are_named():
    few = changed(evaluation_of(4), question_count=40)
    assert "Nothing can be shown with 4 documents" in report_of(few, "en").headlines[0].text
    assert "At least 7 documents are needed" in report_of(few, "en").headlines[0].text
    assert "4 文書では何も示せません" in report_of(few, "ja").headlines[0].text
    unsure = changed(EVALUATION, question_count=120, adjusted_p=0.5, minimum_detectable=0.2, needed_clusters=88)
    said = report_of(unsure, "en").headlines[0].text
    assert "12 documents find a difference of 0.200 four times in five" in said
    assert "88 documents like these would show" in said


def test_every_loss_that_is_shown_is_told_in_the_head_also_beside_a_gain():
    tuned = EVALUATION.tuned[0]
    first, second = tuned.comparisons[:2]
    lost = replace(second, base=second.tuned, tuned=second.base)
    arms = (EVALUATION.base, replace(tuned, comparisons=(first, lost)))
    told = report_of(replace(EVALUATION, arms=arms), "en").headlines
    assert f"tuned is better than the base in {first.metric}" in told[0].text
    assert f"tuned is worse than the base in {second.metric}" in told[1].text
    assert told[1].tone == "bad"


def test_of_several_tuned_arms_the_head_names_those_that_may_be_shipped():
    met, unmet = EVALUATION.verdicts[0], replace(EVALUATION.verdicts[0], arm="epoch-1", is_ship=False)
    assert met.is_ship
    found = report_of(replace(EVALUATION, verdicts=(unmet, met)), "en")
    assert found.verdict.startswith("SHIP: tuned (of 2 tuned models")
    assert report_of(replace(EVALUATION, verdicts=(met,)), "en").verdict == "SHIP"


def test_figures_of_fewer_questions_say_of_how_many():
    rating = lambda prompt: None if prompt.rstrip().endswith("question 1") or "number 1?" in prompt else 9  # noqa: E731
    found = report_of(evaluation_of(decider=RuledJudge(rating=rating)), "en")
    told = [block.text for block in found.blocks if isinstance(block, Paragraph)]
    assert any("correctness of tuned, 11 of 12" in text for text in told)
    table = next(block for block in found.blocks if isinstance(block, Table) and "Outcome" in block.head)
    counts = {row[0].text: row[1].text for row in table.rows}
    assert counts["correctness"] == "11"
    assert counts["contains"] == "12"


def test_a_figure_in_a_table_of_the_article_is_written_as_a_figure():
    text = markdown(report_of(EVALUATION, "en"))
    assert not re.search(r"&#(4[358]|49|5[0-7]);", text)


def test_no_word_of_a_model_turns_the_direction_of_the_page():
    assert not re.search("[\x07\u202a-\u202e\u2066-\u2069]", html(report_of(EVALUATION, "en")))


@pytest.mark.parametrize("answer", ["=1+1", " =1+1", "\n@SUM(1)", "＝1+1", "＋1", "\t-1"])
def test_a_formula_behind_a_space_or_in_full_width_is_one_too(answer):
    replies = (replace(EVALUATION.base.replies[0], text=answer), *EVALUATION.base.replies[1:])
    found = csv_text(replace(EVALUATION, arms=(replace(EVALUATION.base, replies=replies), *EVALUATION.tuned)))
    assert next(csv.DictReader(io.StringIO(found.removeprefix("\ufeff"), newline="")))["answer"] == f"'{answer}"


def test_a_category_is_compared_over_the_questions_that_all_arms_have_a_score_of():
    """Of one category the base has no score of the first question, which the tuned model alone gets wrong."""
    questions = tuple(replace(question, category=f"half {question.number % 2}") for question in EVALUATION.questions)
    base, tuned = (
        replace(result, metrics=(replace(result.metrics[0], name="exact", values=values),))
        for result, values in zip(EVALUATION.arms, ((None, *[1.0] * 11), (0.0, *[1.0] * 11)), strict=True)
    )
    found = report_of(replace(EVALUATION, questions=questions, arms=(base, tuned)), "en")
    table = next(block for block in found.blocks if isinstance(block, Table) and block.head[:1] == ("Category",))
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}
    assert rows == {"half 1": ["5", "1.000", "1.000"], "half 0": ["6", "1.000", "1.000"]}


def test_answers_that_were_cut_off_are_counted_beside_those_that_are_missing():
    tuned = EVALUATION.tuned[0]
    replies = (replace(tuned.replies[0], is_cut_off=True), *tuned.replies[1:])
    found = report_of(replace(EVALUATION, arms=(EVALUATION.base, replace(tuned, replies=replies))), "en")
    table = next(block for block in found.blocks if isinstance(block, Table) and "Cut off" in block.head)
    assert [row[-1].text for row in table.rows] == ["0", "1"]
    assert any("cut off at the greatest number" in block.text for block in found.blocks if isinstance(block, Paragraph))
