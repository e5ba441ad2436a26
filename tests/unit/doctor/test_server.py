"""What a server would find: each check on a directory, a port or a store that is as it should be, and on one that is
not."""

import fcntl
import http.server
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tanren.catalog.stand_ins import StandIn, write_stand_in
from tanren.catalog.weights import WeightsCatalogue
from tanren.doctor import server
from tanren.doctor.findings import Level
from tanren.model_files.store import NANO_FOLDER
from tanren.settings import Settings

ADDRESS = "127.0.0.1"


@contextmanager
def running(folder: Path, *, says: str) -> Iterator[None]:
    """A server that has the directory, as far as anybody can see."""
    with (folder / "lock").open("w") as file:
        file.write(says)
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((ADDRESS, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_directory_that_is_not_there_yet_is_no_problem_where_it_can_be_made(tmp_path: Path):
    finding = server.data_directory(tmp_path / "new" / "data")
    assert (finding.level, finding.facts["exists"]) == (Level.OK, False)
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    assert server.data_directory(tmp_path / "file").level is Level.PROBLEM
    assert server.data_directory(tmp_path / "file" / "data").level is Level.PROBLEM
    assert server.data_directory(tmp_path).level is Level.OK


@pytest.mark.parametrize("what", ["", "tanren.db"])
def test_what_cannot_be_written_is_named_with_the_command_that_repairs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
):
    (tmp_path / "tanren.db").touch()
    blocked = tmp_path / what
    # Root may write anywhere, so the question is answered for it.
    monkeypatch.setattr(server.os, "access", lambda path, mode: path != blocked or not mode & os.W_OK)
    finding = server.data_directory(tmp_path)
    assert finding.text == f"{blocked} cannot be written by this user"
    assert "chown" in finding.fix


@pytest.mark.parametrize(
    ("free", "level"), [(10**8, Level.PROBLEM), (10**9, Level.NOTE), (10**11, Level.OK), (None, None)]
)
def test_a_full_disk_is_a_problem_and_a_small_rest_a_note(tmp_path: Path, free: int | None, level: Level | None):
    finding = server.disk(tmp_path / "not" / "yet", free)
    assert level is None or finding.level is level
    assert finding.facts["path"] == str(tmp_path)


def test_who_has_the_directory_is_said_and_asking_takes_nothing_from_it(tmp_path: Path):
    assert server.holder(tmp_path) is None
    with running(tmp_path, says="process 4711, http://127.0.0.1:4500\n"):
        held_by = server.holder(tmp_path)
    assert held_by == "process 4711, http://127.0.0.1:4500"
    assert server.holder(tmp_path) is None
    assert "4711" in server.running_server(tmp_path, held_by).text
    assert "none runs" in server.running_server(tmp_path, None).text


def test_a_port_that_another_has_is_a_problem_unless_it_is_this_directorys_server():
    with taken_port() as number:
        settings = Settings(host=ADDRESS, port=number)
        other = server.port(settings, None, is_tanren=lambda url: False)
        assert (other.level, "another program" in other.text) == (Level.PROBLEM, True)
        assert "--port" in other.fix
        assert "another tanren server" in server.port(settings, None, is_tanren=lambda url: True).text
        own = server.port(settings, f"process 1, http://{ADDRESS}:{number}")
        assert (own.level, "own server" in own.text) == (Level.OK, True)
    assert server.port(settings, None).text == f"{ADDRESS}:{number} is free"


def test_an_address_that_is_not_of_this_machine_is_not_called_taken():
    finding = server.port(Settings(host="192.0.2.1", port=4500), None)
    assert (finding.level, "taken" in finding.text) == (Level.PROBLEM, False)
    assert "--host" in finding.fix


class NotTanren(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


def test_a_program_that_does_not_know_our_health_path_is_no_tanren_server():
    with http.server.HTTPServer((ADDRESS, 0), NotTanren) as other:
        threading.Thread(target=other.handle_request, daemon=True).start()
        settings = Settings(host=ADDRESS, port=other.server_port)
        assert "another program" in server.port(settings, None).text


def test_without_ministack_there_is_no_s3_unless_another_is_named(monkeypatch: pytest.MonkeyPatch):
    assert server.neighbourhood(Settings(), lambda _: "1.5").text == "ministack 1.5, embedded"
    assert server.neighbourhood(Settings(), lambda _: None).level is Level.PROBLEM
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    elsewhere = Settings(aws_endpoint="http://s3.example:9000")
    assert server.neighbourhood(elsewhere, lambda _: None).level is Level.OK
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    refused = server.neighbourhood(elsewhere)
    assert (refused.level, "credentials" in refused.text) == (Level.PROBLEM, True)


def test_a_broken_catalogue_is_a_problem_with_its_line(tmp_path: Path):
    catalogue = WeightsCatalogue(tmp_path)
    assert "nano answers under every id" in server.catalogue(catalogue).text
    write_stand_in(catalogue.file, "amazon.titan-text-lite-v1", StandIn(model="nobody/nothing"))
    finding = server.catalogue(catalogue)
    assert finding.level is Level.PROBLEM
    assert "amazon.titan-text-lite-v1" in finding.text
    assert "nobody/nothing" in finding.text


def test_embedded_weights_that_are_not_those_of_their_card_are_a_problem(tmp_path: Path):
    assert server.embedded_weights().level is Level.OK
    for name in ("README.md", "model.safetensors"):
        shutil.copy(NANO_FOLDER / name, tmp_path)
    with (tmp_path / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    assert "its card says" in server.embedded_weights(tmp_path).text
    assert server.embedded_weights(tmp_path).level is Level.PROBLEM
    (tmp_path / "model.safetensors").unlink()
    assert "cannot be read" in server.embedded_weights(tmp_path).text
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "README.md").write_text("# nano\n")
    assert "states no digest" in server.embedded_weights(tmp_path).text


def test_a_stored_model_of_another_size_is_not_whole(tmp_path: Path):
    catalogue = WeightsCatalogue(tmp_path)
    assert server.stored_weights(catalogue, 10**12).level is Level.OK
    folder = tmp_path / "copy"
    shutil.copytree(NANO_FOLDER, folder)
    stored = catalogue.store.import_folder(folder, name="mine")
    assert "1 model(s) beside nano" in server.stored_weights(catalogue, 10**12).text
    large = server.stored_weights(catalogue, 1000)
    assert (large.level, large.facts["tooLarge"]) == (Level.NOTE, [stored.key])
    (stored.folder / "tokenizer.json").chmod(0o600)
    (stored.folder / "tokenizer.json").write_text("{}")
    torn = server.stored_weights(catalogue, 10**12)
    assert (torn.level, torn.facts["torn"]) == (Level.PROBLEM, [stored.key])
    (tmp_path / "models" / f"{stored.key}.json").write_text("{")
    assert server.stored_weights(catalogue, 10**12).level is Level.PROBLEM


def test_a_download_that_was_broken_off_is_noted(tmp_path: Path):
    (tmp_path / "models" / ".incoming" / "some--model--0123").mkdir(parents=True)
    finding = server.stored_weights(WeightsCatalogue(tmp_path), 10**12)
    assert (finding.level, "some--model--0123" in finding.text) == (Level.NOTE, True)
