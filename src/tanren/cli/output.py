"""How a command shows what it has: as a table for people, as JSON or JSON lines for programs, on standard output.

What is told on the way (progress, what to do next, errors) goes to standard error. Under JSON an error is JSON too.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tanren.cli.exit_codes import exit_code_of
from tanren.domain.errors import TanrenError, ValidationFailed


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="table is for people; json and jsonl are for programs.")
]
OUTPUT_FLAGS: Final = ("--output", "-o")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    heading: str
    cell: Callable[[Any], str | Text]
    """Of a row; what it returns is text and never markup."""
    is_number: bool = False


def show_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], output: Output, *, none: str) -> None:
    """A list. `none` is what a person reads where it is empty."""
    if output is Output.JSON:
        print(as_json(rows))
    elif output is Output.JSONL:
        for row in rows:
            print(as_json(row))
    elif not rows:
        print(none)
    else:
        table = Table(box=None, pad_edge=False)
        for column in columns:
            table.add_column(column.heading, overflow="fold", justify="right" if column.is_number else "left")
        for row in rows:
            table.add_row(*(_text(column.cell(row)) for column in columns))
        screen().print(table)


def show_members(members: Mapping[str, Any], output: Output) -> None:
    """One resource, by the names that the API gives its members; nested ones with dots between."""
    if output is not Output.TABLE:
        print(as_json(members))
        return
    leaves = flattened(members)
    width = max((len(name) for name, _ in leaves), default=0)
    for name, value in leaves:
        # Not folded: an ARN is there to be copied.
        screen().print(Text.assemble((f"{name:<{width}}  ", "dim"), value), soft_wrap=True)


def flattened(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Leaves of nested members by dotted name; a list of plain values is one leaf."""
    if isinstance(value, Mapping):
        return [leaf for key, each in value.items() for leaf in flattened(each, f"{name}.{key}" if name else str(key))]
    if isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value):
        return [leaf for number, each in enumerate(value) for leaf in flattened(each, f"{name}[{number}]")]
    if isinstance(value, list | tuple):
        return [(name, ", ".join(map(_plain, value)))]
    return [(name, _plain(value))]


def as_json(value: Any) -> str:
    """On one line. Times are ISO 8601 in UTC, absent members are left out as the API leaves them out."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def screen() -> Console:
    """Standard output. Colours only on a terminal, and none under NO_COLOR."""
    return Console(file=sys.stdout, highlight=False)


def aside() -> Console:
    """Standard error: progress, what to do next, errors."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def local_time(moment: datetime) -> str:
    return f"{moment.astimezone():%m-%d %H:%M}"


def wanted_output(arguments: Sequence[str]) -> Output:
    """What the command line asks for, also where nothing else of it can be understood."""
    for place, argument in enumerate(arguments):
        flag, _, value = argument.partition("=")
        if flag in OUTPUT_FLAGS:
            text = value or next(iter(arguments[place + 1 :]), "")
            return Output(text) if text in tuple(Output) else Output.TABLE
    return Output.TABLE


def error_json(message: str, *, exit_code: int, kind: str, cause: BaseException | None = None) -> str:
    """One object on one line, under `error`. What the service has told of itself goes with it."""
    told: dict[str, Any] = {"message": message, "kind": kind, "exitCode": exit_code}
    response: Any = getattr(cause, "response", None)
    if isinstance(response, Mapping):
        told["code"] = response.get("Error", {}).get("Code")
        told["requestId"] = response.get("ResponseMetadata", {}).get("RequestId")
    return as_json({"error": told})


def tell_error(error: TanrenError, output: Output) -> None:
    if output is Output.TABLE:
        print(f"tanren: {error}", file=sys.stderr)
    else:
        code = exit_code_of(error)
        kind = type(error).__name__ if not isinstance(error, ValidationFailed) else "ValidationFailed"
        print(error_json(str(error), exit_code=code, kind=kind, cause=error.__cause__), file=sys.stderr)


def _text(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else str(value)
