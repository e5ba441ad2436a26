"""An evaluation job from its first attempt to its last, with an S3 in a dictionary and models that compute."""

import asyncio
import copy
import hashlib
import html
import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.control.customization_evaluations import CustomizationEvaluations
from tanren.domain.customization_evaluations import TrainedFile
from tanren.domain.errors import EngineFailed, JobFailed, ServiceUnavailable, ValidationFailed
from tanren.domain.evaluation_jobs import CLAIMABLE
from tanren.domain.evaluation_jobs import EvaluationJobStatus as S
from tanren.evaluation.answers import Likelihood
from tanren.evaluation.report.wording import WORDS
from tanren.jobs.queue import Assignment, JobQueue
from tanren.runtime.batch_records import ModelOutput
from tanren.runtime.placement import Named
from tanren.storage.tables import evaluation_jobs
from tanren.storage.training_records import TrainingRecords
from tanren.workflows import evaluation
from tanren.workflows.evaluation import EvaluationWorkflow
from tanren.workflows.evaluation_asking import Pacing
from tanren.workflows.interruptions import CannotGoOnNow, Yielded
from tests.unit.workflows.object_memory import ObjectMemory
from tests.unit.workflows.test_batch_inference import IDLE

COUNT = 12
KEY = "in/questions.jsonl"
TITAN, NOVA, JUDGE = "amazon.titan-text-express-v1", "amazon.nova-lite-v1:0", "amazon.nova-pro-v1:0"


class World:
    """Engines, placement, models and S3 in one. Titan doubles the number that it is asked for, Nova answers "no", and
    the judge likes numbers. `during` is called with each prompt."""

    def __init__(self, models: Any) -> None:
        self.models = models
        rows = [{"prompt": f"Double {n}", "referenceResponse": str(2 * n), "id": n} for n in range(COUNT)]
        self.objects = ObjectMemory({KEY: "\n".join(json.dumps(row) for row in rows).encode()})
        self.asked: Counter[tuple[str, str]] = Counter()
        self.during: Callable[[str], None] = lambda prompt: None
        self.doubling = {TITAN}
        """Ids of the models that can."""
        self.scored = 0
        self.rating: Callable[[str], int | None] = lambda prompt: -1
        """Which of its scale's steps the judge chooses; None: it gives no verdict."""

    async def locate(self, scope: Any, model_arn: str) -> tuple[None, "World", None]:
        return None, self, None

    async def describe(self) -> Any:
        return IDLE

    def resolve(self, scope: Any, model_arn: str) -> Named:
        custom = self.models.get(scope, model_arn) if ":custom-model/" in model_arn else None
        model_id = NOVA if custom else model_arn.rpartition("/")[2]
        return Named(foundation=FOUNDATION_MODELS[model_id], custom=custom, model_arn=model_arn, resource_arn=model_arn)

    def base_folder(self, scope: Any, model_arn: str) -> Path:
        return Path("one" if model_arn.endswith((TITAN, JUDGE)) else "another")

    def weights(self, scope: Any, model_arn: str) -> tuple[Path, None]:
        return Path(model_arn), None

    def likelihoods_of(self, base_folder: Path, adapter: Path | None, check_wanted: Callable[[], None]) -> "Scorer":
        return Scorer(self, base_folder.name)

    def operation_for(self, model_arn: str) -> "Model":
        return Model(self, model_arn.rpartition("/")[2])

    def results(self, job: Any, model: str = TITAN) -> list[dict[str, Any]]:
        (key,) = [key for key in self.objects.content if f"/models/{model}/" in key]
        assert key.startswith(f"out/{job.job_name}/{job.job_id}/models/{model}/taskTypes/")
        assert key.endswith("_output.jsonl")
        return [json.loads(line) for line in self.objects.content[key].splitlines()]

    def summary(self, job: Any) -> dict[str, Any]:
        return json.loads(self.objects.content[f"out/{job.job_name}/{job.job_id}/summary.json"])


