"""Commands in English whatever the machine's locale, and a Bedrock that is spoken to in memory."""

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tanren.cli.endpoint import Endpoint
from tanren.cli.main import app
from tests.unit.cli.fake_services import FakeServices

Tanren = Callable[..., Result]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
def at_tanren(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> FakeServices:
    """Every command finds these services, as those of a tanren server that runs."""
    _found(monkeypatch, services, is_own=True)
    return services


@pytest.fixture
def at_aws(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> FakeServices:
    _found(monkeypatch, services, url="https://bedrock.us-east-1.amazonaws.com", is_aws=True)
    return services


@pytest.fixture
def elsewhere(services: FakeServices, monkeypatch: pytest.MonkeyPatch) -> FakeServices:
    """A Bedrock that is neither tanren's nor AWS's."""
    monkeypatch.setattr("tanren.cli.endpoint.answers_as_tanren", lambda url: False)
    _found(monkeypatch, services, url="http://other:1")
    return services


@pytest.fixture
def tanren() -> Tanren:
    """Runs `tanren ARGUMENTS`; an error of ours is the result's `exception`."""

    def run(*arguments: str, given: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=given)

    return run


def _found(monkeypatch: pytest.MonkeyPatch, services: FakeServices, url: str = "http://tanren", **values: Any) -> None:
    endpoint = Endpoint(
        url=url,
        bedrock=services.client("bedrock"),
        is_aws=values.get("is_aws", False),
        is_own=values.get("is_own", False),
        open_client=services.client,
    )
    monkeypatch.setattr("tanren.cli.calls.whom", lambda endpoint_url, data_dir: endpoint)
