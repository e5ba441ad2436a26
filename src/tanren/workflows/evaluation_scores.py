"""From replies to scores: each metric of an evaluation job over the answers of one model to one data set.

    computed    the answer held against its reference: `evaluation/metrics`
    changed     how much the answers to slightly changed prompts differ: in their score, or word by word
    judged      a judge's rating, on a scale
    likelihood  how probable the model's weights find the reference

A question that the model did not answer is answered with nothing: a computed metric takes it so, as the report does.
Where there is nothing to compare or to judge, it has no figure. How many those are is told beside the figures.

Source   https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-report-programmatic.html
Shapes   N questions; G words of an answer
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tanren.domain.evaluation_metrics import RIGHT, WORD_ERROR_RATE, Measure, Metric
from tanren.evaluation.answers import Decider, Likelihood, Unanswered
from tanren.evaluation.forgetting import general_questions
from tanren.evaluation.judge import rate
from tanren.evaluation.metrics.base import ItemScores
from tanren.evaluation.metrics.classification import label_in, label_of, labels_of_references
from tanren.evaluation.metrics.likelihood import likelihood_scores
from tanren.evaluation.metrics.registry import metric_named
from tanren.evaluation.questions import Question
from tanren.evaluation.rubrics import Rubric
from tanren.evaluation.words import tokenizer_name, words
from tanren.workflows.evaluation_journal import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmReplies:
    """What one model replied to the questions of one data set."""

    replies: tuple[Reply, ...]
    changed: tuple[tuple[Reply, ...], ...]
    """To the changed prompts of each question; empty where none were asked."""

    @property
    def answered(self) -> list[int]:
        """Indexes of questions that have an answer."""
        return [index for index, reply in enumerate(self.replies) if reply.error is None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricScores:
    metric: Metric
    results: tuple[float | str | None, ...]
    """One for each question, as the results show it; None where there is none."""
    details: tuple[str | None, ...]
    """A judge's reasons, or why it gave no rating."""
    judge: str | None
    """Identifier of the judge; None where none was asked."""
    scores: ItemScores | None
    """The same as numbers [N]; None on a scale of words."""

    def score_of(self, index: int) -> dict[str, Any]:
        """An element of `automatedEvaluationResult.scores`."""
        score: dict[str, Any] = {"metricName": self.metric.name, "result": self.results[index]}
        if self.judge is not None:
            score["evaluatorDetails"] = [{"modelIdentifier": self.judge, "explanation": self.details[index] or ""}]
        return score


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredArm:
    """One model over one data set."""

    identifier: str
    replies: ArmReplies
    scores: tuple[MetricScores, ...]

    def line(self, index: int, record: Mapping[str, Any]) -> dict[str, Any]:
        """Of the results. One without an answer has no score, and the error that an online caller would read."""
        reply = self.replies.replies[index]
        if reply.error is not None:
            return {
                "automatedEvaluationResult": {"scores": []},
                "inputRecord": record,
                "modelResponses": [],
                "error": {"errorMessage": reply.error},
            }
        return {
            "automatedEvaluationResult": {"scores": [each.score_of(index) for each in self.scores]},
            "inputRecord": record,
            "modelResponses": [{"modelIdentifier": self.identifier, "response": reply.text}],
        }


def computed_scores(metric: Metric, questions: Sequence[Question], arm: ArmReplies) -> MetricScores:
    if metric.measure is Measure.CHANGED:
        found = _changed(metric, questions, arm)
    else:
        found = _score_by(metric.computes, questions)(questions, [reply.text for reply in arm.replies])
    results = tuple(float(value) if np.isfinite(value) else None for value in found.values)
    none = (None,) * len(questions)
    return MetricScores(metric=metric, results=results, details=none, judge=None, scores=found)


def likelihood_metric(
    metric: Metric, questions: Sequence[Question], likelihoods: Sequence[Likelihood | None]
) -> MetricScores:
    found = likelihood_scores(likelihoods)[metric.computes]
    results = tuple(float(value) if np.isfinite(value) else None for value in found.values)
    none = (None,) * len(questions)
    return MetricScores(metric=metric, results=results, details=none, judge=None, scores=found)