class Model:
    def __init__(self, world: World, model_id: str) -> None:
        self._world = world
        self._model_id = model_id

    async def answer(self, model_input: dict[str, Any]) -> ModelOutput:
        prompt = model_input["messages"][-1]["content"][0]["text"]
        self._world.asked[(self._model_id, prompt)] += 1
        await asyncio.sleep(0)
        self._world.during(prompt)
        content = self._verdict(model_input, prompt) if "toolConfig" in model_input else {"text": self._text(prompt)}
        return ModelOutput(
            body={
                "output": {"message": {"role": "assistant", "content": [content]}},
                "metrics": {"latencyMs": 20},
            },
            input_token_count=3,
            output_token_count=1,
        )

    def _text(self, prompt: str) -> str:
        number = "".join(filter(str.isdigit, prompt))
        return str(2 * int(number)) if self._model_id in self._world.doubling and number else "no"

    def _verdict(self, model_input: dict[str, Any], prompt: str) -> dict[str, Any]:
        spec = model_input["toolConfig"]["tools"][0]["toolSpec"]
        assert model_input["toolConfig"]["toolChoice"] == {"tool": {"name": spec["name"]}}
        step = self._world.rating(prompt)
        if step is None:
            return {"text": "I would rather not say."}
        verdict = filled(spec["inputSchema"]["json"], step)
        return {"toolUse": {"toolUseId": "t", "name": spec["name"], "input": verdict}}

    @staticmethod
    def error(error: Exception) -> dict[str, Any]:
        return {"errorCode": 400, "errorMessage": str(error)}


class Scorer:
    """Finds each token of a reference as probable as 1 in 4, a tuned model as 1 in 2; and remembers."""

    def __init__(self, world: World, model_id: str) -> None:
        self._nats = math.log(2 if model_id.startswith("aaa") else 4)
        self._world = world
        self._seen: set[Any] = set()

    def likelihoods(self, conversations: Any) -> list[Likelihood]:
        self._world.scored += len(set(conversations) - self._seen)
        self._seen |= set(conversations)
        texts = [conversation.messages[-1].text for conversation in conversations]
        return [Likelihood(nats=self._nats * len(text), token_count=len(text), byte_count=len(text)) for text in texts]


def filled(schema: dict[str, Any], step: int) -> Any:
    """The simplest value that satisfies a judge's schema."""
    if "enum" in schema:
        return schema["enum"][step]
    if schema["type"] == "object":
        return {name: filled(member, step) for name, member in schema["properties"].items()}
    if schema["type"] in ("integer", "number"):
        return schema.get("maximum", 1)
    return "because"


@pytest.fixture
def world(plane) -> World:
    return World(plane.model_rows)


@pytest.fixture
def attempt(plane, world, database, clock, monkeypatch) -> Callable[..., Any]:
    """Runs the next attempt at a job, and gives the job as it is afterwards."""
    monkeypatch.setattr("tanren.runtime.batch_records.LOOK_SECONDS", 0.0)
    queue = JobQueue(database, evaluation_jobs, claimable=CLAIMABLE, lease_seconds=30)

    def run(arn: str, yield_asked: Callable[[], bool] = lambda: False) -> Any:
        number = plane.evaluation_rows.by_arn(arn).attempt + 1
        _take_over(plane, arn, number)
        EvaluationWorkflow(
            Assignment(job_arn=arn, attempt=number),
            jobs=plane.evaluation_rows,
            records=TrainingRecords(database),
            queue=queue,
            objects=world.objects,
            artifacts=plane.artifacts,
            placement=world,
            operation_for=world.operation_for,
            likelihoods_of=world.likelihoods_of,
            clock=clock,
            yield_asked=yield_asked,
            pacing=Pacing(most_under_way=2, engine_share=1.0),
        ).run()
        return plane.evaluation_rows.by_arn(arn)

    return run


def _take_over(plane, arn: str, number: int) -> None:
    """From now on attempt `number` has the job."""
    with plane.evaluation_rows.database.writing() as connection:
        plane.evaluation_rows.change(connection, arn, attempt=number, lease_owner=f"worker {number}")


@pytest.fixture
def created(plane, scope, new_evaluation) -> Callable[..., str]:
    """A job with these metrics over the questions, which asks Titan unless told otherwise."""

    def create(
        *metrics: str, task: str = "QuestionAndAnswer", models: tuple[str, ...] = (TITAN,), **automated: Any
    ) -> str:
        request = copy.deepcopy(dict(new_evaluation().request))
        own = request["evaluationConfig"]["automated"]
        own["datasetMetricConfigs"][0] |= {"taskType": task, "metricNames": list(metrics)}
        own |= automated
        request["inferenceConfig"]["models"] = [{"bedrockModel": {"modelIdentifier": each}} for each in models]
        return plane.evaluations.create(scope, new_evaluation(request=request))

    return create


