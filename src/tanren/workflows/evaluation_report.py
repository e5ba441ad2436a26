"""The report of an evaluation job that asks a base and a tuned model: the page that says whether the second is better.

It is `evaluation/run.py` over the replies that the job has, so nobody is asked once more. Any other pair of models, or
one that was not asked alike, has its comparison in the summary alone. What a job that was asked for by itself has no
part in (contamination, forgetting, examples in the prompt, a verdict) the evaluation of a customization job has:
`workflows/customization_evaluation.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from tanren.domain.clock import Clock
from tanren.domain.conversation import Conversation
from tanren.domain.evaluation_jobs import EvaluationJob
from tanren.domain.evaluation_metrics import Measure
from tanren.domain.evaluation_plans import ModelPlan
from tanren.domain.inference_params import converse_members
from tanren.evaluation.answers import Answer, Answerer, Decoding, LikelihoodScorer, OnAnswer, Unanswered
from tanren.evaluation.arms import Arm, ArmKind
from tanren.evaluation.metrics.registry import METRICS
from tanren.evaluation.plan import Plan
from tanren.evaluation.questions import Question
from tanren.evaluation.results import Evaluation
from tanren.evaluation.run import Known, Models, evaluate
from tanren.evaluation.whole_text import whole
from tanren.runtime.placement import Named
from tanren.workflows.evaluation_asking import answer_of
from tanren.workflows.evaluation_files import CheckedDataset
from tanren.workflows.evaluation_scores import ArmReplies

BASE: Final = "base"
TUNED: Final = "tuned"
_METRICS: Final = [name for name in METRICS if name not in ("accuracy", "macro_f1")]
"""The labels of a classification are found otherwise there."""


def has_report(job: EvaluationJob, named: Callable[[str], Named]) -> bool:
    """Whether the job asks two models in the same way, of which the second was trained from the first.

    `named`: what an ARN names. Raises   what it raises.
    """
    models = job.plan.models
    if len(models) != 2 or any(model.is_precomputed for model in models):
        return False
    base, tuned = (named(job.model_arns[model.identifier]) for model in models)
    is_pair = tuned.custom is not None and tuned.custom.base_model_arn == base.model_arn
    return is_pair and _parameters(models[0]) == _parameters(models[1])


def plan_of_pair(job: EvaluationJob, dataset: CheckedDataset) -> Plan:
    """Base and tuned model over one data set, by those of the job's metrics that are computed."""
    computed = {metric.computes for metric in dataset.metrics if metric.measure is Measure.COMPUTED}
    base, tuned = job.plan.models
    arms = (
        Arm(name=BASE, kind=ArmKind.BASE, model_id=base.identifier),
        Arm(name=TUNED, kind=ArmKind.TUNED, model_id=tuned.identifier),
    )
    return Plan(
        name=f"{job.job_name}: {dataset.plan.name}",
        questions=tuple(_whole_question(question) for question in dataset.questions),
        arms=arms,
        metrics=tuple(name for name in _METRICS if name in computed),
        decoding=_decoding(base),
        asks_general_set=False,
        settings={
            "evaluation job": job.job_arn,
            **{arm.name: job.model_arns[arm.model_id] for arm in arms},
            **({"judge": f"{job.plan.judge or job.plan.custom_judge}, in summary.json"} if _is_judged(dataset) else {}),
            "not part of the job": "contamination, forgetting, few-shot arm: `tanren eval` has them",
        },
    )


def known_answers(plan: Plan, replies: Sequence[ArmReplies]) -> Known:
    """What base and tuned model have replied already."""
    arms = [arm for arm in plan.arms if arm.name in (BASE, TUNED)]
    return {
        arm.name: {index: _whole_answer(answer_of(reply)) for index, reply in enumerate(found.replies)}
        for arm, found in zip(arms, replies, strict=True)
    }


def evaluation_of(
    plan: Plan,
    known: Known,
    *,
    answerer: Callable[[str], Answerer] | None = None,
    scorer: Callable[[str], LikelihoodScorer] | None,
    clock: Clock,
) -> Evaluation:
    """`answerer` and `scorer` by a model's identifier; without an answerer nobody is asked."""
    models = Models(answerer=answerer or (lambda _: _Nobody()), scorer=scorer)
    evaluation = evaluate(plan, models, known=known, clock=clock)
    # Its list of what was not measured is that of a user who chose; the settings say what a job has no part in.
    return replace(evaluation, not_measured=())


def _is_judged(dataset: CheckedDataset) -> bool:
    return any(metric.measure is Measure.JUDGED for metric in dataset.metrics)


def _whole_question(question: Question) -> Question:
    return replace(
        question,
        prompt=whole(question.prompt),
        reference=whole(question.reference),
        system=None if question.system is None else whole(question.system),
        category=None if question.category is None else whole(question.category),
    )


def _whole_answer(answer: Answer | Unanswered) -> Answer | Unanswered:
    return answer if isinstance(answer, Unanswered) else replace(answer, text=whole(answer.text))


def _parameters(model: ModelPlan) -> dict[str, Any]:
    return converse_members(model.inference_params)


def _decoding(model: ModelPlan) -> Decoding:
    config = _parameters(model)["inferenceConfig"]
    return Decoding(
        max_new_tokens=int(config["maxTokens"]),
        temperature=float(config["temperature"]),
        top_p=float(config.get("topP", 1.0)),
    )


class _Nobody:
    """In place of a model whose answers are all known."""

    def answer(self, conversations: Sequence[Conversation], decoding: Decoding, on_answer: OnAnswer) -> None:
        raise AssertionError(f"a report asks nobody, and this one asks {len(conversations)} questions")
