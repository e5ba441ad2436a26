"""The model store: whole or not there, unchangeable, found by key, name and revision."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from tanren.domain.errors import Conflict, ResourceNotFound, ServiceUnavailable, TanrenError, ValidationFailed
from tanren.model_files.digests import weights_digest
from tanren.model_files.store import ModelStore


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def source(tmp_path: Path, tiny_model: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "my llama"))


def test_nano_is_in_every_store(store):
    (nano,) = store.every()
    assert (nano.key, nano.name, nano.origin.licence) == ("nano", "nano-v1", "apache-2.0")
    assert nano.weights_sha256 == weights_digest(nano.folder)
    with pytest.raises(ValidationFailed, match="part of tanren"):
        store.remove("nano")


def test_an_imported_folder_is_copied_described_and_read_only(store, source):
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    model = store.import_folder(source)
    assert {path.name: path.read_bytes() for path in model.folder.iterdir()} == before
    assert {path.name: path.read_bytes() for path in source.iterdir()} == before
    assert model.key.startswith("local--my-llama--")
    assert (model.name, model.architecture, model.context_length) == ("my llama", "LlamaForCausalLM", 256)
    assert (model.dtype, model.parameter_count > 10_000) == ("F32", True)
    assert model.origin.licence == "apache-2.0"
    assert not any(stat.S_IMODE(path.stat().st_mode) & 0o222 for path in model.folder.iterdir())
    # Another process sees the same.
    assert ModelStore(store.root).get(model.key) == model


def test_the_same_folder_is_one_model_and_another_template_another(store, source):
    first = store.import_folder(source)
    assert store.import_folder(source) == first
    (source / "README.md").write_text("changed")
    second = store.import_folder(source)
    assert second.key != first.key
    assert second.weights_sha256 == first.weights_sha256
    assert [model.key for model in store.every()] == ["nano", *sorted([first.key, second.key])]
    with pytest.raises(Conflict, match="several revisions"):
        store.named("my llama")
    assert store.named("my llama", second.origin.revision[:12]) == second
    assert store.named(first.key) == first


def test_code_and_pickles_stay_behind(store, source):
    (source / "pytorch_model.bin").write_bytes(b"pickle")
    (source / "modeling.py").write_text("raise SystemExit")
    (source / "adapter_model.safetensors").write_bytes(b"of another")
    (source / ".git").mkdir()
    kept = {path.name for path in store.import_folder(source).folder.iterdir()}
    assert not {"pytorch_model.bin", "modeling.py", "adapter_model.safetensors", ".git"} & kept


def test_a_link_out_of_the_folder_is_refused(store, source, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("key")
    (source / "LICENSE").unlink()
    (source / "LICENSE").symlink_to(secret)
    with pytest.raises(ValidationFailed, match="link out of the folder"):
        store.import_folder(source)
    assert store.every() == [store.nano()]


def test_a_snapshot_of_the_hubs_cache_is_imported_through_its_links(store, source, tmp_path):
    cache = tmp_path / "models--forge--tiny"
    snapshot = cache / "snapshots" / "7ae5"
    snapshot.mkdir(parents=True)
    (cache / "blobs").mkdir()
    for number, file in enumerate(sorted(source.iterdir())):
        (cache / "blobs" / str(number)).write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(Path("..") / ".." / "blobs" / str(number))
    model = store.import_folder(snapshot, name="tiny")
    assert not any(path.is_symlink() for path in model.folder.iterdir())
    assert model.weights_sha256 == weights_digest(source)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_what_is_no_model_does_not_enter_and_leaves_nothing(store, source, missing):
    (source / missing).unlink()
    with pytest.raises(TanrenError):
        store.import_folder(source)
    assert store.every() == [store.nano()]
    assert store.unfinished() == []


def test_a_folder_without_its_record_does_not_count_and_is_replaced(store, source):
    """As a kill leaves it between the two last steps of an admission."""
    model = store.import_folder(source)
    (store.root / f"{model.key}.json").unlink()
    (model.folder / "LICENSE").chmod(0o600)
    (model.folder / "LICENSE").write_text("half")
    assert store.find(model.key) is None
    assert (store.import_folder(source).folder / "LICENSE").read_text() == "Do as you please.\n"


def test_a_record_that_is_broken_or_alone_is_said_to_be(store, source):
    model = store.import_folder(source)
    record = store.root / f"{model.key}.json"
    whole = json.loads(record.read_text())
    record.write_text("{")
    with pytest.raises(ServiceUnavailable, match="cannot be read"):
        store.find(model.key)
    record.write_text(json.dumps(whole))
    shutil.rmtree(model.folder)
    with pytest.raises(ServiceUnavailable, match="no folder"):
        store.find(model.key)
    store.remove(model.key)
    assert store.every() == [store.nano()]


def test_removing_frees_the_disk(store, source):
    model = store.import_folder(source)
    assert store.remove(model.key) >= model.size_bytes
    assert store.find(model.key) is None
    assert not model.folder.exists()
    for key in (model.key, "../models", ""):
        with pytest.raises(ResourceNotFound):
            store.remove(key)
    assert store.root.is_dir()


def test_what_a_killed_import_left_is_shown_and_can_be_removed(store, source):
    with store.incoming("copy-1") as folder:
        (folder / "half").write_bytes(bytes(10))
    assert store.unfinished() == [("copy-1", 10)]
    assert store.remove("copy-1") == 10
    assert store.unfinished() == []


def test_one_process_at_a_time_puts_a_model_together(store):
    with store.incoming("a"):
        with pytest.raises(Conflict, match="Another process"):
            with store.incoming("a"):
                pass
    with store.incoming("a"):
        pass


def test_the_store_is_its_owners_alone(store, source):
    before = os.umask(0o022)
    try:
        store.import_folder(source)
    finally:
        os.umask(before)
    assert stat.S_IMODE(store.root.stat().st_mode) & 0o077 == 0
