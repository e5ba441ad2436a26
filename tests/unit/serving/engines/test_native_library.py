"""Which library is loaded, and what is said where there is none."""

import json
import shutil
from pathlib import Path

import pytest

import build_native
from tanren.domain.errors import EngineFailed
from tanren.serving.engines.native_library import BUILT, available_instruction_sets, load_native_library

needs_libraries = pytest.mark.skipif(not available_instruction_sets(), reason="the native library is not here")


def test_without_a_compiler_installation_succeeds_and_the_reason_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    report = build_native.build(tmp_path / "built")
    assert report["libraries"] == {}
    assert available_instruction_sets(tmp_path / "built") == []
    with pytest.raises(EngineFailed, match=r"no C\+\+ compiler when tanren was installed.*apt install g\+\+"):
        load_native_library(folder=tmp_path / "built")


def test_what_a_failing_compiler_said_is_repeated(tmp_path: Path) -> None:
    compiler = tmp_path / "broken-c++"
    compiler.write_text("#!/bin/sh\necho 'error: no such header' >&2\nexit 3\n")
    compiler.chmod(0o755)
    build_native.build(tmp_path / "built", compiler=str(compiler))
    with pytest.raises(EngineFailed, match="failed with exit code 3: error: no such header"):
        load_native_library(folder=tmp_path / "built")


def test_a_compiler_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    build_native.build(tmp_path / "built", compiler=str(tmp_path / "absent-c++"))
    with pytest.raises(EngineFailed, match=r"absent-c\+\+ cannot be run"):
        load_native_library(folder=tmp_path / "built")


def test_where_nothing_was_built_the_remedy_is_said(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match="not compiled when tanren was installed"):
        load_native_library(folder=tmp_path)


@needs_libraries
def test_the_fastest_that_works_here_is_taken() -> None:
    available = available_instruction_sets()
    assert available[-1] == "portable"
    assert load_native_library().instruction_set == available[0]
    assert load_native_library("portable").instruction_set == "portable"


@needs_libraries
def test_an_instruction_set_that_is_not_here_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match="no instruction set; there are amxbf16, avx512bf16, avx2, portable"):
        load_native_library("sse9")
    shutil.copytree(BUILT, tmp_path / "built")
    report = json.loads((tmp_path / "built" / "report.json").read_text())
    del report["libraries"]["avx2"]
    (tmp_path / "built" / "report.json").write_text(json.dumps(report))
    with pytest.raises(EngineFailed, match="for AVX2 is not here: it is not for this kind of processor"):
        load_native_library("avx2", folder=tmp_path / "built")


@needs_libraries
def test_a_library_of_other_sources_is_refused(tmp_path: Path) -> None:
    """Its functions could read what they are given as something else."""
    shutil.copytree(BUILT, tmp_path / "built")
    report = json.loads((tmp_path / "built" / "report.json").read_text())
    (tmp_path / "built" / "report.json").write_text(json.dumps({**report, "sources": "0" * 64}))
    with pytest.raises(EngineFailed, match="compiled from other sources than those here"):
        load_native_library(folder=tmp_path / "built")


@needs_libraries
def test_a_torn_library_is_named(tmp_path: Path) -> None:
    shutil.copytree(BUILT, tmp_path / "built")
    (tmp_path / "built" / "tanren_portable.so").write_bytes(b"torn")
    with pytest.raises(EngineFailed, match=r"tanren_portable\.so cannot be loaded"):
        load_native_library(folder=tmp_path / "built")


@needs_libraries
def test_what_was_built_from_the_same_sources_is_not_built_again(tmp_path: Path) -> None:
    report = json.loads((BUILT / "report.json").read_text())
    if report.get("flags") is None or set(report["libraries"]) != set(build_native.wanted()):
        pytest.skip("the libraries here were built in another way")
    shutil.copytree(BUILT, tmp_path / "built")
    assert build_native.build(tmp_path / "built", compiler=str(tmp_path / "absent-c++")) == report
