"""Asks every operation that is implemented, and keeps a tally of what was answered.

Before each operation the accounts are as they were at first, so that one operation's drawing leaves nothing behind for
the next. Complaints are gathered and not raised: all of them are told at the end.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, Phase, given, seed, settings

from tanren.aws.routing import Router
from tanren.aws.service_models import Operation, load_service
from tanren.aws.signatures import AccessKey
from tanren.storage.database import Database, sqlite_url
from tests.conformance.answers import Answer, complaints, read_code
from tests.conformance.drawn_requests import drawn_requests
from tests.conformance.likely_values import LikelyValues, likely_values
from tests.conformance.populated_account import Inhabitants, populate
from tests.conformance.whole_gateway import ELSEWHERE, HOME, OneAnswer, WholeGateway, root_key
from tests.conformance.wire_requests import DrawnRequest
from tests.protocol import loopback

HOST: Final = "127.0.0.1:4566"
REFUSALS: Final = frozenset(
    {"ValidationException", "SerializationException", "ValidationError", "InvalidParameterValue"}
)
"""What a request that breaks its model is answered with."""
REFUSED_BEFORE: Final = frozenset({"MalformedQueryString", "UnknownOperationException", "InvalidAction"})
MOST_COMPLAINTS: Final = 200


@dataclass(slots=True)
class Tally:
    asked: Counter[str] = field(default_factory=Counter[str])
    """By operation, as `service.Operation`."""
    answered: Counter[str] = field(default_factory=Counter[str])
    """Those of them that ended in a result."""
    asked_right: int = 0
    """Requests in which nothing was wrong by intention."""
    answered_right: int = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    codes: Counter[str] = field(default_factory=Counter[str])
    complaints: list[str] = field(default_factory=list[str])

    @property
    def count(self) -> int:
        return sum(self.asked.values())

    @property
    def never_answered(self) -> list[str]:
        return sorted(name for name in self.asked if not self.answered[name])

    def figures(self) -> dict[str, Any]:
        return {
            "requests": self.count,
            "operations": len(self.asked),
            "operations_with_a_result": len(self.answered),
            "results_share": round(sum(self.answered.values()) / self.count, 3),
            "results_share_of_right_requests": round(self.answered_right / max(self.asked_right, 1), 3),
            "faults": dict(self.faults.most_common()),
            "codes": dict(self.codes.most_common()),
            "complaints": len(self.complaints),
        }


class Asker:
    """Two regions of one account with one of everything, and a server over them, made anew from the same files."""

    def __init__(self, folder: Path, migrated_file: Path) -> None:
        # Rows name folders by their whole path, so every life is in the same place.
        self._folder, self._template = folder / "life", folder / "template"
        self._folder.mkdir(parents=True)
        shutil.copyfile(migrated_file, self._folder / "tanren.db")
        self._engine = OneAnswer()
        database = Database(sqlite_url(self._folder / "tanren.db"))
        gateway = WholeGateway(database, self._folder)
        gateway.has_engine(self._engine)
        self.home: Inhabitants = populate(gateway, HOME, "mika", engine=self._engine)
        self.likely: LikelyValues = likely_values(self.home, populate(gateway, ELSEWHERE, "rika"))
        self.operations: list[Operation] = [
            load_service(service).operation(name) for service, handlers in gateway.handlers.items() for name in handlers
        ]
        self._models = {service: gateway.client(service).meta.service_model for service in gateway.handlers}
        self._routers = {
            signing_name: Router(model for model in models if model.signing_name == signing_name)
            for models in [[load_service(name) for name in gateway.handlers if name not in ("iam", "sts")]]
            for signing_name in {model.signing_name for model in models}
        }
        gateway.close()
        database.close()
        shutil.copytree(self._folder, self._template)
        self._live: tuple[Database, WholeGateway] | None = None

    def ask_everything(self, each: int, *, chance: int | None = None) -> Tally:
        """`each` requests of every operation. `chance` begins the drawing; None: the same requests each time."""
        tally = Tally()
        for operation in self.operations:
            self._begin_anew()
            self._ask(operation, each, tally, chance)
        return tally

    def close(self) -> None:
        self._end()
        self._engine.close()

    def _ask(self, operation: Operation, each: int, tally: Tally, chance: int | None) -> None:
        model = self._models[operation.service].operation_model(operation.name)

        @settings(
            max_examples=each,
            deadline=None,
            derandomize=chance is None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(drawn_requests(operation, model, self.likely))
        def ask(request: DrawnRequest) -> None:
            self._note(request, tally)

        (ask if chance is None else seed(chance)(ask))()

    def _note(self, request: DrawnRequest, tally: Tally) -> None:
        assert self._live is not None
        operation = request.operation
        name = f"{operation.service}.{operation.name}"
        answer = send(self._live[1], request)
        tally.asked[name] += 1
        tally.faults[request.fault or "none"] += 1
        said: list[str] = []
        reached = self._reached(request)
        try:
            model = self._models[reached.service].operation_model(reached.name)
            answer = read_code(answer, model)
            said += complaints(answer, reached, model, asked=request.text)
        # Whatever botocore makes of an answer that it cannot read.
        except Exception as error:
            said.append(f"botocore cannot read it: {error!r}")
        if request.must_be_refused and answer.code not in REFUSALS:
            said.append("it breaks its model, and is not refused for that")
        if answer.status < 300:
            tally.answered[name] += 1
        else:
            tally.codes[answer.code] += 1
        if not request.fault:
            tally.asked_right += 1
            tally.answered_right += answer.status < 300
        if said and len(tally.complaints) < MOST_COMPLAINTS:
            tally.complaints.append(f"{'; '.join(said)}\n  {request}\n  → {answer.status} {answer.body[:600]!r}")

    def _reached(self, request: DrawnRequest) -> Operation:
        """What the path leads to: a hostile one may be another operation's."""
        if not request.fault.endswith("label"):
            return request.operation
        try:
            route = self._routers[request.operation.signing_name].resolve(request.method, request.path)
        except Exception:  # no operation's
            return request.operation
        return load_service(route.service).operation(route.operation)

    def _begin_anew(self) -> None:
        self._end()
        shutil.rmtree(self._folder)
        shutil.copytree(self._template, self._folder)
        database = Database(sqlite_url(self._folder / "tanren.db"))
        self._live = (database, WholeGateway(database, self._folder))

    def _end(self) -> None:
        if self._live is not None:
            database, gateway = self._live
            gateway.close()
            database.close()
            self._live = None


def send(
    gateway: WholeGateway, request: DrawnRequest, *, key: AccessKey | None = None, region: str = HOME.region
) -> Answer:
    """The answer to the request, signed with the key, or by the root of `HOME`."""
    url = f"http://{HOST}{request.path}" + (f"?{request.query}" if request.query else "")
    signed = AWSRequest(method=request.method, url=url, data=request.body, headers={"Host": HOST, **request.headers})
    key = key or root_key(HOME.account_id)
    credentials = Credentials(key.access_key_id, key.secret_access_key, key.session_token)
    SigV4Auth(credentials, request.operation.signing_name, region).add_auth(signed)
    status, headers, body = loopback.request(
        gateway.app, request.method, url, list(texts(signed.headers)), request.body
    )
    return Answer(status=status, headers={name.lower(): value for name, value in headers.items()}, body=body)


def texts(headers: Any) -> Iterator[tuple[str, str]]:
    """Of botocore's headers, some of which are bytes."""
    for name, value in headers.items():
        yield name, value.decode() if isinstance(value, bytes) else str(value)
