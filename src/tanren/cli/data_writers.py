"""What makes data of data: preprocess, split, push."""

import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from tanren.catalog.foundation_models import foundation_model
from tanren.cli.data_checks import (
    NOT_RIGHT,
    DataDir,
    EndpointUrl,
    Model,
    checked_summary,
    customization_of,
)
from tanren.cli.data_reports import console, finding_lines, summary_lines
from tanren.cli.data_source import is_s3, local_file, location_of, new_file, pieces_from, upload
from tanren.data.containers import open_container, pieces_of
from tanren.data.converting import NotOfSource, Source, read_source_row, written
from tanren.data.findings import Finding
from tanren.data.formats import DataFormat
from tanren.data.json_lines import JsonRow, NotJsonLines
from tanren.data.reading import FileReader
from tanren.data.splitting import LEAST_VALIDATION, held_out, labels_of, split_key
from tanren.domain.conversation import Conversation
from tanren.domain.errors import Conflict, ValidationFailed

BLOG_SYSTEM_PROMPT: Final = (
    "You are a high-performance QA assistant that responds to questions concisely, accurately, and appropriately."
)
_SUFFIXES: Final = (".gz", ".jsonl", ".json", ".csv", ".tsv", ".parquet")


class Target(StrEnum):
    CLAUDE_MESSAGES = DataFormat.CLAUDE_MESSAGES
    CONVERSATION = DataFormat.CONVERSATION
    PROMPT_COMPLETION = DataFormat.PROMPT_COMPLETION
    INPUT = DataFormat.INPUT


