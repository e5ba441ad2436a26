"""The default event bus of an account and region, at the embedded neighbour or on AWS. Only to put events."""

import json
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tanren.domain.errors import ServiceUnavailable
from tanren.domain.state_change_events import SOURCE, JobEvent
from tanren.storage.objects import ObjectStoreAddress


class EventBus:
    def __init__(self, address: ObjectStoreAddress) -> None:
        self._client: Any = boto3.client(  # pyright: ignore[reportUnknownMemberType]
            "events",
            endpoint_url=address.endpoint_url,
            region_name=address.region,
            aws_access_key_id=address.access_key,
            aws_secret_access_key=address.secret_key,
            # Who calls asks again by himself, and a worker that must end waits for this.
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=10),
        )

    def put(self, events: Sequence[JobEvent]) -> list[str | None]:
        """For each of at most ten events why it was refused, or None.

        Raises   ServiceUnavailable where all were, or the bus did not answer.
        """
        entries = [
            {
                "Time": event.at,
                "Source": SOURCE,
                "Resources": [event.job_arn],
                "DetailType": event.detail_type,
                "Detail": json.dumps(event.detail),
            }
            for event in events
        ]
        try:
            answered: list[dict[str, Any]] = self._client.put_events(Entries=entries)["Entries"]
        except (ClientError, BotoCoreError) as error:
            raise ServiceUnavailable(f"The event bus did not take events: {error}") from error
        return [
            f"{entry['ErrorCode']}: {entry.get('ErrorMessage')}" if entry.get("ErrorCode") else None
            for entry in answered
        ]
