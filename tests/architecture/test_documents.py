"""Documents that can be computed are compared with what they say."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("script", ["operations_table.py", "catalogue_table.py"])
def test_the_tables_of_operations_and_of_models_are_up_to_date(script: str):
    command = [sys.executable, str(REPOSITORY / "scripts" / script), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_gateway_and_the_worker_load_no_tensor_library():
    """By what is really imported, beside the contract that reads the source."""
    program = (
        "import sys, tanren.gateway, tanren.worker, tanren.supervisor, tanren.cli.main;"
        "print(sorted({'torch', 'transformers', 'peft', 'safetensors'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