def test_a_job_that_goes_well_scores_every_answer_and_leaves_nothing_on_the_disk(plane, created, attempt, world):
    job = attempt(created("Builtin.Accuracy", "Tanren.Contains"))
    assert (job.status, job.failure_messages) == (S.COMPLETED, ())
    assert job.ended_at is not None
    lines = world.results(job)
    assert lines[3] == {
        "automatedEvaluationResult": {
            "scores": [
                {"metricName": "Builtin.Accuracy", "result": 1.0},
                {"metricName": "Tanren.Contains", "result": 1.0},
            ]
        },
        "inputRecord": {"prompt": "Double 3", "referenceResponse": "6", "id": 3},
        "modelResponses": [{"modelIdentifier": TITAN, "response": "6"}],
    }
    assert [line["inputRecord"]["id"] for line in lines] == list(range(COUNT))
    (model,) = world.summary(job)["datasets"][0]["models"]
    assert [(metric["metricName"], metric["value"]) for metric in model["metrics"]] == [
        ("Builtin.Accuracy", 1.0),
        ("Tanren.Contains", 1.0),
    ]
    assert (model["answeredCount"], model["outputTokenCount"]) == (COUNT, COUNT)
    assert list((plane.artifacts.root / "jobs").rglob("*.jsonl")) == []
    assert sum("write_access" in key for key in world.objects.content) == 0


def test_two_models_are_held_against_each_other(created, attempt, world):
    job = attempt(created("Tanren.Contains", models=(NOVA, TITAN)))
    (comparison,) = world.summary(job)["datasets"][0]["comparisons"]
    assert (comparison["first"], comparison["second"], comparison["outcome"]) == (0.0, 1.0, "better")
    assert comparison["questionCount"] == COUNT
    assert [line["modelResponses"][0]["response"] for line in world.results(job, NOVA)] == ["no"] * COUNT


def test_a_tuned_model_beside_its_base_has_a_report(plane, scope, created, attempt, world):
    tuned = plane.has_model(scope, foundation=NOVA)
    job = attempt(created("Tanren.Contains", "Tanren.F1", models=(NOVA, tuned)))
    assert (job.status, job.failure_messages) == (S.COMPLETED, ())
    folder = f"out/{job.job_name}/{job.job_id}/report/questions-QuestionAndAnswer/"
    files = {key.removeprefix(folder) for key in world.objects.content if key.startswith(folder)}
    assert {"report.en.html", "report.ja.html", "report.en.md", "items.csv", "evaluation.json"} <= files
    assert "Double 3" in world.objects.content[f"{folder}items.csv"].decode()
    assert sum(world.asked.values()) == 2 * COUNT


def _digits() -> dict[str, Any]:
    """A metric of one's own, from 0 to 2."""
    steps = [{"definition": str(value), "value": {"floatValue": float(value)}} for value in range(3)]
    definition = {"name": "Digits", "instructions": "How many digits? {{prediction}} {{prompt}}", "ratingScale": steps}
    judge = {"bedrockEvaluatorModels": [{"modelIdentifier": JUDGE}]}
    return {"customMetrics": [{"customMetricDefinition": definition}], "evaluatorModelConfig": judge}


def test_two_models_are_compared_over_the_questions_that_both_have_a_figure_of(created, attempt, world):
    def rating(prompt: str) -> int | None:
        is_first = prompt.startswith("How many digits? no")
        is_early = any(f"Double {n}\n" in prompt for n in range(6))
        return (2 if is_early else 0) if is_first else (1 if is_early else None)

    world.rating = rating
    job = attempt(created("Digits", task="General", models=(NOVA, TITAN), customMetricConfig=_digits()))
    dataset = world.summary(job)["datasets"][0]
    assert [model["metrics"][0]["value"] for model in dataset["models"]] == [1.0, 1.0]
    (comparison,) = dataset["comparisons"]
    assert (comparison["first"], comparison["second"], comparison["questionCount"]) == (2.0, 1.0, 6)


