"""What a worker's child does with an evaluation job, from top to bottom:

    check     the data sets fetched and checked whole, the output location written to
    ask       every prompt put to every model, changed prompts too where Robustness is asked for
    score     computed, or asked of a judge
    weigh     of a customization job's model: what was forgotten, what had leaked, the verdict
    write     a file of results for each model and data set, a summary, and of a base and a tuned model a report

It is one straight road that every attempt walks from the beginning: what was replied before is found in the journal and
not asked again (`workflows/evaluation_journal.py`). Requests that were under way when a process was killed, at most as
many as the pace allowed, are asked a second time. Every write of a status carries the attempt.

A job that is stopped or fails writes no results: a part of a data set has another mean than the whole.
"""

import errno
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from tanren.domain.clock import Clock
from tanren.domain.conversation import user_turn
from tanren.domain.customization_evaluations import OfCustomization
from tanren.domain.errors import JobFailed, ServiceUnavailable, TanrenError
from tanren.domain.evaluation_jobs import EvaluationJob, EvaluationJobStatus
from tanren.domain.evaluation_metrics import Measure, Metric
from tanren.domain.evaluation_plans import CustomMetric, ModelPlan
from tanren.domain.inference_params import converse_members
from tanren.domain.model_lines import model_line
from tanren.domain.sentences import joined, sentence, told_by
from tanren.evaluation.answers import Answerer, LikelihoodScorer
from tanren.evaluation.perturbations import perturbations
from tanren.evaluation.questions import Question
from tanren.evaluation.report.folder import report_files
from tanren.evaluation.results import Evaluation
from tanren.evaluation.rubrics import BUILT_IN_RUBRICS, Grade, Rubric
from tanren.jobs.queue import Assignment, JobQueue
from tanren.runtime.batch_records import EngineLoad, RecordOperation
from tanren.runtime.placement import StoredPlacement
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.evaluation_jobs import EvaluationJobs
from tanren.storage.objects import ObjectStore
from tanren.storage.training_records import TrainingRecords, write_event
from tanren.workflows.customization_evaluation import TrainingRun, check_criteria, evaluation_of_customization
from tanren.workflows.evaluation_asking import AskedModel, EngineAnswerer, EngineJudge, Pacing, Request
from tanren.workflows.evaluation_files import CheckedDataset, DatasetsInvalid, Results, check_datasets
from tanren.workflows.evaluation_findings import findings_of, verdict_sentence
from tanren.workflows.evaluation_journal import Journal, Reply
from tanren.workflows.evaluation_report import evaluation_of, has_report, known_answers, plan_of_pair
from tanren.workflows.evaluation_scores import (
    ArmReplies,
    MetricScores,
    ScoredArm,
    computed_scores,
    judged_scores,
    likelihood_metric,
)
from tanren.workflows.evaluation_summary import summary_of
from tanren.workflows.interruptions import CannotGoOnNow, Superseded, Yielded
from tanren.workflows.trained_rows import trained_rows

logger = logging.getLogger(__name__)

LikelihoodsOf = Callable[[Path, Path | None, Callable[[], None]], LikelihoodScorer]
"""Of a base's folder and an adapter's; the last is called now and then, and raises what is to end the work. A port,
since what it makes comes with tensors."""

MOST_MESSAGES: Final = 20
MESSAGE_LENGTH: Final = 2048
"""Of `failureMessages`: ErrorMessages in the service model."""
PERTURBATION_SEED: Final = 0
"""The same changes in every job, so that two models are asked the same."""
_DISK_IS_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_S = EvaluationJobStatus


class _StopAsked(Exception):
    """The user has stopped the job."""


