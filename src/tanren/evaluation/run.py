"""An evaluation from top to bottom:

    ask        every arm the same questions, and base and tuned arms the general set
    judge      where there is a judge: each answer rated, each tuned answer held against the base's
    score      metrics of each arm; differences from the base and from its other arms
    check      contamination, forgetting, copies, learning curve
    decide     the criteria that were stated before

What has been answered is told as it comes (`Progress`), so that whoever runs this can keep it: an evaluation that was
cut off goes on with `known` and asks no model twice. A judge's verdicts are kept by its own port (`Decider`), as
`cli/eval_journal.py` does.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tanren.domain.clock import Clock, utc_now
from tanren.domain.errors import ValidationFailed
from tanren.domain.model_lines import check_judge
from tanren.domain.success_criteria import BERTSCORE, CORRECTNESS, LOWER_IS_BETTER, PREFERENCE
from tanren.evaluation.answers import Answer, Answerer, ArmAnswers, Decider, LikelihoodScorer, Unanswered, ask
from tanren.evaluation.arms import Arm, ArmKind
from tanren.evaluation.contamination import SetOverlap, contamination
from tanren.evaluation.costs import cost_of
from tanren.evaluation.forgetting import forgetting, general_questions
from tanren.evaluation.judge import Preference, Rating, prefer, rate
from tanren.evaluation.memorisation import TrainingTexts
from tanren.evaluation.metrics.classification import classification_table, labels_among
from tanren.evaluation.metrics.semantic import Encoder
from tanren.evaluation.plan import Plan, rows_of_questions, rows_of_records
from tanren.evaluation.questions import digest_of
from tanren.evaluation.results import ArmResult, Copying, CurvePoint, Evaluation, LearningCurve
from tanren.evaluation.rubrics import CORRECTNESS as CORRECTNESS_RUBRIC
from tanren.evaluation.scoring import Scores, compared, compared_in, metric_results, replies, scores_of
from tanren.evaluation.verdict import verdict_on

Known = Mapping[str, Mapping[int, Answer | Unanswered]]
"""Arm, or arm and `GENERAL`, → index of the question → its answer."""

GENERAL = "general set"


class Progress(Protocol):
    """Who keeps and shows what comes in."""

    def begin(self, stage: str, count: int) -> None:
        """`stage`: an arm's name, with `GENERAL` where it is asked that set, or the judge's task."""
        ...

    def answered(self, stage: str, index: int, answer: Answer | Unanswered) -> None: ...


class NoProgress:
    def begin(self, stage: str, count: int) -> None:
        pass

    def answered(self, stage: str, index: int, answer: Answer | Unanswered) -> None:
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """How models are reached."""

    answerer: Callable[[str], Answerer]
    """By model id."""
    decider: Decider | None = None
    judge_names: tuple[str, ...] = ()
    """What is known of the judge: id, base's id, weights."""
    tuned_names: tuple[str, ...] = ()
    """The same of the tuned models and the base."""
    scorer: Callable[[str], LikelihoodScorer] | None = None
    """By model id."""
    encoder: Encoder | None = None

    def check(self, plan: Plan) -> None:
        """Raises   ValidationFailed where the judge is of the tuned model's line, or what the plan asks for could never
        be measured with these."""
        if self.decider is not None:
            check_judge(self.judge_names or (self.decider.model_id,), self.tuned_names)
        missing: dict[str, str] = {}
        if self.decider is None:
            missing |= dict.fromkeys((CORRECTNESS, PREFERENCE), "a judge (--judge)")
        if self.scorer is None:
            missing |= dict.fromkeys(
                LOWER_IS_BETTER, "the weights (--metrics loss), and Bedrock's API gives no probabilities"
            )
        if self.encoder is None:
            missing[BERTSCORE] = "an encoder (--encoder)"
        for criterion in plan.criteria.criteria if plan.criteria is not None and plan.refuses_undecidable else ():
            if criterion.subject in missing:
                needed = missing[criterion.subject]
                raise ValidationFailed(f"'{criterion.text}' could never be decided: it needs {needed}.")
        if not plan.metrics and plan.grader is None and {CORRECTNESS, BERTSCORE, *LOWER_IS_BETTER} <= missing.keys():
            raise ValidationFailed(
                "No metric applies to these questions: give reference answers, a schema, a judge (--judge) or a grader "
                "(--grader)."
            )