def test_on_a_scale_of_the_users_own_two_models_are_higher_or_lower_and_not_better(created, attempt, world):
    world.rating = lambda prompt: 0 if prompt.startswith("How many digits? no") else -1
    job = attempt(created("Digits", task="General", models=(NOVA, TITAN), customMetricConfig=_digits()))
    (comparison,) = world.summary(job)["datasets"][0]["comparisons"]
    assert (comparison["first"], comparison["second"], comparison["outcome"]) == (0.0, 2.0, "higher")
    assert world.summary(job)["datasets"][0]["models"][0]["metrics"][0]["isHigherBetter"] is None


@pytest.mark.parametrize("pair", [("another tuned", "tuned"), ("other base", "tuned"), ("base", "other base")])
def test_a_pair_of_which_neither_comes_from_the_other_has_no_report(plane, scope, created, attempt, world, pair):
    known = {
        "tuned": lambda: plane.has_model(scope, foundation=NOVA),
        "another tuned": lambda: plane.has_model(scope, "other", foundation=NOVA),
        "base": lambda: NOVA,
        "other base": lambda: TITAN,
    }
    job = attempt(created("Tanren.Contains", models=tuple(known[name]() for name in pair)))
    assert job.status is S.COMPLETED
    assert not [key for key in world.objects.content if "/report/" in key]
    assert len(world.summary(job)["datasets"][0]["comparisons"]) == 1


def test_half_a_surrogate_pair_costs_neither_the_results_nor_the_report(plane, scope, created, attempt, world):
    rows = [{"prompt": f"Double {n} \ud800", "referenceResponse": str(2 * n)} for n in range(COUNT)]
    world.objects.content[KEY] = "\n".join(json.dumps(row) for row in rows).encode()
    job = attempt(created("Tanren.Contains", models=(NOVA, plane.has_model(scope, foundation=NOVA))))
    assert (job.status, job.failure_messages) == (S.COMPLETED, ())
    assert any(key.endswith("report.en.html") for key in world.objects.content)


def test_a_report_that_cannot_be_made_costs_no_results(plane, scope, created, attempt, world, monkeypatch, database):
    def broken(*_: Any, **__: Any) -> Any:
        raise LookupError("no page today")

    monkeypatch.setattr(evaluation, "report_files", broken)
    arn = created("Tanren.Contains", models=(NOVA, plane.has_model(scope, foundation=NOVA)))
    job = attempt(arn)
    assert job.status is S.COMPLETED
    assert world.summary(job)["datasets"][0]["comparisons"]
    told = [message for _, message in TrainingRecords(database).events(arn)]
    assert any("could not be made: no page today" in message for message in told)


def test_robustness_puts_changed_prompts_to_the_model(created, attempt, world):
    job = attempt(created("Builtin.Robustness", task="Generation"))
    results = [line["automatedEvaluationResult"]["scores"][0]["result"] for line in world.results(job)]
    assert all(result is not None and result >= 0 for result in results)
    assert len(world.asked) > 2 * COUNT
    assert world.asked[(TITAN, "double 3")] == 1


def test_a_judge_rates_every_answer_and_gives_its_reasons(created, attempt, world, database):
    judge = {"bedrockEvaluatorModels": [{"modelIdentifier": JUDGE}]}
    custom = {
        "customMetrics": [
            {
                "customMetricDefinition": {
                    "name": "Length",
                    "instructions": "How long is {{prediction}}?",
                    "ratingScale": [
                        {"definition": "short", "value": {"stringValue": "Short"}},
                        {"definition": "long", "value": {"stringValue": "Long"}},
                    ],
                }
            }
        ],
        "evaluatorModelConfig": judge,
    }
    arn = created(
        "Builtin.Correctness", "Length", task="General", evaluatorModelConfig=judge, customMetricConfig=custom
    )
    job = attempt(arn)
    assert (job.status, job.failure_messages) == (S.COMPLETED, ())
    for line in world.results(job):
        correctness, length = line["automatedEvaluationResult"]["scores"]
        assert 0 <= correctness["result"] <= 1
        assert correctness["evaluatorDetails"] == [{"modelIdentifier": JUDGE, "explanation": "because"}]
        assert length["result"] in ("Short", "Long")
    metrics = world.summary(job)["datasets"][0]["models"][0]["metrics"]
    assert sum(metrics[1]["distribution"].values()) == COUNT
    told = [message for _, message in TrainingRecords(database).events(arn) if "may favour it" in message]
    assert told == [f"The judge {JUDGE} is of the same line as {TITAN} and may favour it."]
    assert world.summary(job)["judges"] == [{"modelIdentifier": JUDGE, "kinOf": [TITAN]}]
    definition = world.objects.content[f"out/{job.job_name}/{job.job_id}/custom_metrics/Length.json"]
    assert json.loads(definition) == custom["customMetrics"][0]


