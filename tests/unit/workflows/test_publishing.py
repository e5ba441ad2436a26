"""Weights go where no model names them, and nowhere else."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

from tanren.storage.artifacts import ArtifactStore
from tanren.workflows.publishing import kept_if_published

PATH = "custom-models/123456789012/us-west-2/0123456789ab/attempt-2"


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    (tmp_path / PATH).mkdir(parents=True)
    return ArtifactStore(tmp_path)


def row(path: str) -> SimpleNamespace:
    return SimpleNamespace(artifact_path=path)


@pytest.mark.parametrize("found", [None, row(PATH.replace("attempt-2", "attempt-1"))], ids=["no row", "another's row"])
def test_what_no_row_names_is_removed_and_the_error_goes_on(artifacts: ArtifactStore, found: SimpleNamespace | None):
    with pytest.raises(RuntimeError, match="refused"), kept_if_published(artifacts, PATH, lambda: found):
        raise RuntimeError("refused")
    assert not artifacts.resolve(PATH).exists()


def test_what_the_row_names_is_published_whatever_the_transaction_said(artifacts: ArtifactStore, caplog):
    with kept_if_published(artifacts, PATH, lambda: row(PATH)):
        raise ConnectionError("no answer")
    assert artifacts.resolve(PATH).exists()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_an_end_of_the_process_goes_on_and_leaves_what_is_published(artifacts: ArtifactStore):
    with pytest.raises(SystemExit), kept_if_published(artifacts, PATH, lambda: row(PATH)):
        raise SystemExit
    assert artifacts.resolve(PATH).exists()


def test_where_the_row_cannot_be_read_the_weights_stay_and_the_first_error_goes_on(artifacts: ArtifactStore):
    def find() -> None:
        raise ConnectionError("still away")

    with pytest.raises(RuntimeError, match="no answer"), kept_if_published(artifacts, PATH, find):
        raise RuntimeError("no answer")
    assert artifacts.resolve(PATH).exists()