def stage_of_general(arm: Arm) -> str:
    return f"{arm.name}, {GENERAL}"


def evaluate(
    plan: Plan,
    models: Models,
    *,
    known: Known | None = None,
    progress: Progress | None = None,
    clock: Clock = utc_now,
    seconds: Callable[[], float] = time.perf_counter,
) -> Evaluation:
    """Raises   ValidationFailed where judge and tuned model are of one line, or the user's grader is broken; whatever
    the ports raise."""
    models.check(plan)
    told = progress or NoProgress()
    answers = {arm.name: _asked(plan, arm, models, known or {}, told) for arm in plan.arms}
    general = _general_answers(plan, models, known or {}, told)
    ratings = _ratings(plan, models, answers, told)
    preferences = _preferences(plan, models, answers, told)

    begun = seconds()
    scores = {
        arm.name: scores_of(
            plan,
            answers[arm.name],
            ratings=ratings.get(arm.name),
            encoder=models.encoder,
            scorer=models.scorer(arm.model_id) if models.scorer else None,
        )
        for arm in plan.arms
    }
    copies = _copies(plan, answers)
    evaluation = Evaluation(
        name=plan.name,
        created_at=clock().isoformat(timespec="seconds"),
        questions=plan.questions,
        questions_digest=digest_of(plan.questions),
        decoding=plan.decoding,
        arms=tuple(
            _arm_result(plan, arm, answers, scores, general, preferences.get(arm.name), copies.get(arm.name))
            for arm in plan.arms
        ),
        overlaps=_overlaps(plan),
        general_replies={name: replies(found.answers) for name, found in general.items()},
        judge_model=models.decider.model_id if models.decider else None,
        criteria=plan.criteria.text if plan.criteria else None,
        learning_curve=_learning_curve(plan, scores),
        curves=plan.curves,
        not_measured=_not_measured(plan, models),
        settings=plan.settings,
        seconds=0.0,
    )
    if plan.criteria is not None:
        verdicts = tuple(verdict_on(plan.criteria, tuned, evaluation) for tuned in evaluation.tuned)
        evaluation = replace(evaluation, verdicts=verdicts)
    return replace(evaluation, seconds=round(seconds() - begun, 3))


def _asked(plan: Plan, arm: Arm, models: Models, known: Known, told: Progress) -> ArmAnswers:
    told.begin(arm.name, len(plan.questions))
    return ask(
        models.answerer(arm.model_id),
        arm,
        plan.questions,
        plan.decoding,
        known=known.get(arm.name),
        on_answer=lambda index, answer: told.answered(arm.name, index, answer),
    )


def _general_answers(plan: Plan, models: Models, known: Known, told: Progress) -> dict[str, ArmAnswers]:
    """Of the base and every tuned arm, without system prompt and examples."""
    if not plan.asks_general_set:
        return {}
    questions = [question.as_question(number) for number, question in enumerate(general_questions(), start=1)]
    found: dict[str, ArmAnswers] = {}
    for arm in (plan.arms[0], *plan.tuned_arms):
        stage = stage_of_general(arm)
        told.begin(stage, len(questions))
        found[arm.name] = ask(
            models.answerer(arm.model_id),
            Arm(name=arm.name, kind=arm.kind, model_id=arm.model_id),
            questions,
            plan.decoding,
            known=known.get(stage),
            on_answer=lambda index, answer, stage=stage: told.answered(stage, index, answer),
        )
    return found


def _ratings(
    plan: Plan, models: Models, answers: Mapping[str, ArmAnswers], told: Progress
) -> dict[str, Sequence[Rating | Unanswered | None]]:
    """None of a question without a reference, against which nothing can be rated."""
    rated = [index for index, question in enumerate(plan.questions) if question.reference]
    if models.decider is None or not rated:
        return {}
    found: dict[str, Sequence[Rating | Unanswered | None]] = {}
    for arm in plan.arms:
        told.begin(f"{arm.name}, {CORRECTNESS}", len(rated))
        texts = answers[arm.name].texts
        asked = [plan.questions[index] for index in rated]
        given = rate(models.decider, CORRECTNESS_RUBRIC, asked, [texts[index] for index in rated])
        ratings = dict(zip(rated, given, strict=True))
        found[arm.name] = [ratings.get(index) for index in range(len(texts))]
    return found