def preprocess(
    input_file: Annotated[str, typer.Option("--input-file", help="JSON, JSONL, CSV, Parquet; also gz and s3://.")],
    output_file: Annotated[Path, typer.Option("--output-file", help="JSONL, written anew.")],
    system_prompt: Annotated[
        str | None,
        typer.Option("--system-prompt", help=f"Of every record; '' for none. Default for pairs: {BLOG_SYSTEM_PROMPT}"),
    ] = None,
    prompt_key: Annotated[str, typer.Option("--prompt-key", help="Of pairs.")] = "question",
    completion_key: Annotated[str, typer.Option("--completion-key", help="Of pairs.")] = "answer",
    source: Annotated[Source, typer.Option("--from", help="What the rows are.")] = Source.PAIRS,
    target: Annotated[
        Target | None, typer.Option("--to", help="Format to write. Default: claude-messages, or that of --model.")
    ] = None,
    model: Model = None,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Write training records of question-answer pairs, or of rows that were made for another tool.

    With the flags of the well-known preprocess.py, and the same bytes.
    """
    data_format = _target_format(target, model)
    if system_prompt is None and source is Source.PAIRS and data_format is not DataFormat.PROMPT_COMPLETION:
        system_prompt = BLOG_SYSTEM_PROMPT
    try:
        rows = open_container(pieces_from(input_file, endpoint_url, data_dir), file=input_file).every_row(input_file)
        with new_file(output_file) as writer:
            for row in rows:
                if isinstance(row, Finding):
                    raise NotJsonLines(row)
                try:
                    content = read_source_row(row.value, source, prompt_key=prompt_key, completion_key=completion_key)
                    if system_prompt is not None and isinstance(content, Conversation):
                        content = Conversation(system=system_prompt or None, messages=content.messages)
                    record = written(content, data_format)
                except NotOfSource as error:
                    raise ValidationFailed(
                        f"{input_file} line {row.line}: {error}. Rows are read as --from {source}; nothing is written."
                    ) from error
                writer.write(json.dumps(record).encode() + b"\n")
    except NotJsonLines as error:
        for line in finding_lines(error.finding):
            console().print(line)
        raise typer.Exit(NOT_RIGHT) from error
    print("Conversion completed!")


def split(
    file: Annotated[Path, typer.Argument(help="Of training records.")],
    ratio: Annotated[str, typer.Argument(help="Training to validation, such as 85:15.")],
    seed: Annotated[int, typer.Option("--seed", help="Another seed holds others out.")] = 0,
    train: Annotated[Path | None, typer.Option("--train", help="Default: FILE.train.jsonl.")] = None,
    validation: Annotated[Path | None, typer.Option("--validation", help="Default: FILE.validation.jsonl.")] = None,
    allow_small: Annotated[
        bool, typer.Option("--allow-small", help=f"Also where fewer than {LEAST_VALIDATION} records are held out.")
    ] = False,
) -> None:
    """Divide a set in training and validation: each label by its share, records of one question on one side."""
    share = _validation_share(ratio)
    local_file(str(file))
    targets = (train or _beside(file, "train"), validation or _beside(file, "validation"))
    for target in targets:
        if target.exists():
            raise Conflict(f"{target} exists; name another with --train or --validation, or remove it.")
    reader = FileReader(pieces_of(file), file=str(file), customization_type=customization_of(str(file), None, None))
    keys = [split_key(record) for record in reader.records()]
    summary = reader.summary()
    if not summary.is_valid:
        for line in summary_lines(summary):
            console().print(line)
        raise typer.Exit(NOT_RIGHT)
    chosen = held_out(keys, share=share, seed=seed)
    if not allow_small and len(chosen) < LEAST_VALIDATION:
        raise ValidationFailed(
            f"{len(keys)} records divided {ratio} leave {len(chosen)} for validation; fewer than {LEAST_VALIDATION} "
            "say little about what was learned. Write a validation set of your own, take another ratio, or say "
            "--allow-small."
        )
    with new_file(targets[0]) as training_writer, new_file(targets[1]) as validation_writer:
        for index, row in enumerate(_rows(file)):
            (validation_writer if index in chosen else training_writer).write(_as_line(row))
    labels = labels_of(keys)
    stratified = f", each of {len(labels)} labels by its share" if labels else ""
    print(f"{targets[0]}: {len(keys) - len(chosen)} records")
    print(f"{targets[1]}: {len(chosen)} records{stratified}")


def push(
    file: Annotated[Path, typer.Argument(help="On this machine.")],
    target: Annotated[str, typer.Argument(help="s3://BUCKET/KEY, or s3://BUCKET/FOLDER/ to keep the file's name.")],
    model: Model = None,
    unchecked: Annotated[bool, typer.Option("--unchecked", help="Upload it also where it is not right.")] = False,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Check a file, and upload it to S3."""
    if not is_s3(target):
        raise ValidationFailed(f"'{target}' is no place in S3; write s3://BUCKET/KEY.")
    path = local_file(str(file))
    location = location_of(target + path.name if target.endswith("/") else target)
    if not unchecked:
        summary = checked_summary(str(path), model=model)
        if not summary.is_valid:
            for line in summary_lines(summary):
                console().print(line)
            print("tanren: nothing was uploaded; --unchecked uploads it as it is.", file=sys.stderr)
            raise typer.Exit(NOT_RIGHT)
    with Progress(
        TextColumn("  {task.description}"),
        BarColumn(24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr, highlight=False),
        transient=True,
    ) as progress:
        task = progress.add_task(path.name, total=path.stat().st_size)
        upload(path, location, endpoint_url, data_dir, on_bytes=lambda sent: progress.advance(task, sent))
    print(location.uri)


def _target_format(target: Target | None, model: str | None) -> DataFormat:
    if model is None:
        return DataFormat.CLAUDE_MESSAGES if target is None else DataFormat(target.value)
    formats = foundation_model(model).record_limits.formats
    if target is None:
        return DataFormat(formats[0]) if formats else DataFormat.PROMPT_COMPLETION
    if formats and target.value not in formats:
        raise ValidationFailed(f"--to {target} is no format that AWS takes for {model}: {' or '.join(formats)}.")
    return DataFormat(target.value)


def _validation_share(ratio: str) -> Fraction:
    training, colon, validation = ratio.partition(":")
    try:
        parts = Fraction(training), Fraction(validation)
    except (ValueError, ZeroDivisionError):
        parts = Fraction(0), Fraction(0)
    if not colon or min(parts) <= 0:
        raise ValidationFailed(f"'{ratio}' is no ratio; write training to validation, such as 85:15.")
    return parts[1] / sum(parts)


def _beside(file: Path, side: str) -> Path:
    name = file.name
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return file.with_name(f"{name}.{side}.jsonl")


def _rows(file: Path) -> Iterator[JsonRow]:
    """Of a file that has been read without a finding of error."""
    for row in open_container(pieces_of(file), file=str(file)).every_row(str(file)):
        assert isinstance(row, JsonRow), "the file has changed since it was read"
        yield row


def _as_line(row: JsonRow) -> bytes:
    """As it stands, where it stands on one line; so what a user wrote is what is trained on."""
    value: Any = row.value
    text = row.text if row.text and "\n" not in row.text else json.dumps(value, ensure_ascii=False)
    return text.encode() + b"\n"
