"""Every record gets one answer, whatever happens to it; what is about the job ends the run."""

import asyncio
from collections import Counter

import pytest

from tanren.data.batch_rows import BatchRecord
from tanren.domain.errors import (
    EngineFailed,
    ModelFailed,
    ModelNotReady,
    ResourceNotFound,
    ServiceUnavailable,
    TanrenError,
    Throttled,
    ValidationFailed,
)
from tanren.runtime import batch_records
from tanren.runtime.batch_pace import Pace
from tanren.runtime.batch_records import BatchRun, EngineLoad, ModelOutput, RecordAnswer


class Model:
    """Answers with the question, in turns of the event loop; `errors_of` a question are raised first, one a try."""

    def __init__(self) -> None:
        self.errors_of: dict[str, list[TanrenError]] = {}
        self.asked: Counter[str] = Counter()
        self.under_way = self.most_under_way = 0

    async def answer(self, model_input: dict) -> ModelOutput:
        question = model_input["q"]
        self.asked[question] += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            for _ in range(3):
                await asyncio.sleep(0)
            if self.errors_of.get(question):
                raise self.errors_of[question].pop(0)
        finally:
            self.under_way -= 1
        return ModelOutput(body={"a": question}, input_token_count=2, output_token_count=3)

    def error(self, error: TanrenError) -> dict:
        return {"errorCode": 400, "errorMessage": str(error)}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_records, "FIRST_PAUSE_SECONDS", 0.0)


def _run(model: Model, count: int, *, places: int = 8, stop: Exception | None = None) -> list[RecordAnswer]:
    answers: list[RecordAnswer] = []

    async def load() -> EngineLoad:
        return EngineLoad(active_count=min(model.under_way, places), queued_count=max(0, model.under_way - places))

    async def on_round() -> None:
        if stop is not None:
            raise stop

    run = BatchRun(
        model,
        Pace(most=places, share=1.0),
        engine_load=load,
        on_answer=lambda _, answer: answers.append(answer),
        on_round=on_round,
    )
    records = ((0, BatchRecord(line=n, record_id=f"R{n}", model_input={"q": str(n)})) for n in range(1, count + 1))
    asyncio.run(run.answer_all(records))
    return sorted(answers, key=lambda answer: answer.line)


def test_every_record_is_answered_once_and_no_more_are_under_way_than_allowed():
    model = Model()
    answers = _run(model, 200)
    assert [answer.line for answer in answers] == list(range(1, 201))
    assert set(model.asked.values()) == {1}
    assert 2 <= model.most_under_way <= 8
    assert answers[0].output == {"recordId": "R1", "modelInput": {"q": "1"}, "modelOutput": {"a": "1"}}
    assert (answers[0].input_token_count, answers[0].output_token_count) == (2, 3)


def test_a_bad_record_has_its_error_for_an_answer_and_the_others_theirs():
    model = Model()
    model.errors_of["2"] = [ValidationFailed("malformed")]
    answers = _run(model, 3)
    assert [answer.is_error for answer in answers] == [False, True, False]
    assert answers[1].output["error"] == {"errorCode": 400, "errorMessage": "malformed"}
    assert "modelOutput" not in answers[1].output


@pytest.mark.parametrize("kind", [ModelNotReady, ServiceUnavailable, Throttled])
def test_what_is_only_for_the_moment_is_waited_out_however_long(kind):
    model = Model()
    model.errors_of["1"] = [kind("later")] * 20
    answers = _run(model, 2)
    assert not any(answer.is_error for answer in answers)
    assert model.asked["1"] == 21


def test_a_record_on_which_the_engine_breaks_is_tried_thrice():
    model = Model()
    model.errors_of = {"1": [ModelFailed("died")] * 2, "2": [ModelFailed("died")] * 9}
    assert [answer.is_error for answer in _run(model, 2)] == [False, True]
    assert (model.asked["1"], model.asked["2"]) == (3, 3)


@pytest.mark.parametrize("error", [EngineFailed("cannot start"), ResourceNotFound("deleted")])
def test_what_is_about_the_job_ends_the_run(error):
    model = Model()
    model.errors_of["3"] = [error]
    with pytest.raises(type(error)):
        _run(model, 100)
    assert model.under_way == 0


def test_a_round_can_end_the_run_and_nothing_stays_under_way():
    model = Model()
    with pytest.raises(KeyError):
        _run(model, 10_000, stop=KeyError())
    assert model.under_way == 0
