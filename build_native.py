"""Compiles the native engine's C++: at installation, as hatchling's build hook; by hand, `python build_native.py`.

    src/tanren/serving/engines/native/*.cpp, *.hpp  →  …/native/built/tanren_<instruction set>.so, one for each

The libraries have a plain C interface and need nothing of Python's. Several instead of one with several code paths:
template code of the same name would otherwise be merged by the linker, and an old processor could get a new one's.

The extension is optional. Where there is no C++ compiler, or it fails, installation succeeds; `built/report.json` says
what was made and why not, and `native_library.py` repeats it to whoever asks for the native engine.

Runs on a bare Python: an installation's build environment has nothing else.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand, where the build backend is not installed
    BuildHookInterface = object

SOURCES = Path(__file__).resolve().parent / "src" / "tanren" / "serving" / "engines" / "native"
BUILT = SOURCES / "built"
_AVX2 = ["-mavx2", "-mfma"]
_AVX512 = ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512"]
_AVX512_BF16 = [*_AVX2, *_AVX512, "-mavx512bf16"]
X86_FLAGS = {
    "amxbf16": [*_AVX512_BF16, "-mavx512vbmi", "-mamx-tile", "-mamx-bf16"],
    "avx512bf16": _AVX512_BF16,
    "avx2": _AVX2,
}
"""What each may use; `tanren_runs` in library.cpp asks the processor for the same."""
FLAGS = ["-std=c++20", "-O3", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden", "-fno-math-errno", "-Wno-psabi"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer", "-g"]


class NativeBuildHook(BuildHookInterface):
    """Compiles before the files of a wheel, or of an editable installation, are collected."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict) -> None:
        report = build(BUILT)
        self.app.display_info(summary(report))
        if any("file" in library for library in report["libraries"].values()):
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform_tag()}"


def build(target: Path, *, compiler: str | None = None, sanitize: bool = False) -> dict:
    """The report, which also lies in `target` beside the libraries that could be made.

    What was made before from the same sources in the same way is kept.
    """
    compiler = compiler or compiler_here(os.environ)  # noqa: TID251  (the compiler's own convention, $CXX)
    flags = [*FLAGS, *(SANITIZERS if sanitize else [])]
    asked = {"sources": sources_digest(), "flags": {name: [*flags, *own] for name, own in wanted().items()}}
    made_before = complete_report(target)
    if made_before and {key: made_before.get(key) for key in asked} == asked:
        return made_before
    report: dict = {**asked, "compiler": None, "libraries": {}, "reason": None}
    if compiler is None:
        report["reason"] = (
            "there was no C++ compiler when tanren was installed: neither $CXX, c++, g++ nor clang++ was found. "
            "Install one (on Debian and Ubuntu: apt install g++) and install tanren again."
        )
    else:
        report["compiler"] = version_of(compiler)
        with tempfile.TemporaryDirectory() as work, ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            made = {
                name: pool.submit(compiled, compiler, each, Path(work) / f"tanren_{name}.so")
                for name, each in asked["flags"].items()
            }
            target.mkdir(parents=True, exist_ok=True)
            for name, outcome in made.items():
                library, reason = outcome.result()
                report["libraries"][name] = {"reason": reason} if library is None else {"file": library.name}
                if library is not None:
                    replace(library, target / library.name)
    target.mkdir(parents=True, exist_ok=True)
    (target / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    return report


def wanted() -> Mapping[str, list[str]]:
    """Name → flags of the libraries for this kind of machine."""
    is_x86 = platform.machine().lower() in ("x86_64", "amd64")
    return {"portable": [], **(X86_FLAGS if is_x86 else {})}


def complete_report(target: Path) -> dict | None:
    """That of an earlier build which made every library, if they are all there."""
    try:
        report = json.loads((target / "report.json").read_text())
    except (OSError, ValueError):
        return None
    files = [made.get("file") for made in report["libraries"].values()]
    return report if files and all(file and (target / file).is_file() for file in files) else None


def compiled(compiler: str, flags: list[str], library: Path) -> tuple[Path | None, str | None]:
    """The library, or why there is none."""
    command = [*compiler.split(), *flags, str(SOURCES / "library.cpp")]
    try:
        done = subprocess.run([*command, "-o", str(library)], capture_output=True, text=True, check=False)
    except OSError as error:
        return None, f"{compiler} cannot be run: {error}"
    if done.returncode == 0:
        return library, None
    lines = [line for line in done.stderr.splitlines() if "error" in line.lower()] or done.stderr.splitlines()[-3:]
    return None, f"{compiler} failed with exit code {done.returncode}: {' '.join(lines[:3])[:600]}"


def compiler_here(environment: Mapping[str, str]) -> str | None:
    """The command that compiles C++, as the environment names it, or the usual ones."""
    if environment.get("CXX"):
        return environment["CXX"]
    return next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), None)


def version_of(compiler: str) -> str:
    try:
        said = subprocess.run([*compiler.split(), "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return compiler
    return said.splitlines()[0] if said else compiler


def sources_digest() -> str:
    """By which `native_library.py` sees whether the libraries were made from the sources beside them."""
    digest = hashlib.sha256()
    for file in sorted([*SOURCES.glob("*.cpp"), *SOURCES.glob("*.hpp")]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def replace(file: Path, target: Path) -> None:
    """A new file under the name: a process that has the old one loaded keeps it, instead of being torn."""
    beside = target.with_name(target.name + ".new")
    shutil.copyfile(file, beside)
    beside.replace(target)


def platform_tag() -> str:
    import sysconfig

    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def summary(report: dict) -> str:
    if report["reason"]:
        return f"native engine: not built, {report['reason']}"
    each = (f"{name}: {made.get('reason') or 'built'}" for name, made in report["libraries"].items())
    return f"native engine, with {report['compiler']}: {'; '.join(each)}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Compiles the native engine's libraries.")
    parser.add_argument("--into", type=Path, default=BUILT, help="folder for the libraries and report.json")
    parser.add_argument("--sanitize", action="store_true", help="with the address and undefined-behaviour sanitizers")
    arguments = parser.parse_args()
    report = build(arguments.into, sanitize=arguments.sanitize)
    print(summary(report))
    sys.exit(0 if all("file" in made for made in report["libraries"].values()) and not report["reason"] else 1)


if __name__ == "__main__":
    main()
