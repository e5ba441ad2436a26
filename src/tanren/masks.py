"""The process of one look at what of a data file is learned. Composition root; the tokenizer of the base lives here.

    python -m tanren.masks --model ID --file PATH [--skip N] [--count N] [--max-tokens N]

It writes a line of JSON a record: {"line": …, "tokens": …, "trained": …, "runs": [["masked" | "trained" | "beyond",
text], …]}, where a run is neighbouring tokens of one fate, in the order in which the model reads them. It ends with 0;
or with 1 and the reason on standard error.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tanren.bodies.registry import BODY_FORMATS
from tanren.catalog.foundation_models import foundation_model
from tanren.catalog.weights import WeightsCatalogue
from tanren.data.containers import pieces_of
from tanren.data.reading import FileReader
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.errors import TanrenError
from tanren.settings import Settings, read_settings


def masks_command(
    model: str, path: Path, customization_type: CustomizationType, *, skip: int, count: int, max_tokens: int | None
) -> list[str]:
    argv = [sys.executable, "-m", "tanren.masks", "--model", model, "--file", str(path)]
    argv += ["--customization-type", customization_type, "--skip", str(skip), "--count", str(count)]
    return argv if max_tokens is None else [*argv, "--max-tokens", str(max_tokens)]


def masks(
    settings: Settings,
    model_id: str,
    path: Path,
    customization_type: CustomizationType,
    *,
    skip: int,
    count: int,
    max_tokens: int | None,
) -> Iterator[dict[str, Any]]:
    """Of the right records of the file, as a job of the model would write them. Raises TanrenError."""
    model = foundation_model(model_id)
    folder = WeightsCatalogue(settings.data_dir).weights_of(model_id).folder
    reader = FileReader(
        pieces_of(path),
        file=str(path),
        customization_type=customization_type,
        prompt_templates=BODY_FORMATS[model.body_format].prompt_templates,
    )
    # Only now: the tokenizer's libraries are imported with it.
    from tanren.workflows.data_examination import RecordTokenizer

    tokenizer = RecordTokenizer(folder)
    for record in islice(reader.records(), skip, skip + count):
        shown = tokenizer.learned(record, room=max_tokens or tokenizer.context_length)
        yield {"line": shown.line, "tokens": shown.tokens, "trained": shown.trained, "runs": shown.runs}


def main() -> int:
    parser = argparse.ArgumentParser(prog="tanren.masks")
    parser.add_argument("--model", required=True)
    parser.add_argument("--file", required=True, type=Path)
    parser.add_argument("--customization-type", required=True, type=CustomizationType)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--max-tokens", type=int)
    given = parser.parse_args()
    # Imported here: the command line knows this module, and nothing of tokenizers.
    from tanren.workflows.data_examination import forbid_torch

    forbid_torch()
    try:
        for shown in masks(
            read_settings(),
            given.model,
            given.file,
            given.customization_type,
            skip=given.skip,
            count=given.count,
            max_tokens=given.max_tokens,
        ):
            print(json.dumps(shown), flush=True)
    except TanrenError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
