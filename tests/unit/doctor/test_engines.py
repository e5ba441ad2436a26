"""What is said of torch, of GPUs, of the library and of the engine that each base gets."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tanren.doctor.engines import (
    EngineFacts,
    EngineFactsProcess,
    Unknown,
    engine_of_bases,
    gpu,
    native_library,
    torch_build,
)
from tanren.doctor.findings import Level
from tanren.serving.engines.native_library import BUILT, available_instruction_sets
from tanren.settings import Settings

needs_libraries = pytest.mark.skipif(not available_instruction_sets(), reason="the native library is not here")
ALL_FEATURES = "flags : avx2 avx512_bf16"
MEASURED = {
    "base": "nano",
    "referenceTokensPerSecond": 180.0,
    "nativeTokensPerSecond": 3600.0,
    "timesSlower": 20.0,
    "words": "it is 20 × slower than native (AVX2)",
}
ALONE = {
    **MEASURED,
    "nativeTokensPerSecond": None,
    "timesSlower": None,
    "words": "how many times slower cannot be known",
}


def facts(**changes: Any) -> EngineFacts:
    known: dict[str, Any] = {
        "torch_version": "2.13.0+cpu",
        "cuda": None,
        "gpus": [],
        "takes_vllm": False,
        "reason_against_vllm": None,
        "reasons_against_native": {"nano-v1": None},
        "speeds": None,
        **changes,
    }
    return EngineFacts(**known)


def test_a_torch_that_cannot_be_loaded_is_a_problem_of_everything_that_needs_it():
    broken = Unknown(reason="ImportError: libtorch.so is missing")
    assert torch_build(broken).level is Level.PROBLEM
    assert "libtorch.so is missing" in torch_build(broken).text
    assert engine_of_bases("auto", broken).level is Level.PROBLEM
    assert gpu([], broken).level is Level.NOTE


def test_a_machine_that_is_too_busy_to_answer_is_not_called_broken():
    slow = Unknown(reason="not within 60 s", is_slow=True)
    assert {torch_build(slow).level, engine_of_bases("auto", slow).level} == {Level.NOTE}


def test_a_gpu_that_torch_does_not_use_is_noted_with_the_reason():
    assert gpu([], facts()).level is Level.OK
    assert gpu(["H200"], facts(gpus=["H200"], cuda="12.8")).text == "H200"
    cpu_build = gpu(["H200"], facts())
    assert (cpu_build.level, "torch==2.13.0" in cpu_build.fix) == (Level.NOTE, True)
    assert "driver" in gpu(["H200"], facts(cuda="12.8")).fix


def test_where_every_base_gets_the_native_engine_all_is_well():
    finding = engine_of_bases("auto", facts())
    assert (finding.level, finding.text) == (Level.OK, "the native one for nano-v1")
    assert "TANREN_ENGINE" in engine_of_bases("native", facts()).text


def test_where_auto_falls_to_the_reference_engine_the_reason_and_the_measured_slowness_are_said():
    reasons = {"nano-v1": None, "my/moe": "it has experts."}
    finding = engine_of_bases("auto", facts(reasons_against_native=reasons, speeds=MEASURED))
    assert finding.level is Level.NOTE
    assert finding.text == (
        "auto takes the reference engine for my/moe: it has experts; it is 20 × slower than native (AVX2)"
    )
    assert finding.facts["speeds"]["timesSlower"] == 20.0


def test_where_the_native_engine_cannot_run_only_what_was_measured_is_said():
    finding = engine_of_bases("auto", facts(reasons_against_native={"nano-v1": "no compiler."}, speeds=ALONE))
    assert finding.text.endswith("it makes 180 tokens/s here with nano; how many times slower cannot be known")


def test_an_engine_that_was_asked_for_and_cannot_be_is_a_problem_and_a_slow_one_a_note():
    reasons = {"nano-v1": "it was not built"}
    assert engine_of_bases("native", facts(reasons_against_native=reasons)).level is Level.PROBLEM
    slow = engine_of_bases("reference", facts(speeds=MEASURED))
    assert (slow.level, "20 × slower" in slow.text) == (Level.NOTE, True)
    assert engine_of_bases("torch", facts()).level is Level.OK


def test_a_vllm_that_serves_is_named_and_one_that_was_meant_to_and_cannot_is_a_problem():
    assert engine_of_bases("auto", facts(takes_vllm=True)).text == "vLLM for nano-v1"
    refused = engine_of_bases("vllm", facts(reason_against_vllm="vLLM needs a CUDA GPU."))
    assert (refused.level, "needs a CUDA GPU" in refused.text) == (Level.PROBLEM, True)


def test_a_library_that_is_not_there_is_a_note_and_a_problem_for_who_asked_for_it(tmp_path: Path):
    noted = native_library(engine="auto", has_compiler=False, folder=tmp_path)
    assert noted.level is Level.NOTE
    assert "was not compiled" in noted.text
    assert "apt install g++" in noted.fix
    assert "apt install" not in native_library(engine="auto", has_compiler=True, folder=tmp_path).fix
    assert native_library(engine="native", has_compiler=True, folder=tmp_path).level is Level.PROBLEM


@needs_libraries
def test_a_library_for_the_processors_best_form_is_well():
    chosen = available_instruction_sets()[0]
    finding = native_library(engine="auto", has_compiler=True)
    assert (finding.level, finding.facts) == (Level.OK, {"instructionSet": chosen})


@needs_libraries
def test_a_stale_library_is_said_to_be_stale(tmp_path: Path):
    shutil.copytree(BUILT, tmp_path / "built")
    report = json.loads((BUILT / "report.json").read_text())
    (tmp_path / "built" / "report.json").write_text(json.dumps({**report, "sources": "0" * 64}))
    finding = native_library(engine="auto", has_compiler=True, folder=tmp_path / "built")
    assert "other sources" in finding.text
    assert "build_native.py" in finding.fix


@needs_libraries
def test_a_slower_form_than_the_processor_can_run_is_noted_with_the_reason(tmp_path: Path):
    shutil.copytree(BUILT, tmp_path / "built")
    report = json.loads((BUILT / "report.json").read_text())
    for name in set(report["libraries"]) - {"portable"}:
        report["libraries"][name] = {"reason": "the compiler is too old"}
    (tmp_path / "built" / "report.json").write_text(json.dumps(report))
    finding = native_library(engine="auto", has_compiler=True, cpuinfo=ALL_FEATURES, folder=tmp_path / "built")
    assert finding.level is Level.NOTE
    assert finding.text.startswith("portable is taken, though the processor has AVX512-BF16")
    assert "the compiler is too old" in finding.text


def test_the_process_answers_with_what_it_found(tmp_path: Path):
    process = EngineFactsProcess(Settings(data_dir=tmp_path))
    try:
        found = process.answer()
    finally:
        process.close()
    assert isinstance(found, EngineFacts)
    assert list(found.reasons_against_native) == ["nano-v1"]


def test_a_process_that_is_killed_is_no_answer(tmp_path: Path):
    process = EngineFactsProcess(Settings(data_dir=tmp_path))
    process._process.kill()
    assert process.answer() == Unknown(reason="it ended with exit code -9")
