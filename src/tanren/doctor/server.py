"""What a server would find here: its data directory, disk, port, S3, catalogue and weights; and whether one runs.

Nothing is written, started or changed; nothing outside this machine is asked.
"""

import errno
import fcntl
import hashlib
import http.client
import os
import re
import shlex
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tanren.catalog.weights import WeightsCatalogue
from tanren.doctor.findings import Finding, fine, gigabytes, note, problem
from tanren.doctor.machine import REINSTALL, installed_version
from tanren.domain.errors import TanrenError, ValidationFailed
from tanren.model_files.memory import available_bytes, memory_needs
from tanren.model_files.store import NANO_FOLDER, SPARE_BYTES, StoredModel
from tanren.object_stores import require_credentials
from tanren.processes import HEALTH_PATH, LOCK_FILE
from tanren.settings import Settings

COMFORTABLE_BYTES: Final = 5 * 10**9
"""Free disk below which a user is told: base models of one's own and checkpoints take gigabytes."""
HEALTH_SECONDS: Final = 2.0
_CARD_DIGEST: Final = re.compile(r"`model\.safetensors` has SHA-256 `(?P<digest>[0-9a-f]{64})`")


def data_directory(folder: Path) -> Finding:
    # os.path and not Path: what this user may not even look at is not there for it.
    subject, facts = "data directory", {"path": str(folder), "exists": os.path.exists(folder)}
    fix = f"give another one with --data-dir, or make it yours: sudo chown -R $USER {shlex.quote(str(folder))}"
    if not facts["exists"]:
        parent = _nearest(folder)
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            return problem(subject, f"{folder} is not there, and cannot be made in {parent}", fix=fix, facts=facts)
        return fine(subject, f"{folder} is not there yet; the first start makes it", facts=facts)
    if not folder.is_dir():
        return problem(subject, f"{folder} is no directory", fix="give another one with --data-dir", facts=facts)
    if not os.access(folder, os.R_OK | os.X_OK):
        return problem(subject, f"{folder} cannot be read by this user", fix=fix, facts=facts)
    blocked = _unwritable(folder)
    if blocked is not None:
        return problem(subject, f"{blocked} cannot be written by this user", fix=fix, facts=facts)
    return fine(subject, f"{folder}, writable", facts=facts)


def disk(folder: Path, free_bytes: int | None = None) -> Finding:
    place = _nearest(folder)
    free = shutil.disk_usage(place).free if free_bytes is None else free_bytes
    facts = {"path": str(place), "freeBytes": free}
    shown = f"{gigabytes(free)} free in {place}"
    fix = "free some, or give a --data-dir on another disk"
    if free < SPARE_BYTES:
        return problem("disk", f"{shown}, less than database and checkpoints need", fix=fix, facts=facts)
    if free < COMFORTABLE_BYTES:
        return note("disk", f"{shown}: enough for nano, little for weights of your own", fix=fix, facts=facts)
    return fine("disk", shown, facts=facts)


def holder(folder: Path) -> str | None:
    """Who has the data directory: `process 4711, http://127.0.0.1:4500`. None where nobody has."""
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDONLY)
    except OSError:
        return None
    try:
        # Shared, and for a moment: a server that starts just now would be told that the directory is in use.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(descriptor, 200).decode(errors="replace").strip() or "a process that has not said who it is"
    finally:
        os.close(descriptor)
    return None


def running_server(folder: Path, held_by: str | None) -> Finding:
    if held_by is None:
        return fine("server", f"none runs in {folder}", facts={"holder": None})
    return fine("server", f"one runs in {folder}: {held_by}", facts={"holder": held_by})


def port(settings: Settings, held_by: str | None, *, is_tanren: Callable[[str], bool] | None = None) -> Finding:
    address = f"{settings.host}:{settings.port}"
    facts = {"host": settings.host, "port": settings.port}
    if held_by is not None and held_by.endswith(f"://{address}"):
        return fine("port", f"{address} is this directory's own server's", facts=facts)
    refusal = _refusal_to_bind(settings.host, settings.port)
    if refusal is None:
        return fine("port", f"{address} is free", facts=facts)
    if refusal.errno != errno.EADDRINUSE:
        return problem(
            "port",
            f"{address} cannot be had: {refusal.strerror}",
            fix="give an address of this machine with --host, and a --port from 1024 on",
            facts=facts,
        )
    by = "another tanren server" if (is_tanren or is_tanren_server)(f"http://{address}") else "another program"
    return problem(
        "port",
        f"{address} is taken by {by}",
        fix="give another one with `tanren serve --port`, or end the other program (`ss -ltnp` names it)",
        facts=facts,
    )


