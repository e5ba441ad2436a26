from pathlib import Path

import pytest
from typer.testing import CliRunner

from tanren.aws.tls import ensure_certificate, fingerprint_of, read_certificate
from tanren.cli.main import app
from tanren.domain.clock import utc_now
from tanren.domain.errors import ValidationFailed


def told(data_dir: Path) -> str:
    result = CliRunner().invoke(app, ["tls", "--data-dir", str(data_dir)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def test_it_says_whom_to_trust_and_how(tmp_path: Path) -> None:
    files = ensure_certificate(tmp_path / "tls", ["localhost", "127.0.0.1"], now=utc_now())
    text = told(tmp_path)
    assert fingerprint_of(read_certificate(files.authority)) in text
    assert "for 127.0.0.1, localhost" in text
    assert f"export AWS_CA_BUNDLE={files.authority}" in text
    assert "396 days" in text


def test_without_a_certificate_it_says_how_one_is_made(tmp_path: Path) -> None:
    with pytest.raises(ValidationFailed, match="tanren serve --tls"):
        told(tmp_path)
