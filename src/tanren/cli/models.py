"""`tanren models …`: open weights of your own behind Bedrock's ids. Works on the data directory, server or not."""

import json
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
from tanren.cli.calls import has_store
from tanren.cli.endpoint import DataDir
from tanren.cli.language import say
from tanren.cli.model import export
from tanren.cli.output import Output, OutputOption
from tanren.domain.errors import Conflict, ResourceNotFound, ServiceUnavailable, TanrenError, ValidationFailed
from tanren.model_files.licences import licence_files
from tanren.model_files.memory import MemoryNeeds, available_bytes, memory_needs
from tanren.model_files.store import NANO_KEY, NANO_NAME, ModelStore, StoredModel
from tanren.settings import Settings, read_settings

if TYPE_CHECKING:
    from tanren.storage.database import Database

models = typer.Typer(
    help="Open weights of your own behind Bedrock's model ids; nano answers until you choose.", no_args_is_help=True
)

# Exporting a custom model was named here before models had a noun of their own.
models.command("export", hidden=True)(export)

Revision = Annotated[str | None, typer.Option("--revision", help="Branch, tag or commit. Default: the main branch.")]


@models.command("list")
def list_models(
    output: OutputOption = Output.TABLE,
    data_dir: DataDir = None,
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
    if output is Output.JSON:
        begun = [{"key": key, "bytes": size} for key, size in unfinished]
        print(json.dumps({"models": rows, "weights": stored, "unfinished": begun, "availableBytes": available}))
        return
    if output is Output.JSONL:
        for row in rows:
            print(json.dumps(row))
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
            refused = say("{model} is refused: {error}", model=row["modelId"], error=escape(row["error"]))
            console.print(f"[red]{refused}[/red]", soft_wrap=True)
    console.print()
    console.print(_stored_table(catalogue.store.every(), available))
    for key, size in unfinished:
        console.print(
            say(
                "unfinished: {key}, {size} here; the same pull goes on with it, "
                "`tanren models remove {key}` lets it go",
                key=key,
                size=_size(size),
            )
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
        raise ValidationFailed(
            say("Say which weights: a repository, a folder, a key of `tanren models list`, or nano.")
        )
    _known_id(model_id)
    settings = read_settings(data_dir=data_dir)
    catalogue = WeightsCatalogue(settings.data_dir)
    before = catalogue.lines().get(model_id)
    model = catalogue.store.nano() if weights is None else _got(catalogue.store, weights, revision)
    if not model.has_chat_template:
        raise ValidationFailed(
            say(
                "{name} has no chat template, so it can neither answer nor be tuned here. Take the variant of the "
                "model that was made for conversations, often named -Instruct, -Chat or -it.",
                name=model.name,
            )
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
        say(
            "From now on {weights} answers under {ids}, shown as '{shown}'. Reference rates: {lora} (LoRA), {full} "
            "(full). Custom models and jobs that exist stay with the weights they were made on.",
            weights=escape(now.name),
            ids=", ".join([model_id, *followers]),
            shown=escape(shown),
            lora=f"{now.lora_learning_rate:g}",
            full=f"{now.full_learning_rate:g}",
        )
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
                needed = say(
                    "{key} is needed by {users}; change or delete these first.", key=found.key, users=", ".join(users)
                )
                raise Conflict(needed)
            freed = store.remove(found.key)
            _forget_host(settings, found.folder)
    _progress_console().print(say("{model} is removed; {size} are free again.", model=escape(model), size=_size(freed)))


def _catalogue(data_dir: Path | None) -> WeightsCatalogue:
    return WeightsCatalogue(read_settings(data_dir=data_dir).data_dir)


def _known_id(model_id: str) -> None:
    model = FOUNDATION_MODELS.get(model_id)
    if model is None:
        raise ValidationFailed(
            say(
                "'{model}' is no id of the catalogue; ids are {ids}.",
                model=model_id,
                ids=", ".join(sorted(FOUNDATION_MODELS)),
            )
        )
    if not model.is_stand_in:
        raise ValidationFailed(
            say(
                "{model} is {product} itself; nothing else may answer under its id.",
                model=model_id,
                product=model.product_name,
            )
        )


def _got(store: ModelStore, weights: str, revision: str | None) -> StoredModel:
    """From the store, or a folder, or the hub, whichever the word means."""
    if weights in (NANO_KEY, NANO_NAME):
        return store.nano()
    if _is_path(weights):
        if revision is not None:
            raise ValidationFailed(say("--revision goes with a repository; {weights} is a folder.", weights=weights))
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
        console.print(
            say(
                "{name} at {revision} is in the store already.",
                name=escape(known.name),
                revision=known.origin.revision,
            )
        )
        return known
    console.print(
        say(
            "Pulling {repository} from {endpoint}\n  commit   {commit}\n  licence  {licence}\n"
            "  files    {count} of {all}, {size}\n  to       {folder}",
            repository=escape(found.repository),
            endpoint=escape(found.endpoint),
            commit=found.commit,
            licence=escape(found.licence),
            count=len(found.files),
            all=len(found.files) + len(found.left),
            size=_size(found.size_bytes),
            folder=escape(str(store.root / found.key)),
        )
    )
    with _bar(console, found.size_bytes) as tell:
        model = hub.pull(found, store, on_bytes=tell)
    _tell_admitted(console, model)
    return model


def _import(store: ModelStore, folder: Path, name: str | None) -> StoredModel:
    console = _progress_console()
    console.print(say("Importing {folder} into {store}", folder=escape(str(folder)), store=escape(str(store.root))))
    with _bar(console, None) as tell:
        model = store.import_folder(folder, name=name, on_bytes=tell)
    _tell_admitted(console, model)
    return model


def _tell_admitted(console: Console, model: StoredModel) -> None:
    console.print(
        say(
            "In the store: {key}\n  {architecture}, {count} parameters, {dtype}, context {length}; licence {licence}",
            key=model.key,
            architecture=escape(model.architecture),
            count=_count(model.parameter_count),
            dtype=model.dtype,
            length=model.context_length,
            licence=escape(model.origin.licence),
        )
    )


def _warn_of_several(catalogue: WeightsCatalogue, model: StoredModel) -> None:
    """A line without a revision means the only one there is; now there may be two."""
    for model_id, line in catalogue.lines().items():
        if line.model == model.name and line.revision is None:
            try:
                catalogue.resolve(line)
            except Conflict as error:
                told = say(
                    "{file}, {model}: {error} Until then the id is refused; choose: tanren models use {model} {name} "
                    "--revision REVISION",
                    file=escape(str(catalogue.file)),
                    model=model_id,
                    error=escape(str(error)),
                    name=escape(model.name),
                )
                _progress_console().print(told, style="yellow")


def _warn_of_memory(model: StoredModel) -> None:
    available = available_bytes()
    needs = memory_needs(model.parameter_count, model.dtype)
    if available is not None and needs.serve_bytes > available:
        told = say(
            "They need about {needed} of memory to answer; {available} are available on this machine now.",
            needed=_size(needs.serve_bytes),
            available=_size(available),
        )
        _progress_console().print(told, style="yellow")


def _users(settings: Settings, catalogue: WeightsCatalogue, model: StoredModel) -> list[str]:
    """Lines of the file, jobs under way and custom models that need these weights."""
    from tanren.control.weights_in_use import lines_with, work_with
    from tanren.storage.artifacts import ArtifactStore

    lines = [f"the line of {model_id} in {catalogue.file}" for model_id in lines_with(catalogue, model)]
    if not has_store(settings):
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
    if has_store(settings):
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
