"""What a data directory can tell while its server does not run: every operation that only reads, from its store.

The same handlers as in the gateway, called in this process, by its root; so an answer has the same members.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tanren.cli.endpoint import not_running
from tanren.cli.exit_codes import RequestRefused
from tanren.domain.clock import utc_now
from tanren.domain.errors import ValidationFailed
from tanren.domain.scope import Scope
from tanren.settings import Settings

if TYPE_CHECKING:
    from tanren.aws.context import Handlers

READS: Final = re.compile(r"Get|List|Describe")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedServer:
    settings: Settings
    scope: Scope
    handlers: "Handlers"

    def perform(self, service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Absent members are left out, as on the wire.

        Raises   ServiceUnavailable for what changes something or streams: that needs the server.
        """
        # Imported here, and below: who speaks to a server that runs needs none of it.
        from tanren.aws.context import Principal, Reply, RequestContext, is_async

        handler = self.handlers.get(service, {}).get(operation)
        if handler is None or is_async(handler) or READS.match(operation) is None:
            raise not_running(self.settings)
        root = f"arn:aws:iam::{self.scope.account_id}:root"
        context = RequestContext(
            request_id="",
            service=service,
            operation=operation,
            scope=self.scope,
            principal=Principal(arn=root, account_id=self.scope.account_id, access_key_id=""),
            source_ip="",
            user_agent="tanren",
            received_at=utc_now(),
            headers={},
        )
        try:
            told: Any = handler(context, parameters)
        except ValidationFailed as error:
            raise RequestRefused(str(error)) from error
        return _without_absent(told.members if isinstance(told, Reply) else told)


@contextmanager
def open_stopped_server(settings: Settings, scope: Scope) -> Generator[StoppedServer]:
    from tanren.gateway import handlers, tanren_handlers
    from tanren.storage.database import Database

    database = Database(settings.effective_database_url)
    try:
        wired = {**handlers(settings, database), **tanren_handlers(settings, database)}
        yield StoppedServer(settings=settings, scope=scope, handlers=wired)
    finally:
        database.close()


def _without_absent(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_absent(each) for name, each in value.items() if each is not None}
    return [_without_absent(each) for each in value] if isinstance(value, list) else value
