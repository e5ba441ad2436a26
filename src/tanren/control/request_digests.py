"""A digest of a request, to tell a repeated request from another one that uses the same token."""

import hashlib
import json
from dataclasses import asdict
from typing import Any


def request_digest(request: Any) -> str:
    """SHA-256 over all fields of the request but its token."""
    fields = {name: value for name, value in asdict(request).items() if name != "client_request_token"}
    return hashlib.sha256(json.dumps(fields, sort_keys=True, default=str).encode()).hexdigest()
