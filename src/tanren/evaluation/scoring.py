"""From answers to figures: an arm's metrics, and how they compare with another arm's."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tanren.domain.errors import ValidationFailed
from tanren.domain.success_criteria import BERTSCORE, CORRECTNESS, GRADER, LOWER_IS_BETTER
from tanren.evaluation.answers import Answer, ArmAnswers, LikelihoodScorer, Unanswered
from tanren.evaluation.comparison import Comparison, compare, compare_all
from tanren.evaluation.grader import grade
from tanren.evaluation.judge import Rating
from tanren.evaluation.metrics.base import ItemScores
from tanren.evaluation.metrics.likelihood import likelihood_scores
from tanren.evaluation.metrics.registry import METRICS, metric_named
from tanren.evaluation.metrics.semantic import Encoder, bertscore
from tanren.evaluation.plan import Plan
from tanren.evaluation.questions import Question
from tanren.evaluation.results import Evaluation, MetricResult, Reply

Scores = Mapping[str, ItemScores]
"""Of an arm, by metric."""


def scores_of(
    plan: Plan,
    answers: ArmAnswers,
    *,
    ratings: Sequence[Rating | Unanswered | None] | None,
    encoder: Encoder | None,
    scorer: LikelihoodScorer | None,
) -> dict[str, ItemScores]:
    questions, texts = plan.questions, answers.texts
    found = {name: metric_named(name).score(questions, texts) for name in plan.metrics}
    if plan.grader is not None:
        found[GRADER] = grade(plan.grader, questions, texts)
    if encoder is not None:
        found[BERTSCORE] = bertscore(encoder, questions, texts)
    if ratings is not None:
        values = [float(rating.value) if isinstance(rating, Rating) else math.nan for rating in ratings]
        found[CORRECTNESS] = ItemScores.mean_of(values, signature="judge, 1 to 10 with reference")
    if scorer is not None:
        told = [question for question in questions if question.reference]
        conversations = [answers.arm.conversation(question).answered(question.reference) for question in told]
        found |= _over_all(likelihood_scores(scorer.likelihoods(conversations)), questions)
    return found


def _over_all(scores: Mapping[str, ItemScores], questions: Sequence[Question]) -> dict[str, ItemScores]:
    """Likelihoods exist of questions with a reference only; the others are given statistics of nothing."""
    rows = [row for row, question in enumerate(questions) if question.reference]
    spread: dict[str, ItemScores] = {}
    for name, score in scores.items():
        values = np.full(len(questions), math.nan)
        statistics_NK = np.zeros((len(questions), score.statistics_NK.shape[1]))
        values[rows], statistics_NK[rows] = score.values, score.statistics_NK
        spread[name] = ItemScores(
            values=values, statistics_NK=statistics_NK, total=score.total, signature=score.signature
        )
    return spread


def compared(plan: Plan, other: Scores, tuned: Scores) -> tuple[Comparison, ...]:
    clusters = [question.cluster for question in plan.questions]
    # Perplexity and bits per byte are the loss in other units: they would count it three times.
    metrics = {name: score for name, score in other.items() if name not in LOWER_IS_BETTER[1:]}
    arm_count = max(1, len(plan.tuned_arms))
    return compare_all(metrics, tuned, clusters, lower_is_better=LOWER_IS_BETTER, arm_count=arm_count)


def compared_in(name: str, plan: Plan, other: Scores, tuned: Scores) -> Comparison:
    clusters = [question.cluster for question in plan.questions]
    return compare(name, other[name], tuned[name], clusters, is_higher_better=name not in LOWER_IS_BETTER)


def metric_results(scores: Scores) -> tuple[MetricResult, ...]:
    return tuple(
        MetricResult(
            name=name,
            is_higher_better=name not in LOWER_IS_BETTER,
            value=_finite(score.value),
            values=tuple(_finite(value) for value in score.values),
            signature=score.signature,
        )
        for name, score in scores.items()
    )


def replies(answers: Sequence[Answer | Unanswered]) -> tuple[Reply, ...]:
    return tuple(
        Reply(
            text=answer.text,
            problem=None,
            input_tokens=answer.input_token_count,
            output_tokens=answer.output_token_count,
            seconds=answer.seconds,
            is_cut_off=answer.is_cut_off,
        )
        if isinstance(answer, Answer)
        else Reply(text="", problem=answer.reason, input_tokens=0, output_tokens=0, seconds=0.0)
        for answer in answers
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def compared_evaluations(
    first: Evaluation, first_arm: str, second: Evaluation, second_arm: str
) -> tuple[Comparison, ...]:
    """An arm of one evaluation beside an arm of another of the same questions, over the metrics that both have.

    Raises   ValidationFailed where the questions are others, or there is no such arm.
    """
    if first.questions_digest != second.questions_digest:
        raise ValidationFailed(
            f"'{first.name}' and '{second.name}' asked different questions, so their figures cannot be compared."
        )
    found = [_text_scores(evaluation, arm) for evaluation, arm in ((first, first_arm), (second, second_arm))]
    return compare_all(found[0], found[1], [question.cluster for question in first.questions])


def _text_scores(evaluation: Evaluation, name: str) -> dict[str, ItemScores]:
    """Of the metrics that follow from the answers alone; a judge's and a grader's are not computed again."""
    result = evaluation.arm(name)
    if result is None:
        arms = ", ".join(each.arm.name for each in evaluation.arms)
        raise ValidationFailed(f"'{evaluation.name}' has no arm '{name}'; it has {arms}.")
    texts = [reply.text for reply in result.replies]
    return {
        metric.name: METRICS[metric.name].score(evaluation.questions, texts)
        for metric in result.metrics
        if metric.name in METRICS
    }
