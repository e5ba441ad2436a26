"""The control plane over a real database, with a finished job at hand."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tanren.catalog.weights import WeightsCatalogue
from tanren.control.custom_model_deployments import CustomModelDeploymentControl
from tanren.control.custom_models import CustomModelControl, NewCustomModel
from tanren.control.customization_jobs import CustomizationJobControl, NewCustomizationJob
from tanren.control.evaluation_jobs import EvaluationJobControl, NewEvaluationJob
from tanren.control.foundation_model_agreements import FoundationModelAgreementControl
from tanren.control.imported_models import ImportedModelControl
from tanren.control.model_copy_jobs import ModelCopyJobControl, NewModelCopyJob
from tanren.control.model_import_jobs import ModelImportJobControl, NewModelImportJob
from tanren.control.model_invocation_jobs import ModelInvocationJobControl, NewModelInvocationJob
from tanren.control.provisioned_throughputs import ProvisionedThroughputControl
from tanren.control.resource_policies import ResourcePolicyControl
from tanren.control.tags import TagControl
from tanren.domain.arns import custom_model_arn, imported_model_arn
from tanren.domain.custom_models import CustomModel, CustomModelStatus
from tanren.domain.imported_models import ImportedModel
from tanren.domain.scope import Scope
from tanren.domain.weights import BoundWeights
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.database import Database
from tanren.storage.engine_hosts import EngineHosts
from tanren.storage.evaluation_jobs import EvaluationJobs
from tanren.storage.foundation_model_agreements import FoundationModelAgreements
from tanren.storage.imported_models import ImportedModels
from tanren.storage.model_copy_jobs import ModelCopyJobs
from tanren.storage.model_import_jobs import ModelImportJobs
from tanren.storage.model_invocation_jobs import ModelInvocationJobs
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
from tanren.storage.resource_policies import ResourcePolicies
from tests.unit.model_files.fake_hub import REPOSITORY, FakeHub, Repository

NEW_JOB = NewCustomizationJob(
    job_name="customer-service-ft",
    custom_model_name="customer-service-titan",
    role_arn="arn:aws:iam::123456789012:role/BedrockCustomizationRole",
    base_model_identifier="amazon.titan-text-express-v1",
    customization_type="FINE_TUNING",
    training_s3_uri="s3://my-bucket/training/train.jsonl",
    validation_s3_uris=(),
    output_s3_uri="s3://my-bucket/output/",
    hyperparameters={"epochCount": "3", "batchSize": "8", "learningRate": "0.00001"},
    client_request_token=None,
)

NEW_BATCH = NewModelInvocationJob(
    job_name="nightly",
    role_arn="arn:aws:iam::123456789012:role/BatchRole",
    model_identifier="amazon.titan-text-express-v1",
    invocation_type="InvokeModel",
    input_s3_uri="s3://my-bucket/in/records.jsonl",
    output_s3_uri="s3://my-bucket/out/",
    bucket_owners=(),
    timeout_hours=None,
    client_request_token=None,
    echoed={"inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://my-bucket/in/records.jsonl"}}},
)


NEW_EVALUATION = NewEvaluationJob(
    job_name="nightly-quality",
    role_arn="arn:aws:iam::123456789012:role/EvaluationRole",
    application_type="ModelEvaluation",
    request={
        "evaluationConfig": {
            "automated": {
                "datasetMetricConfigs": [
                    {
                        "taskType": "QuestionAndAnswer",
                        "dataset": {
                            "name": "questions",
                            "datasetLocation": {"s3Uri": "s3://my-bucket/in/questions.jsonl"},
                        },
                        "metricNames": ["Builtin.Accuracy", "Tanren.Contains"],
                    }
                ]
            }
        },
        "inferenceConfig": {"models": [{"bedrockModel": {"modelIdentifier": "amazon.titan-text-express-v1"}}]},
        "outputDataConfig": {"s3Uri": "s3://my-bucket/out/"},
    },
    client_request_token=None,
)

NEW_IMPORT = NewModelImportJob(
    job_name="bring-llama",
    imported_model_name="my-llama",
    role_arn="arn:aws:iam::123456789012:role/ImportRole",
    source_s3_uri="s3://my-bucket/llama/",
    client_request_token=None,
)


NEW_CUSTOM_MODEL = NewCustomModel(
    model_name="brought",
    source_s3_uri="s3://my-bucket/models/mine",
    role_arn=None,
    client_request_token=None,
)


class ControlPlane:
    """Every control over one database."""

    def __init__(self, database: Database, artifacts: Path, clock: Callable, new_id: Callable) -> None:
        self.clock = clock
        self.artifacts = ArtifactStore(artifacts)
        self.job_rows = CustomizationJobs(database)
        self.model_rows = CustomModels(database)
        self.throughput_rows = ProvisionedThroughputs(database)
        self.deployment_rows = CustomModelDeployments(database)
        self.weights = WeightsCatalogue(artifacts.parent)
        self.jobs = CustomizationJobControl(self.job_rows, self.model_rows, self.weights, clock=clock, new_id=new_id)
        self.models = CustomModelControl(
            self.model_rows,
            self.job_rows,
            self.throughput_rows,
            self.deployment_rows,
            self.artifacts,
            EngineHosts(database),
            clock=clock,
            new_id=new_id,
        )
        self.throughputs = ProvisionedThroughputControl(
            self.throughput_rows, self.model_rows, clock=clock, new_id=new_id
        )
        self.deployments = CustomModelDeploymentControl(
            self.deployment_rows, self.model_rows, clock=clock, new_id=new_id
        )
        self.batch_rows = ModelInvocationJobs(database)
        self.batches = ModelInvocationJobControl(
            self.batch_rows, self.model_rows, self.deployment_rows, clock=clock, new_id=new_id
        )
        self.import_rows = ModelImportJobs(database)
        self.imported_rows = ImportedModels(database)
        self.evaluation_rows = EvaluationJobs(database)
        self.evaluations = EvaluationJobControl(
            self.evaluation_rows,
            self.model_rows,
            self.imported_rows,
            self.throughput_rows,
            self.deployment_rows,
            clock=clock,
            new_id=new_id,
        )
        self.copy_rows = ModelCopyJobs(database)
        policies = ResourcePolicies(database)
        self.policies = ResourcePolicyControl(policies, self.model_rows, clock=clock)
        self.copies = ModelCopyJobControl(self.copy_rows, self.model_rows, policies, clock=clock, new_id=new_id)
        self.agreements = FoundationModelAgreementControl(
            FoundationModelAgreements(database), self.weights, clock=clock
        )
        self.imports = ModelImportJobControl(self.import_rows, self.imported_rows, clock=clock, new_id=new_id)
        self.hosts = EngineHosts(database)
        self.imported = ImportedModelControl(self.imported_rows, self.artifacts, self.hosts)
        taggable = (
            self.job_rows,
            self.model_rows,
            self.throughput_rows,
            self.deployment_rows,
            self.batch_rows,
            self.evaluation_rows,
            self.import_rows,
            self.imported_rows,
        )
        self.tags = TagControl(database, taggable, clock=clock)

    def has_imported_model(self, scope: Scope, name: str = "my-llama", *, has_chat_template: bool = True) -> str:
        """The ARN of an imported model that is simply there, with a folder of one file."""
        model_id = name.replace("-", "")[:12].rjust(12, "a")
        model = ImportedModel(
            scope=scope,
            model_id=model_id,
            model_arn=imported_model_arn(scope, model_id),
            model_name=name,
            job_arn=f"arn:aws:bedrock:{scope.region}:{scope.account_id}:model-import-job/aaaaaaaaaaaa",
            job_name="bring-llama",
            source_s3_uri="s3://my-bucket/llama/",
            architecture="LlamaForCausalLM",
            parameter_count=1_000_000,
            context_length=64,
            size_bytes=10,
            has_chat_template=has_chat_template,
            artifact_path=self.artifacts.imported_model_path(scope, model_id, 1),
            weights_sha256="0" * 64,
            created_at=self.clock(),
        )
        folder = self.artifacts.resolve(model.artifact_path)
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"0123456789")
        with self.imported_rows.database.writing() as connection:
            self.imported_rows.add(connection, scope, model)
        return model.model_arn

    def has_model(
        self,
        scope: Scope,
        name: str = "tuned",
        foundation: str = "amazon.titan-text-express-v1",
        bound: BoundWeights | None = None,
    ) -> str:
        """The ARN of a custom model that is simply there; without `bound` one from before weights were noted."""
        model_id = name[:12].rjust(12, "a")
        model = CustomModel(
            scope=scope,
            model_id=model_id,
            model_arn=custom_model_arn(scope, foundation, model_id),
            model_name=name,
            status=CustomModelStatus.ACTIVE,
            job_arn=None,
            job_name=None,
            base_model_arn=f"arn:aws:bedrock:{scope.region}::foundation-model/{foundation}",
            foundation_model_id=foundation,
            customization_type="FINE_TUNING",
            hyperparameters={},
            request={} if bound is None else {"weights": bound.to_json()},
            artifact_path=f"custom-models/{name}",
            artifact_sha256="0" * 64,
            training_loss=1.0,
            validation_losses=(),
            created_at=self.clock(),
        )
        with self.model_rows.database.writing() as connection:
            self.model_rows.add(connection, scope, model)
        return model.model_arn


@pytest.fixture
def plane(database: Database, tmp_path: Path, clock: Callable, new_id: Callable) -> ControlPlane:
    return ControlPlane(database, tmp_path / "artifacts", clock, new_id)


@pytest.fixture
def new_job() -> Callable[..., NewCustomizationJob]:
    """A request that is right, with the given fields changed."""
    return lambda **changes: replace(NEW_JOB, **changes)


@pytest.fixture
def new_batch() -> Callable[..., NewModelInvocationJob]:
    """A request that is right, with the given fields changed."""
    return lambda **changes: replace(NEW_BATCH, **changes)


@pytest.fixture
def new_evaluation() -> Callable[..., NewEvaluationJob]:
    """A request that is right, with the given fields changed."""
    return lambda **changes: replace(NEW_EVALUATION, **changes)


@pytest.fixture
def new_import() -> Callable[..., NewModelImportJob]:
    """A request that is right, with the given fields changed."""
    return lambda **changes: replace(NEW_IMPORT, **changes)


@pytest.fixture
def new_copy() -> Callable[..., NewModelCopyJob]:
    """A request for a copy of a given model, with the given fields changed."""
    return lambda source, **changes: replace(
        NewModelCopyJob(source_model_arn=source, target_model_name="copied", client_request_token=None), **changes
    )


@pytest.fixture
def new_custom_model() -> Callable[..., NewCustomModel]:
    """A request that is right, with the given fields changed."""
    return lambda **changes: replace(NEW_CUSTOM_MODEL, **changes)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama as a user would have it on a disk."""
    # Imported here: it brings torch, which most of these tests do without.
    from tests.numerics.tiny_models import save_base_model

    folder = save_base_model(tmp_path_factory.mktemp("tiny") / "tiny-llama")
    (folder / "LICENSE").write_text("Do as you please.\n")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# tiny\n")
    return folder


@pytest.fixture
def hub(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """It has the tiny model, and beside it what must never be fetched."""
    folder = tmp_path / "repository"
    shutil.copytree(tiny_model, folder)
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04 a pickle")
    (folder / "modeling_tiny.py").write_text("raise SystemExit\n")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.safetensors").write_bytes(b"another format")
    (folder / "consolidated.safetensors").write_bytes(b"the same once more")
    (folder / ".gitattributes").write_text("*.safetensors filter=lfs\n")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = FakeHub()
    made.repositories[REPOSITORY] = Repository(folder)
    made.start()
    yield made
    made.stop()
