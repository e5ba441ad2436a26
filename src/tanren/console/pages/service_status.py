"""Status: whether everything that a request meets answers, what works on jobs, versions and licences."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, version
from typing import Any, Final

from starlette.responses import Response

from tanren.console.api import Api, ApiRefusal
from tanren.console.visits import Visit
from tanren.domain.clock import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    name: str
    """English."""
    service: str
    operation: str


CHECKS: Final = (
    Check(name="Identity", service="sts", operation="GetCallerIdentity"),
    Check(name="Models and jobs", service="bedrock", operation="ListFoundationModels"),
    Check(name="Object storage", service="s3", operation="ListBuckets"),
    Check(name="Service tanren", service="tanren", operation="GetServiceStatus"),
)
"""Each goes another way behind the endpoint."""
_UNKNOWN_LICENCE: Final = "—"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    check: Check
    milliseconds: float
    refusal: ApiRefusal | None
    answer: Mapping[str, Any]

    @property
    def is_bad(self) -> bool:
        return self.refusal is not None and not self.refusal.lacks_service


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    name: str
    version: str
    licence: str


async def show_status(visit: Visit) -> Response:
    checks = await asyncio.gather(*(_checked(visit.api, each) for each in CHECKS))
    service = checks[-1].answer
    now = utc_now()
    late_workers = {each["name"] for each in service.get("workers", []) if each["leaseExpiresAt"] < now}
    has_died = any(each["status"] == "Restarting" for each in service.get("processes", []))
    has_failed = any(each["status"] == "Failed" for each in service.get("engines", []))
    return visit.page(
        "service_status.html",
        title=visit.words.text("Status"),
        checks=checks,
        service=service,
        is_well=not (has_died or has_failed or late_workers or any(each.is_bad for each in checks)),
        late_workers=late_workers,
        console_version=_version("tanren"),
        software=installed_software(),
        untold=(),  # each stands beside its name
    )


async def _checked(api: Api, check: Check) -> Checked:
    began = time.monotonic()
    answer, refusal = dict[str, Any](), None
    try:
        answer = await api.ask(check.service, check.operation)
    except ApiRefusal as told:
        refusal = told
    milliseconds = 1000 * (time.monotonic() - began)
    return Checked(check=check, milliseconds=milliseconds, refusal=refusal, answer=answer)


@cache
def installed_software() -> tuple[Software, ...]:
    """What was installed at the start beside the console, by name: it names its licence itself, or nobody does."""
    found = {
        each.name.lower(): Software(name=each.name, version=each.version, licence=_licence(each.metadata))
        for each in distributions()
        if each.name
    }
    return tuple(found[name] for name in sorted(found))


def _licence(metadata: Any) -> str:
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classified = [
        each.rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier") or []
        if each.startswith("License :: ") and not each.endswith("OSI Approved")
    ]
    # Some put the whole text there.
    stated = str(metadata.get("License") or "").strip()
    return ", ".join(classified) or (stated if "\n" not in stated and len(stated) < 60 else "") or _UNKNOWN_LICENCE


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "—"
