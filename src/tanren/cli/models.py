"""`tanren models …`: open weights of your own behind Bedrock's ids. Works on the data directory, server or not."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.catalog.stand_ins import StandIn, line_of, variants_of, write_stand_in
from tanren.catalog.weights import WeightsCatalogue, learning_rates, shown_name
from tanren.domain.errors import Conflict, ResourceNotFound, ServiceUnavailable, TanrenError, ValidationFailed
from tanren.model_files.licences import licence_files
from tanren.model_files.memory import MemoryNeeds, available_bytes, memory_needs
from tanren.model_files.store import NANO_KEY, NANO_NAME, ModelStore, StoredModel
from tanren.settings import Settings, read_settings, to_environment

if TYPE_CHECKING:
    from tanren.storage.database import Database

models = typer.Typer(
    help="Open weights of your own behind Bedrock's model ids; nano answers until you choose.", no_args_is_help=True
)

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Of the server. Default .tanren.")]
Revision = Annotated[str | None, typer.Option("--revision", help="Branch, tag or commit. Default: the main branch.")]


@models.command("list")
def list_models(
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one object with everything.")] = False,
) -> None:
    """Show which weights answer under which id, and what the store holds."""
    catalogue = _catalogue(data_dir)
    lines = catalogue.lines()
    rows: list[dict[str, Any]] = []
    for model_id, foundation in sorted(FOUNDATION_MODELS.items()):
        try:
            weights = catalogue.resolve(line_of(lines, model_id) or StandIn(model=NANO_KEY))
            shown = {"modelName": shown_name(foundation, weights.bound()), "weights": weights.name, "key": weights.key}
        except TanrenError as error:
            shown = {"modelName": None, "weights": None, "key": None, "error": str(error)}
        rows.append({"modelId": model_id, **shown})
    stored = [_facts(model) for model in catalogue.store.every()]
    unfinished = catalogue.store.unfinished()
    available = available_bytes()
    if as_json:
        begun = [{"key": key, "bytes": size} for key, size in unfinished]
        print(json.dumps({"models": rows, "weights": stored, "unfinished": begun, "availableBytes": available}))
        return
    console = _console()
    table = Table(title="Model ids", title_justify="left", box=None, pad_edge=False)
    for heading in ("model id", "answered by", "shown as"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(row["modelId"], escape(row["weights"] or "[refused]"), escape(row["modelName"] or "-"))
    console.print(table)
    for row in rows:
        if "error" in row:
            console.print(f"[red]{row['modelId']} is refused: {escape(row['error'])}[/red]", soft_wrap=True)
    console.print()
    console.print(_stored_table(catalogue.store.every(), available))
    for key, size in unfinished:
        console.print(
            f"unfinished: {key}, {_size(size)} here; the same pull goes on with it, `tanren models remove {key}` lets "
            "it go"
        )


@models.command()
def pull(
    repository: Annotated[str, typer.Argument(help="On the hub, such as Qwen/Qwen2.5-0.5B-Instruct.")],
    revision: Revision = None,
    data_dir: DataDir = None,
) -> None:
    """Download open weights from the Hugging Face hub into the model store (HF_TOKEN and HF_ENDPOINT are respected)."""
    catalogue = _catalogue(data_dir)
    model = _pull(catalogue.store, repository, revision)
    _warn_of_several(catalogue, model)
    print(model.key)


@models.command("import")
def import_model(
    folder: Annotated[Path, typer.Argument(help="With config.json, *.safetensors, tokenizer.json.")],
    name: Annotated[str | None, typer.Option(help="What to call it. Default: the folder's name.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Copy a model of this machine into the model store; the folder stays as it is."""
    print(_import(_catalogue(data_dir).store, folder, name).key)