def test_answers_that_are_brought_along_are_scored_and_nobody_is_asked(plane, scope, new_evaluation, attempt, world):
    rows = [
        {
            "prompt": f"Double {n}",
            "referenceResponse": str(2 * n),
            "modelResponses": [{"response": str(2 * n if n else "?"), "modelIdentifier": "my-app"}],
        }
        for n in range(COUNT)
    ]
    world.objects.content[KEY] = "\n".join(json.dumps(row) for row in rows).encode()
    request = copy.deepcopy(dict(new_evaluation().request))
    request["inferenceConfig"]["models"] = [
        {"precomputedInferenceSource": {"inferenceSourceIdentifier": "my-app"}},
    ]
    job = attempt(plane.evaluations.create(scope, new_evaluation(request=request)))
    scores = [line["automatedEvaluationResult"]["scores"][1]["result"] for line in world.results(job, "my-app")]
    assert scores == [0.0] + [1.0] * (COUNT - 1)
    assert not world.asked


def test_the_built_in_data_set_is_of_our_own(plane, scope, new_evaluation, attempt, world):
    request = copy.deepcopy(dict(new_evaluation().request))
    own = request["evaluationConfig"]["automated"]["datasetMetricConfigs"][0]
    own["dataset"] = {"name": "Tanren.General"}
    own["metricNames"] = ["Tanren.Right"]
    job = attempt(plane.evaluations.create(scope, new_evaluation(request=request)))
    assert (job.status, job.failure_messages) == (S.COMPLETED, ())
    assert len(world.results(job)) >= 40
    (metric,) = world.summary(job)["datasets"][0]["models"][0]["metrics"]
    assert 0 <= metric["value"] < 0.5


def test_an_attempt_that_dies_is_followed_by_one_that_asks_only_what_has_no_reply(created, attempt, world):
    class Killed(BaseException):
        pass

    def die(prompt: str) -> None:
        if prompt == "Double 7":
            raise Killed

    world.during = die
    arn = created("Tanren.Contains")
    with pytest.raises(Killed):
        attempt(arn)
    world.during = lambda prompt: None
    before = Counter(world.asked)
    job = attempt(arn)
    assert job.status is S.COMPLETED
    assert len(world.results(job)) == COUNT
    again = [key for key in before if world.asked[key] == 2]
    assert (TITAN, "Double 7") in again
    assert len(again) <= 2, "only what was under way, which was at most two"
    assert max(world.asked.values()) == 2


def test_an_attempt_that_dies_while_the_judge_is_asked_repeats_neither_answers_nor_ratings(created, attempt, world):
    judge = {"bedrockEvaluatorModels": [{"modelIdentifier": JUDGE}]}
    arn = created("Builtin.Helpfulness", task="General", evaluatorModelConfig=judge)
    asked_judge: list[str] = []

    class Killed(BaseException):
        pass

    def die(prompt: str) -> None:
        if not prompt.startswith("Double"):
            asked_judge.append(prompt)
            if len(asked_judge) == 6:
                raise Killed

    world.during = die
    with pytest.raises(Killed):
        attempt(arn)
    job = attempt(arn)
    assert job.status is S.COMPLETED
    assert all(world.asked[(TITAN, f"Double {n}")] == 1 for n in range(COUNT))
    assert sum(count == 2 for count in world.asked.values()) <= 2


def test_stop_in_the_middle_writes_no_results(plane, scope, created, attempt, world):
    arn = created("Tanren.Contains")
    world.during = lambda prompt: plane.evaluations.stop(scope, arn) if prompt == "Double 5" else None
    job = attempt(arn)
    assert (job.status, job.failure_messages) == (S.STOPPED, ())
    assert list(world.objects.content) == [KEY]


