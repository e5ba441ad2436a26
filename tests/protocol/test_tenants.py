"""An account learns nothing of another: whatever it asks with the other's ARNs, the answer is the same as if there were
nothing, word for word. Every operation that takes an ARN, with an ARN of every kind, as root and as a user."""

import asyncio
import inspect
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Integer, insert

from tanren.aws.authorization import Authorizer, IamMode
from tanren.aws.authorization_resources import StoredResources
from tanren.aws.authorization_rules import RULES
from tanren.aws.context import Handlers, Members, Principal, RequestContext
from tanren.aws.service_models import load_service
from tanren.aws.validation import validate
from tanren.control.service_roles import ServiceRoles
from tanren.domain import arns
from tanren.domain.errors import TanrenError
from tanren.domain.policies.documents import PolicyKind
from tanren.domain.policies.sources import KnownRole
from tanren.domain.scope import Scope
from tanren.gateway import handlers
from tanren.settings import read_settings
from tanren.storage.columns import UtcDateTime, metadata
from tanren.storage.database import Database
from tanren.storage.resource_policies import ResourcePolicies
from tests.unit.aws.permitting import BEDROCK_TRUST, Identities, allow, policy

NOW = datetime(2026, 11, 21, tzinfo=UTC)
OURS = Scope(account_id="123456789012", region="us-east-1")
THEIRS = Scope(account_id="999999999999", region="us-east-1")
BASE = "amazon.titan-text-lite-v1"
ID = "abcdefghijkl"
KINDS = {
    "customization_jobs": arns.customization_job_arn(THEIRS, BASE, ID),
    "custom_models": arns.custom_model_arn(THEIRS, BASE, ID),
    "provisioned_throughputs": arns.provisioned_model_arn(THEIRS, ID),
    "custom_model_deployments": arns.custom_model_deployment_arn(THEIRS, ID),
    "model_invocation_jobs": arns.model_invocation_job_arn(THEIRS, ID),
    "model_import_jobs": arns.model_import_job_arn(THEIRS, ID),
    "imported_models": arns.imported_model_arn(THEIRS, ID),
    "model_copy_jobs": arns.model_copy_job_arn(THEIRS, ID),
}
STATUSES = {"custom_models": "Active", "provisioned_throughputs": "InService", "custom_model_deployments": "Active"}
ROLE = f"arn:aws:iam::{THEIRS.account_id}:role/theirs"
OWN_ROLE = f"arn:aws:iam::{OURS.account_id}:role/trainer"
CALLERS = {
    "root": f"arn:aws:iam::{OURS.account_id}:root",
    "a user who may do everything": f"arn:aws:iam::{OURS.account_id}:user/mika",
}
GIVEN: Members = {
    "jobName": "job",
    "customModelName": "model",
    "importedModelName": "imported",
    "roleArn": OWN_ROLE,
    "baseModelIdentifier": BASE,
    "modelId": BASE,
    "trainingDataConfig": {"s3Uri": "s3://bucket/train.jsonl"},
    "outputDataConfig": {"s3Uri": "s3://bucket/out/"},
    "modelDeploymentName": "deployment",
    "modelUnits": 1,
    "provisionedModelName": "throughput",
    "targetModelName": "target",
    "tags": [{"key": "a", "value": "b"}],
    "tagKeys": ["a"],
    "resourcePolicy": "{}",
    "body": b"{}",
    "modelDataSource": {"s3DataSource": {"s3Uri": "s3://bucket/model/"}},
    "trainingData": {"s3Uri": "s3://bucket/train.jsonl"},
    "input": {"invokeModel": {"body": b"{}"}},
}
"""What else an operation cannot do without."""
BATCH = {
    "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://bucket/in.jsonl"}},
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out/"}},
}
NAMES_A_RESOURCE = (
    "jobIdentifier",
    "modelIdentifier",
    "customModelDeploymentIdentifier",
    "provisionedModelId",
    "modelId",
)
NAMES_A_RESOURCE += ("modelArn", "sourceModelArn", "jobArn", "resourceArn", "resourceARN", "baseModelIdentifier")
NAMES_A_RESOURCE += ("desiredModelId", "inferenceProfileIdentifier", "jobId")


