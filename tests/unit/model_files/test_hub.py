"""Downloads from a hub: pinned, resumed at the byte, only what is safe, every error with its way out."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open

from tanren.domain.errors import AccessDenied, Conflict, ResourceNotFound, ServiceUnavailable, ValidationFailed
from tanren.model_files import hub as hub_module
from tanren.model_files.digests import weights_digest
from tanren.model_files.hub import Hub
from tanren.model_files.store import ModelStore
from tests.unit.model_files.fake_hub import REPOSITORY, FakeHub

WEIGHTS = "model.safetensors"


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "data" / "models")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "PAUSE_SECONDS", 0.0)


def _pull(hub: FakeHub, store: ModelStore, **options):
    client = Hub(endpoint=hub.url)
    return client.pull(client.find(REPOSITORY), store, **options)


def test_a_model_comes_whole_with_its_licence_and_pinned_to_its_commit(hub, store, tiny_model):
    told: list[tuple[int, int]] = []
    model = _pull(hub, store, on_bytes=lambda done, total: told.append((done, total)))
    commit = hub.repositories[REPOSITORY].commit
    assert model.key == f"forge--tiny-llama--{commit[:12]}"
    assert (model.name, model.origin.revision, model.origin.licence) == (REPOSITORY, commit, "apache-2.0")
    assert model.origin.location == hub.url
    assert model.weights_sha256 == weights_digest(tiny_model)
    assert {path.name for path in model.folder.iterdir()} == {path.name for path in tiny_model.iterdir()}
    assert store.find(model.key) == model
    assert told[-1][0] == told[-1][1] == sum(file.stat().st_size for file in tiny_model.iterdir())
    assert told == sorted(told)


def test_what_could_run_code_is_never_asked_for(hub, store):
    _pull(hub, store)
    assert not {"pytorch_model.bin", "modeling_tiny.py", "onnx/model.safetensors"} & set(hub.asked)
    assert "consolidated.safetensors" not in hub.asked


def test_a_second_pull_of_the_same_commit_fetches_nothing(hub, store):
    first = _pull(hub, store)
    hub.asked.clear()
    assert _pull(hub, store) == first
    assert hub.asked == []


def test_a_connection_that_is_cut_goes_on_at_the_byte_where_it_stopped(hub, store, tiny_model):
    size = (tiny_model / WEIGHTS).stat().st_size
    hub.cut_after[WEIGHTS] = size // 2
    model = _pull(hub, store)
    assert hub.asked.count(WEIGHTS) == 2
    assert hub.sent[WEIGHTS] == size
    assert model.weights_sha256 == weights_digest(tiny_model)


def test_a_pull_that_was_killed_goes_on_at_the_byte_where_it_stopped(hub, store, tiny_model):
    size = (tiny_model / WEIGHTS).stat().st_size
    hub.hold_after[WEIGHTS] = size // 3
    program = (
        "import sys; from pathlib import Path; from tanren.model_files.hub import Hub;"
        "from tanren.model_files.store import ModelStore; hub = Hub(); model = hub.find(sys.argv[1]);"
        "hub.pull(model, ModelStore(Path(sys.argv[2])))"
    )
    environment = {**os.environ, "HF_ENDPOINT": hub.url}
    process = subprocess.Popen([sys.executable, "-c", program, REPOSITORY, str(store.root)], env=environment)
    assert hub.holding.wait(60)
    (partial,) = _until(lambda: [p for p in store.root.rglob("*.part") if p.stat().st_size == size // 3])
    with pytest.raises(Conflict, match="Another process"):
        _pull(hub, store)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert store.every() == [store.nano()]
    assert [key for key, _ in store.unfinished()] == [partial.parent.name]
    hub.hold_after.clear()
    before = list(hub.asked)
    model = _pull(hub, store)
    # What was whole is not asked for again, what was begun is asked for from its byte on.
    assert set(hub.asked[len(before) :]) <= {WEIGHTS, *(p.name for p in tiny_model.iterdir())} - set(before) | {WEIGHTS}
    assert hub.sent[WEIGHTS] == size
    assert model.weights_sha256 == weights_digest(tiny_model)
    assert store.unfinished() == []


def _until(found):
    for _ in range(2000):
        value = found()
        if value:
            return value
        signal.sigtimedwait([], 0.01)
    pytest.fail("it did not happen within 20 s")


def test_a_hub_that_knows_no_ranges_sends_the_file_anew(hub, store, tiny_model):
    hub.knows_ranges = False
    hub.cut_after[WEIGHTS] = 1000
    assert _pull(hub, store).weights_sha256 == weights_digest(tiny_model)


def test_a_hub_that_keeps_breaking_off_is_given_up_and_what_came_stays(hub, store, monkeypatch):
    monkeypatch.setattr(hub_module, "TRIES", 1)
    hub.cut_after[WEIGHTS] = 1000
    with pytest.raises(ServiceUnavailable, match="goes on from there"):
        _pull(hub, store)
    assert store.every() == [store.nano()]
    assert any(path.stat().st_size == 1000 for path in store.root.rglob("*.part"))
    _pull(hub, store)


@pytest.mark.parametrize("name", [WEIGHTS, "config.json"])
def test_bytes_that_are_not_those_listed_are_thrown_away(hub, store, name):
    hub.wrong.add(name)
    with pytest.raises(ServiceUnavailable, match="digest"):
        _pull(hub, store)
    assert store.every() == [store.nano()]
    hub.wrong.clear()
    _pull(hub, store)


def test_a_sharded_model_comes_with_the_shards_of_its_index_only(hub, store):
    folder = hub.repositories[REPOSITORY].folder
    (folder / WEIGHTS).rename(folder / "model-00001-of-00001.safetensors")
    (folder / "extra.safetensors").write_bytes(b"of nobody")
    with safe_open(folder / "model-00001-of-00001.safetensors", "pt") as opened:
        names = list(opened.keys())
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, "model-00001-of-00001.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    model = _pull(hub, store)
    assert [path.name for path in model.folder.glob("*.safetensors")] == ["model-00001-of-00001.safetensors"]
    index["weight_map"]["one.more"] = "model-00002-of-00002.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ValidationFailed, match="model-00002-of-00002"):
        Hub(endpoint=hub.url).find(REPOSITORY)


def test_a_model_that_the_inspection_refuses_does_not_enter(hub, store):
    config = hub.repositories[REPOSITORY].folder / "config.json"
    config.write_text(config.read_text().replace("{", '{"auto_map": {"AutoModel": "modeling.Tiny"},', 1))
    with pytest.raises(Exception, match="auto_map"):
        _pull(hub, store)
    assert store.every() == [store.nano()]


def test_a_licence_of_its_own_is_named_and_located(hub):
    hub.repositories[REPOSITORY].card = {
        "license": "other",
        "license_name": "forge-community",
        "license_link": "https://forge.example/licence",
    }
    assert Hub(endpoint=hub.url).find(REPOSITORY).licence == "forge-community (https://forge.example/licence)"
    hub.repositories[REPOSITORY].card = {}
    assert Hub(endpoint=hub.url).find(REPOSITORY).licence == "not stated"


def test_a_token_is_sent_to_the_hub(hub, store):
    hub.repositories[REPOSITORY].private_to = "hf_secret"
    with pytest.raises(AccessDenied, match="HF_TOKEN"):
        Hub(endpoint=hub.url).find(REPOSITORY)
    client = Hub(endpoint=hub.url, token="hf_secret")
    assert client.pull(client.find(REPOSITORY), store).name == REPOSITORY


def test_every_refusal_of_the_hub_says_what_to_do(hub, monkeypatch):
    client = Hub(endpoint=hub.url)
    with pytest.raises(AccessDenied, match="does not exist, or is private"):
        client.find("forge/unknown")
    with pytest.raises(ResourceNotFound, match="no revision 'v9'"):
        client.find(REPOSITORY, "v9")
    with pytest.raises(ValidationFailed, match="owner/name"):
        client.find("../etc/passwd")
    hub.repositories[REPOSITORY].gated = True
    with pytest.raises(AccessDenied, match=r"gated.*accept.*HF_TOKEN"):
        client.find(REPOSITORY)
    hub.repositories[REPOSITORY].gated = False
    (hub.repositories[REPOSITORY].folder / WEIGHTS).unlink()
    with pytest.raises(ValidationFailed, match=r"pytorch_model\.bin, a pickle"):
        client.find(REPOSITORY)
    with pytest.raises(ServiceUnavailable, match="online"):
        Hub(endpoint="http://127.0.0.1:9").find(REPOSITORY)


def test_a_disk_without_room_is_found_out_before_anything_is_fetched(hub, store, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(ServiceUnavailable, match=r"free; what is still to come.*--data-dir"):
        _pull(hub, store)
    assert hub.asked == []
