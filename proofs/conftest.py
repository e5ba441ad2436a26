"""How large a proof is; the defaults are what docs/proofs.md states."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--requests", type=int, default=10_000, help="of the adapter mix-up")
    parser.addoption("--kills", type=int, default=12, help="of an engine host")


@pytest.fixture
def request_count(pytestconfig: pytest.Config) -> int:
    return pytestconfig.option.requests


@pytest.fixture
def kill_count(pytestconfig: pytest.Config) -> int:
    return pytestconfig.option.kills
