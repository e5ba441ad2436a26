"""A console over an API that lives in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tanren.console.application import Console
from tanren.console.sealed_sessions import SealedSessions
from tests.unit.console.api_in_memory import ApiInMemory

ORIGIN = "http://testserver"
SIGN_IN = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "secret", "region": "us-east-1"}


@pytest.fixture
def api() -> ApiInMemory:
    return ApiInMemory()


@pytest.fixture
def make_client(api: ApiInMemory, tmp_path: Path) -> Callable[[], TestClient]:
    """A browser at a console process; each is a new one, over the same directory."""

    def make() -> TestClient:
        console = Console(
            api, SealedSessions(tmp_path), endpoint_url=ORIGIN, default_region="us-east-1", is_https=False
        )
        return TestClient(console.application(), base_url=ORIGIN, follow_redirects=False)

    return make


@pytest.fixture
def stranger(make_client: Callable[[], TestClient]) -> TestClient:
    return make_client()


@pytest.fixture
def client(stranger: TestClient) -> TestClient:
    """Somebody who has signed in."""
    assert stranger.post("/console/sign-in", data=SIGN_IN).status_code == 303
    return stranger


@pytest.fixture
def csrf_token(client: TestClient) -> str:
    """What the forms of this session carry."""
    page = client.get("/console/custom-models").text
    return page.partition('name="csrf_token" value="')[2].partition('"')[0]
