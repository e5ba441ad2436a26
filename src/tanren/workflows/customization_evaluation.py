"""The evaluation of a customization job's model: the pair's report, and what the service knows of that job besides.

    the rows that were trained on   contamination between training, validation and test; verbatim copies; examples in
                                    the base's prompt, as an arm that costs no training
    the general set                 what was forgotten
    the criteria, stated before     SHIP or DON'T SHIP, which never fails the customization job

The base has replied to the test set before the training (the baseline); the general set and the examples are put to it
now.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tanren.domain.clock import Clock
from tanren.domain.curve_thinning import thinned
from tanren.domain.customization_evaluations import OfCustomization
from tanren.domain.evaluation_jobs import EvaluationJob
from tanren.domain.sentences import sentence
from tanren.domain.success_criteria import COMPUTED_SPANS, parse_criteria
from tanren.evaluation.answers import Answerer, LikelihoodScorer, ask
from tanren.evaluation.arms import Arm, ArmKind, few_shot_examples
from tanren.evaluation.metrics.registry import METRICS, check_applies
from tanren.evaluation.plan import Curve, Plan
from tanren.evaluation.questions import Question
from tanren.evaluation.results import Evaluation
from tanren.evaluation.run import Known
from tanren.workflows.evaluation_files import CheckedDataset
from tanren.workflows.evaluation_report import evaluation_of, known_answers, plan_of_pair
from tanren.workflows.evaluation_scores import ArmReplies
from tanren.workflows.trained_rows import TrainedRows

FEW_SHOT_EXAMPLES: Final = 3
_CURVE_POINTS: Final = 1000
Records = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """What is known of how the model was made."""

    rows: TrainedRows
    steps: Records
    """`StepRecord`s and `ValidationRecord`s, as they are kept."""
    validations: Records


def check_criteria(of: OfCustomization, questions: Sequence[Question]) -> None:
    """Raises   ValidationFailed where a criterion is about a metric that has nothing to say of any question: that is
    learnt before the training, and not after it."""
    for criterion in parse_criteria(of.success_criteria).criteria if of.success_criteria else ():
        if criterion.subject in COMPUTED_SPANS:
            check_applies(criterion.subject, questions)


def evaluation_of_customization(
    job: EvaluationJob,
    of: OfCustomization,
    dataset: CheckedDataset,
    replies: Sequence[ArmReplies],
    run: TrainingRun,
    *,
    answerer: Callable[[str], Answerer],
    scorer: Callable[[str], LikelihoodScorer] | None,
    tell: Callable[[str], None],
    clock: Clock,
) -> Evaluation:
    """`answerer` and `scorer` by a model's identifier. Raises whatever they raise."""
    plan = _plan(job, of, dataset, run)
    known = known_answers(plan, replies)
    plan, further = _with_few_shot(plan, answerer, tell)
    tell(sentence("Base and model are asked the general set, for what was forgotten."))
    return evaluation_of(plan, {**known, **further}, answerer=answerer, scorer=scorer, clock=clock)


def _plan(job: EvaluationJob, of: OfCustomization, dataset: CheckedDataset, run: TrainingRun) -> Plan:
    pair = plan_of_pair(job, dataset)
    criteria = parse_criteria(of.success_criteria) if of.success_criteria else None
    asked = {criterion.subject for criterion in criteria.criteria} if criteria else set[str]()
    files = {
        "validation-data" if file.is_validation else "training-data": f"{file.uri} (sha256 {file.sha256})"
        for file in of.files
    }
    settings = {
        **pair.settings,
        "training-job": of.job_arn,
        **files,
        "not part of the job": "a judge: `tanren eval run --judge` has one",
    }
    return replace(
        pair,
        metrics=tuple(name for name in METRICS if name in asked or name in pair.metrics),
        criteria=criteria,
        refuses_undecidable=False,
        training=run.rows.training,
        validation=run.rows.validation,
        asks_general_set=True,
        curves=tuple(_curves(run)),
        settings=settings,
    )


def _with_few_shot(plan: Plan, answerer: Callable[[str], Answerer], tell: Callable[[str], None]) -> tuple[Plan, Known]:
    """The plan with the base shown some examples, and its answers; without, where there are none to show."""
    examples = few_shot_examples(plan.training, FEW_SHOT_EXAMPLES, questions=plan.questions)
    if not examples:
        return plan, {}
    base, tuned = plan.arms
    arm = Arm(name=ArmKind.BASE_FEW_SHOT, kind=ArmKind.BASE_FEW_SHOT, model_id=base.model_id, examples=examples)
    tell(
        sentence(
            "{count} prompts are put to the base with {examples} training rows as examples.",
            count=len(plan.questions),
            examples=len(examples),
        )
    )
    given = ask(answerer(base.model_id), arm, plan.questions, plan.decoding)
    if given.unanswered_count == len(plan.questions):
        tell(
            sentence(
                "The base with examples answered nothing, so it is not compared with: they may not fit its context."
            )
        )
        return plan, {}
    return replace(plan, arms=(base, arm, tuned)), {arm.name: dict(enumerate(given.answers))}


def _curves(run: TrainingRun) -> list[Curve]:
    found = {"training": (run.steps, "training_loss"), "validation": (run.validations, "validation_loss")}
    return [_curve(name, records, member) for name, (records, member) in found.items() if records]


def _curve(name: str, records: Records, member: str) -> Curve:
    steps = [int(record["step"]) for record in records]
    losses = [float(record[member]) for record in records]
    kept = thinned(list(zip(steps, losses, strict=True)), steps, losses, most=_CURVE_POINTS)
    return Curve(name=name, steps=tuple(step for step, _ in kept), losses=tuple(loss for _, loss in kept))
