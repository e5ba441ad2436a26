"""`tanren data generate`: pairs of question and answer about a document, made by a model with a tool that it must call.

document → text (read here) → pairs (`data/pair_generation.py`) → a JSON list
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tanren.cli.data_checks import DataDir, EndpointUrl
from tanren.cli.data_source import client_of, local_file, new_file
from tanren.cli.endpoint import refusals
from tanren.data.documents.reading import read_document
from tanren.data.pair_generation import LEAST_CHARACTERS, ORDER, Converse, PromptTooLong, collect_pairs, says_too_long
from tanren.domain.documents import DocumentFormat
from tanren.domain.errors import ValidationFailed


def generate(
    input_doc_path: Annotated[Path, typer.Option("--input-doc-path", help="PDF, DOCX, XLSX, HTML, Markdown or text.")],
    output_path: Annotated[Path, typer.Option("--output-path", help="JSON: a list of question and answer.")],
    model_id: Annotated[str, typer.Option("--model-id", help="Id or ARN of the model that asks and answers.")],
    order: Annotated[str, typer.Option("--order", help="What the model is told.")] = ORDER,
    count: Annotated[int, typer.Option("--count", min=1, help="Pairs, no more and no fewer.")] = 32,
    extractive: Annotated[
        bool, typer.Option("--extractive", help="Answers are sentences of the document: for a small model.")
    ] = False,
    passage_characters: Annotated[
        int, typer.Option("--passage-characters", min=LEAST_CHARACTERS, help="Of the document in one call.")
    ] = 6_000,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Make a set of question-answer pairs from a document, for `tanren data preprocess`.

    Pairs that are not of the document or were made before are dropped, and others made, until the count is met.
    """
    # Imported here: `tanren env` and `--help` need no arrays.
    from tanren.data.question_answers import without_orders

    document_format = _document_format(local_file(str(input_doc_path)))
    text, orders = without_orders(read_document(input_doc_path.read_bytes(), document_format))
    told = Console(file=sys.stderr, highlight=False, soft_wrap=True)
    if orders:
        told.print(f"Left out, since it speaks to a model: {orders[0][:200]!r}" + _more(len(orders) - 1), markup=False)
    client, _ = client_of("bedrock-runtime", endpoint_url, data_dir)
    with (
        refusals(),
        Progress(
            TextColumn("  {task.description}"), BarColumn(24), MofNCompleteColumn(), console=told, transient=True
        ) as progress,
    ):
        task = progress.add_task("making pairs", total=count)
        collection = collect_pairs(
            _converse_of(client),
            text,
            model_id=model_id,
            order=order,
            count=count,
            is_extractive=extractive,
            passage_characters=passage_characters,
            on_pairs=lambda collection: progress.update(task, completed=len(collection.pairs)),
        )
    if collection.dropped:
        dropped = ", ".join(f"{number} {reason}" for reason, number in collection.dropped.most_common())
        told.print(f"Dropped and made again: {dropped}.")
    with new_file(output_path) as writer:
        pairs = [pair.to_json() for pair in collection.pairs]
        writer.write(json.dumps(pairs, indent=2, ensure_ascii=False).encode("utf-8", "replace"))
    print(f"{output_path}: {count} pairs")


def _converse_of(client: Any) -> Converse:
    # Imported here: `--help` needs no SDK.
    from botocore.exceptions import ClientError

    def converse(**request: Any) -> dict[str, Any]:
        try:
            return client.converse(**request)
        except ClientError as error:
            told: Any = error.response.get("Error", {})
            if says_too_long(str(told.get("Code")), message := str(told.get("Message", ""))):
                raise PromptTooLong(message) from error
            raise

    return converse


def _document_format(path: Path) -> DocumentFormat:
    suffix = path.suffix.removeprefix(".").lower()
    try:
        return DocumentFormat({"htm": "html", "markdown": "md", "text": "txt"}.get(suffix, suffix))
    except ValueError as error:
        known = ", ".join(sorted(DocumentFormat))
        raise ValidationFailed(
            f"{path} is of no kind that can be read; its name must end in one of {known}."
        ) from error


def _more(number: int) -> str:
    return f" and {number} more" if number > 0 else ""
