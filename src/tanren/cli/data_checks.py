"""What looks at data and leaves them as they are: validate, doctor (which may write a repaired copy), stats, diff."""

import json
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from tanren.bodies.registry import BODY_FORMATS
from tanren.catalog.foundation_models import foundation_model
from tanren.cli.data_reports import (
    Output,
    console,
    examination_facts,
    finding_lines,
    lengths_table,
    show_examination,
    show_summaries,
    summary_lines,
)
from tanren.cli.data_source import new_file, pieces_from
from tanren.data.containers import open_container
from tanren.data.families import family_rules
from tanren.data.formats import DataFormat, sniff
from tanren.data.json_lines import JsonRow, NotJsonLines
from tanren.data.reading import FileReader, FileSummary, validate_file
from tanren.data.records import TrainingRecord
from tanren.data.repairing import Repair
from tanren.domain.customization_jobs import CustomizationType
from tanren.domain.errors import Conflict, ValidationFailed

NOT_RIGHT: Final = 3
_CHARACTERS_PER_TOKEN: Final = 6
"""AWS's own rule of thumb, where no family says otherwise."""


class Profile(StrEnum):
    OPEN = "open"
    AWS = "aws"


class Kind(StrEnum):
    FINE_TUNING = CustomizationType.FINE_TUNING
    CONTINUED_PRE_TRAINING = CustomizationType.CONTINUED_PRE_TRAINING


Files = Annotated[list[str], typer.Argument(help="Paths, or s3://BUCKET/KEY.")]
File = Annotated[str, typer.Argument(help="A path, or s3://BUCKET/KEY.")]
Model = Annotated[str | None, typer.Option("--model", help="Base model id: its family's limits are looked after.")]
CustomizationOption = Annotated[
    Kind | None, typer.Option("--customization-type", help="Of the job. Default: what the first record is for.")
]
OutputOption = Annotated[Output, typer.Option("--output", help="table is for people.")]
EndpointUrl = Annotated[str | None, typer.Option("--endpoint-url", help="Of S3, for s3:// files; 'aws' is AWS.")]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Of the server whose S3 is meant. Default .tanren.")]