def neighbourhood(settings: Settings, version_of: Callable[[str], str | None] = installed_version) -> Finding:
    """S3 and the other services that a Bedrock script calls."""
    subject = "S3"
    if settings.aws_endpoint:
        facts = {"endpoint": settings.aws_endpoint}
        try:
            require_credentials(settings)
        except ValidationFailed as error:
            return problem(subject, str(error).rstrip("."), fix="set these, or unset TANREN_AWS_ENDPOINT", facts=facts)
        return fine(subject, f"{settings.aws_endpoint}, with credentials that boto3 finds", facts=facts)
    version = version_of("ministack")
    if version is None:
        return problem(
            subject,
            "ministack, the embedded one, is not installed",
            fix=f"{REINSTALL}; or point TANREN_AWS_ENDPOINT at an S3 of your own",
            facts={"ministack": None},
        )
    return fine(subject, f"ministack {version}, embedded", facts={"ministack": version})


def catalogue(weights: WeightsCatalogue) -> Finding:
    try:
        weights.check()
    except ValidationFailed as error:
        fix = f"put the line right, or take it away; `tanren models list --data-dir {_data_dir(weights)}` shows all ids"
        return problem("catalogue", str(error).rstrip("."), fix=fix, facts={"file": str(weights.file)})
    lines = {model_id: line.model for model_id, line in weights.lines().items()}
    if not lines:
        return fine(
            "catalogue", f"nano answers under every id ({weights.file.name} names no other)", facts={"lines": lines}
        )
    return fine(
        "catalogue", f"{weights.file}: {len(lines)} id(s) answered by weights of your choice", facts={"lines": lines}
    )


def embedded_weights(folder: Path = NANO_FOLDER) -> Finding:
    """Whether nano's weights are those that its card names."""
    subject = "embedded weights"
    card, weights = folder / "README.md", folder / "model.safetensors"
    try:
        stated = _CARD_DIGEST.search(card.read_text("utf-8"))
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return problem(subject, f"nano cannot be read: {error}", fix=REINSTALL)
    if stated is None:
        return problem(subject, f"nano's card {card} states no digest", fix=REINSTALL, facts={"sha256": digest})
    if digest != stated["digest"]:
        return problem(
            subject,
            f"{weights} has SHA-256 {digest[:12]}…, and its card says {stated['digest'][:12]}…",
            fix=REINSTALL,
            facts={"sha256": digest},
        )
    return fine(subject, f"nano is intact: SHA-256 {digest[:12]}…, as its card says", facts={"sha256": digest})


def stored_weights(weights: WeightsCatalogue, available: int | None = None) -> Finding:
    """Whether the models of the store are there in full, by their sizes, and fit into memory."""
    subject = "model store"
    free = available_bytes() if available is None else available
    try:
        stored = [model for model in weights.store.every() if model.folder != NANO_FOLDER]
    except (TanrenError, OSError) as error:
        fix = f"`tanren models list --data-dir {_data_dir(weights)}`, and as the message says"
        return problem(subject, str(error).rstrip("."), fix=fix)
    torn = [model.key for model in stored if not _is_whole(model)]
    if torn:
        fix = f"`tanren models remove {torn[0]}`, and get it again"
        return problem(subject, f"not as they were admitted: {', '.join(torn)}", fix=fix, facts={"torn": torn})
    keys = [model.key for model in stored]
    large = [
        model.key
        for model in stored
        if free is not None and memory_needs(model.parameter_count, model.dtype).serve_bytes > free
    ]
    if large:
        shown = f"{len(stored)} model(s); more memory than is available now is needed to answer with {', '.join(large)}"
        return note(
            subject, shown, fix="`tanren models list` says how much each needs", facts={"keys": keys, "tooLarge": large}
        )
    unfinished = [key for key, _ in weights.store.unfinished()]
    if unfinished:
        fix = f"pull it again, which goes on with what is here, or `tanren models remove {unfinished[0]}`"
        return note(
            subject, f"{len(stored)} model(s), and unfinished {', '.join(unfinished)}", fix=fix, facts={"keys": keys}
        )
    return fine(subject, f"{len(stored)} model(s) beside nano, as large as they were admitted", facts={"keys": keys})


def _nearest(folder: Path) -> Path:
    """The folder, or the first above it that is there."""
    return next(path for path in (folder, *folder.parents) if os.path.exists(path))


def _unwritable(folder: Path) -> Path | None:
    """Of the directory and what lies in it, the first that this user cannot write to."""
    for path in (folder, *sorted(folder.iterdir())):
        needed = os.W_OK | os.X_OK if path.is_dir() else os.W_OK
        if not os.access(path, needed):
            return path
    return None


def _refusal_to_bind(host: str, number: int) -> OSError | None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as error:
            return error
    return None


def is_tanren_server(url: str) -> bool:
    """Asked directly, whatever proxies the environment names."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url + HEALTH_PATH, timeout=HEALTH_SECONDS):
            return True
    except (urllib.error.URLError, OSError, ValueError, http.client.HTTPException):
        return False


def _is_whole(model: StoredModel) -> bool:
    return sum(file.stat().st_size for file in model.folder.iterdir() if file.is_file()) == model.size_bytes


def _data_dir(weights: WeightsCatalogue) -> str:
    return shlex.quote(str(weights.file.parent))
