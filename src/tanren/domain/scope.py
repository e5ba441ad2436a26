"""Where a resource lives: an account in a region. Nothing of one scope is visible from another."""

import re
from dataclasses import dataclass

ACCOUNT_ID = re.compile(r"[0-9]{12}")
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    account_id: str
    """Twelve digits."""
    region: str
    """The region of the caller's credential scope, for example `us-west-2`."""
