"""An account learns nothing of another, nor a region of another, over the whole wire: whatever is asked of every
operation with every kind of thing that the other has, the bytes of the answer are those of a server without the other.

Two servers: on one the other account (or region) has one of everything, on the other it has nothing. Ours is the same
on both. Only what is drawn anew for every answer, a request id, is taken out before the comparison.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from sqlalchemy import ColumnElement, Table, select

from tanren.aws.service_models import Operation, load_service
from tanren.aws.signatures import AccessKey
from tanren.domain.scope import Scope
from tanren.storage.columns import metadata
from tanren.storage.database import Database, sqlite_url
from tests.conformance.asking import HOST, send, texts
from tests.conformance.likely_values import LikelyValues, likely_values
from tests.conformance.populated_account import EVERYTHING, Inhabitants, populate
from tests.conformance.whole_gateway import ELSEWHERE, HOME, NEXT_DOOR, OneAnswer, WholeGateway, root_key
from tests.conformance.wire_requests import on_the_wire
from tests.protocol.loopback import request

NAMES_A_THING = frozenset(
    {
        *("jobIdentifier", "modelIdentifier", "customModelDeploymentIdentifier", "provisionedModelId", "modelId"),
        *("modelArn", "sourceModelArn", "jobArn", "resourceArn", "resourceARN", "baseModelIdentifier", "jobId"),
        *("desiredModelId", "inferenceProfileIdentifier", "roleArn", "modelArnEquals", "baseModelArnEquals"),
        *("sourceModelArnEquals", "foundationModelArnEquals", "nameContains", "nextToken", "offerToken"),
        *("evaluationJobIdentifier", "jobIdentifiers"),
        *("UserName", "RoleName", "PolicyName", "PolicyArn", "PermissionsBoundary", "RoleArn", "AccessKeyId"),
        *("ServiceSpecificCredentialId", "Marker"),
    }
)
OF_ACCOUNTS = ("iam", "sts")
"""Services whose things belong to an account and to no region."""
MAKES_A_NAME = {("CreateUser", "UserName"), ("CreateRole", "RoleName"), ("CreatePolicy", "PolicyName")}
"""With the other's name a thing is made, on both servers alike, under an id that is drawn anew."""
ODD_PLACES = ("iam-role-arn", "custom-model")
"""Kinds that are asked for where no operation of their service is: the others would say the same a thousand times."""
NARROWER = {"running-job", "ended-job", "active-model", "unready-model", "serving", "offer", "pre-training-job"}
"""Kinds that are part of others, or are the same for every account."""
NAMED = {"model-customization-job", "custom-model", "provisioned-model"}
"""Kinds that are asked for by name and id too."""
SHARED = {("CreateModelCopyJob", "sourceModelArn")}
"""What an account may do with a thing of its own in another region."""
OF_THE_ACCOUNT = frozenset({"GetUseCaseForModelAccess"})
"""What an account has once, for all its regions."""
GIVES_KEYS = frozenset({"GetSessionToken"})
"""Looks like a question and makes something new each time."""
DRAWN_ANEW = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|req_[0-9a-f]+")

