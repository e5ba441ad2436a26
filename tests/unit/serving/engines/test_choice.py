"""The engine is the fastest that can serve the base here, and says which it is and why."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tanren.domain.errors import EngineFailed, JobFailed, NotImplementedHere, ValidationFailed
from tanren.serving.engines import choice
from tanren.serving.engines.choice import EngineChoice, Wanted, fitting_threads, key_value_bytes, open_engine
from tanren.serving.engines.native_library import available_instruction_sets
from tanren.serving.protocol import Engine, EngineLimits
from tanren.settings import ENGINES
from tests.unit.serving.listening import asked, listen
from tests.unit.serving.tiny_base import write_tiny_base

LIMITS = EngineLimits(key_value_megabytes=1)
needs_native = pytest.mark.skipif(not available_instruction_sets(), reason="the native library is not built here")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base") / "base", writes="abcdefgh")


@contextmanager
def opened(folder: Path, choice: EngineChoice = EngineChoice.AUTO, limits: EngineLimits = LIMITS) -> Iterator[Engine]:
    engine = open_engine(folder, Wanted(choice=choice, limits=limits, threads=1))
    try:
        yield engine
    finally:
        engine.close()


@pytest.fixture
def without_native(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise EngineFailed("the native engine is not here: it was not compiled when tanren was installed")

    monkeypatch.setattr(choice, "NativeStepper", refuse)


@needs_native
def test_auto_takes_the_native_engine_where_its_library_is_built(base: Path):
    with opened(base) as engine:
        description = engine.describe()
    assert description.engine.startswith("native (")
    assert description.engine_note.startswith("native engine: ")
    assert description.block_count > 0


def test_auto_falls_back_to_the_reference_engine_and_says_why_in_the_log_and_in_the_description(
    base: Path, without_native: None, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.INFO), opened(base) as engine:
        description = engine.describe()
    assert description.engine == "reference"
    assert description.engine_note == (
        "reference engine: the native engine is not here: it was not compiled when tanren was installed"
    )
    assert [record.getMessage() for record in caplog.records] == [description.engine_note]


def test_the_native_engine_asked_for_by_name_is_an_error_where_it_cannot_be(base: Path, without_native: None):
    with pytest.raises(NotImplementedHere, match="was not compiled"), opened(base, EngineChoice.NATIVE):
        pass


@pytest.mark.parametrize(
    "wanted",
    [EngineChoice.TORCH, EngineChoice.REFERENCE, pytest.param(EngineChoice.NATIVE, marks=needs_native)],
)
def test_an_engine_asked_for_by_name_is_the_one_and_all_answer_alike(base: Path, wanted: EngineChoice):
    with opened(base, EngineChoice.REFERENCE) as reference:
        expected = listen(reference, asked()).text
    with opened(base, wanted) as engine:
        assert engine.describe().engine.startswith(wanted)
        assert engine.describe().engine_note == f"{wanted} engine: asked for by name"
        assert listen(engine, asked()).text == expected


@pytest.mark.parametrize("wanted", EngineChoice)
def test_a_folder_that_is_no_base_model_is_said_to_be_none_whatever_the_engine(tmp_path: Path, wanted: EngineChoice):
    with pytest.raises(JobFailed, match=r"config\.json is missing"), opened(tmp_path, wanted):
        pass


def test_memory_for_keys_and_values_is_what_was_said_or_a_quarter_of_what_is_free(monkeypatch: pytest.MonkeyPatch):
    assert key_value_bytes(EngineLimits(key_value_megabytes=3)) == 3_000_000
    for free, expected in ((2_000_000_000, 500_000_000), (10**12, 4_096_000_000), (None, 512_000_000)):
        monkeypatch.setattr(choice, "available_bytes", lambda free=free: free)
        assert key_value_bytes(EngineLimits()) == expected


def test_more_memory_for_keys_and_values_is_more_blocks(base: Path):
    counts = []
    for megabytes in (1, 2):
        with opened(base, EngineChoice.TORCH, EngineLimits(key_value_megabytes=megabytes)) as engine:
            counts.append(engine.describe().block_count)
    assert counts[1] in (2 * counts[0], 2 * counts[0] + 1)


def test_a_small_model_is_computed_by_one_thread():
    assert fitting_threads(4_000_000) == 1
    assert fitting_threads(135_000_000) >= 1


@pytest.mark.parametrize(
    "bad",
    [
        {"max_active": 0},
        {"max_queued": -1},
        {"max_resident_adapters": 0},
        {"key_value_megabytes": 0},
        {"prompt_rows_per_tick": 31},
    ],
)
def test_a_limit_that_cannot_be_kept_is_refused_by_name(bad: dict[str, int]):
    with pytest.raises(ValidationFailed, match=next(iter(bad))):
        EngineLimits(**bad)


def test_the_setting_names_every_engine_that_can_be_chosen():
    assert set(ENGINES) == {each.value for each in EngineChoice}