def judged_scores(
    metric: Metric, rubric: Rubric, judge: Decider, questions: Sequence[Question], arm: ArmReplies, *, is_custom: bool
) -> MetricScores:
    """A built-in metric's result lies between 0 and 1; a custom one's is the value of its own scale."""
    answered = arm.answered
    texts = [arm.replies[index].text for index in answered]
    ratings = rate(judge, rubric, [questions[index] for index in answered], texts)
    results: list[float | str | None] = [None] * len(questions)
    details: list[str | None] = [None] * len(questions)
    for index, rating in zip(answered, ratings, strict=True):
        if isinstance(rating, Unanswered):
            details[index] = rating.reason
        else:
            results[index] = rating.value if is_custom else rating.normalised
            details[index] = rating.explanation
    return MetricScores(
        metric=metric,
        results=tuple(results),
        details=tuple(details),
        judge=judge.model_id,
        scores=_numbers(results),
    )


def _numbers(results: Sequence[float | str | None]) -> ItemScores | None:
    if any(isinstance(result, str) for result in results):
        return None
    return ItemScores.mean_of([np.nan if result is None else float(result) for result in results], signature="judge")


def _score_by(name: str, questions: Sequence[Question]) -> Callable[[Sequence[Question], Sequence[str]], ItemScores]:
    if name == RIGHT:
        return _right
    if name != "accuracy":
        return metric_named(name).score
    labels = labels_of_references(questions)

    def labelled(asked: Sequence[Question], texts: Sequence[str]) -> ItemScores:
        values = [
            float(label_in(text, labels) == label_of(question, labels))
            for question, text in zip(asked, texts, strict=True)
        ]
        return ItemScores.mean_of(values, signature=f"labels:{len(labels)}", is_binary=True)

    return labelled


def _right(questions: Sequence[Question], texts: Sequence[str]) -> ItemScores:
    """Of the general data set."""
    known = {question.as_question(0).source: question for question in general_questions()}
    values = [float(known[question.source].is_right(text)) for question, text in zip(questions, texts, strict=True)]
    return ItemScores.mean_of(values, signature="accepted answers", is_binary=True)


def _changed(metric: Metric, questions: Sequence[Question], arm: ArmReplies) -> ItemScores:
    """Of each question the mean over its changed prompts; nan where there is nothing to compare."""
    pairs = [(index, other.text) for index in arm.answered for other in arm.changed[index] if other.error is None]
    originals = [arm.replies[index].text for index, _ in pairs]
    others = [text for _, text in pairs]
    if metric.computes == WORD_ERROR_RATE:
        changes = np.array([word_error_rate(*each) for each in zip(originals, others, strict=True)])
    else:
        # Scored as one set, as the plain answers are: a tokeniser is chosen by the texts of a set.
        score = _score_by(metric.computes, questions)
        asked = [questions[index] for index, _ in pairs]
        changes = np.abs(score(asked, others).values - score(asked, originals).values)
    places = np.array([index for index, _ in pairs], dtype=np.int64)
    sums_N = np.bincount(places, weights=changes, minlength=len(questions))
    counts_N = np.bincount(places, minlength=len(questions))
    with np.errstate(invalid="ignore"):
        return ItemScores.mean_of(sums_N / counts_N, signature=metric.computes)


def word_error_rate(reference: str, text: str) -> float:
    """Words to insert, delete or replace, as a share of the reference's words."""
    name = tokenizer_name(reference)
    expected, given = words(reference, name), words(text, name)
    if not expected:
        return float(bool(given))
    numbers = {word: number for number, word in enumerate({*expected, *given})}
    given_G = np.array([numbers[word] for word in given], dtype=np.int64)
    steps_G = np.arange(len(given) + 1)
    distance_G = steps_G.copy()
    for row, word in enumerate(expected, start=1):
        replaced = distance_G[:-1] + (given_G != numbers[word])
        best = np.concatenate([[row], np.minimum(replaced, distance_G[1:] + 1)])
        # An insertion costs 1 from the left neighbour: the least over all that stand left, at their distance.
        distance_G = np.minimum.accumulate(best - steps_G) + steps_G
    return float(distance_G[-1]) / len(expected)
