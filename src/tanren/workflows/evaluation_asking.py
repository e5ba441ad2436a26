"""Models of an evaluation job behind their engines: asked many at a time by Converse, each request once.

    requests ──▶ those that the journal has no reply to ──▶ `BatchRun`, as of batch inference ──▶ journal ──▶ replies

What cannot be answered (a prompt that is too long) is a reply with an error. `EngineAnswerer` and `EngineJudge` are the
ports of `evaluation/answers.py` over it; a judge must call one tool, so its verdict is decoded under the tool's schema.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tanren.data.batch_rows import BatchRecord
from tanren.domain.conversation import Conversation
from tanren.evaluation.answers import Answer, Decision, Decoding, OnAnswer, OnVerdict, Unanswered
from tanren.runtime.batch_pace import Pace
from tanren.runtime.batch_records import BatchRun, EngineLoad, RecordAnswer, RecordOperation
from tanren.workflows.evaluation_journal import Journal, Reply, reply_key

Json = Mapping[str, Any]

FURTHER: Final = "further"
"""Place of what is asked beside the data sets."""
VERDICT_TOKENS: Final = 1024
"""Longest verdict of a judge, its reasons included."""
_GREEDY: Final = {"maxTokens": VERDICT_TOKENS, "temperature": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    place: str
    """Where in the job it is asked, for example `0/17/typos`."""
    body: dict[str, Any]
    """Of Converse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """How hard engines are asked; `runtime/batch_pace.py`."""

    most_under_way: int
    engine_share: float


class AskedModel:
    """One model. Calls of `ask` are made one after another."""

    def __init__(
        self,
        model_arn: str,
        operation: RecordOperation,
        journal: Journal,
        *,
        pacing: Pacing,
        engine_load: Callable[[], Awaitable[EngineLoad]],
        on_round: Callable[[], None],
    ) -> None:
        """`on_round` is called all the time, in a thread, and raises what is to end the job."""
        self.model_arn = model_arn
        self._operation = operation
        self._journal = journal
        self._pacing = pacing
        self._engine_load = engine_load
        self._on_round = on_round

    def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """One reply for each, in their order. Raises ResourceNotFound, EngineFailed; whatever `on_round` raises."""
        keys = [reply_key(self.model_arn, request.place, request.body) for request in requests]
        todo = [number for number, key in enumerate(keys) if self._journal.find(key) is None]
        if todo:
            asyncio.run(self._ask(todo, keys, requests))
        self._on_round()
        found = [self._journal.find(key) for key in keys]
        return [reply for reply in found if reply is not None]

    async def _ask(self, todo: Sequence[int], keys: Sequence[str], requests: Sequence[Request]) -> None:
        def keep(number: int, answer: RecordAnswer) -> None:
            self._journal.add(keys[number], _reply(answer))

        run = BatchRun(
            self._operation,
            Pace(most=self._pacing.most_under_way, share=self._pacing.engine_share),
            engine_load=self._engine_load,
            on_answer=keep,
            on_round=lambda: asyncio.to_thread(self._on_round),
        )
        await run.answer_all(
            (number, BatchRecord(line=number, record_id=keys[number], model_input=requests[number].body))
            for number in todo
        )


def _reply(answer: RecordAnswer) -> Reply:
    if answer.is_error:
        return Reply(error=str(answer.output["error"]["errorMessage"]))
    body: dict[str, Any] = answer.output["modelOutput"]
    blocks: list[dict[str, Any]] = body["output"]["message"]["content"]
    tool_uses = [block["toolUse"]["input"] for block in blocks if "toolUse" in block]
    return Reply(
        text="".join(block.get("text", "") for block in blocks),
        tool_input=tool_uses[0] if tool_uses else None,
        input_token_count=answer.input_token_count,
        output_token_count=answer.output_token_count,
        seconds=body["metrics"]["latencyMs"] / 1000,
        is_cut_off=body.get("stopReason") == "max_tokens",
    )


def answer_of(reply: Reply) -> Answer | Unanswered:
    """A reply as an evaluation takes it; `ask` of `evaluation/answers.py` makes its text whole."""
    if reply.error is not None:
        return Unanswered(reason=reply.error)
    return Answer(
        text=reply.text,
        input_token_count=reply.input_token_count,
        output_token_count=reply.output_token_count,
        seconds=reply.seconds,
        is_cut_off=reply.is_cut_off,
    )


class EngineAnswerer:
    """See `evaluation.answers.Answerer`. Every conversation is asked with the same members of Converse."""

    def __init__(self, asked: AskedModel, members: Json) -> None:
        self._asked = asked
        self._members = members

    def answer(self, conversations: Sequence[Conversation], decoding: Decoding, on_answer: OnAnswer) -> None:
        # `decoding` is what the members say, in words of the report.
        requests = [Request(place=FURTHER, body=self._body(conversation)) for conversation in conversations]
        for index, reply in enumerate(self._asked.ask(requests)):
            on_answer(index, answer_of(reply))

    def _body(self, conversation: Conversation) -> dict[str, Any]:
        messages = [
            {"role": message.role.value, "content": [{"text": message.text}]} for message in conversation.messages
        ]
        system = {} if conversation.system is None else {"system": [{"text": conversation.system}]}
        return {**system, "messages": messages, **self._members}


class EngineJudge:
    """See `evaluation.answers.Decider`."""

    def __init__(self, identifier: str, asked: AskedModel) -> None:
        self._identifier = identifier
        self._asked = asked

    @property
    def model_id(self) -> str:
        return self._identifier

    def decide(self, decisions: Sequence[Decision], on_verdict: OnVerdict) -> None:
        # At no place of its own: it answers greedily, and so the same question alike.
        replies = self._asked.ask([Request(place="", body=_verdict_body(decision)) for decision in decisions])
        for index, reply in enumerate(replies):
            on_verdict(index, Unanswered(reason=_no_verdict(reply)) if reply.tool_input is None else reply.tool_input)


def _verdict_body(decision: Decision) -> dict[str, Any]:
    tool = {
        "name": decision.tool_name,
        "description": decision.description,
        "inputSchema": {"json": dict(decision.schema)},
    }
    return {
        "system": [{"text": decision.system}],
        "messages": [{"role": "user", "content": [{"text": decision.prompt}]}],
        "inferenceConfig": _GREEDY,
        "toolConfig": {"tools": [{"toolSpec": tool}], "toolChoice": {"tool": {"name": decision.tool_name}}},
    }


def _no_verdict(reply: Reply) -> str:
    return reply.error or f"the judge gave no verdict within {VERDICT_TOKENS} tokens"
