"""The process in which `tanren eval` uses weights of this machine. Composition root; tensors live here.

    python -m tanren.local_weights likelihoods MODEL     conversations on standard input, likelihoods on standard output
    python -m tanren.local_weights vectors FOLDER FILE   texts on standard input, their tokens' vectors into FILE (.npz)

Both take a JSON array. The first finds its model in the store of the data directory, and works beside a running server
and without one: [[nats, tokens, bytes] or null, …]. The second writes the encoder's name on standard output. It ends
with 0; or with 1 and the reason on standard error.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.clock import utc_now
from tanren.domain.conversation import Conversation
from tanren.domain.errors import TanrenError
from tanren.domain.scope import Scope
from tanren.runtime.placement import StoredPlacement
from tanren.settings import Settings, read_settings
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.database import Database
from tanren.storage.engine_hosts import EngineHosts
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
from tanren.storage.root_keys import read_root_keys


def likelihoods_command(model_id: str) -> list[str]:
    return [sys.executable, "-m", "tanren.local_weights", "likelihoods", model_id]


def vectors_command(encoder: Path, target: Path) -> list[str]:
    return [sys.executable, "-m", "tanren.local_weights", "vectors", str(encoder), str(target)]


def likelihoods(settings: Settings, model_id: str, conversations: list[dict[str, Any]]) -> list[list[float] | None]:
    """Raises TanrenError where the model is not in the store, or its weights cannot be used."""
    base, adapter = _weights(settings, model_id)
    # Only now: torch is imported with them.
    from tanren.training.device import chosen_device
    from tanren.workflows.likelihoods import WeightsLikelihoods

    device = chosen_device(settings.training_device)
    scorer = WeightsLikelihoods(base, adapter, device=device, check_wanted=lambda: None)
    found = scorer.likelihoods([Conversation.from_json(each) for each in conversations])
    return [None if each is None else [each.nats, each.token_count, each.byte_count] for each in found]


def _weights(settings: Settings, model_id: str) -> tuple[Path, Path | None]:
    keys = read_root_keys(settings.data_dir)
    scope = Scope(
        account_id=keys.account_id if keys else settings.account, region=keys.region if keys else settings.region
    )
    database = Database(settings.effective_database_url)
    try:
        placement = StoredPlacement(
            CustomModels(database),
            ProvisionedThroughputs(database),
            CustomModelDeployments(database),
            EngineHosts(database),
            ArtifactStore(settings.data_dir / "artifacts"),
            WeightsCatalogue(settings.data_dir),
            clock=utc_now,
        )
        base, adapter = placement.weights(scope, model_id)
    finally:
        database.close()
    return base, None if adapter is None else Path(adapter.folder)


def vectors(encoder: Path, texts: list[str], target: Path) -> str:
    """The encoder's name. Raises ValidationFailed where the folder is no encoder."""
    import numpy as np

    from tanren.workflows.text_encoder import FolderEncoder

    model = FolderEncoder(encoder)
    np.savez(target, *model.encode(texts))
    return model.name


def main() -> int:
    parser = argparse.ArgumentParser(prog="tanren.local_weights")
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("likelihoods").add_argument("model")
    encoding = parts.add_parser("vectors")
    encoding.add_argument("encoder", type=Path)
    encoding.add_argument("target", type=Path)
    given = parser.parse_args()
    asked: list[Any] = json.load(sys.stdin)
    try:
        if given.part == "likelihoods":
            print(json.dumps(likelihoods(read_settings(), given.model, asked)))
        else:
            print(json.dumps(vectors(given.encoder, asked, given.target)))
    except TanrenError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
