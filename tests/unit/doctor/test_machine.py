"""Each check of the machine, on machines that are not this one."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tanren.doctor import machine
from tanren.doctor.findings import Level

CPUINFO = """processor\t: 0
model name\t: Example 9000
flags\t\t: fpu sse2 avx2 {more}
"""
INSTALLED = {"torch": "2.13.0+cpu", "boto3": "1.2.3"}


def test_this_machine_is_examined_without_a_fault():
    for check in (machine.python, machine.packages, machine.processor, machine.memory, machine.compiler, machine.clock):
        finding = check()
        assert finding.text
        assert finding.subject


def test_an_old_python_is_a_problem():
    assert machine.python((3, 11, 0), "/bin/python").level is Level.OK
    old = machine.python((3, 10, 9), "/bin/python")
    assert (old.level, "3.11" in old.fix) == (Level.PROBLEM, True)


def test_packages_as_pinned_are_well_and_a_build_for_the_processor_is_the_same_version():
    required = ["torch==2.13.0", "boto3==1.2.3", "ruff==9; extra == 'dev'", "unpinned>=3"]
    finding = machine.packages(required, INSTALLED.get)
    assert finding.level is Level.OK
    assert finding.facts["versions"] == INSTALLED
    assert "2 as pinned" in finding.text


def test_a_missing_package_is_a_problem_and_another_version_a_note():
    missing = machine.packages(["torch==2.13.0", "httpx==1.0"], INSTALLED.get)
    assert (missing.level, missing.text) == (Level.PROBLEM, "missing: httpx 1.0")
    other = machine.packages(["torch==2.14.0"], INSTALLED.get)
    assert other.level is Level.NOTE
    assert "torch 2.13.0+cpu (pinned: 2.14.0)" in other.text
    assert machine.packages([], INSTALLED.get).level is Level.PROBLEM


def test_the_processor_is_named_with_what_the_native_engine_can_use():
    best = machine.processor(CPUINFO.format(more="avx512_bf16 amx_bf16"), 4)
    assert best.text == "Example 9000, 4 cores, AMX-BF16, AVX512-BF16, AVX2"
    assert machine.processor(CPUINFO.format(more=""), 1).text == "Example 9000, 1 core, AVX2"
    old = machine.processor("model name : Old\nflags : sse2\n", 2)
    assert (old.level, "portable" in old.text) == (Level.NOTE, True)


def test_too_little_memory_for_one_process_is_a_problem():
    assert machine.memory(8 * 10**9, 16 * 10**9).text == "8.0 GB available of 16.0 GB"
    assert machine.memory(10**8, 16 * 10**9).level is Level.PROBLEM


def test_without_a_compiler_it_is_said_what_that_costs_and_how_to_get_one():
    finding = machine.compiler(lambda _: None)
    assert finding.level is Level.NOTE
    assert "native engine" in finding.text
    assert "apt install g++" in finding.fix
    assert machine.compiler({"g++": "/usr/bin/g++"}.get).text == "/usr/bin/g++"


def test_gpus_are_those_that_the_driver_names():
    assert machine.gpus(lambda _: "NVIDIA H200\nNVIDIA H200\n") == ["NVIDIA H200", "NVIDIA H200"]
    assert machine.gpus(lambda _: "") == []


@pytest.mark.parametrize(("behind", "level"), [(timedelta(hours=-1), Level.OK), (timedelta(days=400), Level.PROBLEM)])
def test_a_clock_that_stands_before_the_files_that_are_here_is_a_problem(
    tmp_path: Path, behind: timedelta, level: Level
):
    file = tmp_path / "file"
    file.touch()
    os.utime(file, (1_700_000_000, 1_700_000_000))
    now = datetime.fromtimestamp(1_700_000_000, UTC) - behind
    assert machine.clock(now, [file, tmp_path / "absent"]).level is level
