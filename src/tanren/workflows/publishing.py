"""Weights are in their place before the transaction that makes a model of them: what becomes of them where it fails."""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Protocol

from tanren.storage.artifacts import ArtifactStore

logger = logging.getLogger(__name__)


class Published(Protocol):
    """The row of a model."""

    @property
    def artifact_path(self) -> str: ...


@contextmanager
def kept_if_published(
    artifacts: ArtifactStore, artifact_path: str, find: Callable[[], Published | None]
) -> Generator[None]:
    """Around the transaction. Where it fails, the weights are removed, unless the model's row names them.

    Takes    find: reads the row anew.
    Why      a COMMIT whose answer was lost, as when the connection to the database broke, may have happened: a model
             without its weights would be Active and answer nothing. It then counts as done. Where the row cannot be
             read either, the weights stay: a folder too many is only space, which the job's next attempt frees.
    """
    try:
        yield
    except BaseException as error:
        try:
            row = find()
        except Exception:
            logger.exception("whether %s has been published cannot be read; it stays", artifact_path)
            raise error from None
        if row is None or row.artifact_path != artifact_path:
            artifacts.remove(artifact_path)
            raise
        if not isinstance(error, Exception):
            raise
        logger.warning("%s has been published, though the transaction that did it failed: %s", artifact_path, error)
