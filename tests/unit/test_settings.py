from dataclasses import fields
from pathlib import Path

import pytest

from tanren.domain.errors import ValidationFailed
from tanren.settings import Settings, read_settings, to_environment
from tanren.storage.database import Database


def test_a_flag_wins_over_the_environment_which_wins_over_the_default():
    environ = {"TANREN_PORT": "5000", "TANREN_REGION": "ap-northeast-1"}
    settings = read_settings(environ, port=6000, region=None)
    assert (settings.port, settings.region, settings.host) == (6000, "ap-northeast-1", "127.0.0.1")


def test_a_child_reads_the_same_settings_back():
    settings = read_settings({}, data_dir=Path("/x/y z"), access_key="a", secret_key="b", lease_seconds=2.5)
    assert read_settings(to_environment(settings)) == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("PORT", "0"),
        ("PORT", "http"),
        ("ACCOUNT", "123"),
        ("REGION", "Tokyo"),
        ("ACCESS_KEY", "alone"),
        ("TLS", "yes"),
        ("TLS", "files"),
        ("TLS_CERTIFICATE", "server.pem"),
        ("TLS_NAMES", "forge.test"),
        ("IAM", "on"),
        ("INVOCATION_LOG_MEGABYTES", "0"),
        ("AWS_ENDPOINT", "s3.example.com"),
        ("LEASE_SECONDS", "0"),
        ("JOB_SLOTS", "0"),
        ("READY_CHILDREN", "-1"),
        ("READY_CHILDREN", "2"),
        ("WORKER_THREADS", "-1"),
        ("TRAINING_DEVICE", "gpu"),
        ("TRAINING_DEVICE", "cuda:"),
        ("CHECKPOINT_SECONDS", "0"),
        ("BATCH_SLOTS", "0"),
        ("BATCH_CONCURRENCY", "0"),
        ("BATCH_ENGINE_SHARE", "0"),
        ("BATCH_ENGINE_SHARE", "1.1"),
        ("BATCH_MINIMUM_RECORDS", "0"),
        ("ENGINE_WAIT_SECONDS", "-1"),
        ("ENGINE_IDLE_SECONDS", "5"),
        ("ENGINE_IDLE_SECONDS", "nan"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_the_name_of_its_setting(name, value):
    with pytest.raises(ValidationFailed, match=name.lower()):
        read_settings({f"TANREN_{name}": value})


@pytest.mark.parametrize("name", ["plain", "a b", "what?x=1", "a#b", "50%41", "é&'\"", "a+b", "[x]"])
def test_the_database_is_in_the_data_directory_whatever_its_name(tmp_path, name):
    (tmp_path / name).mkdir()
    database = Database(read_settings({}, data_dir=tmp_path / name).effective_database_url)
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE here (n INTEGER)")
    database.close()
    assert (tmp_path / name / "tanren.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_every_setting_has_a_help_line():
    assert all(spec.metadata["help"].endswith(".") for spec in fields(Settings))


def test_the_file_of_the_data_directory_is_below_the_environment_and_above_the_defaults(tmp_path):
    (tmp_path / "settings.toml").write_text('engine = "torch"\njob_slots = 2\nlease_seconds = 5\nport = 4600\n')
    settings = read_settings({"TANREN_JOB_SLOTS": "3"}, data_dir=tmp_path, port=4700)
    assert (settings.engine, settings.job_slots, settings.port) == ("torch", 3, 4700)
    assert settings.lease_seconds == 5.0
    assert isinstance(settings.lease_seconds, float)


def test_a_child_process_does_not_read_the_file_again(tmp_path):
    settings = read_settings({}, data_dir=tmp_path)
    (tmp_path / "settings.toml").write_text("this is no TOML")
    assert read_settings(to_environment(settings)) == settings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("job_slot = 2", "'job_slot' is no setting that it can have"),
        ('data_dir = "/x"', "'data_dir' is no setting that it can have"),
        ('job_slots = "2"', "job_slots is '2'; allowed: a value of type int"),
        ("job_slots = true", "job_slots is True; allowed: a value of type int"),
        ("job_slots =", "cannot be read"),
        ("job_slots = 0", "allowed: 1 or more"),
    ],
)
def test_a_wrong_line_of_the_file_is_refused_with_what_is_allowed(tmp_path, text: str, message: str):
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(ValidationFailed, match=message):
        read_settings({}, data_dir=tmp_path)
