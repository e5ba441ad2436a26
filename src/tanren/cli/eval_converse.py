"""Models reached by Converse, many questions at a time: those that answer, and the one that judges.

An error that is about one question (too long, refused, broken on it) is that question's result. One that is about the
moment (throttled, loading) is waited out. One that is about the model or the caller ends the evaluation.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Any, Final

from tanren.cli.endpoint import refusals
from tanren.domain.conversation import Conversation
from tanren.domain.errors import ModelNotReady, ServiceUnavailable, Throttled, ValidationFailed
from tanren.evaluation.answers import Answer, Decision, Decoding, OnAnswer, OnVerdict, Unanswered
from tanren.evaluation.whole_text import whole_value

_COME_BACK: Final = {"ThrottlingException", "ModelNotReadyException", "ServiceUnavailableException"}
_ABOUT_THE_QUESTION: Final = {"ValidationException", "ModelErrorException", "ModelTimeoutException"}
_TRIES: Final = 8
_LONGEST_PAUSE_SECONDS: Final = 30.0
_JUDGE_TOKENS: Final = 1024
"""A Japanese reason of 400 characters, and the verdict after it."""


class ConverseModel:
    """Answers (`Answerer`) and judges (`Decider`). boto3's clients may be used by several threads."""

    def __init__(
        self, client: Any, model_id: str, *, concurrency: int, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._model_id = model_id
        self._concurrency = concurrency
        self._sleep = sleep

    @property
    def model_id(self) -> str:
        return self._model_id

    def answer(self, conversations: Sequence[Conversation], decoding: Decoding, on_answer: OnAnswer) -> None:
        """Raises   ValidationFailed where the model refuses every question, with its reason."""
        for index, response in self._responses([_request(conversation, decoding) for conversation in conversations]):
            on_answer(index, response if isinstance(response, Unanswered) else _answer(response))

    def decide(self, decisions: Sequence[Decision], on_verdict: OnVerdict) -> None:
        """Raises   ValidationFailed where the judge refuses every decision, such as one that takes no tools."""
        for index, response in self._responses([_decision_request(decision) for decision in decisions]):
            on_verdict(index, response if isinstance(response, Unanswered) else _verdict(response))

    def _responses(self, requests: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, dict[str, Any] | Unanswered]]:
        """As they come; when one ends the evaluation, those that wait are not sent any more."""
        with ThreadPoolExecutor(self._concurrency) as pool:
            futures: dict[Future[dict[str, Any] | Unanswered], int] = {
                pool.submit(self._converse, request): index for index, request in enumerate(requests)
            }
            refused = 0
            try:
                for future in as_completed(futures):
                    response = future.result()
                    yield futures[future], response
                    refused += isinstance(response, Unanswered)
                    if isinstance(response, Unanswered) and refused == len(requests):
                        raise ValidationFailed(
                            f"{self._model_id} refuses everything that it is asked: {response.reason}"
                        )
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _converse(self, request: Mapping[str, Any]) -> dict[str, Any] | Unanswered:
        """The response, with `seconds`. Raises what ends the evaluation."""
        from botocore.exceptions import ClientError

        for tried in range(1, _TRIES + 1):
            begun = time.perf_counter()
            try:
                with refusals():
                    response: dict[str, Any] = self._client.converse(modelId=self._model_id, **request)
                return {**response, "seconds": time.perf_counter() - begun}
            except (Throttled, ModelNotReady, ServiceUnavailable, ValidationFailed) as error:
                cause = error.__cause__
                code = cause.response.get("Error", {}).get("Code", "") if isinstance(cause, ClientError) else ""
                if code in _ABOUT_THE_QUESTION:
                    return Unanswered(reason=str(error))
                if code not in _COME_BACK or tried == _TRIES:
                    raise
            self._sleep(min(_LONGEST_PAUSE_SECONDS, 0.5 * 2**tried))
        raise AssertionError("the last try returns or raises")


def _request(conversation: Conversation, decoding: Decoding) -> dict[str, Any]:
    inference: dict[str, Any] = {"maxTokens": decoding.max_new_tokens, "temperature": decoding.temperature}
    if decoding.top_p < 1:  # some models take temperature or top-p, not both
        inference["topP"] = decoding.top_p
    request: dict[str, Any] = {
        "messages": [
            {"role": str(message.role), "content": [{"text": message.text}]} for message in conversation.messages
        ],
        "inferenceConfig": inference,
    }
    return {**request, "system": [{"text": conversation.system}]} if conversation.system else request


def _answer(response: Mapping[str, Any]) -> Answer:
    blocks: list[dict[str, Any]] = response["output"]["message"]["content"]
    usage: Mapping[str, int] = response["usage"]
    return Answer(
        text="".join(block.get("text", "") for block in blocks),
        input_token_count=usage["inputTokens"],
        output_token_count=usage["outputTokens"],
        seconds=response["seconds"],
        is_cut_off=response["stopReason"] == "max_tokens",
    )


def _decision_request(decision: Decision) -> dict[str, Any]:
    tool = {
        "name": decision.tool_name,
        "description": decision.description,
        "inputSchema": {"json": decision.schema},
    }
    return {
        "system": [{"text": decision.system}],
        "messages": [{"role": "user", "content": [{"text": decision.prompt}]}],
        "inferenceConfig": {"maxTokens": _JUDGE_TOKENS, "temperature": 0.0},
        "toolConfig": {"tools": [{"toolSpec": tool}], "toolChoice": {"tool": {"name": decision.tool_name}}},
    }


def _verdict(response: Mapping[str, Any]) -> Mapping[str, Any] | Unanswered:
    blocks: list[dict[str, Any]] = response["output"]["message"]["content"]
    inputs: list[Any] = [block["toolUse"]["input"] for block in blocks if "toolUse" in block]
    if not inputs or not isinstance(inputs[0], dict):
        return Unanswered(reason="the judge did not call the tool that it was given")
    return whole_value(inputs[0])
