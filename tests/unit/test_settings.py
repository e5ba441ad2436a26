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