class Server:
    """What answers, without the wire."""

    def __init__(self, database: Database, folder: Path, identities: Identities) -> None:
        self.handlers: Handlers = handlers(read_settings({}, data_dir=folder), database)
        self._authorizer = Authorizer(
            policies=identities,
            service_roles=ServiceRoles(identities),
            facts=StoredResources(database, {}),
            resource_policies=ResourcePolicies(database),
            mode=IamMode.ENFORCE,
        )

    async def answer(self, service: str, operation: str, caller: str, params: Members) -> str:
        """The error as the caller reads it; an answer is none that anyone should get here."""
        context = RequestContext(
            request_id="r",
            service=service,
            operation=operation,
            scope=OURS,
            principal=Principal(arn=caller, account_id=OURS.account_id, access_key_id="AKID"),
            source_ip="",
            user_agent="",
            received_at=NOW,
            headers={},
            is_secure=True,
        )
        try:
            validate(load_service(service).operation(operation), params)
            await self._authorizer.authorize(context, params)
            result = self.handlers[service][operation](context, params)
            return f"answered {await result if inspect.isawaitable(result) else result}"
        except TanrenError as error:
            return f"{type(error).__name__}: {error}"


def questions() -> Iterator[tuple[str, str, str, str, Members]]:
    """Service, operation, member, kind, parameters with the other account's ARN in that member."""
    for service in ("bedrock", "bedrock-runtime"):
        model = load_service(service)
        for operation in RULES[service]:
            shape = model.operation(operation).input
            if shape is None:
                continue
            given = {name: GIVEN[name] for name in shape.required if name in GIVEN}
            if operation == "CreateModelInvocationJob":
                given |= BATCH
            for member in shape.members:
                if member in NAMES_A_RESOURCE:
                    for kind, arn in KINDS.items():
                        yield service, operation, member, kind, {**given, member: arn}
                if member == "roleArn":
                    yield service, operation, member, "role", {**given, member: ROLE}


def _identities(*, with_their_role: bool) -> Identities:
    identities = Identities(allow("*"))
    held = identities.add_role(BEDROCK_TRUST)
    identities.roles = {OWN_ROLE: held}
    if with_their_role:
        trust = policy(PolicyKind.TRUST, {**BEDROCK_TRUST, "Principal": {"AWS": "*"}})
        identities.roles[ROLE] = KnownRole(arn=ROLE, trust=trust, policies=held.policies)
    return identities


def _fill(database: Database) -> None:
    """The other account has one of each."""
    empty: dict[type, Any] = {UtcDateTime: NOW, JSON: {}, Integer: 0, Boolean: True}
    with database.writing() as connection:
        for name, arn in KINDS.items():
            table = metadata.tables[name]
            row = {
                column.name: next((value for kind, value in empty.items() if isinstance(column.type, kind)), "x")
                for column in table.columns
                if not column.nullable
            }
            row |= {"arn": arn, "account_id": THEIRS.account_id, "region": THEIRS.region, "name": "theirs"}
            if "status" in row:
                row["status"] = STATUSES.get(name, "Completed")
            if "job_id" in row:
                row["job_id"] = ID
            connection.execute(insert(table).values(**row))


@pytest.mark.parametrize("caller", list(CALLERS))
def test_the_answer_is_the_same_whether_or_not_the_other_account_has_it(
    caller: str, tmp_path: Path, database: Database, migrated_file: Path
):
    empty = Database(f"sqlite:///{_copy(migrated_file, tmp_path / 'empty.db')}")
    without = Server(empty, tmp_path / "a", _identities(with_their_role=False))
    _fill(database)
    having = Server(database, tmp_path / "a", _identities(with_their_role=True))

    async def compare() -> dict[str, tuple[str, str]]:
        told = {}
        for service, operation, member, kind, params in questions():
            if operation not in having.handlers[service]:
                continue
            there = await having.answer(service, operation, CALLERS[caller], params)
            gone = await without.answer(service, operation, CALLERS[caller], params)
            told[f"{operation}({member}={kind})"] = (there, gone)
        return told

    told = asyncio.run(compare())
    empty.close()
    assert len(told) > 200
    assert {asked: answers for asked, answers in told.items() if answers[0] != answers[1]} == {}
    assert {asked: there for asked, (there, _) in told.items() if there.startswith("answered")} == {}


def _copy(source: Path, target: Path) -> Path:
    target.write_bytes(source.read_bytes())
    return target
