"""One model or two, once or in a conversation, over a Converse that streams what it was asked."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from tanren.cli import chat as chat_module
from tanren.cli.chat import Answer, Speaker
from tanren.domain.errors import ResourceNotFound, Throttled, ValidationFailed
from tests.unit.cli.fake_services import FakeServices, refusal

BASE = "amazon.titan-text-express-v1"
FOUNDATION = f"arn:aws:bedrock:us-east-1::foundation-model/{BASE}"


def echo(asked: dict[str, Any]) -> dict[str, Any]:
    """`model: the last prompt (how many messages)`, in two pieces."""
    prompt = asked["messages"][-1]["content"][0]["text"]
    text = f"{asked['modelId']}: {prompt} ({len(asked['messages'])})"
    pieces = [{"contentBlockDelta": {"delta": {"text": part}}} for part in (text[:5], text[5:])]
    usage = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}
    return {"stream": [*pieces, {"messageStop": {"stopReason": "end_turn"}}, {"metadata": {"usage": usage}}]}


@pytest.fixture
def talking(services: FakeServices) -> FakeServices:
    services.answers |= {
        "ConverseStream": echo,
        "GetCustomModel": lambda asked: (
            {"baseModelArn": FOUNDATION, "modelArn": "arn:x"}
            if asked["modelIdentifier"] == "tuned"
            else _missing(asked["modelIdentifier"])
        ),
        "GetImportedModel": lambda asked: _missing(asked["modelIdentifier"]),
        "GetProvisionedModelThroughput": {"foundationModelArn": FOUNDATION},
    }
    return services


def _missing(name: str) -> dict[str, Any]:
    raise refusal("ResourceNotFoundException", f"no '{name}'")


def test_a_prompt_is_answered_and_nothing_else_is_printed(talking, at_tanren, tanren):
    options = ("--system", "Be brief.", "--temperature", "0", "--top-p", "0.5", "--max-tokens", "9")
    result = tanren("chat", "Who?", "-m", "tuned", *options)
    assert result.stdout == "tuned: Who? (1)\n"
    assert talking.made("ConverseStream") == [
        {
            "modelId": "tuned",
            "messages": [{"role": "user", "content": [{"text": "Who?"}]}],
            "system": [{"text": "Be brief."}],
            "inferenceConfig": {"maxTokens": 9, "temperature": 0.0, "topP": 0.5},
        }
    ]


def test_two_models_answer_side_by_side_in_the_order_in_which_they_were_named(talking, at_tanren, tanren):
    told = json.loads(tanren("chat", "Who?", "-m", "tuned", "-m", BASE, "-o", "json").stdout)
    assert [answer["text"] for answer in told["answers"]] == ["tuned: Who? (1)", f"{BASE}: Who? (1)"]
    assert told["answers"][0]["usage"]["outputTokens"] == 2
    plain = tanren("chat", "Who?", "-m", "tuned", "-m", BASE).stdout
    assert plain == f"tuned:\ntuned: Who? (1)\n\n{BASE}:\n{BASE}: Who? (1)\n\n"


@pytest.mark.parametrize("name", ["tuned", "a-throughput", "arn:aws:bedrock:us-east-1:1:provisioned-model/a"])
def test_the_base_beside_a_tuned_model_is_found(talking, at_tanren, tanren, name: str):
    told = json.loads(tanren("chat", "Who?", "-m", name, "--beside-base", "-o", "json").stdout)
    assert [answer["modelId"] for answer in told["answers"]] == [name, BASE]


def test_what_is_piped_in_is_the_prompt(talking, at_tanren, tanren):
    assert tanren("chat", "-m", "tuned", given="From a file\n").stdout == "tuned: From a file (1)\n"
    assert isinstance(tanren("chat", "-m", "tuned", given=" \n").exception, ValidationFailed)


@pytest.mark.parametrize("models", [(), ("-m", "a", "-m", "b", "-m", "c"), ("-m", "a", "-m", "b", "--beside-base")])
def test_one_model_or_two_are_named(at_tanren, tanren, models: tuple[str, ...]):
    result = tanren("chat", "Who?", *models)
    assert isinstance(result.exception, ValidationFailed)
    assert "one model or two" in str(result.exception)


def test_a_refusal_of_one_is_an_error_and_the_other_is_not_shown_as_if_nothing_were(talking, at_tanren, tanren):
    talking.answers["ConverseStream"] = refusal("ThrottlingException", "later")
    result = tanren("chat", "Who?", "-m", "tuned")
    assert isinstance(result.exception, Throttled)
    assert result.stdout == ""


def test_a_conversation_remembers_clears_and_outlives_an_error(talking, at_tanren, monkeypatch, capsys):
    lines = ["one", "two", "/clear", "three", "fail", "/system Be kind.", "four", "/exit", "never"]
    monkeypatch.setattr(Console, "input", lambda self, prompt: lines.pop(0))

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        if asked["messages"][-1]["content"][0]["text"] == "fail":
            raise refusal("ThrottlingException", "later")
        return echo(asked)

    talking.answers["ConverseStream"] = answer
    speaker = Speaker(client=talking.client("bedrock-runtime"), model_id="tuned", inference={})
    chat_module._converse([speaker], None, chat_module.Output.TABLE)
    told = capsys.readouterr()
    assert told.out.splitlines() == ["tuned: one (1)", "tuned: two (3)", "tuned: three (1)", "tuned: four (3)"]
    assert "ThrottlingException: later" in told.err
    assert talking.made("ConverseStream")[-1]["system"] == [{"text": "Be kind."}]
    assert lines == ["never"]


def test_an_answer_is_text_whatever_brackets_it_holds():
    console = Console(width=60, record=True, file=io.StringIO())
    speakers = [Speaker(client=None, model_id=name, inference={}) for name in ("[bold]a", "b")]
    answers = [Answer(text="[red]x[/red]", usage={"outputTokens": 3}, seconds=1.0), Answer(text="y")]
    console.print(chat_module._side_by_side(speakers, answers))
    shown = console.export_text()
    assert "[red]x[/red]" in shown
    assert "[bold]a" in shown
    assert "3 tokens in 1.0 s, 3/s" in shown


def test_an_imported_model_has_no_base(talking, at_tanren, tanren):
    talking.answers["GetImportedModel"] = {"modelArn": "arn:x", "modelName": "llama"}
    assert "no base of its own" in str(tanren("chat", "Who?", "-m", "llama", "--beside-base").exception)
    talking.answers["GetImportedModel"] = lambda asked: _missing(asked["modelIdentifier"])
    talking.answers["GetProvisionedModelThroughput"] = lambda asked: _missing(asked["provisionedModelId"])
    assert isinstance(tanren("chat", "Who?", "-m", "x", "--beside-base").exception, ResourceNotFound)
