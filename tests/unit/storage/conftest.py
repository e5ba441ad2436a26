"""A real ministack, for the clients of neighbours."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from tanren.aws.neighbourhood_process import MinistackSettings, make_directories, ministack_command
from tanren.storage.objects import ObjectStoreAddress
from tests.unit.aws.conftest import free_port, wait_until_up


@dataclass
class Neighbours:
    address: ObjectStoreAddress

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.address.endpoint_url,
            region_name=self.address.region,
            aws_access_key_id=self.address.access_key,
            aws_secret_access_key=self.address.secret_key,
        )


@pytest.fixture(scope="session")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    """Of account 123456789012 in us-west-2."""
    settings = MinistackSettings(
        port=free_port(),
        directory=tmp_path_factory.mktemp("ministack"),
        account_id="999999999999",
        region="us-west-2",
    )
    make_directories(settings)
    command, environment = ministack_command(settings, inherited=os.environ)
    url = f"http://127.0.0.1:{settings.port}"
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    wait_until_up(f"{url}/_ministack/health", process)
    yield Neighbours(
        ObjectStoreAddress(endpoint_url=url, region="us-west-2", access_key="123456789012", secret_key="embedded")
    )
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)
