import json
import subprocess
import sys
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from tanren.cli.main import app
from tanren.domain.errors import ValidationFailed
from tanren.storage.root_keys import RootKeys, write_root_keys

KEYS = RootKeys(
    account_id="123456789012",
    region="ap-northeast-1",
    access_key_id="AKIAEXAMPLE",
    secret_access_key="secret",
    endpoint="http://127.0.0.1:4500",
)


def test_env_prints_what_a_shell_can_eval(tmp_path):
    write_root_keys(tmp_path, KEYS)
    printed = CliRunner().invoke(app, ["env", "--data-dir", str(tmp_path)]).stdout
    script = printed + 'echo "$AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_REGION"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["http://127.0.0.1:4500", "AKIAEXAMPLE", "secret", "ap-northeast-1"]


def test_env_takes_away_what_would_win_over_its_keys(tmp_path):
    write_root_keys(tmp_path, KEYS)
    printed = CliRunner().invoke(app, ["env", "--data-dir", str(tmp_path)]).stdout
    stronger = ["AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE"]
    before = "".join(f"export {name}=old\n" for name in stronger)
    after = 'echo "[' + "".join(f"${{{name}-}}" for name in stronger) + ']"'
    done = subprocess.run(["sh", "-euc", before + printed + after], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert printed.count("unset") == 1


def test_env_quotes_what_a_shell_would_read(tmp_path):
    secret = 'it\'s $HOME; `x` & "y"'
    write_root_keys(tmp_path, replace(KEYS, secret_access_key=secret))
    printed = CliRunner().invoke(app, ["env", "--data-dir", str(tmp_path)]).stdout
    script = printed + 'printf %s "$AWS_SECRET_ACCESS_KEY"'
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == secret


def test_env_before_any_server_says_how_to_start_one(tmp_path):
    result = CliRunner().invoke(app, ["env", "--data-dir", str(tmp_path)])
    assert isinstance(result.exception, ValidationFailed)
    assert "tanren serve" in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [(["serve", "--account", "12"], 2, "twelve digits"), (["env", "--data-dir", "/nowhere"], 2, "tanren serve")],
)
def test_an_error_is_one_line_and_an_exit_code(arguments, code, text):
    done = subprocess.run(
        [sys.executable, "-m", "tanren", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_env_gives_a_program_the_variables_as_an_object(tmp_path):
    write_root_keys(tmp_path, KEYS)
    told = json.loads(CliRunner().invoke(app, ["env", "--data-dir", str(tmp_path), "-o", "json"]).stdout)
    assert told["AWS_ENDPOINT_URL"] == KEYS.endpoint
    assert told["AWS_SECRET_ACCESS_KEY"] == KEYS.secret_access_key
