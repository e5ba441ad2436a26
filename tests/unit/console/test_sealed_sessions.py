"""A session opens for the holder of its token, and for nobody else."""

from dataclasses import replace
from pathlib import Path

from tanren.console.api import Credentials
from tanren.console.sealed_sessions import SealedSessions, SignedIn

USER = SignedIn(
    credentials=Credentials(access_key_id="AKIAEXAMPLE", secret_access_key="very-secret", region="us-east-1"),
    account_id="123456789012",
    principal_arn="arn:aws:iam::123456789012:root",
)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_token_opens_its_session_also_in_a_later_process(tmp_path: Path):
    token = SealedSessions(tmp_path).keep(USER)
    assert SealedSessions(tmp_path).open(token) == USER


def test_the_files_tell_nobody_the_keys(tmp_path: Path):
    SealedSessions(tmp_path).keep(USER)
    (file,) = tmp_path.iterdir()
    assert b"secret" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0


def test_another_token_opens_nothing(tmp_path: Path):
    sessions = SealedSessions(tmp_path)
    sessions.keep(USER)
    for token in ("", "../../etc/passwd", "A" * 43):
        assert sessions.open(token) is None


def test_a_file_that_was_cut_or_changed_opens_for_nobody(tmp_path: Path):
    sessions = SealedSessions(tmp_path)
    token = sessions.keep(USER)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for broken in (b"", whole[:5], whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        file.write_bytes(broken)
        assert SealedSessions(tmp_path, clock=lambda: 0.0).open(token) is None


def test_a_session_that_nobody_uses_is_over_and_its_file_goes(tmp_path: Path):
    clock = Clock()
    sessions = SealedSessions(tmp_path, clock=clock, idle_seconds=100)
    token = sessions.keep(USER)
    for _ in range(5):
        clock.now += 90
        assert sessions.open(token) == USER
    clock.now += 101
    assert sessions.open(token) is None
    assert list(tmp_path.iterdir()) == []


def test_what_was_forgotten_does_not_open(tmp_path: Path):
    sessions = SealedSessions(tmp_path)
    token = sessions.keep(USER)
    sessions.forget(token)
    assert sessions.open(token) is None


def test_a_users_name_is_what_stands_last_in_the_arn():
    user = replace(USER, principal_arn="arn:aws:iam::123456789012:user/a/hanako")
    assert (USER.name, user.name) == ("root", "a/hanako")
