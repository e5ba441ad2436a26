"""/v1/files: what a fine-tuning job is to read is uploaded first.

Bedrock has no operation for files, so the permissions are those of AWS's own OpenAI-shaped endpoint:
`bedrock-mantle:CreateFile`, `ListFiles`, `GetFile`, `DeleteFile`.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final, Protocol

from tanren.domain.scope import Scope
from tanren.openai_api.calls import (
    MANTLE,
    Answer,
    Call,
    Json,
    epoch,
    json_answer,
    list_answer,
    read_list_request,
)
from tanren.openai_api.errors import InvalidParameter
from tanren.openai_api.file_store import FileStore, StoredFile
from tanren.openai_api.uploads import FILE_FIELD, read_form

PURPOSE: Final = "fine-tune"
MOST_FILES: Final = 10_000
"""In one list, as OpenAI's."""
_LONGEST_NAME: Final = 255


class TrainingCopies(Protocol):
    """What jobs train on is a copy of the file in another format; `training_files.py` has it."""

    def remove(self, scope: Scope, file_id: str) -> None:
        """Called before the file itself is deleted. Raises   Conflict, as long as a job needs the copy."""
        ...


class OpenAIFiles:
    def __init__(self, store: FileStore, copies: TrainingCopies) -> None:
        self._store = store
        self._copies = copies

    async def create(self, call: Call, _: str) -> Answer:
        await call.permit(MANTLE, "CreateFile", {})
        with await asyncio.to_thread(self._store.upload, call.scope) as upload:
            form = await read_form(call.headers.get("content-type", ""), call.pieces(), upload)
            purpose = form.fields.pop("purpose", None)
            if purpose != PURPOSE:
                said = "is missing" if purpose is None else f"is '{purpose}'"
                raise InvalidParameter(f"purpose {said}; tanren takes files for '{PURPOSE}' alone.", "purpose")
            if form.fields:
                name = next(iter(form.fields))
                raise InvalidParameter(f"{name}: tanren does not have this parameter; leave it out.", name)
            if form.filename is None:
                raise InvalidParameter(f"{FILE_FIELD} is missing: the field with the file's name and bytes.", "file")
            filename = _base_name(form.filename)
            stored = await asyncio.to_thread(upload.finish, filename=filename, purpose=purpose)
        return json_answer(_described(stored))

    async def list_files(self, call: Call, _: str) -> Answer:
        await call.permit(MANTLE, "ListFiles", {})
        asked = read_list_request(call, default=MOST_FILES, most=MOST_FILES, known=("purpose", "order"))
        order = asked.others.get("order", "desc")
        if order not in ("asc", "desc"):
            raise InvalidParameter(f"order is '{order}'; it must be asc or desc.", "order")
        files = await asyncio.to_thread(self._store.every, call.scope)
        wanted = [each for each in files if each.purpose == asked.others.get("purpose", each.purpose)]
        if order == "asc":
            wanted.reverse()
        if asked.after is not None:
            places = [index for index, each in enumerate(wanted) if each.id == asked.after]
            if not places:
                raise InvalidParameter(f"after is '{asked.after}', which is no file of this list.", "after")
            wanted = wanted[places[0] + 1 :]
        page = wanted[: asked.limit]
        return list_answer([_described(each) for each in page], has_more=len(page) < len(wanted))

    async def get(self, call: Call, file_id: str) -> Answer:
        await call.permit(MANTLE, "GetFile", {})
        return json_answer(_described(await asyncio.to_thread(self._store.get, call.scope, file_id)))

    async def content(self, call: Call, file_id: str) -> Answer:
        await call.permit(MANTLE, "GetFile", {})
        stored = await asyncio.to_thread(self._store.get, call.scope, file_id)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(stored.size_bytes)}
        return Answer(headers=headers, body=self._read(call.scope, file_id))

    async def delete(self, call: Call, file_id: str) -> Answer:
        await call.permit(MANTLE, "DeleteFile", {})
        await asyncio.to_thread(self._delete, call.scope, file_id)
        return json_answer({"id": file_id, "object": "file", "deleted": True})

    def _delete(self, scope: Scope, file_id: str) -> None:
        self._store.get(scope, file_id)
        self._copies.remove(scope, file_id)
        self._store.delete(scope, file_id)

    async def _read(self, scope: Scope, file_id: str) -> AsyncGenerator[bytes]:
        pieces = self._store.pieces(scope, file_id)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece


def _base_name(filename: str) -> str:
    name = filename.replace("\\", "/").rpartition("/")[2]
    if not name or len(name) > _LONGEST_NAME:
        raise InvalidParameter(f"The name of the file must have 1 to {_LONGEST_NAME} characters.", "file")
    return name


def _described(stored: StoredFile) -> Json:
    return {
        "id": stored.id,
        "object": "file",
        "bytes": stored.size_bytes,
        "created_at": epoch(stored.created_at),
        "filename": stored.filename,
        "purpose": stored.purpose,
        "status": "processed",
        "sha256": stored.sha256,
    }
