"""A question to a job that still trains, on its page: its newest weights answer, and beside them its source model."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from tanren.console.api import ApiRefusal
from tanren.console.data_files import bucket_and_key
from tanren.console.playground_turns import LONGEST_PREVIEW, LearnedFrom, learned_from
from tanren.console.visits import Visit, texts

TOKENS: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One answer, or why there is none."""

    text: str = ""
    step: int | None = None
    """Of the job's own."""
    epoch: int | None = None
    is_cut: bool = False
    """At the highest number of tokens."""
    refusal: ApiRefusal | None = None


async def taught_by(visit: Visit, job: Mapping[str, Any]) -> LearnedFrom:
    """What the job's data show of how its model will be asked; nothing of data that are gone, or may not be read."""
    place = bucket_and_key(job.get("trainingDataConfig", {}).get("s3Uri", ""))
    if place is None:
        return LearnedFrom()
    try:
        return learned_from(await visit.api.beginning_of(*place, size_bytes=LONGEST_PREVIEW))
    except ApiRefusal:
        return LearnedFrom()


async def try_checkpoint(visit: Visit) -> Response:
    """Both answers, as a part of the page: greedy, so that what differs is what was learned."""
    name = visit.request.path_params["name"]
    given = texts(await visit.request.form())
    prompt, system = given.get("prompt", ""), given.get("system", "")
    if not prompt:
        return visit.fragment("checkpoint_answers.html", prompt="", checkpoint=None, source=None, job={})
    job = await visit.api.ask("bedrock", "GetModelCustomizationJob", jobIdentifier=name)
    checkpoint, source = await asyncio.gather(
        _told(_of_checkpoint(visit, name, prompt, system)), _told(_of_source(visit, job, prompt, system))
    )
    return visit.fragment("checkpoint_answers.html", prompt=prompt, checkpoint=checkpoint, source=source, job=job)


async def _told(asked: Awaitable[Told]) -> Told:
    try:
        return await asked
    except ApiRefusal as refusal:
        return Told(refusal=refusal)


async def _of_checkpoint(visit: Visit, name: str, prompt: str, system: str) -> Told:
    params: dict[str, Any] = {"jobIdentifier": name, "prompt": prompt, "maxTokens": TOKENS, "temperature": 0.0}
    if system:
        params["system"] = system
    told = await visit.api.ask("tanren", "TryCheckpoint", **params)
    return Told(text=told["answer"], step=told["step"], epoch=told["epoch"], is_cut=told["stopReason"] == "max_tokens")


async def _of_source(visit: Visit, job: Mapping[str, Any], prompt: str, system: str) -> Told:
    params: dict[str, Any] = {
        "modelId": job["baseModelArn"],
        "messages": [{"role": "user", "content": [{"text": prompt}]}],
        "inferenceConfig": {"maxTokens": TOKENS, "temperature": 0.0},
    }
    if system:
        params["system"] = [{"text": system}]
    told = await visit.api.ask("bedrock-runtime", "Converse", **params)
    blocks = told["output"]["message"]["content"]
    return Told(text="".join(each.get("text", "") for each in blocks), is_cut=told["stopReason"] == "max_tokens")
