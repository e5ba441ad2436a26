import pytest

from tanren.domain.errors import NotImplementedHere, ValidationFailed
from tanren.domain.evaluation_metrics import Measure, TaskType, metric_for, task_type_of


@pytest.mark.parametrize(
    ("name", "task", "computes"),
    [
        ("Builtin.Accuracy", "Generation", "contains"),
        ("Builtin.Accuracy", "QuestionAndAnswer", "f1"),
        ("Builtin.Accuracy", "Classification", "accuracy"),
        ("Tanren.RougeL", "Summarization", "rougeL"),
        ("Tanren.Exact", "Custom", "exact"),
    ],
)
def test_what_a_computed_metric_means_depends_on_the_task_where_aws_says_so(name: str, task: str, computes: str):
    metric = metric_for(name, task_type_of(task))
    assert (metric.measure, metric.computes, metric.needs_reference) == (Measure.COMPUTED, computes, True)


def test_robustness_is_better_the_smaller_it_is_and_needs_no_reference_where_answers_are_only_compared():
    free, scored = (metric_for("Builtin.Robustness", task_type_of(t)) for t in ("Generation", "QuestionAndAnswer"))
    assert (free.measure, free.is_higher_better, free.needs_reference) == (Measure.CHANGED, False, False)
    assert (scored.measure, scored.is_higher_better, scored.needs_reference) == (Measure.CHANGED, False, True)


@pytest.mark.parametrize("task", list(TaskType))
def test_a_judge_can_be_asked_about_any_task(task):
    assert metric_for("Builtin.Helpfulness", task).measure is Measure.JUDGED
    assert metric_for("Builtin.Harmfulness", task).is_higher_better is False


@pytest.mark.parametrize(
    ("name", "task", "kind", "instead"),
    [
        ("Builtin.Accuracy", "Summarization", NotImplementedHere, "Tanren.RougeL"),
        ("Builtin.Robustness", "Summarization", NotImplementedHere, "encoder"),
        ("Builtin.Toxicity", "Generation", NotImplementedHere, "Builtin.Harmfulness"),
        ("Builtin.ContextRelevance", "General", NotImplementedHere, "RAG"),
        ("Builtin.Accuracy", "General", ValidationFailed, "QuestionAndAnswer"),
        ("accuracy", "Generation", ValidationFailed, "Builtin.Accuracy"),
    ],
)
def test_a_metric_that_could_only_be_pretended_is_refused_with_what_is_at_hand(name, task, kind, instead):
    with pytest.raises(kind, match=instead) as refused:
        metric_for(name, task_type_of(task))
    assert name in str(refused.value)


def test_an_unknown_task_is_refused():
    with pytest.raises(ValidationFailed, match="no taskType 'Poetry'"):
        task_type_of("Poetry")
