"""The engine is the fastest that can serve the base here, and says which it is and why."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from tanren.domain.errors import EngineFailed, JobFailed, ModelFailed, NotImplementedHere, ValidationFailed
from tanren.serving.engines import choice
from tanren.serving.engines.choice import (
    EngineChoice,
    Wanted,
    compare_speeds,
    fitting_threads,
    key_value_bytes,
    open_engine,
    reason_against_native,
)
from tanren.serving.engines.native_library import available_instruction_sets
from tanren.serving.engines.speed import NOT_KNOWN
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
    monkeypatch.setattr(choice, "load_native_library", refuse)


@pytest.fixture
def without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise EngineFailed("the native engine is not here: no compiler")

    monkeypatch.setattr(choice, "load_native_library", refuse)


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
    assert description.engine_note.startswith(
        "reference engine: the native engine is not here: it was not compiled when tanren was installed; how many "
        "times slower it is than the native engine cannot be known where that one does not run. On this base it makes "
    )
    assert re.search(r"makes [\d.,]+ tokens/s\.$", description.engine_note)
    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [("WARNING", description.engine_note)]


@needs_native
def test_where_only_this_base_is_not_for_the_native_engine_the_slowness_is_measured_on_one_that_is(
    base: Path, monkeypatch: pytest.MonkeyPatch
):
    taken = choice.NativeStepper

    def refuse_this(folder: Path, **more: Any) -> Any:
        if folder == base:
            raise ModelFailed("the native engine does not compute layers of experts")
        return taken(folder, **more)

    monkeypatch.setattr(choice, "NativeStepper", refuse_this)
    with opened(base) as engine:
        note = engine.describe().engine_note
    found = re.fullmatch(
        r"reference engine: the native engine does not compute layers of experts; it is ([\d.]+) × slower than native "
        r"\(.+\), measured here with nano, one answer at a time: ([\d.,]+) tokens/s against ([\d.,]+) tokens/s\. On "
        r"this base it makes [\d.,]+ tokens/s\.",
        note,
    )
    assert found is not None, note
    times, reference, native = (float(figure.replace(",", "")) for figure in found.groups())
    assert times == pytest.approx(native / reference, rel=0.15)  # each is rounded to two figures


def test_comparing_speeds_leaves_the_threads_of_the_process_as_they_were(
    base: Path, without_native: None, monkeypatch: pytest.MonkeyPatch
):
    set_to: list[int] = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    monkeypatch.setattr(torch, "set_num_threads", set_to.append)
    compare_speeds(base, base="tiny")
    assert set_to == [1, 7]


def test_what_cannot_be_compared_is_said_to_be_unknown_and_has_no_figure(base: Path, without_native: None):
    found = compare_speeds(base, base="tiny")
    assert found.reference is not None
    assert (found.native, found.times_slower) == (None, None)
    assert "was not compiled" in found.reason
    assert found.words() == NOT_KNOWN


@needs_native
def test_the_reason_against_the_native_engine_is_known_without_loading_weights(base: Path, tmp_path: Path):
    assert reason_against_native(base) is None
    with pytest.raises(JobFailed, match=r"config\.json is missing"):
        reason_against_native(tmp_path)


def test_the_reason_against_the_native_engine_is_that_of_the_library(base: Path, without_library: None):
    assert reason_against_native(base) == "the native engine is not here: no compiler"


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
