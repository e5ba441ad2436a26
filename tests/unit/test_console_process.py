"""Which API the console speaks, and whose certificate it takes."""

from pathlib import Path

import pytest

from tanren.console_process import api_endpoint
from tanren.domain.errors import ValidationFailed
from tanren.settings import Settings


def test_it_speaks_the_api_that_it_is_told(tmp_path: Path):
    settings = Settings(data_dir=tmp_path, console_api="https://bedrock.example")
    assert (api_endpoint(settings).url, api_endpoint(settings).ca_bundle) == ("https://bedrock.example", None)


def test_aws_is_known_by_name_and_without_a_url(tmp_path: Path):
    endpoint = api_endpoint(Settings(data_dir=tmp_path, console_api="aws"))
    assert (endpoint.url, endpoint.models_folder) == (None, None)


def test_our_own_authority_vouches_for_our_own_gateway_alone(tmp_path: Path):
    own = Settings(data_dir=tmp_path, tls="local", console_api="https://127.0.0.1:4500")
    other = Settings(data_dir=tmp_path, tls="local", console_api="https://bedrock.example:443")
    assert str(tmp_path) in str(api_endpoint(own).ca_bundle)
    assert api_endpoint(other).ca_bundle is None


def test_without_an_api_it_does_not_start(tmp_path: Path):
    with pytest.raises(ValidationFailed, match="console_api"):
        api_endpoint(Settings(data_dir=tmp_path))