def test_a_prompt_that_the_model_refuses_is_told_of_and_counts_as_answered_with_nothing(created, attempt, world):
    def refuse(prompt: str) -> None:
        if prompt == "Double 3":
            raise ValidationFailed("too long")

    world.during = refuse
    job = attempt(created("Tanren.Contains"))
    assert job.status is S.COMPLETED
    line = world.results(job)[3]
    assert (line["automatedEvaluationResult"]["scores"], line["modelResponses"]) == ([], [])
    assert line["error"] == {"errorMessage": "too long"}
    (model,) = world.summary(job)["datasets"][0]["models"]
    assert (model["answeredCount"], model["unansweredCount"]) == (COUNT - 1, 1)
    assert model["metrics"][0]["value"] == pytest.approx((COUNT - 1) / COUNT)


def test_a_model_that_answers_nothing_fails_the_job_with_the_reason(created, attempt, world):
    def refuse(prompt: str) -> None:
        raise ValidationFailed("no chat template")

    world.during = refuse
    job = attempt(created("Tanren.Contains"))
    assert job.status is S.FAILED
    assert f"answered none of the {COUNT} prompts" in job.failure_messages[0]
    assert "no chat template" in job.failure_messages[0]
    assert list(world.objects.content) == [KEY]


def test_a_role_that_may_not_ask_a_judge_fails_the_job_before_anything_is_asked(created, attempt, world, monkeypatch):
    judge = {"bedrockEvaluatorModels": [{"modelIdentifier": JUDGE}]}
    operation_for = world.operation_for

    def allowed(model_arn: str) -> Model:
        if model_arn.endswith(JUDGE):
            raise JobFailed("The role may not invoke it")
        return operation_for(model_arn)

    monkeypatch.setattr(world, "operation_for", allowed)
    job = attempt(created("Builtin.Helpfulness", task="General", evaluatorModelConfig=judge))
    assert (job.status, job.failure_messages) == (S.FAILED, ("The role may not invoke it",))
    assert not world.asked


def test_an_engine_that_cannot_start_fails_the_job(created, attempt, world):
    def break_down(prompt: str) -> None:
        raise EngineFailed("no memory")

    world.during = break_down
    job = attempt(created("Tanren.Contains"))
    assert (job.status, job.failure_messages) == (S.FAILED, ("no memory",))


def test_data_that_cannot_be_used_fail_the_job_before_anything_is_asked(created, attempt, world):
    world.objects.content[KEY] = b'{"prompt": "a"}\n{"referenceResponse": "b"}\n'
    job = attempt(created("Tanren.Contains"))
    assert job.status is S.FAILED
    (message,) = job.failure_messages
    assert "line 1" in message
    assert "line 2" in message
    assert not world.asked


def test_a_short_outage_of_s3_costs_no_answer(created, attempt, world, monkeypatch):
    put = world.objects.put

    def away(location: Any, *rest: Any, **more: Any) -> None:
        if location.key.endswith("_output.jsonl"):
            raise ServiceUnavailable("S3 did not answer")
        put(location, *rest, **more)

    monkeypatch.setattr(world.objects, "put", away)
    arn = created("Tanren.Contains")
    with pytest.raises(CannotGoOnNow):
        attempt(arn)
    monkeypatch.setattr(world.objects, "put", put)
    assert attempt(arn).status is S.COMPLETED
    assert set(world.asked.values()) == {1}


def test_a_worker_that_must_go_gives_the_job_back_with_its_answers(plane, created, attempt, world):
    arn = created("Tanren.Contains")
    with pytest.raises(Yielded):
        attempt(arn, yield_asked=lambda: world.asked[(TITAN, "Double 6")] > 0)
    assert plane.evaluation_rows.by_arn(arn).status is S.IN_PROGRESS
    assert attempt(arn).status is S.COMPLETED


def test_a_late_attempt_writes_nothing_and_leaves_the_job_to_the_current_one(plane, created, attempt, world):
    arn = created("Tanren.Contains")
    world.during = lambda prompt: _take_over(plane, arn, 7) if prompt == "Double 5" else None
    job = attempt(arn)
    assert (job.status, job.attempt) == (S.IN_PROGRESS, 7)
    assert list(world.objects.content) == [KEY]
    assert list((plane.artifacts.root / "jobs").rglob("replies/1.jsonl"))


