"""Models of a Hugging Face hub, or of a mirror that speaks its protocol: looked up, downloaded, put in the store.

    repository, revision → commit, licence, files → what is missing of them → every digest checked → inspection → store

A revision is made a commit before anything else, so that a model in the store is one state of its repository for ever.
A download that was broken off, by the network or by kill -9, goes on at the byte where it stopped: huggingface_hub
itself (2.4) begins a file anew, so the transfer is ours; looking up, tokens (HF_TOKEN), the address (HF_ENDPOINT) and
the offline switch (HF_HUB_OFFLINE) are its own.

Cost     one request for the list, one a file; files one after the other, since one already fills the line
"""

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status, validate_repo_id

from tanren.domain.errors import AccessDenied, ResourceNotFound, ServiceUnavailable, ValidationFailed
from tanren.model_files.licences import licence_text
from tanren.model_files.selection import WEIGHTS_INDEX, wanted_files, weights_wanted
from tanren.model_files.store import ModelStore, Origin, StoredModel, check_space, hub_key

LOOKUP_SECONDS: Final = 30.0
SILENCE_SECONDS: Final = 60.0
"""Longest that a transfer may bring nothing; then it counts as broken off."""
TRIES: Final = 5
"""Of a transfer that brings nothing new, before it is given up; what is there stays for the next pull."""
PAUSE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    name: str
    size_bytes: int
    sha256: str | None
    """Of a large file (LFS, Xet)."""
    git_sha1: str | None
    """Of a small one: git's own hash of the blob."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubModel:
    repository: str
    commit: str
    licence: str
    files: tuple[HubFile, ...]
    """What will be downloaded."""
    left: tuple[str, ...]
    """What the repository has besides."""
    endpoint: str

    @property
    def key(self) -> str:
        return hub_key(self.repository, self.commit)

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


class Hub:
    def __init__(self, endpoint: str | None = None, token: str | None = None) -> None:
        """Without arguments, what huggingface_hub reads from the environment and its login."""
        self.endpoint = endpoint or constants.ENDPOINT
        self._token = token
        self._api = HfApi(endpoint=self.endpoint, token=token, library_name="tanren")

    def find(self, repository: str, revision: str | None = None) -> HubModel:
        """The commit that a revision (branch, tag, commit; None: the main branch) is now, and what would be taken.

        Raises   ValidationFailed, ResourceNotFound, AccessDenied, ServiceUnavailable: each says what to do.
        """
        _check_repository(repository)
        try:
            found = self._api.model_info(
                repository, revision=revision or "main", files_metadata=True, timeout=LOOKUP_SECONDS
            )
        except (HfHubHTTPError, httpx2.HTTPError, OSError, ValueError) as error:
            raise self._told(error, repository, revision) from error
        listed = {sibling.rfilename: sibling for sibling in found.siblings or []}
        wanted = wanted_files(listed)
        commit = found.sha
        if commit is None:
            raise ServiceUnavailable(f"The hub {self.endpoint} names no commit of {repository}; it is no hub we know.")
        if not any(name.endswith(".safetensors") for name in wanted):
            pickles = [name for name in listed if name.endswith((".bin", ".pt", ".pth", ".ckpt"))]
            raise ValidationFailed(
                f"{repository} has no .safetensors file"
                + (f", only {pickles[0]}, a pickle, which could run code" if pickles else "")
                + ". Take a repository or a revision that has safetensors."
            )
        if WEIGHTS_INDEX in wanted:
            wanted = weights_wanted(
                wanted, self._small_file(repository, commit, WEIGHTS_INDEX), where=f"{repository}/{WEIGHTS_INDEX}"
            )
        card: Any = found.card_data
        stated = [str((card.get(name) if card else None) or "") for name in ("license", "license_name", "license_link")]
        return HubModel(
            repository=repository,
            commit=commit,
            licence=licence_text(stated[0], stated[1], stated[2]),
            files=tuple(_file(listed[name]) for name in wanted),
            left=tuple(sorted(set(listed) - set(wanted))),
            endpoint=self.endpoint,
        )

    def pull(
        self, model: HubModel, store: ModelStore, *, on_bytes: Callable[[int, int], None] | None = None
    ) -> StoredModel:
        """The model is in the store when this returns; at once if it was there before.

        Takes    on_bytes: is told the bytes that are here, with those of earlier tries, and the bytes in all.
        Raises   UnsafeModel; ServiceUnavailable where line or disk give out (what is here stays for the next pull).
        """
        known = store.find(model.key)
        if known is not None:
            return known
        with store.incoming(model.key) as folder:
            here = sum(_bytes_here(folder, file) for file in model.files)
            check_space(store.root, model.size_bytes - here, what=f"what is still to come of {model.repository}")
            done = 0
            for file in model.files:
                before = done
                self._fetch(
                    model, file, folder, lambda now, at=before: on_bytes and on_bytes(at + now, model.size_bytes)
                )
                done += file.size_bytes
            for path in folder.iterdir():
                if path.name not in {file.name for file in model.files}:
                    path.unlink()
            origin = Origin(
                source="hub",
                name=model.repository,
                revision=model.commit,
                location=model.endpoint,
                licence=model.licence,
            )
            return store.admit(folder, model.key, origin)

    def _fetch(self, model: HubModel, file: HubFile, folder: Path, tell: Callable[[int], object]) -> None:
        target, partial = folder / file.name, folder / f"{file.name}.part"
        if target.exists():
            # It has its name since its digest was checked.
            tell(file.size_bytes)
            return
        for try_number in range(1, TRIES + 1):
            before = partial.stat().st_size if partial.exists() else 0
            try:
                self._transfer(model, file, partial, tell)
                break
            except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
                brought = partial.stat().st_size - before if partial.exists() else 0
                if try_number == TRIES or not _is_passing(error):
                    told = self._told(error, model.repository, model.commit)
                    raise type(told)(f"{told} What is here stays: the same pull goes on from there.") from error
                if brought <= 0:
                    time.sleep(PAUSE_SECONDS)
        _check_digest(file, partial, model)
        partial.rename(target)

    def _transfer(self, model: HubModel, file: HubFile, partial: Path, tell: Callable[[int], object]) -> None:
        """What is missing of a file, at its end; a server that knows no ranges sends it whole, in place of what was."""
        here = partial.stat().st_size if partial.exists() else 0
        if here > file.size_bytes:
            partial.unlink()
            here = 0
        if here == file.size_bytes and here > 0:
            tell(here)
            return
        url = hf_hub_url(model.repository, file.name, revision=model.commit, endpoint=self.endpoint)
        headers = {**build_hf_headers(token=self._token, library_name="tanren"), "Accept-Encoding": "identity"}
        if here:
            headers["Range"] = f"bytes={here}-"
        timeout = httpx2.Timeout(SILENCE_SECONDS)
        with get_session().stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as answer:
            if answer.status_code >= 400:
                answer.read()
            hf_raise_for_status(answer)
            if answer.status_code != 206:
                here = 0
            # Unbuffered: what has come is in the file, also when this process is killed.
            with partial.open("r+b" if here else "wb", buffering=0) as stream:
                stream.seek(here)
                tell(here)
                for block in answer.iter_bytes():
                    stream.write(block)
                    here += len(block)
                    if here > file.size_bytes:
                        raise httpx2.RemoteProtocolError(
                            f"the hub sent more than the {file.size_bytes} bytes it stated"
                        )
                    tell(here)
                os.fsync(stream.fileno())
        if here < file.size_bytes:
            raise httpx2.RemoteProtocolError(f"the answer ended after {here} of {file.size_bytes} bytes")

    def _small_file(self, repository: str, commit: str, name: str) -> bytes:
        url = hf_hub_url(repository, name, revision=commit, endpoint=self.endpoint)
        try:
            answer = get_session().get(
                url, headers=build_hf_headers(token=self._token), timeout=LOOKUP_SECONDS, follow_redirects=True
            )
            hf_raise_for_status(answer)
        except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
            raise self._told(error, repository, commit) from error
        return answer.content

    def _told(
        self, error: Exception, repository: str, revision: str | None
    ) -> AccessDenied | ResourceNotFound | ServiceUnavailable | ValidationFailed:
        """The same in our words: what, where, what to do."""
        where = f"{self.endpoint}/{repository}"
        status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
        token = "set HF_TOKEN to a token of an account that may read it (or log in with `hf auth login`)"
        if isinstance(error, GatedRepoError):
            return AccessDenied(
                f"{where} is gated: its owner asks you to accept terms first. Open the page, accept them, and {token}."
            )
        if isinstance(error, RevisionNotFoundError):
            return ResourceNotFound(f"{where} has no revision '{revision}'; give a branch, a tag or a commit of it.")
        if isinstance(error, RepositoryNotFoundError) or status in (401, 403):
            # The hub answers 401 for what does not exist and for what is private, so that nobody learns which.
            return AccessDenied(
                f"{where} does not exist, or is private (the hub answered {status}). Check the spelling; for a private "
                f"one {token}."
            )
        if status == 404:
            return ResourceNotFound(f"{where} is not there (404), or lacks a file that its list names: {error}")
        if isinstance(error, OfflineModeIsEnabled):
            return ServiceUnavailable(
                f"HF_HUB_OFFLINE forbids asking the hub for {repository}. Unset it, or bring the model as a folder: "
                "tanren models import DIR."
            )
        if isinstance(error, HfHubHTTPError | httpx2.HTTPError):
            return ServiceUnavailable(
                f"The hub {self.endpoint} did not answer as it should for {repository}: {_words(error)}. Is this "
                "machine online? HF_ENDPOINT names another hub; `tanren models import DIR` takes a folder instead."
            )
        if isinstance(error, OSError):
            return ServiceUnavailable(f"What comes of {repository} cannot be written: {error}")
        return ValidationFailed(f"{repository} cannot be looked up: {error}")


def _check_repository(repository: str) -> None:
    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise ValidationFailed(
            f"'{repository}' is no repository of a hub; write owner/name, such as Qwen/Qwen2.5-0.5B-Instruct."
        ) from error


def _file(sibling: Any) -> HubFile:
    lfs = sibling.lfs
    size = sibling.size if sibling.size is not None else (lfs.size if lfs is not None else None)
    if size is None:
        raise ServiceUnavailable(f"The hub states no size of {sibling.rfilename}; it is no hub we know.")
    return HubFile(
        name=cast(str, sibling.rfilename),
        size_bytes=int(size),
        sha256=None if lfs is None else cast(str, lfs.sha256),
        git_sha1=None if lfs is not None else cast("str | None", sibling.blob_id),
    )


def _bytes_here(folder: Path, file: HubFile) -> int:
    for path in (folder / file.name, folder / f"{file.name}.part"):
        if path.exists():
            return path.stat().st_size
    return 0


def _check_digest(file: HubFile, partial: Path, model: HubModel) -> None:
    """Raises ServiceUnavailable where the bytes are not those that the hub lists; they are then thrown away."""
    # sha1 is git's name for a file, not a defence; the large files, weights above all, have SHA-256.
    digest = hashlib.sha256() if file.sha256 else hashlib.sha1(usedforsecurity=False)
    if not file.sha256:
        digest.update(f"blob {file.size_bytes}\0".encode())
    with partial.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    expected = file.sha256 or file.git_sha1
    if expected is not None and digest.hexdigest() != expected:
        partial.unlink()
        raise ServiceUnavailable(
            f"{model.repository}/{file.name} did not arrive as the hub lists it: its digest is {digest.hexdigest()}, "
            f"expected {expected}. It was thrown away; pull again."
        )


def _is_passing(error: Exception) -> bool:
    """Whether the same request may well succeed in a moment."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in (408, 429) or error.response.status_code >= 500
    return isinstance(error, httpx2.TransportError)


def _words(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
