"""Time and fresh identifiers, as ports: tests hand in their own."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""The present moment, aware, UTC."""

IdMaker = Callable[[], str]
"""A fresh resource id: twelve of `[a-z0-9]`, as the last segment of a Bedrock ARN."""

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_resource_id() -> str:
    """Twelve random characters: 62 bits, drawn from the system's secure source."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12))
