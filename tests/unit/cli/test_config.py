"""Where each setting came from, and whom commands would ask, without asking anybody."""

import json
from pathlib import Path
from typing import Any

import pytest

from tanren.storage.root_keys import RootKeys, write_root_keys


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_BEDROCK", "AWS_PROFILE", "TANREN_DATA_DIR", "TANREN_ENGINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def explained(tanren: Any, *arguments: str) -> dict[str, dict[str, str]]:
    result = tanren("config", "explain", *arguments, "-o", "json")
    assert result.exit_code == 0, result.exception
    return {row["setting"]: row for row in json.loads(result.stdout)}


def test_a_flag_wins_over_the_environment_that_over_the_file_and_that_over_the_default(tanren, shell, monkeypatch):
    folder = shell / "data"
    folder.mkdir()
    (folder / "settings.toml").write_text('engine = "torch"\njob_slots = 2\nlease_seconds = 5\n')
    monkeypatch.setenv("TANREN_JOB_SLOTS", "3")
    found = explained(tanren, "--data-dir", str(folder))
    told = {name: (row["value"], row["source"]) for name, row in found.items()}
    assert told["data_dir"] == (str(folder), "flag")
    assert told["job_slots"] == ("3", "environment")
    assert told["engine"] == ("torch", "file")
    assert told["port"] == ("4500", "default")
    assert found["engine"]["place"] == str(folder / "settings.toml")
    assert found["job_slots"]["place"] == "TANREN_JOB_SLOTS"
    assert found["lease_seconds"]["value"] == "5.0"


def test_what_is_secret_is_not_shown(tanren, monkeypatch):
    monkeypatch.setenv("TANREN_ACCESS_KEY", "AKIASECRET")
    monkeypatch.setenv("TANREN_SECRET_KEY", "secret")
    monkeypatch.setenv("TANREN_DATABASE_URL", "postgresql://u:password@h/d")
    result = tanren("config", "explain", "--changed")
    assert not any(word in result.stdout for word in ("AKIASECRET", "password", "secret "))
    assert explained(tanren, "secret")["secret_key"]["value"] == "set"


def test_only_what_is_changed_or_named_is_shown(tanren, monkeypatch):
    monkeypatch.setenv("TANREN_ENGINE", "native")
    assert set(explained(tanren, "--changed")) == {"engine", "endpoint"}
    assert set(explained(tanren, "vllm_d")) == {"vllm_dtype"}
    assert "vLLM" in tanren("config", "explain", "vllm_d").stderr
    assert tanren("config", "explain", "nothing-of-the-sort").stdout == "No such setting.\n"


def test_whom_commands_ask_is_told_with_why(tanren, shell, monkeypatch):
    assert (explained(tanren)["endpoint"]["value"], explained(tanren)["endpoint"]["source"]) == ("-", "none")
    keys = RootKeys(
        account_id="123456789012",
        region="eu-west-1",
        access_key_id="AKIAEXAMPLE",
        secret_access_key="secret",
        endpoint="http://127.0.0.1:4999",
    )
    (shell / ".tanren").mkdir()
    write_root_keys(shell / ".tanren", keys)
    own = explained(tanren)
    assert (own["endpoint"]["value"], own["endpoint"]["source"]) == ("http://127.0.0.1:4999", "default")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://other:1")
    assert (explained(tanren)["endpoint"]["value"], explained(tanren)["endpoint"]["place"]) == (
        "http://other:1",
        "AWS_ENDPOINT_URL",
    )
    assert explained(tanren, "--endpoint-url", "http://named:1")["endpoint"]["source"] == "flag"