def test_how_probable_a_model_finds_the_references_is_a_metric_of_which_less_is_better(
    plane, scope, created, attempt, world
):
    metrics = ("Tanren.Loss", "Tanren.Perplexity", "Tanren.BitsPerByte", "Tanren.Contains")
    tuned = plane.has_model(scope, foundation=NOVA)
    job = attempt(created(*metrics, models=(NOVA, tuned)))
    assert (job.status, job.failure_messages) == (S.COMPLETED, ())
    base, model = world.summary(job)["datasets"][0]["models"]
    assert [round(metric["value"], 6) for metric in base["metrics"][:3]] == [round(math.log(4), 6), 4.0, 2.0]
    assert [round(metric["value"], 6) for metric in model["metrics"][:3]] == [round(math.log(2), 6), 2.0, 1.0]
    assert not base["metrics"][0]["isHigherBetter"]
    loss = world.summary(job)["datasets"][0]["comparisons"][0]
    assert (loss["metricName"], loss["outcome"]) == ("Tanren.Loss", "better")
    assert world.results(job, NOVA)[0]["automatedEvaluationResult"]["scores"][2]["result"] == pytest.approx(2.0)
    (page,) = [content for key, content in world.objects.content.items() if key.endswith("evaluation.json")]
    assert {metric["name"] for metric in json.loads(page)["arms"][1]["metrics"]} >= {"loss", "contains"}
    assert world.scored == 2 * COUNT, "each once, whatever asks for it"


TRAIN = "in/train.jsonl"
TUNED_ID = "aaaaaaatuned"


class Customization:
    """A customization job with a test set, as far as its evaluations know of it; its base is Nova."""

    def __init__(self, plane: Any, scope: Any, new_job: Any, world: World, clock: Any) -> None:
        self.plane = plane
        self.world = world
        self.evaluations = CustomizationEvaluations(plane.evaluation_rows, clock=clock)
        self.rows = b"".join(
            json.dumps({"prompt": f"Double {n}", "completion": str(2 * n)}).encode() + b"\n"
            for n in range(COUNT - 2, COUNT + 20)
        )
        world.objects.content[TRAIN] = self.rows
        self._new_job, self._scope = new_job, scope

    def created(self, criteria: str | None) -> Any:
        tags = {"tanren:test-data": f"s3://my-bucket/{KEY}"}
        if criteria is not None:
            tags["tanren:success-criteria"] = criteria
        arn = self.plane.jobs.create(
            self._scope, self._new_job(customization_type="FINE_TUNING", job_tags=tags, training_s3_uri=self.train_uri)
        )
        return self.plane.jobs.get(self._scope, arn)

    @property
    def train_uri(self) -> str:
        return f"s3://my-bucket/{TRAIN}"

    def comparison(self, job: Any, sha256: str | None = None) -> str:
        """ARN of the comparison, begun."""
        tuned = self.plane.has_model(self._scope, foundation=TITAN)
        digest = sha256 or hashlib.sha256(self.rows).hexdigest()
        file = TrainedFile(uri=self.train_uri, sha256=digest, size_bytes=len(self.rows), is_validation=False)
        with self.plane.evaluation_rows.database.writing() as connection:
            arn = self.evaluations.begin_comparison(connection, job, tuned, [file])
        assert arn is not None
        return arn


@pytest.fixture
def customization(plane, scope, new_job, world, clock) -> Customization:
    return Customization(plane, scope, new_job, world, clock)


def _ask_the_base(plane, customization, attempt, job) -> Any:
    arn = customization.evaluations.begin_baseline(job)
    return attempt(arn)