Ask = Callable[[WholeGateway], tuple[int, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    words: str
    ask: Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Ours lives on both; they live on the first alone."""

    having: WholeGateway
    without: WholeGateway
    ours: Inhabitants
    theirs: Inhabitants
    their_files: tuple[str, ...]
    likely: LikelyValues
    caller: AccessKey
    """A user of ours who may do everything."""


@pytest.fixture(params=[NEXT_DOOR, ELSEWHERE], ids=["another account", "another region"])
def servers(request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path) -> Iterator[Servers]:
    folder, copy = tmp_path / "having", tmp_path / "without"
    folder.mkdir()
    shutil.copyfile(migrated_file, folder / "tanren.db")
    database = Database(sqlite_url(folder / "tanren.db"))
    engine = OneAnswer()
    having = WholeGateway(database, folder)
    having.has_engine(engine)
    ours = populate(having, HOME, "mika")
    caller = _caller(having)
    having.close()
    database.close()
    shutil.copytree(folder, copy)
    database, other = Database(sqlite_url(folder / "tanren.db")), Database(sqlite_url(copy / "tanren.db"))
    having, without = WholeGateway(database, folder), WholeGateway(other, copy)
    theirs = populate(having, request.param, "zebra")
    # What IAM has belongs to the account, so that of another region is ours as well.
    file = _ask_door(having, "POST", "/v1/files", _root(theirs), theirs.scope, *_upload("zebra.jsonl"))
    yield Servers(
        having=having,
        without=without,
        ours=ours,
        theirs=theirs,
        their_files=(json.loads(file[1])["id"],),
        likely=likely_values(ours, ours),
        caller=caller,
    )
    having.close()
    without.close()
    database.close()
    other.close()
    engine.close()


def test_every_answer_is_that_of_a_server_where_they_do_not_exist(servers: Servers, capsys: pytest.CaptureFixture[str]):
    questions = [*_about_their_things(servers), *_about_everything(servers), *_at_the_door(servers)]
    different: dict[str, tuple[Any, Any]] = {}
    leaks: list[str] = []
    before = _rows_of(servers.having, servers.theirs.scope)
    for question in questions:
        there, gone = question.ask(servers.having), question.ask(servers.without)
        if _comparable(there) != _comparable(gone):
            different[question.words] = (there, gone)
        if b"zebra" in there[1] and "zebra" not in question.words:
            leaks.append(question.words)
    with capsys.disabled():
        print(f"\n{len(questions) - len(different)}/{len(questions)} answers are the same, {servers.theirs.scope}")
    assert different == {}
    assert leaks == []
    assert _rows_of(servers.having, servers.theirs.scope) == before
    assert len(questions) > 1_000


def test_a_name_that_they_have_is_free_here(servers: Servers):
    if servers.theirs.scope == ELSEWHERE:
        pytest.skip("IAM's names are the account's, whatever the region")
    iam = servers.having.client("iam")
    name = servers.theirs.of("iam-user")[0]
    assert iam.create_user(UserName=name)["User"]["Arn"] == f"arn:aws:iam::{HOME.account_id}:user/{name}"
    bedrock = servers.having.client("bedrock")
    made = bedrock.create_custom_model_deployment(
        modelDeploymentName=servers.theirs.of("custom-model-deployment")[1], modelArn=servers.ours.of("active-model")[0]
    )
    assert HOME.account_id in made["customModelDeploymentArn"]


def _about_their_things(servers: Servers) -> Iterator[Question]:
    """Every operation with every kind of theirs, in every member that names a thing."""
    is_far = servers.theirs.scope.account_id == HOME.account_id
    identifiers = {
        kind: found for kind, found in _each_kind(servers.theirs).items() if not (is_far and kind.startswith("iam-"))
    }
    for operation in _operations(servers):
        if operation.input is None or (is_far and operation.service in OF_ACCOUNTS):
            continue
        right = _right(operation, servers.likely)
        for name, member in operation.input.members.items():
            is_same_account = is_far and ((operation.name, name) in SHARED or name == "roleArn")
            if name not in NAMES_A_THING or (operation.name, name) in MAKES_A_NAME or is_same_account:
                continue
            for kind, found in identifiers.items():
                if kind.startswith("iam-") != (operation.service in OF_ACCOUNTS) and kind not in ODD_PLACES:
                    continue
                for identifier in found:
                    value = [identifier] if member.shape.kind == "list" else identifier
                    words = f"{operation.service}.{operation.name}({name}={kind} {identifier})"
                    yield Question(words=words, ask=_asking(servers, operation, {**right, name: value}))


def _about_everything(servers: Servers) -> Iterator[Question]:
    """What an account may ask without naming anything: every list, and every look at its own settings."""
    is_far = servers.theirs.scope.account_id == HOME.account_id
    for operation in _operations(servers):
        if is_far and (operation.service in OF_ACCOUNTS or operation.name in OF_THE_ACCOUNT):
            continue
        is_a_look = operation.name.startswith(("List", "Get")) and operation.name not in GIVES_KEYS
        if is_a_look and (operation.input is None or not operation.input.required):
            yield Question(words=f"{operation.service}.{operation.name}()", ask=_asking(servers, operation, {}))


def _at_the_door(servers: Servers) -> Iterator[Question]:
    """The same jobs and models in OpenAI's shape, and the files that were uploaded there."""
    jobs = [
        f"ftjob-{each}" for each in servers.theirs.of("model-customization-job") if re.fullmatch("[a-z0-9]{12}", each)
    ]
    models = [found for kind in ("active-model", "imported-model", "serving") for found in servers.theirs.of(kind)]
    asked = [("GET", path, None) for path in ("/v1/models", "/v1/files", "/v1/fine_tuning/jobs")]
    for job in jobs:
        place = f"/v1/fine_tuning/jobs/{job}"
        asked += [("GET", place, None), ("GET", f"{place}/events", None), ("GET", f"{place}/checkpoints", None)]
        asked += [("POST", f"{place}/cancel", None)]
    for file in servers.their_files:
        asked += [("GET", f"/v1/files/{file}", None), ("GET", f"/v1/files/{file}/content", None)]
        asked += [("DELETE", f"/v1/files/{file}", None)]
        asked += [("POST", "/v1/fine_tuning/jobs", {"model": "amazon.titan-text-lite-v1", "training_file": file})]
    for model in models:
        said = [{"role": "user", "content": "hi"}]
        asked += [("POST", "/v1/chat/completions", {"model": model, "messages": said})]
        asked += [("POST", "/v1/completions", {"model": model, "prompt": "hi"})]
        asked += [("GET", f"/v1/models/{model.replace('/', '%2F').replace(':', '%3A')}", None)]
        asked += [("POST", "/v1/fine_tuning/jobs", {"model": model, "training_file": "file-" + "a" * 24})]
    for method, path, body in asked:
        content = b"" if body is None else json.dumps(body).encode()

        def ask(gateway: WholeGateway, method: str = method, path: str = path, content: bytes = content) -> Any:
            kind = {"Content-Type": "application/json"} if content else {}
            return _ask_door(gateway, method, path, servers.caller, HOME, content, kind)

        yield Question(words=f"{method} {path} {content.decode()}", ask=ask)


def _operations(servers: Servers) -> Iterator[Operation]:
    for service, handlers in servers.having.handlers.items():
        for name in handlers:
            yield load_service(service).operation(name)


def _asking(servers: Servers, operation: Operation, params: dict[str, Any]) -> Ask:
    model = servers.having.client(operation.service).meta.service_model.operation_model(operation.name)

    def ask(gateway: WholeGateway) -> tuple[int, bytes]:
        answer = send(gateway, on_the_wire(operation, model, params), key=servers.caller)
        return answer.status, answer.body

    return ask


def _right(operation: Operation, likely: LikelyValues) -> dict[str, Any]:
    """What else the operation needs, of ours."""
    whole = likely.wholes.get(operation.name)
    if whole is not None:
        return dict(whole("named"))
    found = dict[str, Any]()
    assert operation.input is not None
    for name in operation.input.required:
        values = likely.of(operation.name, name)
        if values is not None:
            found[name] = values[0]
        elif operation.input.members[name].shape.enum:
            found[name] = operation.input.members[name].shape.enum[0]
        elif operation.input.members[name].shape.kind == "list":
            found[name] = [{"Key": "team", "Value": "x"}] if name == "Tags" else [{"key": "team", "value": "x"}]
    for name, value in (("trainingDataConfig", {"s3Uri": "s3://my-bucket/a.jsonl"}), ("input", likely.of("", "input"))):
        if name in found or name in operation.input.required:
            found[name] = value[0] if isinstance(value, tuple) else value
    return found


def _each_kind(theirs: Inhabitants) -> dict[str, tuple[str, ...]]:
    """One of every kind: its ARN where it has one, and of a few the name and the id as well."""
    kinds = {
        kind: tuple({_form(each): each for each in reversed(found)}.values())
        for kind, found in theirs.identifiers.items()
        if kind not in NARROWER
    }
    by_arn = {kind: found if kind in NAMED or kind.startswith("iam-") else found[-1:] for kind, found in kinds.items()}
    return {**by_arn, "token": tuple(dict.fromkeys(theirs.tokens.values()))[:2]}


def _form(identifier: str) -> str:
    if identifier.startswith("arn:"):
        return "ARN"
    return "id" if re.fullmatch("[a-z0-9]{12}", identifier) else "name"


def _rows_of(gateway: WholeGateway, scope: Scope) -> dict[str, list[Any]]:
    """All that the store has of an account in a region."""
    with gateway.database.reading() as connection:
        return {
            name: sorted(map(repr, connection.execute(select(table).where(*_of_scope(table, scope)))))
            for name, table in metadata.tables.items()
            if "account_id" in table.c
        }


def _of_scope(table: Table, scope: Scope) -> list[ColumnElement[bool]]:
    of_region = [table.c.region == scope.region] if "region" in table.c else []
    return [table.c.account_id == scope.account_id, *of_region]


def _comparable(answer: tuple[int, bytes]) -> tuple[int, bytes]:
    return answer[0], DRAWN_ANEW.sub(b"", answer[1])


def _root(of: Inhabitants) -> AccessKey:
    return root_key(of.scope.account_id)


def _caller(gateway: WholeGateway) -> AccessKey:
    iam = gateway.client("iam")
    iam.create_user(UserName="asker")
    iam.put_user_policy(UserName="asker", PolicyName="all", PolicyDocument=EVERYTHING)
    key = iam.create_access_key(UserName="asker")["AccessKey"]
    return AccessKey(
        access_key_id=key["AccessKeyId"],
        secret_access_key=key["SecretAccessKey"],
        session_token=None,
        account_id=HOME.account_id,
        principal_arn="",
    )


def _upload(name: str) -> tuple[bytes, dict[str, str]]:
    """The body of an upload and its headers."""
    boundary = "x" * 20
    row = json.dumps({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "zebra"}]})
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n',
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n{row}\n\r\n',
        f"--{boundary}--\r\n",
    ]
    return "".join(parts).encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def _ask_door(
    gateway: WholeGateway,
    method: str,
    path: str,
    key: AccessKey,
    scope: Scope,
    content: bytes = b"",
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    url = f"http://{HOST}{path}"
    signed = AWSRequest(method=method, url=url, data=content, headers={"Host": HOST, **(headers or {})})
    SigV4Auth(Credentials(key.access_key_id, key.secret_access_key), "bedrock", scope.region).add_auth(signed)
    status, _, body = request(gateway.app, method, url, list(texts(signed.headers)), content)
    return status, body
