"""What `tanren eval` computes from weights on this machine: how probable given answers are, and vectors of texts.

Tensors live in a process of their own, `tanren.local_weights`, one for each call.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tanren.cli.calls import has_store
from tanren.cli.endpoint import whom
from tanren.cli.language import say
from tanren.domain.conversation import Conversation
from tanren.domain.errors import ValidationFailed
from tanren.evaluation.answers import Likelihood
from tanren.settings import Settings, to_environment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def own_store(endpoint_url: str | None, data_dir: Path | None) -> Settings:
    """Raises   ValidationFailed where the models are not of a server of this machine, whose weights can be read."""
    meant = whom(endpoint_url, data_dir)
    if isinstance(meant, Settings) and has_store(meant):
        return meant
    raise ValidationFailed(
        say(
            "Loss, perplexity, bits per byte and the exposure of canaries need the weights, and Bedrock's API gives no "
            "probabilities: name the directory of a server on this machine with --data-dir, or leave them out."
        )
    )


class ProcessLikelihoods:
    """See `evaluation.answers.LikelihoodScorer`."""

    def __init__(self, settings: Settings, model_id: str) -> None:
        self._settings = settings
        self._model_id = model_id

    def likelihoods(self, conversations: Sequence[Conversation]) -> Sequence[Likelihood | None]:
        from tanren.local_weights import likelihoods_command

        told = _told(likelihoods_command(self._model_id), [each.to_json() for each in conversations], self._settings)
        return [
            None if found is None else Likelihood(nats=found[0], token_count=found[1], byte_count=found[2])
            for found in told
        ]


class ProcessEncoder:
    """See `evaluation.metrics.semantic.Encoder`."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._name = folder.name

    @property
    def name(self) -> str:
        return self._name

    def encode(self, texts: Sequence[str]) -> "Sequence[NDArray[np.float32]]":
        import numpy as np

        from tanren.local_weights import vectors_command

        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "vectors.npz"
            self._name = _told(vectors_command(self._folder, target), list(texts), self._settings)
            with np.load(target) as found:
                return [found[f"arr_{number}"] for number in range(len(texts))]


def _told(argv: list[str], asked: list[Any], settings: Settings) -> Any:
    """What the process answers. Raises   ValidationFailed with the reason that it gives."""
    from tanren.worker import CHILD_ENVIRONMENT

    done = subprocess.run(
        argv,
        input=json.dumps(asked),
        env={**os.environ, **to_environment(settings), **CHILD_ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()
        raise ValidationFailed(reason[-1] if reason else f"{argv[2]} ended with exit code {done.returncode}.")
    return json.loads(done.stdout)
