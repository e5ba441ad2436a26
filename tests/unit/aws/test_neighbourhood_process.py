"""The command of the embedded neighbourhood. That it starts and keeps objects is `test_neighbourhood.py`'s."""

import sys
from pathlib import Path

from tanren.aws.neighbourhood_process import MinistackSettings, make_directories, ministack_command

SETTINGS = MinistackSettings(port=4599, directory=Path("/data/n"), account_id="123456789012", region="eu-west-1")


def test_the_child_is_bound_to_loopback_persists_and_opens_nothing_else() -> None:
    command, env = ministack_command(SETTINGS)
    assert command == [sys.executable, "-m", "ministack"]
    assert env["BIND_HOST"] == "127.0.0.1"
    assert (env["S3_PERSIST"], env["PERSIST_STATE"]) == ("1", "1")
    assert (env["S3_DATA_DIR"], env["STATE_DIR"]) == ("/data/n/s3", "/data/n/state")
    assert (env["SFTP_ENABLED"], env["IOT_MTLS_ENABLED"]) == ("0", "0")


def test_what_would_lead_the_child_astray_is_not_inherited() -> None:
    inherited = {"PATH": "/bin", "AWS_ENDPOINT_URL": "http://gateway", "AUTH": "true", "BIND_HOST": "0.0.0.0"}
    _, env = ministack_command(SETTINGS, inherited=inherited)
    assert env["PATH"] == "/bin"
    assert env["BIND_HOST"] == "127.0.0.1"
    assert not {"AWS_ENDPOINT_URL", "AUTH"} & env.keys()


def test_directories_are_made_once_or_again(tmp_path: Path) -> None:
    settings = MinistackSettings(port=1, directory=tmp_path / "x", account_id="1" * 12, region="eu-west-1")
    make_directories(settings)
    make_directories(settings)
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["s3", "state", "tmp"]
