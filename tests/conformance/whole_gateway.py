"""The application of one HTTP worker, wired by the gateway's own functions, in this process.

Three things are outside of a gateway: S3 is a dictionary here, an engine host is a real one over an engine that knows
one answer, and a dry run has found what it always finds. Everything else is the product: wire, policies, rules, rows.
"""

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tanren import gateway
from tanren.aws.access_keys import StoredAccessKeys
from tanren.aws.auditing import event_of
from tanren.aws.bearer_tokens import BedrockApiKeys
from tanren.aws.chain import build_application
from tanren.aws.signatures import AccessKey
from tanren.control.sessions import refuse
from tanren.domain.clock import utc_now
from tanren.domain.errors import JobFailed
from tanren.domain.identities import root_arn
from tanren.domain.scope import Scope
from tanren.model_files.store import NANO_FOLDER
from tanren.runtime.metering import UsageMeter
from tanren.serving.host import EngineHost
from tanren.serving.protocol import EngineDescription
from tanren.settings import Settings, read_settings
from tanren.storage.database import Database
from tanren.storage.engine_hosts import EngineHosts, EngineHostStatus
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.objects import S3Location
from tanren.storage.principals import Principals
from tests.protocol import loopback
from tests.unit.serving.scripted_engine import ScriptedEngine
from tests.unit.workflows.object_memory import ObjectMemory

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "210987654321"
HOME = Scope(account_id=ACCOUNT, region="us-east-1")
ELSEWHERE = Scope(account_id=ACCOUNT, region="eu-west-1")
NEXT_DOOR = Scope(account_id=OTHER_ACCOUNT, region="us-east-1")
WEIGHTS_SHA256 = "0" * 64
"""Of every model that is there without weights."""
BUCKETS = frozenset({"my-bucket", "logs", "their-bucket"})
LOG_GROUP = "/aws/bedrock/invocations"


def root_key(account_id: str) -> AccessKey:
    return AccessKey(
        access_key_id=f"AKIAROOT{account_id}",
        secret_access_key=f"the secret of {account_id}",
        session_token=None,
        account_id=account_id,
        principal_arn=root_arn(account_id),
    )


class WholeGateway:
    """Its accounts are those of `root_key`; whoever has the database and the directory has the server's whole state."""

    def __init__(self, database: Database, data_dir: Path) -> None:
        self.settings: Settings = read_settings({"TANREN_ENGINE_WAIT_SECONDS": "0"}, data_dir=data_dir)
        self.database = database
        self.identities = IdentityDatabase(database)
        self.audited: list[dict[str, Any]] = []
        """The newest event alone."""
        principals = Principals(self.identities)
        keys = _RootsAndStored(principals)
        self._meters: list[UsageMeter] = []
        with (
            patch.object(gateway, "UsageMeter", self._kept_meter),
            patch.object(gateway, "_objects", lambda _: _bucket_of),
            patch.object(gateway, "_log_groups", lambda _: _log_groups_of),
            patch.object(gateway, "DryRunProcess", _KnownDryRun),
        ):
            self.handlers = {
                **gateway.handlers(self.settings, database),
                **gateway.tanren_handlers(self.settings, database),
                **gateway.identity_handlers(self.identities, principals, judge=refuse),
            }
            self.app = build_application(
                handlers=self.handlers,
                access_keys=keys,
                bearer_tokens=BedrockApiKeys(keys, keys, default_region=HOME.region),
                neighbourhood=None,
                audit=self,
                authorizer=gateway._authorizer(self.settings, database, principals),
                door=gateway.openai_door(self.settings, database),
            )

    def close(self) -> None:
        """No thread of it reads or writes any longer, so that the database may be closed and its directory removed."""
        for meter in self._meters:
            meter.close()

    def _kept_meter(self, *arguments: Any, **options: Any) -> UsageMeter:
        self._meters.append(UsageMeter(*arguments, **options))
        return self._meters[-1]

    def check(self) -> None:
        """As `chain.Audit`."""

    def record(self, exchange: Any, status: int) -> None:
        """As `chain.Audit`: an event that could not be made would be an error of ours."""
        self.audited[:] = [event_of(exchange, status, ()).to_json()]

    def client(
        self, service: str, scope: Scope = HOME, key: AccessKey | Mapping[str, str] | None = None, **options: Any
    ) -> Any:
        """A boto3 client of root, or of the holder of the key that IAM or STS answered."""
        made = root_key(scope.account_id) if key is None else key
        if not isinstance(made, AccessKey):
            made = AccessKey(
                access_key_id=made["AccessKeyId"],
                secret_access_key=made["SecretAccessKey"],
                session_token=made.get("SessionToken"),
                account_id=scope.account_id,
                principal_arn="",
            )
        return loopback.client(self.app, service, key=made, region=scope.region, **options)

    def has_engine(self, engine: "OneAnswer", base_folder: Path = NANO_FOLDER) -> None:
        """Models on this base answer."""
        hosts = EngineHosts(self.database)
        hosts.want(str(base_folder), at=utc_now())
        hosts.set(str(base_folder), EngineHostStatus.READY, at=utc_now(), socket_path=engine.socket_path)


