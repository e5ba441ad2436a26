"""An uploaded file is there as a whole or not at all, and only for its account and region."""

import hashlib
import os
from pathlib import Path

import pytest

from tanren.domain.errors import ResourceNotFound, ValidationFailed
from tanren.domain.scope import Scope
from tanren.openai_api.errors import InvalidParameter
from tanren.openai_api.file_store import FileStore


@pytest.fixture
def store(tmp_path: Path, clock) -> FileStore:
    return FileStore(tmp_path, clock=clock, largest_bytes=100)


def put(store: FileStore, scope: Scope, content: bytes = b"a\nb\n", filename: str = "train.jsonl") -> str:
    with store.upload(scope) as upload:
        upload.write(content)
        return upload.finish(filename=filename, purpose="fine-tune").id


def test_a_finished_file_is_read_by_another_process_of_the_same_folder(store, scope, tmp_path, clock):
    file_id = put(store, scope)
    again = FileStore(tmp_path, clock=clock)
    found = again.get(scope, file_id)
    assert (found.size_bytes, found.sha256) == (4, hashlib.sha256(b"a\nb\n").hexdigest())
    assert b"".join(again.pieces(scope, file_id)) == b"a\nb\n"


def test_what_is_not_finished_is_not_there(store, scope):
    with store.upload(scope) as upload:
        upload.write(b"half")
        assert store.every(scope) == []
    assert store.every(scope) == []


def test_the_remains_of_a_killed_upload_go_a_day_later(store, scope, clock, tmp_path):
    put(store, scope)
    (account,) = tmp_path.glob("openai-files/*/*")
    folder = account / "file-aaaaaaaaaaaaaaaaaaaaaaaa.uploading"
    folder.mkdir()
    (folder / "content").write_bytes(b"half")
    os.utime(folder, (clock.now.timestamp(), clock.now.timestamp()))
    put(store, scope)
    assert folder.exists()
    clock.advance(days=1, seconds=1)
    kept = put(store, scope)
    assert not folder.exists()
    assert kept in [each.id for each in store.every(scope)]


def test_files_of_another_account_or_region_are_unknown(store, scope, other_scope):
    file_id = put(store, scope)
    for elsewhere in (other_scope, Scope(account_id=scope.account_id, region="eu-west-1")):
        assert store.every(elsewhere) == []
        with pytest.raises(ResourceNotFound):
            store.get(elsewhere, file_id)


def test_neither_an_id_nor_a_region_leads_out_of_the_folder(store, scope):
    put(store, scope)
    for bad in ("..", "../../x", "file-../../../../../../../e", "", "file-" + "a" * 24):
        with pytest.raises(ResourceNotFound):
            store.get(scope, bad)
    with pytest.raises(ValidationFailed, match="region"):
        store.every(Scope(account_id=scope.account_id, region=".."))


def test_a_file_that_grows_too_large_is_refused_and_leaves_nothing(store, scope, tmp_path):
    with pytest.raises(InvalidParameter, match="larger than"):
        put(store, scope, b"x" * 101)
    assert list(tmp_path.rglob("content")) == []


def test_a_deleted_file_is_gone_with_what_lay_beside_it(store, scope, tmp_path):
    file_id = put(store, scope)
    store.mark_copied(scope, file_id)
    assert store.is_copied(scope, file_id)
    store.delete(scope, file_id)
    with pytest.raises(ResourceNotFound):
        store.delete(scope, file_id)
    assert not any(file_id in path.name for path in tmp_path.rglob("*"))


def test_files_are_listed_newest_first(store, scope, clock):
    first = put(store, scope)
    clock.advance(seconds=1)
    second = put(store, scope)
    assert [each.id for each in store.every(scope)] == [second, first]
