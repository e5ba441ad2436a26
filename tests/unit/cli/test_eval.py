"""`tanren eval` over models that answer in memory through Converse."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tanren.domain.errors import AccessDenied, Conflict, ValidationFailed
from tanren.settings import read_settings
from tests.unit.cli.conftest import Tanren
from tests.unit.cli.fake_services import FakeServices, refusal

QUESTIONS = [
    {"prompt": f"What is the code of room {n}?", "completion": f"The code of room {n} is {n * 37}."}
    for n in range(1, 13)
]
RIGHT = {each["prompt"]: each["completion"] for each in QUESTIONS}


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in QUESTIONS))
    return path


def converse(request: dict[str, Any]) -> dict[str, Any]:
    if "toolConfig" in request:
        first = request["messages"][0]["content"][0]["text"].split("<second-answer>")[0]
        schema = request["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"]["properties"]
        verdict = {"better": "first" if "The code" in first.split("<first-answer>")[-1] else "second", "rating": 7}
        said = {"reason": "It has the code.", **{name: verdict[name] for name in schema if name != "reason"}}
        content: list[dict[str, Any]] = [{"toolUse": {"toolUseId": "t", "name": "verdict", "input": said}}]
    else:
        asked = request["messages"][-1]["content"][0]["text"]
        text = RIGHT.get(asked, "Hello.") if request["modelId"] == "tuned" else "I do not know."
        content = [{"text": text}]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 9, "outputTokens": 5, "totalTokens": 14},
        "metrics": {"latencyMs": 5},
    }


@pytest.fixture
def models(at_tanren: FakeServices) -> FakeServices:
    at_tanren.answers["Converse"] = converse
    at_tanren.answers["GetProvisionedModelThroughput"] = refusal("ResourceNotFoundException", "no such throughput")
    return at_tanren


def test_a_better_model_is_shipped_and_the_report_lies_in_its_folder(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    folder = tmp_path / "out"
    result = tanren(
        "eval", "run", str(questions), "--base", "amazon.titan-text-lite-v1", "--tuned", "tuned",
        "--criteria", "contains >= base + 0.5", "--no-general", "--report", str(folder),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("SHIP")
    assert "is better than the base in contains: 0.000 → 1.000" in result.stdout
    assert {"report.en.html", "report.ja.md", "evaluation.json", "items.csv", "answers.jsonl"} <= {
        path.name for path in folder.iterdir()
    }


def test_a_verdict_against_it_ends_with_3_and_json_says_so_too(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    result = tanren(
        "eval", "run", str(questions), "--base", "b.base", "--tuned", "tuned", "--no-general",
        "--criteria", "contains >= base + 0.1; contains <= 0.9", "--report", str(tmp_path / "out"), "-o", "json",
    )  # fmt: skip
    assert result.exit_code == 3
    told = json.loads(result.stdout)
    assert told["isShip"] is False
    assert told["arms"]["tuned"]["contains"] == 1.0


def test_what_was_answered_before_is_not_asked_again(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    command = (
        "eval", "run", str(questions), "--base", "b.base", "--tuned", "tuned", "--no-general",
        "--report", str(tmp_path / "out"),
    )  # fmt: skip

    def base_alone(request: dict[str, Any]) -> dict[str, Any]:
        if request["modelId"] == "tuned":
            raise refusal("AccessDeniedException", "no")
        return converse(request)

    models.answers["Converse"] = base_alone
    assert isinstance(tanren(*command).exception, AccessDenied)
    models.calls.clear()
    models.answers["Converse"] = converse
    assert tanren(*command).exit_code == 0
    assert {call["modelId"] for call in models.made("Converse")} == {"tuned"}


def test_answers_to_another_plan_are_never_mixed_in(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    command = ("eval", "run", str(questions), "--base", "b.base", "--no-general", "--report", str(tmp_path / "out"))
    assert tanren(*command).exit_code == 0
    result = tanren(*command, "--max-tokens", "64")
    assert isinstance(result.exception, Conflict)
    assert "another --report" in str(result.exception)


def test_a_question_that_the_model_refuses_is_told_and_the_others_go_on(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    def sometimes(request: dict[str, Any]) -> dict[str, Any]:
        if "room 3?" in request["messages"][-1]["content"][0]["text"]:
            raise refusal("ValidationException", "too long")
        return converse(request)

    models.answers["Converse"] = sometimes
    folder = tmp_path / "out"
    result = tanren(
        "eval", "run", str(questions), "--base", "b.base", "--tuned", "tuned", "--no-general", "--report", str(folder),
        "-o", "json",
    )  # fmt: skip
    assert result.exit_code == 0
    assert json.loads(result.stdout)["arms"]["tuned"]["contains"] == pytest.approx(11 / 12)
    assert "too long" in (folder / "evaluation.json").read_text()


def test_a_question_that_the_model_refuses_does_not_end_the_evaluation_that_goes_on(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    def sometimes(request: dict[str, Any]) -> dict[str, Any]:
        if "room 3?" in request["messages"][-1]["content"][0]["text"]:
            raise refusal("ValidationException", "too long")
        if request["modelId"] == "tuned" and not is_tuned_there:
            raise refusal("AccessDeniedException", "no")
        return converse(request)

    is_tuned_there = False
    models.answers["Converse"] = sometimes
    command = ("eval", "run", str(questions), "--base", "b.base", "--tuned", "tuned", "--no-general")
    assert isinstance(tanren(*command, "--report", str(tmp_path / "out")).exception, AccessDenied)
    is_tuned_there = True
    models.calls.clear()
    result = tanren(*command, "--report", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert {call["modelId"] for call in models.made("Converse")} == {"tuned"}


def test_a_model_that_refused_everything_is_asked_anew(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    command = ("eval", "run", str(questions), "--base", "b.base", "--no-general", "--report", str(tmp_path / "out"))
    models.answers["Converse"] = refusal("ValidationException", "The model is being made.")
    assert isinstance(tanren(*command).exception, ValidationFailed)
    models.answers["Converse"] = converse
    assert tanren(*command).exit_code == 0


def test_half_a_surrogate_pair_in_an_answer_breaks_no_report(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    def broken(request: dict[str, Any]) -> dict[str, Any]:
        answer = converse(request)
        if "toolConfig" in request:
            answer["output"]["message"]["content"][0]["toolUse"]["input"]["reason"] = "\udc00"
        else:
            answer["output"]["message"]["content"] = [{"text": f"half \ud800 of {request['modelId']}"}]
        return answer

    models.answers["Converse"] = broken
    result = tanren(
        "eval", "run", str(questions), "--base", "b.base", "--tuned", "tuned", "--no-general", "--judge", "c.judge",
        "--report", str(tmp_path / "out"),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "half � of tuned" in (tmp_path / "out" / "evaluation.json").read_text("utf-8")


def test_a_model_that_refuses_everything_ends_the_evaluation(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    models.answers["Converse"] = refusal("ValidationException", "The provided model identifier is invalid.")
    result = tanren("eval", "run", str(questions), "--base", "no.such", "--report", str(tmp_path / "out"))
    assert isinstance(result.exception, ValidationFailed)
    assert "model identifier is invalid" in str(result.exception)


def test_the_judge_is_asked_with_a_forced_tool_and_must_be_of_another_line(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    command = ("eval", "run", str(questions), "--base", "amazon.titan-text-lite-v1", "--tuned", "tuned", "--no-general")
    result = tanren(*command, "--judge", "amazon.titan-text-premier-v1:0", "--report", str(tmp_path / "one"))
    assert isinstance(result.exception, ValidationFailed)
    assert "same line" in str(result.exception)
    result = tanren(
        *command, "--judge", "meta.llama3-1-8b-instruct-v1:0", "--report", str(tmp_path / "two"), "-o", "json"
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["arms"]["tuned"]["correctness"] == 7.0
    judged = [call for call in models.made("Converse") if "toolConfig" in call]
    assert len(judged) == 2 * 12 + 2 * 12
    assert {call["toolConfig"]["toolChoice"]["tool"]["name"] for call in judged} == {"verdict"}


def test_a_judge_that_takes_no_tools_ends_the_evaluation(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    def without_tools(request: dict[str, Any]) -> dict[str, Any]:
        if "toolConfig" in request:
            raise refusal("ValidationException", "This model doesn't support tool use.")
        return converse(request)

    models.answers["Converse"] = without_tools
    result = tanren(
        "eval", "run", str(questions), "--base", "b.base", "--tuned", "tuned", "--no-general", "--judge", "c.judge",
        "--report", str(tmp_path / "out"),
    )  # fmt: skip
    assert isinstance(result.exception, ValidationFailed)
    assert "doesn't support tool use" in str(result.exception)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--criteria", "rouge >= 1"], "there is no 'rouge'"),
        (["--metrics", "rouge"], "There is no metric 'rouge'"),
        (["--few-shot", "3"], "--train has 0"),
        (["--tuned", "tuned", "--criteria", "correctness >= 7"], "--judge"),
        (["--tuned", "tuned", "--criteria", "contamination <= 0"], "--train"),
        (["--rates", "1"], "give two numbers"),
        (["--learning-curve", "a=half"], "ARM=PERCENT"),
    ],
)
def test_what_is_wrong_is_said_before_any_model_is_asked(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path, options: list[str], said: str
):
    result = tanren("eval", "run", str(questions), "--base", "b.base", "--report", str(tmp_path / "out"), *options)
    assert isinstance(result.exception, ValidationFailed)
    assert said in str(result.exception)
    assert models.made("Converse") == []


def refusing(model_id: str) -> Any:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if request["modelId"] == model_id:
            raise refusal("AccessDeniedException", "no")
        return converse(request)

    return answer


def test_a_judge_is_not_asked_again_for_what_it_has_judged(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    command = (
        "eval", "run", str(questions), "--base", "b.base", "--tuned", "tuned", "--no-general", "--judge", "c.judge",
        "--report", str(tmp_path / "out"), "-o", "json",
    )  # fmt: skip
    judged = 0

    def until_it_is_cut_off(request: dict[str, Any]) -> dict[str, Any]:
        nonlocal judged
        judged += "toolConfig" in request
        if judged > 30:
            raise refusal("AccessDeniedException", "no")
        return converse(request)

    models.answers["Converse"] = until_it_is_cut_off
    assert isinstance(tanren(*command, "--concurrency", "1").exception, AccessDenied)
    models.answers["Converse"] = converse
    models.calls.clear()
    result = tanren(*command)
    assert result.exit_code == 0, result.output
    assert 0 < len(models.made("Converse")) <= 2 * 12 + 2 * 12 - 24
    assert {call["modelId"] for call in models.made("Converse")} == {"c.judge"}
    assert "kept answers" in json.loads((tmp_path / "out" / "evaluation.json").read_text())["settings"]


def test_an_evaluation_that_is_finished_is_asked_anew(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    command = ("eval", "run", str(questions), "--base", "b.base", "--no-general", "--report", str(tmp_path / "out"))
    for _ in range(2):
        models.calls.clear()
        assert tanren(*command).exit_code == 0
        assert len(models.made("Converse")) == 12
    assert "kept answers" not in json.loads((tmp_path / "out" / "evaluation.json").read_text())["settings"]


def test_answers_of_the_model_that_a_throughput_had_before_are_not_taken_for_those_of_the_next(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    base = "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-lite-v1"

    def serving(number: int) -> None:
        arn = f"arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.titan-text-lite-v1/abcdefghijk{number}"
        models.answers["GetProvisionedModelThroughput"] = {"foundationModelArn": base, "modelArn": arn}

    models.answers["GetCustomModel"] = {"baseModelArn": base}
    models.answers["Converse"] = refusing("tuned")
    command = (
        "eval", "run", str(questions), "--base", "b.base", "--tuned", "tuned", "--no-general",
        "--report", str(tmp_path / "out"),
    )  # fmt: skip
    serving(1)
    assert isinstance(tanren(*command).exception, AccessDenied)
    models.answers["Converse"] = converse
    serving(2)
    assert isinstance(tanren(*command).exception, Conflict)


def test_criteria_are_not_stated_when_answers_are_known(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    command = (
        "eval", "run", str(questions), "--base", "b.base", "--tuned", "tuned", "--no-general",
        "--report", str(tmp_path / "out"), "--criteria",
    )  # fmt: skip
    models.answers["Converse"] = refusing("tuned")
    assert isinstance(tanren(*command, "contains >= base + 0.5").exception, AccessDenied)
    models.answers["Converse"] = converse
    result = tanren(*command, "contains >= base")
    assert isinstance(result.exception, Conflict)
    assert "contains >= base + 0.5" in str(result.exception)
    assert tanren(*command, "contains >= base + 0.5").exit_code == 0


def test_answers_that_were_cut_off_are_told(tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path):
    models.answers["Converse"] = lambda request: {**converse(request), "stopReason": "max_tokens"}
    result = tanren(
        "eval", "run", str(questions), "--base", "b.base", "--no-general", "--report", str(tmp_path / "out")
    )
    assert "12 of 12 answers of base were cut off at 256 tokens" in result.stdout.replace("\n", " ")


def test_two_evaluations_of_the_same_questions_are_compared(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    for name, tuned in (("good", "tuned"), ("bad", "b.other")):
        command = ("eval", "run", str(questions), "--base", "b.base", "--tuned", tuned, "--no-general")
        assert tanren(*command, "--report", str(tmp_path / name)).exit_code == 0
    good, bad = str(tmp_path / "good" / "evaluation.json"), str(tmp_path / "bad" / "evaluation.json")
    assert tanren("eval", "compare", bad, good).exit_code == 0
    result = tanren("eval", "compare", good, bad, "-o", "json")
    assert result.exit_code == 1
    assert {row["outcome"] for row in json.loads(result.stdout)} == {"worse"}


def test_a_report_is_made_anew_without_asking_anybody(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path
):
    tanren("eval", "run", str(questions), "--base", "b.base", "--no-general", "--report", str(tmp_path / "out"))
    models.calls.clear()
    result = tanren("eval", "report", str(tmp_path / "out" / "evaluation.json"), "--report", str(tmp_path / "again"))
    assert result.exit_code == 0
    assert models.calls == []
    assert (tmp_path / "again" / "report.en.html").read_text() == (tmp_path / "out" / "report.en.html").read_text()


class Likely:
    """In place of the process with the weights: tuned finds every token as probable as 1 in 2, a base as 1 in 8."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def told(self, argv: list[str], asked: list[Any], settings: Any) -> list[list[float]]:
        self.asked.append(argv[-1])
        nats = math.log(2 if argv[-1] == "tuned" else 8)
        texts = [each["messages"][-1]["text"] for each in asked]
        return [[nats * len(text), len(text), len(text)] for text in texts]