class OneAnswer(ScriptedEngine):
    """An engine behind a real socket, for any base and any adapter, until it is closed."""

    def __init__(self) -> None:
        super().__init__(answer=("Hello", " world"))
        # Not below pytest's folder: the name of a socket has at most 107 bytes.
        self._folder = tempfile.TemporaryDirectory(prefix="tanren-engine-")
        self.socket_path = f"{self._folder.name}/s"
        self._host = EngineHost(self, Path(self.socket_path))
        loopback.RUNNER.run(self._host.start())

    def describe(self) -> EngineDescription:
        self.generations.clear()
        return EngineDescription(
            engine="scripted",
            base_folder="/nowhere",
            base_sha256=WEIGHTS_SHA256,
            parameter_count=0,
            context_length=100,
            weight_bytes=0,
            adapter_bytes=0,
            resident_adapters=(),
            active_count=0,
            queued_count=0,
        )

    def close(self) -> None:
        if Path(self.socket_path).exists():
            loopback.RUNNER.run(self._host.drain(0))
        self._folder.cleanup()


class _RootsAndStored:
    """Of two accounts the roots, then the keys that IAM has given out."""

    def __init__(self, principals: Principals) -> None:
        self._roots = {key.access_key_id: key for key in (root_key(ACCOUNT), root_key(OTHER_ACCOUNT))}
        self._stored = StoredAccessKeys(root_key(ACCOUNT), principals)

    def find(self, access_key_id: str) -> AccessKey | None:
        return self._roots.get(access_key_id) or self._stored.find(access_key_id)

    def find_bearer(self, alias: str, secret: str) -> AccessKey | None:
        return self._stored.find_bearer(alias, secret)


class _Buckets(ObjectMemory):
    def __init__(self) -> None:
        super().__init__({})

    def put(self, location: S3Location, content: bytes, *, content_type: str) -> None:
        if location.bucket not in BUCKETS:
            raise JobFailed(f"There is no bucket {location.bucket}.")
        super().put(location, content, content_type=content_type)

    def make_bucket(self, bucket: str) -> None:
        """Every account has its own already."""


class _LogGroups:
    def ensure_stream(self, group: str, stream: str) -> None:
        if group != LOG_GROUP:
            raise JobFailed(f"There is no log group {group}.")


@cache
def _bucket_of(scope: Scope) -> _Buckets:
    return _Buckets()


def _log_groups_of(scope: Scope) -> _LogGroups:
    return _LogGroups()


EXAMINED = {
    "examinedRecordCount": 10,
    "score": 100,
    "parts": [{"name": "said once", "share": 1.0, "weight": 3}],
    "observations": [],
    "languages": [{"name": "en", "recordCount": 10}],
    "labels": [],
    "tokens": None,
    "records": [],
}


class _KnownDryRun:
    """As `DryRunProcess`."""

    def run(self, orders: Mapping[str, Any]) -> dict[str, Any]:
        file = {
            "s3Uri": orders["trainingS3Uri"],
            "isValid": True,
            "format": None,
            "recordCount": 10,
            "lineCount": 10,
            "sizeBytes": 1000,
            "sha256": WEIGHTS_SHA256,
            "errorCount": 0,
            "findings": [],
        }
        if "examination" in orders:
            return {"files": [file], **EXAMINED}
        return {
            "files": [file],
            "records": 10,
            "epoch_tokens": 3000,
            "trained_tokens": 2000,
            "validation_tokens": 300,
            "longest_record": 400,
            "epochs": 3,
            "batch_size": 4,
            "needed_bytes": 10**9,
            "available_bytes": None,
            "memory_words": "weights 1.0 GB",
            "memory_parts": None,
            "fits": None,
            "warnings": [],
        }