class EvaluationWorkflow:
    def __init__(
        self,
        assignment: Assignment,
        *,
        jobs: EvaluationJobs,
        records: TrainingRecords,
        queue: JobQueue,
        objects: ObjectStore,
        artifacts: ArtifactStore,
        placement: StoredPlacement,
        operation_for: Callable[[str], RecordOperation],
        likelihoods_of: LikelihoodsOf,
        clock: Clock,
        yield_asked: Callable[[], bool],
        pacing: Pacing,
    ) -> None:
        """`operation_for`: Converse of the model with this ARN, as the job's role asks it; raises JobFailed where it
        may not."""
        self._assignment = assignment
        self._arn = assignment.job_arn
        self._attempt = assignment.attempt
        self._jobs = jobs
        self._records = records
        self._queue = queue
        self._objects = objects
        self._artifacts = artifacts
        self._placement = placement
        self._operation_for = operation_for
        self._likelihoods_of = likelihoods_of
        self._clock = clock
        self._yield_asked = yield_asked
        self._pacing = pacing
        self._known_replies = 0
        self._operations: dict[str, RecordOperation] = {}
        """By ARN of a model or judge."""
        self._scorers: dict[str, LikelihoodScorer] = {}
        """By ARN of a model; each remembers what it has computed."""
        self._findings: dict[str, Any] | None = None
        """About a customization job's model, once it is weighed."""

    def run(self) -> None:
        """The job has a terminal status afterwards, or a later attempt has it. Raises Yielded or CannotGoOnNow."""
        job = self._jobs.by_arn(self._arn)
        folder = self._artifacts.job_folder(job.scope, job.job_id)
        try:
            status, messages = self._worked(job, folder)
            # Stop may have been pressed at the last moment.
            is_over = self._end(job, status, messages) or self._end(job, _S.STOPPED, ())
        except Superseded:
            logger.warning("attempt %d of %s has been superseded", self._attempt, self._arn)
            is_over = False
        except ServiceUnavailable as error:
            raise self._later(error) from error
        except OSError as error:
            if error.errno not in _DISK_IS_FULL:
                raise
            raise self._later(error) from error
        if is_over:
            # Only whoever ended the job clears up: the folder may be a later attempt's.
            self._clear_up(job)

    def _clear_up(self, job: EvaluationJob) -> None:
        """The replies of a baseline stay for the comparison, which clears up both."""
        of = job.customization
        if of is None or not of.is_baseline or self._jobs.by_arn(self._arn).status is not _S.COMPLETED:
            self._artifacts.remove_job_folder(job.scope, job.job_id)
        if of is not None and of.baseline_job_id is not None:
            self._artifacts.remove_job_folder(job.scope, of.baseline_job_id)

    def _worked(self, job: EvaluationJob, folder: Path) -> tuple[EvaluationJobStatus, Sequence[str]]:
        """The status that the job ends in, and why it failed. Raises Yielded, Superseded, ServiceUnavailable."""
        try:
            self._check_wanted()
            self._operations = {arn: self._operation_for(arn) for arn in job.model_arns.values()}
            results = Results(job, self._objects)
            results.check()
            datasets = check_datasets(job.plan, self._objects, folder, check_wanted=self._check_wanted, tell=self._tell)
            if job.customization is not None:
                check_criteria(job.customization, datasets[0].questions)
            self._evaluate(job, folder, datasets, results)
        except _StopAsked:
            return _S.STOPPED, ()
        except DatasetsInvalid as error:
            return _S.FAILED, error.messages
        except ServiceUnavailable:
            raise
        except TanrenError as error:
            logger.info("%s fails: %s", self._arn, error)
            return _S.FAILED, [str(error)]
        return _S.COMPLETED, ()

    def _evaluate(self, job: EvaluationJob, folder: Path, datasets: Sequence[CheckedDataset], results: Results) -> None:
        of = job.customization
        earlier = of.baseline_job_id if of is not None else None
        earlier_folder = self._artifacts.job_path(job.scope, earlier) if earlier is not None else None
        with Journal(folder, self._attempt, earlier=earlier_folder) as journal:
            if len(journal):
                self._tell(sentence("Going on: {count} requests have their reply.", count=len(journal)))
            self._known_replies = len(journal)
            for judge, kin in self._kin(job).items():
                for model in kin:
                    self._tell(
                        sentence(
                            "The judge {judge} is of the same line as {model} and may favour it.",
                            judge=judge,
                            model=model,
                        )
                    )
            arms = [
                [self._scored(job, journal, model, number, dataset) for model in job.plan.models]
                for number, dataset in enumerate(datasets)
            ]
            weighed = None
            if of is not None and not of.is_baseline:
                replies = [arm.replies for arm in arms[0]]
                weighed = self._weighed(job, of, journal, folder, datasets[0], replies)
        self._check_wanted()
        self._write(job, datasets, arms, results, weighed)

    def _weighed(
        self,
        job: EvaluationJob,
        of: OfCustomization,
        journal: Journal,
        folder: Path,
        dataset: CheckedDataset,
        replies: Sequence[ArmReplies],
    ) -> Evaluation:
        """A customization job's model, by all that is known of that job."""
        rows = trained_rows(of, self._objects, folder / "trained", check_wanted=self._check_wanted, tell=self._tell)
        run = TrainingRun(
            rows=rows, steps=self._records.steps(of.job_arn), validations=self._records.validations(of.job_arn)
        )
        members = {model.identifier: converse_members(model.inference_params) for model in job.plan.models}

        def answerer(identifier: str) -> Answerer:
            return EngineAnswerer(self._asked(job, journal, job.model_arns[identifier]), members[identifier])

        return evaluation_of_customization(
            job,
            of,
            dataset,
            replies,
            run,
            answerer=answerer,
            scorer=self._scorer(job, dataset),
            tell=self._tell,
            clock=self._clock,
        )

    def _write(
        self,
        job: EvaluationJob,
        datasets: Sequence[CheckedDataset],
        arms: Sequence[Sequence[ScoredArm]],
        results: Results,
        weighed: Evaluation | None,
    ) -> None:
        for number, (dataset, of_dataset) in enumerate(zip(datasets, arms, strict=True)):
            for place, arm in enumerate(of_dataset):
                results.put_lines(
                    place, number, (arm.line(index, record) for index, record in enumerate(dataset.records))
                )
        has_report = self._report(job, datasets, arms, results, weighed)
        results.put_custom_metrics()
        summary = summary_of(job, datasets, arms, results, judges=self._kin(job))
        if weighed is not None:
            report_uri = results.report_at(datasets[0].plan).uri if has_report else None
            self._findings = findings_of(weighed, report_uri=report_uri)
            summary["findings"] = self._findings
        results.put_summary(summary)

    def _report(
        self,
        job: EvaluationJob,
        datasets: Sequence[CheckedDataset],
        arms: Sequence[Sequence[ScoredArm]],
        results: Results,
        weighed: Evaluation | None,
    ) -> bool:
        """Whether there is a page about a base and a tuned model, of each data set."""
        try:
            if not has_report(job, lambda arn: self._placement.resolve(job.scope, arn)):
                return False
        except TanrenError as error:
            self._tell(joined(sentence("There is no report: "), told_by(error)))
            return False
        for dataset, of_dataset in zip(datasets, arms, strict=True):
            try:
                evaluation = weighed or self._of_pair(job, dataset, [arm.replies for arm in of_dataset])
                files = report_files(evaluation) if evaluation is not None else ()
            except Exception as error:
                # Pages and pictures are drawn by other libraries; whatever breaks there must not cost the scores, which
                # are the job's purpose and all paid for.
                logger.exception("the report of %s could not be made", self._arn)
                self._tell(
                    sentence(
                        "The report could not be made: {error}. The results and summary.json are complete.", error=error
                    )
                )
                return False
            results.put_report(dataset.plan, files)
        return True

    def _of_pair(self, job: EvaluationJob, dataset: CheckedDataset, replies: Sequence[ArmReplies]) -> Evaluation | None:
        """None where no metric of the data set is one that a report has."""
        plan, scorer = plan_of_pair(job, dataset), self._scorer(job, dataset)
        if not plan.metrics and scorer is None:
            return None
        return evaluation_of(plan, known_answers(plan, replies), scorer=scorer, clock=self._clock)

    def _kin(self, job: EvaluationJob) -> dict[str, list[str]]:
        """Each judge, with the models of the job that are of its line: the same weights, or a name of one family."""
        plan = job.plan
        return {
            judge: [model for model in plan.evaluated() if self._are_kin(job, judge, model)] for judge in plan.judges()
        }

    def _are_kin(self, job: EvaluationJob, judge: str, model: str) -> bool:
        try:
            found = [self._placement.resolve(job.scope, job.model_arns[each]) for each in (judge, model)]
            folders = [self._placement.base_folder(job.scope, job.model_arns[each]) for each in (judge, model)]
        except TanrenError as error:
            # Whatever is wrong with it shows when it is asked.
            logger.info("%s: a model is not known yet: %s", self._arn, error)
            return False
        if folders[0] == folders[1]:
            return True
        # Of what was imported no family is known.
        lines = {model_line(each.foundation.model_id) for each in found if each.imported is None}
        return len(lines) == 1 and all(each.imported is None for each in found)

    def _scored(
        self, job: EvaluationJob, journal: Journal, model: ModelPlan, number: int, dataset: CheckedDataset
    ) -> ScoredArm:
        replies = self._replies(job, journal, model, number, dataset)
        scores = self._scores(job, journal, model, dataset, replies)
        return ScoredArm(identifier=model.identifier, replies=replies, scores=scores)

    def _replies(
        self, job: EvaluationJob, journal: Journal, model: ModelPlan, number: int, dataset: CheckedDataset
    ) -> ArmReplies:
        """Raises JobFailed where not one prompt has an answer."""
        questions = dataset.questions
        if model.is_precomputed:
            brought = tuple(Reply(text=responses[model.identifier]) for responses in dataset.responses)
            return ArmReplies(replies=brought, changed=((),) * len(questions))
        self._tell(
            sentence(
                "{count} prompts of '{dataset}' are put to {model}.",
                count=len(questions),
                dataset=dataset.plan.name,
                model=model.identifier,
            )
        )
        asked = self._asked(job, journal, job.model_arns[model.identifier])
        members = converse_members(model.inference_params)

        def request(question: Question, prompt: str, kind: str = "as it is") -> Request:
            system = {} if question.system is None else {"system": [{"text": question.system}]}
            body = {**system, "messages": [{"role": "user", "content": [{"text": prompt}]}], **members}
            return Request(place=f"{number}/{question.number}/{kind}", body=body)

        replies = asked.ask([request(question, question.prompt) for question in questions])
        if all(reply.error is not None for reply in replies):
            raise JobFailed(
                f"{model.identifier} answered none of the {len(questions)} prompts of '{dataset.plan.name}'. The first "
                f"was refused with: {replies[0].error}"
            )
        changed: list[tuple[Reply, ...]] = [()] * len(questions)
        if any(metric.measure is Measure.CHANGED for metric in dataset.metrics):
            changes = [
                (index, perturbation)
                for index, question in enumerate(questions)
                for perturbation in perturbations(question.prompt, seed=PERTURBATION_SEED)
            ]
            self._tell(
                sentence(
                    "{count} changed prompts of '{dataset}' are put to {model}.",
                    count=len(changes),
                    dataset=dataset.plan.name,
                    model=model.identifier,
                )
            )
            found = asked.ask([request(questions[index], change.text, change.kind) for index, change in changes])
            for (index, _), reply in zip(changes, found, strict=True):
                changed[index] = (*changed[index], reply)
        return ArmReplies(replies=tuple(replies), changed=tuple(changed))

    def _scores(
        self, job: EvaluationJob, journal: Journal, model: ModelPlan, dataset: CheckedDataset, arm: ArmReplies
    ) -> tuple[MetricScores, ...]:
        found: list[MetricScores] = []
        for metric in dataset.metrics:
            self._check_wanted()
            if metric.measure is Measure.LIKELIHOOD:
                found.append(self._likelihood(job, model, metric, dataset))
                continue
            if metric.measure is not Measure.JUDGED:
                found.append(computed_scores(metric, dataset.questions, arm))
                continue
            identifier = job.plan.judge_of(metric)
            assert identifier is not None
            self._tell(
                sentence(
                    "{judge} judges {count} answers of '{dataset}' by {metric}.",
                    judge=identifier,
                    count=len(arm.answered),
                    dataset=dataset.plan.name,
                    metric=metric.name,
                )
            )
            judge = EngineJudge(identifier, self._asked(job, journal, job.model_arns[identifier]))
            rubric, is_custom = _rubric(job.plan.custom_metrics, metric)
            scores = judged_scores(metric, rubric, judge, dataset.questions, arm, is_custom=is_custom)
            if arm.answered and all(result is None for result in scores.results):
                reason = next(detail for detail in scores.details if detail is not None)
                raise JobFailed(f"{identifier} gave no rating by {metric.name} of any answer: {reason}")
            found.append(scores)
        return tuple(found)

    def _likelihood(
        self, job: EvaluationJob, model: ModelPlan, metric: Metric, dataset: CheckedDataset
    ) -> MetricScores:
        scorer = self._scorer_of(job, model.identifier)
        told = [
            user_turn(question.prompt, system=question.system).answered(question.reference)
            for question in dataset.questions
        ]
        return likelihood_metric(metric, dataset.questions, scorer.likelihoods(told))

    def _scorer(self, job: EvaluationJob, dataset: CheckedDataset) -> Callable[[str], LikelihoodScorer] | None:
        """By a model's identifier; None where no metric of the data set is about likelihoods."""
        is_asked = any(metric.measure is Measure.LIKELIHOOD for metric in dataset.metrics)
        return partial(self._scorer_of, job) if is_asked else None

    def _scorer_of(self, job: EvaluationJob, identifier: str) -> LikelihoodScorer:
        arn = job.model_arns[identifier]
        if arn not in self._scorers:
            base_folder, adapter = self._placement.weights(job.scope, arn)
            self._tell(
                sentence("How probable {model} finds the references is computed from its weights.", model=identifier)
            )
            self._scorers[arn] = self._likelihoods_of(
                base_folder, None if adapter is None else Path(adapter.folder), self._check_wanted
            )
        return self._scorers[arn]

    def _asked(self, job: EvaluationJob, journal: Journal, model_arn: str) -> AskedModel:
        async def load() -> EngineLoad:
            _, engine, _ = await self._placement.locate(job.scope, model_arn)
            description = await engine.describe()
            return EngineLoad(active_count=description.active_count, queued_count=description.queued_count)

        def keep() -> None:
            journal.sync()
            self._check_wanted()
            if len(journal) > self._known_replies:
                self._known_replies = len(journal)
                self._queue.note_progress(self._assignment)

        return AskedModel(
            model_arn,
            self._operations[model_arn],
            journal,
            pacing=self._pacing,
            engine_load=load,
            on_round=keep,
        )

    def _check_wanted(self) -> None:
        job = self._jobs.by_arn(self._arn)
        if job.attempt != self._attempt:
            raise Superseded
        if job.status is _S.STOPPING:
            raise _StopAsked
        if self._yield_asked():
            raise Yielded

    def _end(self, job: EvaluationJob, status: EvaluationJobStatus, messages: Sequence[str]) -> bool:
        """Whether the job has ended by this; nothing changes if a later attempt has it, or its status forbids it."""
        told = [message[:MESSAGE_LENGTH] for message in messages[:MOST_MESSAGES]]
        findings = self._findings if status is _S.COMPLETED else None
        now = self._clock()
        with self._jobs.database.writing() as connection:
            has_ended = self._jobs.move(
                connection,
                self._arn,
                status,
                at=now,
                attempt=self._attempt,
                failure_messages=told,
                findings=findings,
            )
            if has_ended and findings is not None and (of := job.customization) is not None:
                write_event(connection, of.job_arn, of.attempt, verdict_sentence(findings), at=now)
            return has_ended

    def _later(self, reason: Exception) -> CannotGoOnNow:
        self._tell(joined(sentence("The job waits: "), told_by(reason)))
        return CannotGoOnNow(str(reason))

    def _tell(self, message: str) -> None:
        """An event on the job."""
        logger.info("%s: %s", self._arn, message)
        self._records.add_event(self._arn, self._attempt, message, at=self._clock())


def _rubric(custom_metrics: Sequence[CustomMetric], metric: Metric) -> tuple[Rubric, bool]:
    """By what the judge rates, and whether that is a metric of the request's own."""
    custom = next((each for each in custom_metrics if each.name == metric.name), None)
    if custom is None:
        return BUILT_IN_RUBRICS[metric.name], False
    scale = tuple(Grade(definition=step.definition, value=step.value) for step in custom.scale)
    return Rubric(name=custom.name, instructions=custom.instructions, scale=scale), True
