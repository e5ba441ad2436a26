"""LangChain, LiteLLM and Anthropic's SDK, unmodified, with botocores of their own, against the one endpoint."""

import json
import subprocess
from typing import Any

import pytest

from tanren.cli.env import client_environment
from tests.service.servers import REPOSITORY, Server

PYTHON = REPOSITORY / ".clients" / "python" / "bin" / "python"
SCRIPTS = REPOSITORY / "tests" / "clients" / "python"
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
"""In each family's own body, by LangChain's names of the providers."""
FAMILIES = (
    ("amazon", "amazon.titan-text-express-v1"),
    ("anthropic", "anthropic.claude-v2"),
    ("cohere", "cohere.command-text-v14"),
    ("meta", "meta.llama3-1-8b-instruct-v1:0"),
    ("mistral", "mistral.mistral-7b-instruct-v0:2"),
)


def _answers(server: Server, script: str, cases: list[Any]) -> list[dict[str, Any]]:
    assert PYTHON.is_file(), "the Python clients are not there: `make clients` installs them"
    environment = {
        **server.environment,
        **client_environment(server.keys),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # otherwise it asks the internet for prices
    }
    done = subprocess.run(
        [str(PYTHON), str(SCRIPTS / script), json.dumps(cases)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [answer["case"] for answer in answers] == [list(case) if isinstance(case, tuple) else case for case in cases]
    return answers


def _check(answer: dict[str, Any]) -> None:
    """A text, streamed in pieces that make the same text, with the tokens counted."""
    assert answer["text"], answer
    assert "".join(answer["pieces"]) == answer["text"]
    assert sum(1 for piece in answer["pieces"] if piece) > 1, "the stream came in one piece"
    if "usage" in answer:
        assert 1 < answer["usage"]["output_tokens"] <= 8
        assert answer["usage"]["input_tokens"] > 0


def test_langchain_speaks_every_family_s_own_body_whole_and_streamed(server):
    for answer in _answers(server, "langchain_client.py", [("BedrockLLM", *family) for family in FAMILIES]):
        assert answer["text"]
        assert len(answer["pieces"]) > 1
        if answer["case"][1] != "anthropic":  # whose completions LangChain gives no temperature of 0
            assert "".join(answer["pieces"]).strip() == answer["text"].strip()


@pytest.mark.parametrize("kind", ["ChatBedrock", "ChatBedrockConverse"])
def test_langchain_chats_with_a_system_message_whole_and_streamed(server, kind: str):
    (answer,) = _answers(server, "langchain_client.py", [(kind, "anthropic", HAIKU)])
    _check(answer)


def test_litellm_takes_converse_and_each_family_s_own_body(server):
    models = [
        f"bedrock/{HAIKU}",
        f"bedrock/converse/{HAIKU}",
        f"bedrock/invoke/{HAIKU}",
        "bedrock/amazon.titan-text-express-v1",
        "bedrock/amazon.nova-micro-v1:0",
        "bedrock/meta.llama3-1-8b-instruct-v1:0",
        "bedrock/mistral.mistral-7b-instruct-v0:2",
    ]
    for answer in _answers(server, "litellm_client.py", models):
        _check(answer)
        if HAIKU in answer["case"] or "nova" in answer["case"]:  # of the others LiteLLM does not read it
            assert answer["finish_reason"] == "length"


def test_anthropic_s_sdk_gets_messages_events_and_its_own_error_classes(server):
    answer, refused = _answers(server, "anthropic_client.py", [HAIKU, "anthropic.claude-9"])
    _check(answer)
    assert answer["stop_reason"] == "max_tokens"
    assert answer["streamed_output_tokens"] == 8
    assert (refused["error"], refused["status"]) == ("BadRequestError", 400)
    assert "anthropic.claude-9" in refused["message"]