def validate(
    files: Files,
    model: Model = None,
    customization_type: CustomizationOption = None,
    validation: Annotated[
        bool, typer.Option("--validation", help="They are validation sets, with those limits.")
    ] = False,
    profile: Annotated[
        Profile, typer.Option("--profile", help="aws: whatever AWS would refuse is an error. open: what tanren would.")
    ] = Profile.OPEN,
    output: OutputOption = Output.TABLE,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Check files as a job will, and name all that is wrong: file, line, column, rule, what is there, what to do.

    Exit code 0: right. 3: not right.
    """
    if profile is Profile.AWS and model is None:
        raise ValidationFailed("--profile aws needs --model: AWS's limits are those of a model's family.")
    summaries = [
        checked_summary(
            file,
            model=model,
            kind=customization_type,
            is_validation=validation,
            is_strict=profile is Profile.AWS,
            endpoint_url=endpoint_url,
            data_dir=data_dir,
        )
        for file in files
    ]
    show_summaries(summaries, output)
    if not all(summary.is_valid for summary in summaries):
        raise typer.Exit(NOT_RIGHT)


def doctor(
    file: File,
    validation: Annotated[
        str | None,
        typer.Option("--validation", help="Set that is to measure the model: none of it may be in the file."),
    ] = None,
    repair: Annotated[
        Path | None, typer.Option("--repair", help="Write a copy here with what can be put right without loss.")
    ] = None,
    model: Model = None,
    output: OutputOption = Output.TABLE,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Examine what a set will teach: repetitions, overlap, languages, lengths, labels, personal data, garbled text.

    Exit code 3: lines are wrong (`tanren data validate` has the same list), also after a repair.
    """
    # Imported here: `tanren env` and `--help` need no arrays.
    from tanren.data.examination import examine, with_findings

    if repair is not None:
        _repair(file, repair, output, endpoint_url, data_dir)
        file = str(repair)
    reader = FileReader(
        pieces_from(file, endpoint_url, data_dir),
        file=file,
        customization_type=customization_of(file, endpoint_url, data_dir),
        prompt_templates=() if model is None else BODY_FORMATS[foundation_model(model).body_format].prompt_templates,
        family=None if model is None else family_rules(model),
    )
    held_out = [] if validation is None else _records(validation, endpoint_url, data_dir)
    seen = examine(reader.records(), held_out=held_out)
    summary = reader.summary(None if model is None else foundation_model(model).record_limits)
    seen = with_findings(seen, summary.rule_counts, summary.error_count)
    if output is Output.TABLE:
        if seen.record_count:
            show_examination(seen, _characters_per_token(model))
        for line in summary_lines(summary):
            console().print(line)
    else:
        findings = [finding.to_json() for finding in summary.findings]
        print(json.dumps({**examination_facts(seen), "findings": findings}, ensure_ascii=False))
    if not summary.is_valid:
        raise typer.Exit(NOT_RIGHT)


def stats(
    files: Files,
    model: Model = None,
    output: OutputOption = Output.TABLE,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Count records, turns and characters, and draw their lengths."""
    from tanren.data.statistics import lengths

    for file in files:
        asked: list[int] = []
        answered: list[int] = []
        for record in _records(file, endpoint_url, data_dir):
            asked.append(len(record.asked))
            answered.append(len(record.answered))
        measured = {name: lengths(values) for name, values in (("asked", asked), ("answered", answered)) if any(values)}
        if output is Output.TABLE:
            out = console()
            out.print(Text(f"{file}: {len(answered)} records", style="bold"))
            for name, each in measured.items():
                out.print(lengths_table(name, each, _characters_per_token(model)))
        else:
            facts = {name: each.to_json() for name, each in measured.items()}
            print(json.dumps({"file": file, "records": len(answered), **facts}))


def diff(
    first: File,
    second: File,
    output: OutputOption = Output.TABLE,
    endpoint_url: EndpointUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Compare two sets by content: records that were added, that are gone, whose answer was changed.

    Exit code 0: the same records, in whatever order. 1: not.
    """
    from tanren.data.comparison import compare

    found = compare(_records(first, endpoint_url, data_dir), _records(second, endpoint_url, data_dir))
    gone = len(found.only_first) - min(len(found.only_first), found.changed_count)
    if output is Output.TABLE:
        out = console()
        for each in found.changed:
            out.print(Text.assemble((f"~ {second}:{each.line}", "yellow"), f" (line {each.other_line} in {first})"))
            out.print(Text(f"    {each.asked[:200]!r} → {each.answered[:200]!r}"))
        for each in found.added:
            out.print(Text.assemble((f"+ {second}:{each.line}", "green"), f" {(each.asked or each.answered)[:200]!r}"))
        if found.only_first:
            lines = ", ".join(map(str, found.only_first[:20])) + (", …" if len(found.only_first) > 20 else "")
            out.print(Text.assemble((f"- {first}", "red"), f" lines {lines} are not in {second} as they were"))
        out.print(
            f"{found.common} records in both, {found.added_count} added, {found.changed_count} answered otherwise, "
            f"{gone} gone"
        )
    else:
        facts = {
            "common": found.common,
            "added": found.added_count,
            "changed": found.changed_count,
            "gone": gone,
            "onlyFirstLines": list(found.only_first),
        }
        print(json.dumps(facts))
    if not found.is_equal:
        raise typer.Exit(1)


def checked_summary(
    file: str,
    *,
    model: str | None,
    kind: Kind | None = None,
    is_validation: bool = False,
    is_strict: bool = False,
    endpoint_url: str | None = None,
    data_dir: Path | None = None,
) -> FileSummary:
    foundation = None if model is None else foundation_model(model)
    return validate_file(
        pieces_from(file, endpoint_url, data_dir),
        file=file,
        customization_type=(
            customization_of(file, endpoint_url, data_dir) if kind is None else CustomizationType(kind.value)
        ),
        prompt_templates=() if foundation is None else BODY_FORMATS[foundation.body_format].prompt_templates,
        limits=None if foundation is None else foundation.record_limits,
        family=None if model is None else family_rules(model),
        is_validation=is_validation,
        is_strict=is_strict,
    )


def customization_of(file: str, endpoint_url: str | None, data_dir: Path | None) -> CustomizationType:
    """By the first object of the file; fine-tuning where there is none, so that the findings are about that."""
    pieces = pieces_from(file, endpoint_url, data_dir)
    with suppress(NotJsonLines):
        for row in open_container(pieces, file=file).every_row(file):
            if isinstance(row, JsonRow):
                is_document = sniff(row.value) is DataFormat.INPUT
                return CustomizationType.CONTINUED_PRE_TRAINING if is_document else CustomizationType.FINE_TUNING
    return CustomizationType.FINE_TUNING


def _records(file: str, endpoint_url: str | None, data_dir: Path | None) -> Iterator[TrainingRecord]:
    """Raises DataInvalid at the end, where anything is wrong."""
    reader = FileReader(
        pieces_from(file, endpoint_url, data_dir),
        file=file,
        customization_type=customization_of(file, endpoint_url, data_dir),
    )
    yield from reader.records()
    summary = reader.summary()
    if not summary.is_valid:
        for line in summary_lines(summary):
            console().print(line)
        raise typer.Exit(NOT_RIGHT)


def _repair(file: str, target: Path, output: Output, endpoint_url: str | None, data_dir: Path | None) -> None:
    if target.exists():
        raise Conflict(f"{target} exists; name a file that does not, so that nothing is lost.")
    try:
        repair = Repair(open_container(pieces_from(file, endpoint_url, data_dir), file=file), file=file)
        with new_file(target) as writer:
            for line in repair.lines():
                writer.write(line)
    except NotJsonLines as error:
        for line in finding_lines(error.finding):
            console().print(line)
        raise typer.Exit(NOT_RIGHT) from error
    if output is Output.TABLE:
        done = ", ".join(f"{rule} ({count})" for rule, count in repair.done.items()) or "nothing needed it"
        console().print(Text(f"{target} is written. Repaired: {done}.\n"))


def _characters_per_token(model: str | None) -> int:
    family = None if model is None else family_rules(model)
    return _CHARACTERS_PER_TOKEN if family is None else family.characters_per_token
