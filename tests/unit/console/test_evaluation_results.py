"""Reading an evaluation's results: figures, intervals, gains, tables for articles."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanren.console.evaluation_results import (
    Reply,
    answer_rows,
    markdown_table,
    mean_interval,
    metric_lines,
    read_replies,
    report_keys,
    result_files,
)
from tanren.evaluation.statistics import student_t_quantile


def reply(score: float | str | None) -> Reply:
    return Reply(prompt="p", reference="r", answer="a", error="", scores={"Tanren.F1": score}, reasons={})


def test_result_files_and_reports_are_found_by_their_places():
    keys = [
        "out/job/id/models/base/taskTypes/Generation/datasets/faq/1_output.jsonl",
        "out/job/id/report/faq-Generation/report.ja.html",
        "out/job/id/report/faq-Generation/report.en.html",
        "out/job/id/summary.json",
    ]
    objects = [{"Key": key, "Size": 7} for key in keys]
    (file,) = result_files("out/job/id/", objects)
    assert (file.model, file.task, file.dataset) == ("base", "Generation", "faq")
    assert report_keys("out/job/id/", objects, "ja") == {"faq-Generation": keys[1]}


def test_a_part_of_a_file_loses_its_last_line_and_a_whole_one_does_not():
    line = json.dumps(
        {"automatedEvaluationResult": {"scores": []}, "inputRecord": {"prompt": "p"}, "modelResponses": []}
    )
    content = f"{line}\n{line}".encode()
    assert len(read_replies(content, is_whole=True)) == 2
    assert len(read_replies(content[:-3], is_whole=False)) == 1


@pytest.mark.parametrize("line", ["[]", "{}", "3", "{", '{"automatedEvaluationResult": {"scores": 3}}'])
def test_a_line_that_is_no_result_is_a_value_error(line: str):
    with pytest.raises(ValueError, match=r"line|Expecting|delimiter"):
        read_replies(line.encode(), is_whole=True)


@given(values=st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_an_interval_holds_its_mean(values: list[float]):
    low, high = mean_interval(values)
    assert low is not None
    assert high is not None
    assert low - 1e-9 <= sum(values) / len(values) <= high + 1e-9


def test_an_interval_is_students():
    values = [0.2, 0.4, 0.45, 0.7, 0.9]
    _, high = mean_interval(values)
    mean = sum(values) / 5
    deviation = math.sqrt(sum((each - mean) ** 2 for each in values) / 4)
    assert high is not None
    assert high - mean == pytest.approx(student_t_quantile(0.975, 4) * deviation / math.sqrt(5), rel=0.02)


def test_ten_right_of_ten_are_not_certain_and_one_value_has_no_interval():
    low, high = mean_interval([1.0] * 10)
    assert low == pytest.approx(0.722, abs=0.001)
    assert high == 1.0
    assert mean_interval([0.4]) == (None, None)


def test_a_figure_that_is_no_mean_has_no_interval():
    told = {"modelIdentifier": "m", "metrics": [{"metricName": "Tanren.F1", "value": 31.5, "count": 3}]}
    (line,) = metric_lines([reply(0.1), reply(0.2)], [], {"models": [told]}, names=["m"])
    assert line.model is not None
    assert (line.model.value, line.model.low, line.model.count) == (31.5, None, 3)
    assert line.scale == 100


def test_a_rating_in_words_has_no_figure():
    assert metric_lines([reply("good")], [], {}, names=["m"]) == []


def test_gains_come_with_the_largest_first_whichever_way_the_metric_goes():
    model, baseline = [reply(0.5), reply(0.9), reply(0.1)], [reply(0.5), reply(0.8), reply(0.7)]
    (line,) = metric_lines(model, baseline, {}, names=["b", "m"])
    assert [row.number for row in answer_rows(model, baseline, line, view="gains")] == [2]
    told = {"modelIdentifier": "m", "metrics": [{"metricName": "Tanren.F1", "isHigherBetter": False}]}
    (lower,) = metric_lines(model, baseline, {"models": [told]}, names=["b", "m"])
    assert [row.number for row in answer_rows(model, baseline, lower, view="gains")] == [3]
    assert [row.number for row in answer_rows(model, baseline, lower, view="all")] == [1, 2, 3]


def test_a_table_for_an_article_has_no_markup_of_a_model_in_it():
    table = markdown_table(["a|b"], [["<img src=x>\n[click](http://evil)"]])
    assert table == "| a\\|b |\n|---|\n| &lt;img src=x&gt;<br>\\[click\\](http://evil) |\n"
