"""Makes the virtual environment: `python scripts/setup.py .venv`. Runs on a bare Python; says what it does.

Steps: venv → torch → tanren with its development tools. It does nothing where the environment already fits
`pyproject.toml` and the sources of the native engine, so every make target may call it.

torch is the step that can hurt: on Linux the ordinary wheel brings gigabytes of CUDA libraries. Where there is an
NVIDIA GPU they are wanted. Where there is none, pip is asked first what it would install; if that holds CUDA, uv, which
knows where the CPU builds of torch lie, installs one instead.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MINIMUM = (3, 11)
UV = "uv==0.13.8"


def main() -> None:
    venv = Path(sys.argv[1])
    if sys.version_info < MINIMUM:
        raise SystemExit(f"tanren needs Python 3.11 or later; this is {sys.version.split()[0]}. Try PYTHON=python3.11.")
    project = (ROOT / "pyproject.toml").read_text()
    stamp = venv / ".tanren-setup"
    wanted = hashlib.sha256((project + native_sources() + str(ROOT) + sys.version).encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    python = venv / "bin" / "python"
    make_venv(venv, python)
    install_torch(python, re.search(r'"(torch==[^"]+)"', project)[1])
    say("installing tanren and its development tools, as pinned in pyproject.toml")
    run(str(python), "-m", "pip", "install", "--quiet", "--editable", f"{ROOT}[dev]")
    stamp.write_text(wanted)
    say(f"ready: {venv / 'bin' / 'tanren'}")


def native_sources() -> str:
    """All that the installation compiles, so that a change there is installed anew."""
    folder = ROOT / "src" / "tanren" / "serving" / "engines" / "native"
    files = [ROOT / "build_native.py", *sorted(folder.glob("*.cpp")), *sorted(folder.glob("*.hpp"))]
    return "".join(file.read_text() for file in files)


def make_venv(venv: Path, python: Path) -> None:
    """Makes the environment, and makes it anew if it has no pip: it was interrupted, or venv could not install one."""
    if python.is_file() and has_pip(python):
        return
    say(f"making {venv} with {sys.executable}")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], stdout=sys.stderr, check=False)
    if made.returncode != 0 or not has_pip(python):
        raise SystemExit(
            f"setup: {sys.executable} -m venv cannot make an environment with pip. On Debian and Ubuntu its parts are "
            "a package of their own: apt install python3-venv"
        )


def has_pip(python: Path) -> bool:
    """Whether the environment's pip runs. One whose Python has gone does not."""
    try:
        return subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def install_torch(python: Path, requirement: str) -> None:
    """Installs the pinned torch: with CUDA where there is an NVIDIA GPU, else a CPU build."""
    version = requirement.partition("==")[2]
    asked = [str(python), "-c", "import torch; print(torch.__version__)"]
    present = subprocess.run(asked, capture_output=True, text=True, check=False)
    if present.returncode == 0 and present.stdout.strip().partition("+")[0] == version:
        return
    if shutil.which("nvidia-smi"):
        say(f"an NVIDIA GPU is here: installing {requirement} with CUDA (several gigabytes)")
        run(str(python), "-m", "pip", "install", "--quiet", requirement)
    elif not pip_would_bring_cuda(python, requirement):
        say(f"installing {requirement}: the build that pip finds here is for the CPU")
        run(str(python), "-m", "pip", "install", "--quiet", requirement)
    else:
        say(f"no NVIDIA GPU, and pip's {requirement} would bring gigabytes of CUDA: taking the CPU build with uv")
        run(str(python), "-m", "pip", "install", "--quiet", UV)
        run(str(python), "-m", "uv", "pip", "install", "--python", str(python), "--torch-backend", "cpu", requirement)


def pip_would_bring_cuda(python: Path, requirement: str) -> bool:
    """Asks pip for its plan without installing anything; metadata only where the index serves it."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        run(
            str(python), "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed",
            "--report", report.name, requirement,
        )  # fmt: skip
        plan = json.loads(Path(report.name).read_text())
    names = [item["metadata"]["name"].lower() for item in plan["install"]]
    return any(name.startswith(("nvidia-", "cuda-")) for name in names)


def run(*command: str) -> None:
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise SystemExit(f"setup: this failed with exit code {done.returncode}: {' '.join(command)}")


def say(text: str) -> None:
    print(f"setup: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
