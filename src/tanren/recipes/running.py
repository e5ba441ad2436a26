"""A recipe from end to end, by Bedrock's API alone, so that any endpoint that has it will do.

    ask the base → for each stage: upload, job → bring the model into service → ask it → take it out of service

The custom models and the files in S3 stay; nothing is left in service unless that is asked for.
"""

import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, Protocol

from tanren.domain.errors import JobFailed
from tanren.recipes.collection import Question, Recipe
from tanren.recipes.manifest import Check, Stage
from tanren.recipes.scoring import share_right
from tanren.recipes.uploading import DataFile, data_files

LOOK_SECONDS: Final = 0.5
_QUESTIONS_AT_ONCE: Final = 8
Serving = Literal["on-demand", "provisioned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """boto3's, all of one endpoint."""

    bedrock: Any
    runtime: Any
    s3: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a run is to be like, where the recipe leaves it open."""

    run_name: str
    """Beginning of every name that the run gives."""
    base_model: str
    role_arn: str
    bucket: str
    hyperparameters: Sequence[Mapping[str, str]]
    """One map a stage."""
    serving: Serving = "on-demand"
    is_kept: bool = False
    """Whether the model stays in service."""


class Listener(Protocol):
    """To whom a run says how far it is; for a terminal, or for nobody."""

    def uploaded(self, stage: Stage, files: Sequence[DataFile]) -> None:
        """Before the stage's job is created."""
        ...

    def looked(self, job: Mapping[str, Any]) -> None:
        """At every look at a running job: GetModelCustomizationJob's answer."""
        ...

    def finished(self, job: Mapping[str, Any], seconds: float) -> None: ...

    def in_service(self, model_id: str, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A check's questions and what both models made of them."""

    check: Check
    questions: Sequence[Question]
    base: Sequence[str]
    tuned: Sequence[str]
    base_share: float = field(init=False)
    tuned_share: float = field(init=False)

    def __post_init__(self) -> None:
        for name, answers in (("base_share", self.base), ("tuned_share", self.tuned)):
            object.__setattr__(self, name, share_right(self.check.metric, self.questions, answers))

    @property
    def is_as_claimed(self) -> bool:
        return self.check.at_least <= self.tuned_share <= self.check.at_most


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    jobs: Sequence[Mapping[str, Any]]
    """GetModelCustomizationJob's answers."""
    served_model: str
    """ARN under which the model was asked."""
    answered: Sequence[Answered]
    seconds: float


def run_recipe(recipe: Recipe, order: Order, clients: Clients, listener: Listener) -> Outcome:
    """Raises   JobFailed with the service's reason; what boto3 raises."""
    began = time.monotonic()
    questions = [recipe.questions(check) for check in recipe.manifest.checks]
    asked = list(zip(recipe.manifest.checks, questions, strict=True))
    base = [_answers(clients, order.base_model, check, those) for check, those in asked]
    jobs: list[Mapping[str, Any]] = []
    base_model = order.base_model
    for number, stage in enumerate(recipe.manifest.stages):
        jobs.append(_customize(recipe, order, number, stage, base_model, clients, listener))
        base_model = jobs[-1]["outputModelArn"]
    with _in_service(order, base_model, clients, listener) as served:
        tuned = [_answers(clients, served, check, those) for check, those in asked]
    answered = [
        Answered(check=check, questions=those, base=before, tuned=after)
        for (check, those), before, after in zip(asked, base, tuned, strict=True)
    ]
    return Outcome(jobs=jobs, served_model=served, answered=answered, seconds=time.monotonic() - began)


def _customize(
    recipe: Recipe, order: Order, number: int, stage: Stage, base_model: str, clients: Clients, listener: Listener
) -> Mapping[str, Any]:
    """The completed job."""
    prefix = f"{order.run_name}/{number + 1}"
    files = list(data_files(recipe, stage, order.base_model))
    uris: list[str] = []
    for file in files:
        clients.s3.put_object(Bucket=order.bucket, Key=f"{prefix}/{file.name}", Body=file.body)
        uris.append(f"s3://{order.bucket}/{prefix}/{file.name}")
    listener.uploaded(stage, files)
    validation = {"validationDataConfig": {"validators": [{"s3Uri": uri} for uri in uris[1:]]}} if uris[1:] else {}
    began = time.monotonic()
    arn = clients.bedrock.create_model_customization_job(
        jobName=f"{order.run_name}-{number + 1}",
        customModelName=f"{order.run_name}-{number + 1}",
        roleArn=order.role_arn,
        baseModelIdentifier=base_model,
        customizationType=stage.customization_type.value,
        trainingDataConfig={"s3Uri": uris[0]},
        outputDataConfig={"s3Uri": f"s3://{order.bucket}/{prefix}/output/"},
        hyperParameters=dict(order.hyperparameters[number]),
        **validation,
    )["jobArn"]
    job = _ended(partial(clients.bedrock.get_model_customization_job, jobIdentifier=arn), "InProgress", listener.looked)
    if job["status"] != "Completed":
        raise JobFailed(f"{arn} is {job['status']}: {job.get('failureMessage', 'no reason is given')}")
    listener.finished(job, time.monotonic() - began)
    return job


@contextmanager
def _in_service(order: Order, model_arn: str, clients: Clients, listener: Listener) -> Generator[str]:
    """The ARN to ask. It is deleted at the end, whatever happened, unless the order keeps it."""
    bedrock = clients.bedrock
    began = time.monotonic()
    if order.serving == "provisioned":
        arn: str = bedrock.create_provisioned_model_throughput(
            provisionedModelName=order.run_name, modelId=model_arn, modelUnits=1
        )["provisionedModelArn"]
        look = partial(bedrock.get_provisioned_model_throughput, provisionedModelId=arn)
        delete = partial(bedrock.delete_provisioned_model_throughput, provisionedModelId=arn)
        ready = "InService"
    else:
        arn = bedrock.create_custom_model_deployment(modelDeploymentName=order.run_name, modelArn=model_arn)[
            "customModelDeploymentArn"
        ]
        look = partial(bedrock.get_custom_model_deployment, customModelDeploymentIdentifier=arn)
        delete = partial(bedrock.delete_custom_model_deployment, customModelDeploymentIdentifier=arn)
        ready = "Active"
    try:
        found = _ended(look, "Creating")
        if found["status"] != ready:
            raise JobFailed(f"{arn} is {found['status']}: {found.get('failureMessage', 'no reason is given')}")
        listener.in_service(arn, time.monotonic() - began)
        yield arn
    finally:
        if not order.is_kept:
            delete()


def _ended(look: Any, running: str, looked: Any = None) -> Mapping[str, Any]:
    """What `look` gives once the status is another than `running`."""
    while (found := look())["status"] == running:
        if looked is not None:
            looked(found)
        time.sleep(LOOK_SECONDS)
    return found


def _answers(clients: Clients, model_id: str, check: Check, questions: Sequence[Question]) -> list[str]:
    """Greedy, a few at a time: the SDK repeats what is throttled."""
    with ThreadPoolExecutor(_QUESTIONS_AT_ONCE, thread_name_prefix="ask") as pool:
        return list(pool.map(partial(_answer, clients, model_id, check), questions))


def _answer(clients: Clients, model_id: str, check: Check, question: Question) -> str:
    answer = clients.runtime.converse(
        modelId=model_id,
        messages=[{"role": "user", "content": [{"text": question.prompt}]}],
        inferenceConfig={"maxTokens": check.max_tokens, "temperature": 0},
    )
    return "".join(block.get("text", "") for block in answer["output"]["message"]["content"]).strip()
