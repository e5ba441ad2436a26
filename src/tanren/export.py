"""The process of one export: a custom model written as a folder that other tools open. Composition root.

    python -m tanren.export --model NAME_OR_ARN --destination DIR [--merged]

It reads settings, database and artifacts; tensors live here, so that the command line needs none. What it tells goes to
standard output as one line of JSON. It ends with 0; or with the reason on standard error and 1, 6 for a conflict.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tanren.catalog.weights import WeightsCatalogue
from tanren.domain.custom_models import CustomModel
from tanren.domain.errors import Conflict, ResourceNotFound, TanrenError
from tanren.settings import Settings, read_settings
from tanren.storage.artifacts import ArtifactStore, is_adapter_folder
from tanren.storage.custom_models import CustomModels
from tanren.storage.database import Database

CONFLICT_EXIT_CODE = 6
"""As the command line has it."""


def export_command(model: str, destination: Path, *, merged: bool) -> list[str]:
    argv = [sys.executable, "-m", "tanren.export", "--model", model, "--destination", str(destination)]
    return [*argv, "--merged"] if merged else argv


def find_custom_model(models: CustomModels, identifier: str) -> CustomModel:
    """By ARN, or by a name that only one account and region have.

    Raises   ResourceNotFound, with the names there are; Conflict where several have the name.
    """
    columns = models.table.c
    found = models.every((columns.arn == identifier) | (columns.name == identifier))
    if len(found) == 1:
        return found[0]
    if found:
        raise Conflict(
            f"Several custom models are named '{identifier}'; give an ARN: {', '.join(m.model_arn for m in found)}"
        )
    names = ", ".join(sorted(model.model_name for model in models.every())) or "none yet"
    raise ResourceNotFound(f"There is no custom model '{identifier}' here. Custom models: {names}.")


def export(settings: Settings, identifier: str, destination: Path, *, merged: bool) -> dict[str, Any]:
    """What was written and how it compares, for programs and, under `lines`, for people. Raises TanrenError."""
    database = Database(settings.effective_database_url)
    try:
        model = find_custom_model(CustomModels(database), identifier)
    finally:
        database.close()
    # Only now: torch is imported with it.
    from tanren.weights.export import export_custom_model

    weights = WeightsCatalogue(settings.data_dir)
    artifacts = ArtifactStore(settings.data_dir / "artifacts")
    folder, bound = artifacts.resolve(model.artifact_path), weights.bound_to(model.request)
    is_adapter = is_adapter_folder(folder)
    base_folder = weights.folder_of(bound) if bound.artifact_path is None else artifacts.resolve(bound.artifact_path)
    report = export_custom_model(
        base_folder=base_folder if is_adapter else folder,
        adapter_folder=folder if is_adapter else None,
        full_folder=None if is_adapter else folder,
        destination=destination,
        merged=merged,
    )
    return {"model": model.model_arn, "lines": report.lines(), **asdict(report)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="tanren.export")
    parser.add_argument("--model", required=True)
    parser.add_argument("--destination", required=True, type=Path)
    parser.add_argument("--merged", action="store_true")
    given = parser.parse_args()
    try:
        told = export(read_settings(), given.model, given.destination, merged=given.merged)
    except TanrenError as error:
        print(error, file=sys.stderr)
        return CONFLICT_EXIT_CODE if isinstance(error, Conflict) else 1
    print(json.dumps(told, default=str))
    return 0


if __name__ == "__main__":
    sys.exit(main())
