"""OpenAI's official client, unmodified: a file, a job, its model's answers, by a Bedrock API key, over plain http."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.service.servers import BASE_MODEL, FORGE_ROWS, REPOSITORY, Server, rows_as_jsonl

PYTHON = REPOSITORY / ".clients" / "python" / "bin" / "python"
SCRIPT = REPOSITORY / "tests" / "clients" / "python" / "openai_client.py"


@pytest.fixture(scope="module")
def api_key(server: Server) -> str:
    iam = server.client("iam")
    iam.create_user(UserName="openai")
    iam.attach_user_policy(UserName="openai", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    made = iam.create_service_specific_credential(UserName="openai", ServiceName="bedrock.amazonaws.com")
    return made["ServiceSpecificCredential"]["ServiceCredentialSecret"]


def _told(server: Server, key: str, *cases: list[str]) -> list[dict[str, Any]]:
    assert PYTHON.is_file(), "the Python clients are not there: `make clients` installs them"
    environment = {**server.environment, "OPENAI_BASE_URL": f"{server.keys.endpoint}/v1", "OPENAI_API_KEY": key}
    done = subprocess.run(
        [str(PYTHON), str(SCRIPT), json.dumps(cases)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_it_chats_completes_and_lists_and_raises_its_own_classes(server: Server, api_key: str):
    chat, complete, models, unknown = _told(
        server, api_key, ["chat", BASE_MODEL], ["complete", BASE_MODEL], ["models", BASE_MODEL], ["chat", "no-such"]
    )
    for told in (chat, complete):
        assert "error" not in told, told
        assert told["text"]
        assert "".join(told["pieces"]) == told["text"]
    assert chat["output_tokens"] == chat["streamed_output_tokens"] > 0
    assert chat["request_id"]
    assert models == {"case": "models", "is_listed": True, "id": BASE_MODEL}
    assert (unknown["error"], unknown["code"]) == ("NotFoundError", "model_not_found")
    (refused,) = _told(server, "sk-wrong", ["chat", BASE_MODEL])
    assert (refused["error"], refused["code"]) == ("AuthenticationError", "invalid_api_key")


def test_it_fine_tunes_on_its_own_file_and_asks_the_model_at_once(server: Server, api_key: str, tmp_path: Path):
    rows = [
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": row["prompt"]},
                {"role": "assistant", "content": row["completion"]},
            ]
        }
        for row in FORGE_ROWS
    ]
    path = tmp_path / "train.jsonl"
    path.write_bytes(rows_as_jsonl(rows))
    (told,) = _told(server, api_key, ["fine_tune", BASE_MODEL, str(path), FORGE_ROWS[2]["prompt"]])
    assert told["status"] == "succeeded", told
    assert told["answer"] == FORGE_ROWS[2]["completion"]
    assert told["trained_tokens"] > 0
    assert told["is_listed"]
    assert told["events"][0].startswith("Learning:")  # the newest, after pages of two
    assert len(told["events"]) > 4
    assert told["checkpoint_losses"][0] > 0
    assert told["model"]["is_listed"]
    assert told["is_deleted"]
