"""A digest of a request, to tell a repeated request from another one that uses the same token."""

import hashlib
import json
from dataclasses import asdict, fields, is_dataclass
from typing import Any


def request_digest(request: Any) -> str:
    """SHA-256 over all fields of the request but its token."""
    given = {each.name: getattr(request, each.name) for each in fields(request) if each.name != "client_request_token"}
    return hashlib.sha256(json.dumps(given, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
