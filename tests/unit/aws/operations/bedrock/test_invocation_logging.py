"""boto3 puts, gets and deletes a logging configuration, through the whole wire layer."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from tanren.aws.chain import build_application
from tanren.aws.operations.bedrock.invocation_logging import MOST_PUTS, invocation_logging_handlers
from tanren.control.invocation_logging import InvocationLoggingControl
from tanren.domain.errors import JobFailed, Throttled
from tanren.domain.scope import Scope
from tanren.storage.invocation_logging import InvocationLoggingConfigurations
from tanren.threads import ANSWERS
from tests.protocol.loopback import OneKey, client


class OneBucket:
    def put(self, location: Any, content: bytes, *, content_type: str) -> None:
        if location.bucket != "logs":
            raise JobFailed("The bucket does not exist")

    def ensure_stream(self, group: str, stream: str) -> None:
        raise JobFailed("There is no log group")


@pytest.fixture
def bedrock(database, clock) -> Any:
    place = OneBucket()
    control = InvocationLoggingControl(
        InvocationLoggingConfigurations(database),
        objects=lambda scope: place,
        streams=lambda scope: place,
        clock=clock,
    )
    handlers = {"bedrock": invocation_logging_handlers(control)}
    return client(build_application(handlers=handlers, access_keys=OneKey(), neighbourhood=None), "bedrock")


def test_every_field_of_get_is_what_was_put(bedrock):
    config = {
        "s3Config": {"bucketName": "logs", "keyPrefix": "a/b"},
        "textDataDeliveryEnabled": True,
        "imageDataDeliveryEnabled": False,
        "embeddingDataDeliveryEnabled": True,
        "videoDataDeliveryEnabled": False,
        "audioDataDeliveryEnabled": True,
    }
    assert "loggingConfig" not in bedrock.get_model_invocation_logging_configuration()
    bedrock.put_model_invocation_logging_configuration(loggingConfig=config)
    assert bedrock.get_model_invocation_logging_configuration()["loggingConfig"] == config
    bedrock.delete_model_invocation_logging_configuration()
    bedrock.delete_model_invocation_logging_configuration()
    assert "loggingConfig" not in bedrock.get_model_invocation_logging_configuration()


@pytest.mark.parametrize(
    "config",
    [
        {"s3Config": {"bucketName": "gone"}},
        {"cloudWatchConfig": {"logGroupName": "gone", "roleArn": "arn:aws:iam::123456789012:role/logs"}},
        {},
    ],
)
def test_what_cannot_be_written_to_is_a_validation_exception(bedrock, config):
    with pytest.raises(bedrock.exceptions.ValidationException):
        bedrock.put_model_invocation_logging_configuration(loggingConfig=config)


def test_a_slow_destination_keeps_only_so_many_calls_of_an_account_waiting_and_nothing_else(database, clock):
    go_on = threading.Event()

    class Slow(OneBucket):
        def put(self, location: Any, content: bytes, *, content_type: str) -> None:
            go_on.wait()

    control = InvocationLoggingControl(
        InvocationLoggingConfigurations(database),
        objects=lambda scope: Slow(),
        streams=lambda scope: Slow(),
        clock=clock,
    )
    put: Any = invocation_logging_handlers(control)["PutModelInvocationLoggingConfiguration"]
    context = SimpleNamespace(scope=Scope(account_id="123456789012", region="us-east-1"))
    params = {"loggingConfig": {"s3Config": {"bucketName": "logs"}}}

    async def story() -> None:
        puts = [asyncio.ensure_future(put(context, params)) for _ in range(MOST_PUTS + 1)]
        try:
            (refused,), others = await asyncio.wait(puts, return_when=asyncio.FIRST_COMPLETED)
            assert isinstance(refused.exception(), Throttled)
            assert await ANSWERS.run(control.get, context.scope) is None
        finally:
            go_on.set()
        assert await asyncio.gather(*others) == [{}] * MOST_PUTS

    asyncio.run(asyncio.wait_for(story(), timeout=20))