def test_a_customized_model_is_weighed_by_the_criteria_that_were_stated_before_its_training(
    plane, scope, customization, attempt, world, database
):
    job = customization.created("contains at least base + 0.5 and loss at most base")
    baseline = _ask_the_base(plane, customization, attempt, job)
    assert (baseline.status, baseline.findings) == (S.COMPLETED, None)
    world.doubling = {TUNED_ID}
    comparison = attempt(customization.comparison(job))
    assert (comparison.status, comparison.failure_messages) == (S.COMPLETED, ())
    found = comparison.findings
    assert found["verdict"] == "DONT_SHIP", "the base doubled too, before"
    assert {reason["criterion"]: reason["state"] for reason in found["reasons"]} == {
        "contains at least base + 0.5": "not met",
        "loss at most base": "met",
    }
    told = [message for _, message in TrainingRecords(database).events(job.job_arn)]
    assert any(message.startswith("The model is evaluated: DON'T SHIP. contains at least") for message in told)
    folder = f"output/model-customization-job-{job.job_id}/evaluation/{comparison.job_name}/{comparison.job_id}/"
    assert json.loads(world.objects.content[f"{folder}summary.json"])["findings"] == found
    page = world.objects.content[found["reportS3Uri"].removeprefix("s3://my-bucket/")].decode()
    assert WORDS["en"]["dont-ship"] in html.unescape(page)


def test_a_model_that_gains_what_was_asked_for_is_to_be_shipped(customization, plane, attempt, world):
    world.doubling = {TUNED_ID}
    job = customization.created("contains at least base + 0.5")
    _ask_the_base(plane, customization, attempt, job)
    found = attempt(customization.comparison(job)).findings
    assert found["verdict"] == "SHIP"
    contains = found["metrics"][0]
    assert (contains["metricName"], contains["base"], contains["tuned"]) == ("contains", 0.0, 1.0)


def test_the_base_is_not_asked_again_what_it_has_replied_to_before_the_training(
    customization, plane, scope, attempt, world
):
    job = customization.created(None)
    baseline = _ask_the_base(plane, customization, attempt, job)
    kept = plane.artifacts.job_path(scope, baseline.job_id)
    assert (kept / "replies").is_dir()
    comparison = attempt(customization.comparison(job))
    assert comparison.status is S.COMPLETED
    of_base = {prompt: count for (model, prompt), count in world.asked.items() if model == TITAN}
    of_test_set = {of_base[f"Double {n}"] for n in range(COUNT)}
    assert of_test_set == {2}, "once before the training, and once with examples in the prompt"
    assert max(of_base.values()) == 2
    assert not kept.exists()
    assert "verdict" not in comparison.findings


def test_what_is_known_of_the_training_is_in_the_findings(customization, plane, attempt, world):
    job = customization.created("contamination at most 0 and forgetting at most minor")
    found = attempt(customization.comparison(job)).findings
    (leaked,) = found["contamination"]
    assert leaked == {"knownSet": "training", "testedSet": "test", "foundCount": 2, "rowCount": COUNT}
    assert found["forgetting"]["questionCount"] == 82
    assert [arm["name"] for arm in found["arms"]] == ["base", "base+few-shot", "tuned"]
    assert all(arm["medianSeconds"] == 0.02 for arm in found["arms"])
    assert found["rival"]["arm"] == "base+few-shot"
    assert found["reasons"][0]["state"] == "not met"


@pytest.mark.parametrize("what", ["changed", "gone"])
def test_training_data_that_are_others_by_now_are_told_of_and_left_out(customization, attempt, world, database, what):
    job = customization.created("contamination at most 0")
    arn = customization.comparison(job, sha256="0" * 64 if what == "changed" else None)
    if what == "gone":
        world.objects.missing.add(TRAIN)
    comparison = attempt(arn)
    assert comparison.status is S.COMPLETED
    assert comparison.findings["contamination"] == []
    assert comparison.findings["reasons"][0]["state"] == "not measured"
    assert [arm["name"] for arm in comparison.findings["arms"]] == ["base", "tuned"]
    told = [message for _, message in TrainingRecords(database).events(arn)]
    assert any("is not looked for" in message for message in told)


def test_a_criterion_that_the_test_set_cannot_decide_fails_the_baseline_before_anything_is_asked(
    customization, plane, attempt, world
):
    job = customization.created("accuracy at least base")
    baseline = _ask_the_base(plane, customization, attempt, job)
    assert baseline.status is S.FAILED
    assert "accuracy needs a classification" in baseline.failure_messages[0]
    assert not world.asked
    assert not plane.artifacts.job_path(job.scope, baseline.job_id).exists()
