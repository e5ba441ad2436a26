import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from tanren.cli.main import app

CLIENT = (
    "import boto3; "
    "print(boto3.client('tanren', region_name='us-east-1').meta.service_model.service_name, "
    "hasattr(boto3.client('bedrock', region_name='us-east-1'), 'create_fine_tuning_job'), "
    "'model_customization_job_completed' in boto3.client('bedrock', region_name='us-east-1').waiter_names)"
)


def _boto3(home: Path, **variables: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **variables}
    done = subprocess.run([sys.executable, "-c", CLIENT], env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_boto3_knows_the_overlay_by_the_printed_folder_and_only_then(tmp_path):
    folder = CliRunner().invoke(app, ["sdk", "path"]).stdout.strip()
    assert _boto3(tmp_path, AWS_DATA_PATH=folder) == "tanren True True"
    assert "Unknown service: 'tanren'" in _boto3(tmp_path)


def test_an_installation_prints_what_it_has_written_and_can_be_taken_back(tmp_path):
    models = tmp_path / ".aws" / "models"
    installed = CliRunner().invoke(app, ["sdk", "install", "--models-dir", str(models)])
    assert str(models / "tanren" / "2026-11-21" / "service-2.json") in installed.stdout.splitlines()
    assert "does not run on AWS" in installed.stderr
    assert _boto3(tmp_path) == "tanren True True"
    CliRunner().invoke(app, ["sdk", "uninstall", "--models-dir", str(models)])
    assert not models.exists()
