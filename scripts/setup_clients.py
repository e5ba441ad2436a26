"""Makes `.clients`: the AWS CLI, LangChain with LiteLLM, Anthropic's SDK, OpenAI's client, the AWS SDK for JavaScript.

Apart from our own environment on purpose: these are other people's clients, with another botocore, as users have them.
Without npm the JavaScript client is left out and its test says so.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AWSCLI = "awscli==1.46.2"
PYTHON_CLIENTS = ROOT / "tests" / "clients" / "python" / "requirements.txt"
JAVASCRIPT = ROOT / "tests" / "clients" / "javascript"


def main() -> None:
    folder = Path(sys.argv[1]).absolute()
    lock = (JAVASCRIPT / "package-lock.json").read_text()
    stamp = folder / ".tanren-setup"
    npm = shutil.which("npm")
    wanted = hashlib.sha256((AWSCLI + PYTHON_CLIENTS.read_text() + lock + str(folder) + str(npm)).encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    _install(folder, AWSCLI, what=AWSCLI)
    _install(
        folder / "python", "-r", str(PYTHON_CLIENTS), what="LangChain, LiteLLM, Anthropic's SDK and OpenAI's client"
    )
    if npm is None:
        print("setup: no npm here, so the test of the AWS SDK for JavaScript will be skipped", file=sys.stderr)
    else:
        print("setup: installing the AWS SDK for JavaScript", file=sys.stderr, flush=True)
        command = [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=JAVASCRIPT, check=True, stdout=sys.stderr)
    stamp.write_text(wanted)


def _install(folder: Path, *wanted: str, what: str) -> None:
    """Into a virtual environment of its own: each client has another botocore."""
    if not (folder / "bin" / "python").is_file():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    print(f"setup: installing {what} into {folder}", file=sys.stderr, flush=True)
    subprocess.run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *wanted], check=True)


if __name__ == "__main__":
    main()
