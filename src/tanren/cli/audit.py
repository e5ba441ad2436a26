"""`tanren audit …`: the audit log of a data directory, read as it lies on disk; no server need run."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tanren.cli.endpoint import DataDir
from tanren.cli.language import say
from tanren.cli.output import Output, OutputOption, show_rows
from tanren.domain.clock import utc_now
from tanren.domain.errors import ValidationFailed
from tanren.domain.time_to_live import parse_ttl
from tanren.settings import read_settings

audit = typer.Typer(
    help="The audit log: who called what, and whether it is still what was written.", no_args_is_help=True
)


@audit.command("list")
def list_events(
    since: Annotated[
        str | None, typer.Option(help="2026-11-21, 2026-11-21T12:00:00Z, or a time back from now: 30m, 2h, 7h30m.")
    ] = None,
    event_name: Annotated[str | None, typer.Option(help="Only this operation, for example InvokeModel.")] = None,
    user: Annotated[
        str | None, typer.Option(help="Only calls whose principal's ARN or access key id contains this.")
    ] = None,
    output: OutputOption = Output.TABLE,
    data_dir: DataDir = None,
) -> None:
    """Show audited calls, oldest first; for programs, CloudTrail's records.

    Example: tanren audit list --since 2h --event-name InvokeModel --output jsonl
    """
    # Imported here, as in all of these: `tanren env` and `--help` need none of it.
    from tanren.storage.audit_records import call_events

    events = _wanted(call_events(read_settings(data_dir=data_dir).data_dir), _moment(since), event_name, user)
    # In ASCII: what callers wrote may be no text that can be encoded, or one that a terminal obeys.
    if output is Output.JSON:
        print(json.dumps(list(events)))
        return
    if output is Output.JSONL:
        for event in events:
            print(json.dumps(event))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("time", "event", "who", "from", "result"):
        table.add_column(column, overflow="fold")
    for event in events:
        table.add_row(*_row(event))
    Console(file=sys.stdout, highlight=False).print(table)


@audit.command()
def verify(
    public_key: Annotated[
        list[Path] | None,
        typer.Option("--public-key", help="PEM file; repeat it for a log of several keys. Default: the server's own."),
    ] = None,
    head: Annotated[
        Path | None, typer.Option(help="A head that `tanren audit head` printed earlier: the log must contain it.")
    ] = None,
    from_sequence: Annotated[
        int, typer.Option("--from", min=1, help="First record, where older files were moved away on purpose.")
    ] = 1,
    output: OutputOption = Output.TABLE,
    data_dir: DataDir = None,
) -> None:
    """Find every record that was edited, deleted, inserted, reordered or cut off.

    Exit code 0: none. 1: some.

    Example: tanren audit verify --public-key key.pem --head head.json
    """
    from tanren.storage.audit_signatures import public_key_of, read_public_key
    from tanren.storage.audit_verification import verify as verify_log

    folder = read_settings(data_dir=data_dir).data_dir
    keys = [read_public_key(path) for path in public_key] if public_key else [public_key_of(folder)]
    found = verify_log(folder, keys, kept=None if head is None else _kept_head(head), first_sequence=from_sequence)
    findings = [
        {"what": each.what.value, "file": str(each.path), "line": each.line, "text": each.text}
        for each in found.findings
    ]
    if output is not Output.TABLE:
        told = {"records": found.record_count, "calls": found.call_count, "findings": findings}
        print(json.dumps({**told, "remarks": found.remarks}))
    else:
        console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        for each in findings:
            console.print(
                Text.assemble(
                    (f"{each['what']:<10}", "bold red"), f"{each['file']} line {each['line']}: {each['text']}"
                )
            )
        for remark in found.remarks:
            console.print(Text.assemble(("remark    ", "yellow"), remark))
        names = ", ".join(each.fingerprint[:16] for each in keys)
        counted = say(
            "{records} genuine records, {calls} of them calls; key {names}",
            records=found.record_count,
            calls=found.call_count,
            names=names,
        )
        console.print(Text(counted))
        if findings:
            text = say(
                "The log in {folder} is not what was written: {count} finding(s).", folder=folder, count=len(findings)
            )
            console.print(Text(text, style="bold red"))
        else:
            console.print(Text(say("The log is what was written."), style="green"))
    if findings:
        raise typer.Exit(1)


@audit.command()
def key(data_dir: DataDir = None) -> None:
    """Print the public key (PEM). Keep it elsewhere: who can change the log may change the key beside it too."""
    from tanren.storage.audit_signatures import public_key_of

    public = public_key_of(read_settings(data_dir=data_dir).data_dir)
    print(public.pem, end="")
    print(f"SHA-256 of the key: {public.fingerprint}", file=sys.stderr)


@audit.command()
def head(data_dir: DataDir = None) -> None:
    """Print the signed head of the log now. Kept elsewhere, it shows later that nothing before it was taken away."""
    from tanren.storage.audit_records import sealed_head_of

    folder = read_settings(data_dir=data_dir).data_dir
    found = sealed_head_of(folder)
    if found is None:
        raise ValidationFailed(
            say("The audit log in {folder} has no head: no server has answered there yet.", folder=folder)
        )
    print(json.dumps(found.to_json()))


@audit.command()
def undelivered(output: OutputOption = Output.TABLE, data_dir: DataDir = None) -> None:
    """Show logs of model invocations that are still on this machine, and why.

    Exit code 1: a delivery has failed.

    Example: tanren audit undelivered --output jsonl
    """
    from tanren.storage.invocation_log_spool import undelivered as undelivered_batches
    from tanren.storage.invocation_log_spool import unreadable as unreadable_files

    folder = read_settings(data_dir=data_dir).data_dir
    waiting, damaged = undelivered_batches(folder), unreadable_files(folder)
    rows: list[dict[str, Any]] = [
        {
            "file": str(batch.path),
            "account": batch.scope.account_id,
            "region": batch.scope.region,
            "since": batch.begun_at.isoformat(timespec="seconds"),
            "records": len(batch.records()),
            "failure": batch.failure,
        }
        for batch in waiting
    ]
    reason = "cannot be read, so it is not delivered; remove the file when you have seen it"
    rows += [{"file": str(path), "failure": reason} for path in damaged]
    if output is Output.TABLE:
        for row in rows:
            where = (
                f"{row['since']} {row['account']} {row['region']} {row['records']} records in "
                if "since" in row
                else ""
            )
            print(f"{where}{row['file']}: {row['failure'] or 'not tried yet'}")
    else:
        show_rows(rows, [], output, none="")
    if damaged or any(batch.failure is not None for batch in waiting):
        raise typer.Exit(1)


def _wanted(
    events: Iterator[dict[str, Any]], since: datetime | None, event_name: str | None, user: str | None
) -> Iterator[dict[str, Any]]:
    # Times of one form and one zone: their texts are in the order of time.
    earliest = "" if since is None else since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for event in events:
        identity = event["userIdentity"]
        named = (str(identity.get("arn", "")), str(identity.get("accessKeyId", "")))
        if event["eventTime"] < earliest or event_name not in (None, event["eventName"]):
            continue
        if user is None or any(user in name for name in named):
            yield event


def _moment(text: str | None) -> datetime | None:
    """Raises ValidationFailed."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return utc_now() - parse_ttl(text)
        except ValidationFailed as error:
            raise ValidationFailed(
                say(
                    "--since is '{text}'; give a day (2026-11-21), a time (2026-11-21T12:00:00Z), or a span: 30m, 2h.",
                    text=text,
                )
            ) from error
    return moment if moment.tzinfo is not None else moment.astimezone()


def _row(event: dict[str, Any]) -> tuple[Text, ...]:
    identity = event["userIdentity"]
    who = str(identity.get("arn") or identity.get("accessKeyId") or "nobody")
    service = str(event["eventSource"]).removesuffix(".amazonaws.com")
    cells = (
        event["eventTime"],
        f"{service} {event['eventName']}",
        who if "arn" in identity else f"unproved: {who}",
        event["sourceIPAddress"],
        event.get("errorCode") or "done",
    )
    return tuple(Text(_harmless(str(cell))) for cell in cells)


def _harmless(text: str) -> str:
    """With control characters as they are written in Python: callers choose much of what stands in an event, and a
    terminal obeys them."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _kept_head(path: Path) -> Any:
    """Raises ValidationFailed."""
    from tanren.storage.audit_records import head_of_text

    try:
        found = head_of_text(path.read_bytes())
    except OSError as error:
        raise ValidationFailed(say("--head {path} cannot be read: {error}", path=path, error=error)) from error
    if found is None:
        raise ValidationFailed(say("--head {path} holds no head, as `tanren audit head` prints it.", path=path))
    return found
