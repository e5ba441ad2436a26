import json
import shutil
from pathlib import Path

import botocore.loaders
import pytest

from tanren.aws.sdk_overlay import MANIFEST, MODELS_FOLDER, install, overlay_files, uninstall
from tanren.domain.errors import Conflict, ResourceNotFound, ServiceUnavailable


def _everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_installed_is_what_lies_in_models_and_it_goes_without_trace(tmp_path: Path):
    folder = tmp_path / ".aws" / "models"
    assert set(install(folder).written) == set(overlay_files())
    expected = {name: (MODELS_FOLDER / name).read_bytes() for name in overlay_files()}
    assert {name: content for name, content in _everything(folder).items() if name != MANIFEST} == expected
    assert uninstall(folder) == overlay_files()
    assert not folder.exists()


def test_a_second_installation_writes_nothing(tmp_path: Path):
    install(tmp_path)
    before = _everything(tmp_path)
    done = install(tmp_path)
    assert done.written == ()
    assert _everything(tmp_path) == before


def test_models_of_the_users_own_are_left_alone(tmp_path: Path):
    own = tmp_path / "mine" / "2020-01-01" / "service-2.json"
    beside = tmp_path / "bedrock" / "2023-04-20" / "paginators-1.json"
    for file in (own, beside):
        file.parent.mkdir(parents=True)
        file.write_text("{}")
    before = _everything(tmp_path)
    install(tmp_path)
    uninstall(tmp_path)
    assert _everything(tmp_path) == before


def test_a_file_in_the_way_stops_the_installation_before_anything_is_written(tmp_path: Path):
    foreign = tmp_path / "bedrock" / "2023-04-20" / "waiters-2.json"
    foreign.parent.mkdir(parents=True)
    foreign.write_text('{"version": 2, "waiters": {}}')
    with pytest.raises(Conflict, match=r"waiters-2\.json: not as tanren wrote it"):
        install(tmp_path)
    assert list(_everything(tmp_path)) == ["bedrock/2023-04-20/waiters-2.json"]


def test_a_file_that_was_changed_since_is_neither_replaced_nor_removed(tmp_path: Path):
    install(tmp_path)
    changed = tmp_path / "tanren" / "2026-11-21" / "waiters-2.json"
    changed.write_text("{}")
    before = _everything(tmp_path)
    for command in (install, uninstall):
        with pytest.raises(Conflict, match=r"waiters-2\.json"):
            command(tmp_path)
    assert _everything(tmp_path) == before


def test_files_of_an_older_version_that_are_no_more_go_with_the_new_installation(tmp_path: Path):
    install(tmp_path)
    old = tmp_path / "tanren" / "2025-01-01" / "service-2.json"
    old.parent.mkdir()
    shutil.copyfile(tmp_path / "tanren" / "2026-11-21" / "waiters-2.json", old)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    manifest["files"]["tanren/2025-01-01/service-2.json"] = manifest["files"]["tanren/2026-11-21/waiters-2.json"]
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    install(tmp_path)
    assert not old.parent.exists()


def test_where_nothing_is_installed_nothing_is_removed(tmp_path: Path):
    with pytest.raises(ResourceNotFound, match="not installed"):
        uninstall(tmp_path)


def test_a_manifest_that_cannot_be_read_is_told_with_what_may_be_ours(tmp_path: Path):
    (tmp_path / MANIFEST).write_text("torn")
    with pytest.raises(ServiceUnavailable, match=r"tanren/2026-11-21/service-2\.json"):
        uninstall(tmp_path)


def test_the_overlay_adds_to_the_version_of_bedrock_that_botocore_has_and_hides_none_of_its_waiters():
    loader = botocore.loaders.Loader(include_default_search_paths=False, extra_search_paths=[_BUILTIN])
    newest = loader.determine_latest_version("bedrock", "service-2")
    ours = json.loads((MODELS_FOLDER / "bedrock" / newest / "waiters-2.json").read_text())
    theirs = loader.load_service_model("bedrock", "waiters-2")
    assert theirs["waiters"].keys() <= ours["waiters"].keys()
    operations = loader.load_service_model("bedrock", "service-2")["operations"]
    extras = json.loads((MODELS_FOLDER / "bedrock" / newest / "service-2.sdk-extras.json").read_text())["merge"]
    assert not operations.keys() & extras["operations"].keys()


_BUILTIN = botocore.loaders.Loader.BUILTIN_DATA_PATH