def _preferences(
    plan: Plan, models: Models, answers: Mapping[str, ArmAnswers], told: Progress
) -> dict[str, Preference]:
    if models.decider is None:
        return {}
    found: dict[str, Preference] = {}
    base = answers[plan.arms[0].name].texts
    for arm in plan.tuned_arms:
        told.begin(f"{arm.name}, preference", len(plan.questions))
        found[arm.name] = prefer(models.decider, plan.questions, base, answers[arm.name].texts)
    return found


def _arm_result(
    plan: Plan,
    arm: Arm,
    answers: Mapping[str, ArmAnswers],
    scores: Mapping[str, Scores],
    general: Mapping[str, ArmAnswers],
    preference: Preference | None,
    copying: Copying | None,
) -> ArmResult:
    base = plan.arms[0]
    given = answers[arm.name]
    is_tuned = arm.kind is ArmKind.TUNED
    rivals = [other for other in plan.arms[1:] if other.kind is not ArmKind.TUNED]
    return ArmResult(
        arm=arm,
        replies=replies(given.answers),
        metrics=metric_results(scores[arm.name]),
        cost=cost_of(given.answers, plan.rates),
        comparisons=() if arm is base else compared(plan, scores[base.name], scores[arm.name]),
        against={rival.name: compared(plan, scores[rival.name], scores[arm.name]) for rival in rivals if is_tuned},
        preference=preference,
        table=classification_table(plan.questions, given.texts) if labels_among(plan.questions) else None,
        forgetting=forgetting(general_questions(), general[base.name].texts, general[arm.name].texts)
        if is_tuned and general
        else None,
        copying=copying,
    )


def _overlaps(plan: Plan) -> tuple[SetOverlap, ...] | None:
    if not plan.training:
        return None
    return contamination(
        {
            "training": rows_of_records(plan.training),
            "validation": rows_of_records(plan.validation),
            "test": rows_of_questions(plan.questions),
        }
    )


def _copies(plan: Plan, answers: Mapping[str, ArmAnswers]) -> dict[str, Copying]:
    if not plan.training:
        return {}
    texts = TrainingTexts(
        [record.answered for record in plan.training], [str(record.source) for record in plan.training]
    )
    found: dict[str, Copying] = {}
    for name, given in answers.items():
        shown = "\n".join(example.completion for example in given.arm.examples)
        copies = [
            copy
            for question, text in zip(plan.questions, given.texts, strict=True)
            if (copy := texts.longest_copy(text, given=f"{question.prompt}\n{shown}")) is not None
        ]
        found[name] = Copying(
            longest=max(copies, key=lambda copy: copy.characters, default=None), copying_count=len(copies)
        )
    return found


def _learning_curve(plan: Plan, scores: Mapping[str, Scores]) -> LearningCurve | None:
    if len(plan.data_shares) < 2:
        return None
    metric = next(iter(scores[plan.arms[0].name]))
    names = sorted(plan.data_shares, key=lambda name: plan.data_shares[name])
    return LearningCurve(
        metric=metric,
        points=tuple(
            CurvePoint(arm=name, data_share=plan.data_shares[name], value=scores[name][metric].value) for name in names
        ),
        last_step=compared_in(metric, plan, scores[names[-2]], scores[names[-1]]),
    )


def _not_measured(plan: Plan, models: Models) -> tuple[str, ...]:
    missing: dict[str, Any] = {
        "likelihood": models.scorer is None,
        BERTSCORE: models.encoder is None,
        "judge": models.decider is None,
        "contamination": not plan.training,
        "few-shot": all(arm.kind is not ArmKind.BASE_FEW_SHOT for arm in plan.arms),
        "general": not plan.asks_general_set,
        "criteria": plan.criteria is None,
    }
    return tuple(name for name, is_missing in missing.items() if is_missing)