def test_loss_is_computed_from_the_weights_of_this_machine_and_shows_what_words_cannot(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    likely = Likely()
    monkeypatch.setattr("tanren.cli.eval_weights._told", likely.told)
    monkeypatch.setattr("tanren.cli.eval_weights.own_store", lambda *_: read_settings({}))
    result = tanren(
        "eval", "run", str(questions), "--base", "b.base", "--tuned", "tuned", "--no-general", "--metrics",
        "contains,loss", "--criteria", "loss <= base; perplexity <= 3", "--report", str(tmp_path / "out"), "-o", "json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    arms = json.loads(result.stdout)["arms"]
    assert arms["base"]["perplexity"] == pytest.approx(8.0)
    assert arms["tuned"]["bits_per_byte"] == pytest.approx(1.0)
    assert sorted(likely.asked) == ["b.base", "tuned"]


@pytest.mark.parametrize(
    ("metrics", "said"), [("loss", "name the directory of a server on this machine"), ("f1,bertscore", "--encoder")]
)
def test_what_needs_weights_that_are_not_here_is_refused_before_anything_is_asked(
    tanren: Tanren, models: FakeServices, questions: Path, tmp_path: Path, metrics: str, said: str
):
    result = tanren(
        "eval", "run", str(questions), "--base", "b.base", "--metrics", metrics, "--report", str(tmp_path / "out")
    )
    assert isinstance(result.exception, ValidationFailed)
    assert said in str(result.exception)
    assert models.made("Converse") == []
