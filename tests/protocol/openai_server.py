"""A server whose door to the OpenAI-shaped API is the gateway's own, but for the engine and S3, which are fakes."""

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tanren.aws.access_keys import StoredAccessKeys
from tanren.aws.auditing import event_of
from tanren.aws.authorization import Authorizer, IamMode
from tanren.aws.authorization_resources import StoredResources
from tanren.aws.bearer_tokens import BedrockApiKeys
from tanren.aws.chain import build_application
from tanren.catalog.weights import WeightsCatalogue
from tanren.control.customization_jobs import CustomizationJobControl
from tanren.control.service_roles import ServiceRoles
from tanren.control.sessions import refuse
from tanren.domain.clock import new_resource_id, utc_now
from tanren.domain.errors import ResourceNotFound
from tanren.domain.scope import Scope
from tanren.gateway import _placement, handlers, identity_handlers
from tanren.openai_api.door import OpenAIDoor
from tanren.openai_api.file_store import FileStore
from tanren.openai_api.files import OpenAIFiles
from tanren.openai_api.fine_tuning_jobs import FineTuningJobs
from tanren.openai_api.fine_tuning_views import FineTuningViews
from tanren.openai_api.models import OpenAIModels
from tanren.openai_api.routes import openai_routes
from tanren.openai_api.training_files import TrainingFiles
from tanren.runtime.inference import Inference, Placed
from tanren.settings import read_settings
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.database import Database
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.principals import Principals
from tanren.storage.resource_policies import ResourcePolicies
from tanren.storage.training_records import TrainingRecords
from tests.protocol.identity_server import ROOT, IdentityServer
from tests.protocol.loopback import request
from tests.unit.runtime.placed_engine import PlacedEngine
from tests.unit.workflows.object_memory import ObjectMemory

NANO = "tanren.nano-v1:0"
HOST = "http://127.0.0.1:4566"


class Bucket(ObjectMemory):
    def __init__(self) -> None:
        super().__init__({})
        self.buckets: set[str] = set()

    def make_bucket(self, bucket: str) -> None:
        self.buckets.add(bucket)


class Engines(PlacedEngine):
    """One engine for every model that there is."""

    async def place(self, scope: Scope, model_id: str) -> Placed:
        if model_id == "no-such-model":
            raise ResourceNotFound("There is no model 'no-such-model'.")
        return Placed(engine=self, adapter=None, model_id=model_id, body_format="titan_text")


class Audited:
    """As `chain.Audit`: the events, kept in memory."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def check(self) -> None:
        pass

    def record(self, exchange: Any, status: int) -> None:
        self.events.append(event_of(exchange, status, ()).to_json())

    @property
    def last(self) -> tuple[str, str, str | None]:
        """Source, name, and code of the error of the newest."""
        event = self.events[-1]
        return event["eventSource"].partition(".")[0], event["eventName"], event.get("errorCode")


class OpenAIServer(IdentityServer):
    def __init__(self, database: Database, folder: Path) -> None:
        settings = read_settings({}, data_dir=folder)
        self.identities = IdentityDatabase(database)
        self.principals = Principals(self.identities)
        self.keys = StoredAccessKeys(ROOT, self.principals)
        self.engines = Engines()
        self.bucket = Bucket()
        self.audit = Audited()
        self.jobs = CustomizationJobs(database)
        self.records = TrainingRecords(database)
        self.store = FileStore(folder, clock=utc_now, largest_bytes=100_000)
        models = CustomModels(database)
        control = CustomizationJobControl(
            self.jobs, models, WeightsCatalogue(folder), clock=utc_now, new_id=new_resource_id
        )
        files = TrainingFiles(self.store, self.jobs, lambda scope: self.bucket)
        views = FineTuningViews(self.records)
        self.app = build_application(
            handlers={
                **handlers(settings, database),
                **identity_handlers(self.identities, self.principals, judge=refuse),
            },
            access_keys=self.keys,
            bearer_tokens=BedrockApiKeys(self.keys, self.keys, default_region="us-east-1"),
            neighbourhood=None,
            audit=self.audit,
            authorizer=Authorizer(
                policies=self.principals,
                service_roles=ServiceRoles(self.principals),
                facts=StoredResources(database, {}),
                resource_policies=ResourcePolicies(database),
                mode=IamMode.ENFORCE,
            ),
            door=OpenAIDoor(
                openai_routes(
                    Inference(self.engines),
                    OpenAIModels(database, _placement(settings, database)),
                    OpenAIFiles(self.store, files),
                    FineTuningJobs(control, models, self.records, files, views, new_id=new_resource_id),
                )
            ),
        )

    def api_key(self, name: str, *documents: str) -> str:
        """A long-term Bedrock API key of a new user with these inline policies."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        for number, document in enumerate(documents):
            iam.put_user_policy(UserName=name, PolicyName=f"p{number}", PolicyDocument=document)
        made = iam.create_service_specific_credential(UserName=name, ServiceName="bedrock.amazonaws.com")
        return made["ServiceSpecificCredential"]["ServiceCredentialSecret"]

    def ask(
        self, method: str, path: str, key: str | None, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers, and the body, read where it is JSON."""
        sent = [("host", "127.0.0.1:4566"), *(headers or {}).items()]
        if key is not None:
            sent.append(("authorization", f"Bearer {key}"))
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        status, answered, raw = request(self.app, method, HOST + path, sent, content)
        return status, answered, json.loads(raw) if answered["content-type"] == "application/json" else raw

    def upload(self, key: str, content: bytes, *, filename: str = "train.jsonl", **fields: str) -> tuple[int, Any]:
        """As the official client sends a file."""
        boundary = uuid.uuid4().hex
        lines: list[bytes] = []
        for name, value in {"purpose": "fine-tune", **fields}.items():
            lines += [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        lines += [head.encode(), b"Content-Type: application/octet-stream\r\n\r\n", content]
        lines += [f"\r\n--{boundary}--\r\n".encode()]
        kind = {"content-type": f"multipart/form-data; boundary={boundary}"}
        status, _, answer = self.ask("POST", "/v1/files", key, b"".join(lines), kind)
        return status, answer