@models.command()
def use(
    model_id: Annotated[str, typer.Argument(help="Of the catalogue, such as amazon.titan-text-lite-v1.")],
    weights: Annotated[
        str | None, typer.Argument(help="Repository on the hub, folder, key of the store, or nano.")
    ] = None,
    revision: Revision = None,
    nano: Annotated[bool, typer.Option("--nano", help="Go back to nano.")] = False,
    original: Annotated[
        bool, typer.Option("--original", help="You say that these weights are the model which the id names.")
    ] = False,
    lora_rate: Annotated[float | None, typer.Option(help="Rate at which LoRA learns well on them.")] = None,
    full_rate: Annotated[float | None, typer.Option(help="The same for full fine-tuning.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Let these weights answer under a model id, from the next job and invocation on; gets them first if needed."""
    if nano == (weights is not None):
        raise ValidationFailed("Say which weights: a repository, a folder, a key of `tanren models list`, or nano.")
    _known_id(model_id)
    settings = read_settings(data_dir=data_dir)
    catalogue = WeightsCatalogue(settings.data_dir)
    before = catalogue.lines().get(model_id)
    model = catalogue.store.nano() if weights is None else _got(catalogue.store, weights, revision)
    if not model.has_chat_template:
        raise ValidationFailed(
            f"{model.name} has no chat template, so it can neither answer nor be tuned here. Take the variant of the "
            "model that was made for conversations, often named -Instruct, -Chat or -it."
        )
    is_hub = model.origin.source == "hub"
    line = StandIn(
        model=model.name if is_hub else model.key,
        revision=model.origin.revision if is_hub else None,
        lora_learning_rate=lora_rate,
        full_learning_rate=full_rate,
        is_original=original,
    )
    write_stand_in(catalogue.file, model_id, line)
    _let_go(settings, catalogue, before)
    now = catalogue.resolve(line)
    shown = shown_name(FOUNDATION_MODELS[model_id], now.bound())
    followers = [each for each in variants_of(model_id) if each not in catalogue.lines()]
    _progress_console().print(
        f"From now on {escape(now.name)} answers under {', '.join([model_id, *followers])}, shown as "
        f"'{escape(shown)}'. Reference rates: {now.lora_learning_rate:g} (LoRA), {now.full_learning_rate:g} (full). "
        "Custom models and jobs that exist stay with the weights they were made on."
    )
    _warn_of_memory(model)


@models.command()
def show(
    model: Annotated[str, typer.Argument(help="Key, repository or name of imported weights, or a model id.")],
    revision: Revision = None,
    data_dir: DataDir = None,
) -> None:
    """Show everything that is known of some weights, as JSON."""
    settings = read_settings(data_dir=data_dir)
    catalogue = WeightsCatalogue(settings.data_dir)
    found = (
        catalogue.store.get(catalogue.resolve(line_of(catalogue.lines(), model) or StandIn(model=NANO_KEY)).key)
        if model in FOUNDATION_MODELS
        else catalogue.store.named(model, revision)
    )
    print(json.dumps({**_facts(found), "neededBy": _users(settings, catalogue, found)}, indent=1, ensure_ascii=False))


@models.command()
def remove(
    model: Annotated[str, typer.Argument(help="Key, repository or name of imported weights.")],
    revision: Revision = None,
    data_dir: DataDir = None,
) -> None:
    """Remove weights from the store; refused while anything needs them."""
    settings = read_settings(data_dir=data_dir)
    catalogue = WeightsCatalogue(settings.data_dir)
    store = catalogue.store
    if model in [key for key, _ in store.unfinished()] and not (store.root / f"{model}.json").exists():
        freed = store.remove(model)
    else:
        try:
            found = store.named(model, revision)
        except ServiceUnavailable:
            # A record that cannot be read, or whose folder has gone: that is what is removed.
            freed = store.remove(model)
        else:
            users = _users(settings, catalogue, found)
            if users:
                raise Conflict(f"{found.key} is needed by {', '.join(users)}; change or delete these first.")
            freed = store.remove(found.key)
            _forget_host(settings, found.folder)
    _progress_console().print(f"{escape(model)} is removed; {_size(freed)} are free again.")


@models.command()
def export(
    model: Annotated[str, typer.Argument(help="Name or ARN of a custom model.")],
    destination: Annotated[Path, typer.Argument(help="Folder to write; empty, or not there yet.")],
    merged: Annotated[bool, typer.Option("--merged", help="Base and adapter in one; else the adapter alone.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Write a custom model as a folder that transformers, peft, vLLM or llama.cpp's converter opens."""
    from tanren.export import CONFLICT_EXIT_CODE, export_command

    settings = read_settings(data_dir=data_dir)
    _require_database(settings)
    console = _progress_console()
    console.print(
        f"Writing {escape(model)} to {escape(str(destination))}, and comparing its answers with the original's"
    )
    argv = export_command(model, destination.absolute(), merged=merged)
    # Tensors live in a process of their own.
    done = subprocess.run(
        argv, env={**os.environ, **to_environment(settings)}, capture_output=True, text=True, check=False
    )
    if done.returncode == CONFLICT_EXIT_CODE:
        raise Conflict(done.stderr.strip().splitlines()[-1])
    if done.returncode != 0:
        raise ServiceUnavailable(done.stderr.strip() or f"The export ended with exit code {done.returncode}.")
    for line in json.loads(done.stdout.splitlines()[-1])["lines"]:
        console.print(f"  {escape(line)}")
    print(destination)


def _catalogue(data_dir: Path | None) -> WeightsCatalogue:
    return WeightsCatalogue(read_settings(data_dir=data_dir).data_dir)


def _known_id(model_id: str) -> None:
    model = FOUNDATION_MODELS.get(model_id)
    if model is None:
        raise ValidationFailed(
            f"'{model_id}' is no id of the catalogue; ids are {', '.join(sorted(FOUNDATION_MODELS))}."
        )
    if not model.is_stand_in:
        raise ValidationFailed(f"{model_id} is {model.product_name} itself; nothing else may answer under its id.")


def _got(store: ModelStore, weights: str, revision: str | None) -> StoredModel:
    """From the store, or a folder, or the hub, whichever the word means."""
    if weights in (NANO_KEY, NANO_NAME):
        return store.nano()
    if _is_path(weights):
        if revision is not None:
            raise ValidationFailed(f"--revision goes with a repository; {weights} is a folder.")
        return _import(store, Path(weights), None)
    try:
        return store.named(weights, revision)
    except ResourceNotFound:
        return _pull(store, weights, revision)


def _is_path(word: str) -> bool:
    """`./model`, `/models/model`, or a folder that is here and could be no repository."""
    return word.startswith((".", "/", "~")) or (Path(word).is_dir() and word.count("/") != 1)


def _pull(store: ModelStore, repository: str, revision: str | None) -> StoredModel:
    # Imported here: the other commands do not speak to a hub.
    from tanren.model_files.hub import Hub

    console = _progress_console()
    hub = Hub()
    found = hub.find(repository, revision)
    known = store.find(found.key)
    if known is not None:
        console.print(f"{escape(known.name)} at {known.origin.revision} is in the store already.")
        return known
    console.print(
        f"Pulling {escape(found.repository)} from {escape(found.endpoint)}\n"
        f"  commit   {found.commit}\n"
        f"  licence  {escape(found.licence)}\n"
        f"  files    {len(found.files)} of {len(found.files) + len(found.left)}, {_size(found.size_bytes)}\n"
        f"  to       {escape(str(store.root / found.key))}"
    )
    with _bar(console, found.size_bytes) as tell:
        model = hub.pull(found, store, on_bytes=tell)
    _tell_admitted(console, model)
    return model


def _import(store: ModelStore, folder: Path, name: str | None) -> StoredModel:
    console = _progress_console()
    console.print(f"Importing {escape(str(folder))} into {escape(str(store.root))}")
    with _bar(console, None) as tell:
        model = store.import_folder(folder, name=name, on_bytes=tell)
    _tell_admitted(console, model)
    return model


def _tell_admitted(console: Console, model: StoredModel) -> None:
    console.print(
        f"In the store: {model.key}\n"
        f"  {escape(model.architecture)}, {_count(model.parameter_count)} parameters, {model.dtype}, context "
        f"{model.context_length}; licence {escape(model.origin.licence)}"
    )


def _warn_of_several(catalogue: WeightsCatalogue, model: StoredModel) -> None:
    """A line without a revision means the only one there is; now there may be two."""
    for model_id, line in catalogue.lines().items():
        if line.model == model.name and line.revision is None:
            try:
                catalogue.resolve(line)
            except Conflict as error:
                _progress_console().print(
                    f"[yellow]{escape(str(catalogue.file))}, {model_id}: {escape(str(error))} Until then the id is "
                    f"refused; choose: tanren models use {model_id} {escape(model.name)} --revision REVISION[/yellow]"
                )


def _warn_of_memory(model: StoredModel) -> None:
    available = available_bytes()
    needs = memory_needs(model.parameter_count, model.dtype)
    if available is not None and needs.serve_bytes > available:
        _progress_console().print(
            f"[yellow]They need about {_size(needs.serve_bytes)} of memory to answer; {_size(available)} are available "
            "on this machine now.[/yellow]"
        )


def _users(settings: Settings, catalogue: WeightsCatalogue, model: StoredModel) -> list[str]:
    """Lines of the file, jobs under way and custom models that need these weights."""
    from tanren.control.weights_in_use import lines_with, work_with
    from tanren.storage.artifacts import ArtifactStore

    lines = [f"the line of {model_id} in {catalogue.file}" for model_id in lines_with(catalogue, model)]
    if not _has_database(settings):
        return lines
    with _database(settings) as database:
        return [*lines, *work_with(catalogue, model, database, ArtifactStore(settings.data_dir / "artifacts"))]


def _let_go(settings: Settings, catalogue: WeightsCatalogue, before: StandIn | None) -> None:
    """The engine host of weights that no line, job or custom model needs any more may end; the server sees to it."""
    if before is None:
        return
    try:
        old = catalogue.store.named(before.model, before.revision)
    except TanrenError:
        return
    if old.key != NANO_KEY and not _users(settings, catalogue, old):
        _forget_host(settings, old.folder)


def _forget_host(settings: Settings, folder: Path) -> None:
    if _has_database(settings):
        from tanren.storage.engine_hosts import EngineHosts

        with _database(settings) as database:
            EngineHosts(database).forget(str(folder))


@contextmanager
def _database(settings: Settings) -> Generator["Database"]:
    # Imported here: most commands need none, and it takes longer than they do.
    from tanren.storage.database import Database

    database = Database(settings.effective_database_url)
    try:
        yield database
    finally:
        database.close()


def _has_database(settings: Settings) -> bool:
    return bool(settings.database_url) or (settings.data_dir / "tanren.db").exists()


def _require_database(settings: Settings) -> None:
    if not _has_database(settings):
        raise ResourceNotFound(f"No server has been started in {settings.data_dir} yet, so it has no custom models.")


def _facts(model: StoredModel) -> dict[str, Any]:
    needs = memory_needs(model.parameter_count, model.dtype)
    lora, full = learning_rates(model)
    return {
        "key": model.key,
        "name": model.name,
        "source": model.origin.source,
        "location": model.origin.location,
        "revision": model.origin.revision or None,
        "licence": model.origin.licence,
        "licenceFiles": [str(file) for file in licence_files(model.folder)],
        "admittedAt": None if model.admitted_at is None else model.admitted_at.isoformat(),
        "folder": str(model.folder),
        "weightsSha256": model.weights_sha256,
        "sizeBytes": model.size_bytes,
        "architecture": model.architecture,
        "parameters": model.parameter_count,
        "contextLength": model.context_length,
        "dtype": model.dtype,
        "hasChatTemplate": model.has_chat_template,
        "memoryBytes": {"serve": needs.serve_bytes, "lora": needs.lora_bytes, "full": needs.full_bytes},
        "learningRates": {"lora": lora, "full": full},
    }


def _stored_table(stored: list[StoredModel], available: int | None) -> Table:
    title = "Weights in the store"
    if available is not None:
        title += f" ({_size(available)} of memory available; red needs more)"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("key", overflow="fold")
    for heading in ("parameters", "on disk", "licence", "revision"):
        table.add_column(heading)
    for heading in ("to answer", "to train: LoRA", "full"):
        table.add_column(heading, justify="right")

    def fitting(size: int) -> str:
        return f"[red]{_size(size)}[/red]" if available is not None and size > available else _size(size)

    for model in stored:
        needs: MemoryNeeds = memory_needs(model.parameter_count, model.dtype)
        table.add_row(
            escape(model.key),
            _count(model.parameter_count),
            _size(model.size_bytes),
            escape(model.origin.licence),
            model.origin.revision[:12] or "-",
            fitting(needs.serve_bytes),
            fitting(needs.lora_bytes),
            fitting(needs.full_bytes),
        )
    return table


@contextmanager
def _bar(console: Console, total: int | None) -> Generator[Callable[[int, int], None]]:
    columns = (
        TextColumn("  "),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda done, all_bytes: progress.update(task, completed=done, total=all_bytes)


def _console() -> Console:
    return Console(file=sys.stdout, highlight=False)


def _progress_console() -> Console:
    """What is told on the way goes to standard error; standard output is for the result."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def _size(size_bytes: int) -> str:
    for unit, least in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= least:
            return f"{size_bytes / least:.1f} {unit}"
    return f"{size_bytes} B"


def _count(parameters: int) -> str:
    for unit, least in (("B", 10**9), ("M", 10**6), ("k", 10**3)):
        if parameters >= least:
            return f"{parameters / least:.3g} {unit}"
    return str(parameters)
