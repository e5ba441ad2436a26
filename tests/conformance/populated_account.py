"""One of everything, in every state that matters, in one account and region: made through the API where it can be.

Every name and text of it begins with the account's mark, so that what leaks from it can be found in an answer.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update

from tanren.control.customization_evaluations import CustomizationEvaluations
from tanren.domain.arns import custom_model_arn, foundation_model_arn, imported_model_arn
from tanren.domain.clock import new_resource_id, utc_now
from tanren.domain.custom_model_deployments import DeploymentStatus
from tanren.domain.custom_models import CustomModel, CustomModelStatus
from tanren.domain.customization_jobs import JobStatus, Phase, PhaseStatus
from tanren.domain.evaluation_jobs import EvaluationJobStatus
from tanren.domain.imported_models import ImportedModel
from tanren.domain.model_copy_jobs import CopyJobStatus
from tanren.domain.model_import_jobs import ImportJobStatus
from tanren.domain.model_invocation_jobs import InvocationJobStatus
from tanren.domain.provisioned_throughputs import ProvisionedStatus
from tanren.domain.scope import Scope
from tanren.domain.test_sets import SUCCESS_CRITERIA_TAG, TEST_DATA_TAG
from tanren.storage.artifacts import ArtifactStore
from tanren.storage.custom_model_deployments import CustomModelDeployments
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.evaluation_jobs import EvaluationJobs
from tanren.storage.imported_models import ImportedModels
from tanren.storage.model_copy_jobs import ModelCopyJobs
from tanren.storage.model_import_jobs import ModelImportJobs
from tanren.storage.model_invocation_jobs import ModelInvocationJobs
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
from tanren.storage.training_records import TrainingRecords
from tests.conformance.whole_gateway import WEIGHTS_SHA256, OneAnswer, WholeGateway

TITAN = "amazon.titan-text-lite-v1"
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})


def trust_of(account_id: str) -> str:
    """A trust policy: the service, and the account's own users and roles."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com", "AWS": f"arn:aws:iam::{account_id}:root"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def evaluation_of(model_id: str) -> dict[str, Any]:
    """What CreateEvaluationJob needs beside a name and a role."""
    dataset = {"name": "questions", "datasetLocation": {"s3Uri": "s3://my-bucket/questions.jsonl"}}
    metrics = {"taskType": "QuestionAndAnswer", "dataset": dataset, "metricNames": ["Builtin.Accuracy"]}
    return {
        "evaluationConfig": {"automated": {"datasetMetricConfigs": [metrics]}},
        "inferenceConfig": {"models": [{"bedrockModel": {"modelIdentifier": model_id}}]},
        "outputDataConfig": {"s3Uri": "s3://my-bucket/evaluations/"},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhabitants:
    """What lives in an account, by kind; an identifier is an ARN, an id or a name."""

    scope: Scope
    mark: str
    role_arn: str
    identifiers: dict[str, tuple[str, ...]]
    """For example `custom-model` → its ARNs and names. IAM's kinds are `iam-user`, `iam-role`, …"""
    tokens: dict[tuple[str, str], str]
    """What a list operation has given to go on with, by its name and the member's."""

    def of(self, *kinds: str) -> tuple[str, ...]:
        return tuple(each for kind in kinds for each in self.identifiers[kind])

    def arns_of(self, *kinds: str) -> tuple[str, ...]:
        return tuple(each for each in self.of(*kinds) if each.startswith("arn:"))


def populate(gateway: WholeGateway, scope: Scope, mark: str, *, engine: OneAnswer | None = None) -> Inhabitants:
    """`engine` answers for the models that have weights of their own."""
    return _Settling(gateway, scope, mark).all_of_it(engine)


class _Settling:
    def __init__(self, gateway: WholeGateway, scope: Scope, mark: str) -> None:
        self.gateway = gateway
        self.scope = scope
        self.mark = mark
        self.database = gateway.database
        self.bedrock = gateway.client("bedrock", scope)
        self.iam = gateway.client("iam", scope)
        self.artifacts = ArtifactStore(gateway.settings.data_dir / "artifacts")
        self.found: dict[str, list[str]] = {}
        self.now: datetime = utc_now()

    def all_of_it(self, engine: OneAnswer | None) -> Inhabitants:
        role_arn = self._identities()
        job = self._customization_jobs(role_arn)
        self._pre_training_job(role_arn)
        self._custom_models(job)
        self._imported_models(role_arn, engine)
        self._throughputs_and_deployments()
        self._batch_jobs(role_arn)
        self._evaluation_jobs(role_arn)
        self._copy_jobs()
        self._settings_of_the_account()
        return Inhabitants(
            scope=self.scope,
            mark=self.mark,
            role_arn=role_arn,
            identifiers={kind: tuple(found) for kind, found in self.found.items()},
            tokens=self._tokens(),
        )

    def name(self, of: str) -> str:
        return f"{self.mark}-{of}"

    def add(self, kind: str, *identifiers: str) -> None:
        self.found.setdefault(kind, []).extend(identifiers)

    def tags(self) -> list[dict[str, str]]:
        return [{"key": "team", "value": self.mark}]

    def _identities(self) -> str:
        iam, tags = self.iam, [{"Key": "team", "Value": self.mark}]
        for of in ("anna", "ben"):
            user = self.name(of)
            arn = iam.create_user(UserName=user, Tags=tags)["User"]["Arn"]
            iam.put_user_policy(UserName=user, PolicyName=self.name("inline"), PolicyDocument=EVERYTHING)
            key = iam.create_access_key(UserName=user)["AccessKey"]
            made = iam.create_service_specific_credential(UserName=user, ServiceName="bedrock.amazonaws.com")
            self.add("iam-user", user)
            self.add("iam-user-arn", arn)
            self.add("iam-access-key", key["AccessKeyId"])
            self.add("iam-credential", made["ServiceSpecificCredential"]["ServiceSpecificCredentialId"])
        trust = trust_of(self.scope.account_id)
        role_arns = [
            iam.create_role(RoleName=self.name(of), AssumeRolePolicyDocument=trust, Tags=tags)["Role"]["Arn"]
            for of in ("trainer", "reader")
        ]
        self.add("iam-role", self.name("trainer"), self.name("reader"))
        self.add("iam-role-arn", *role_arns)
        for of in ("policy", "unattached"):
            policy = iam.create_policy(PolicyName=self.name(of), PolicyDocument=EVERYTHING, Tags=tags)["Policy"]["Arn"]
            iam.create_policy_version(PolicyArn=policy, PolicyDocument=EVERYTHING)
            self.add("iam-policy-name", self.name(of))
            self.add("iam-policy-arn", policy)
        attached = self.found["iam-policy-arn"][0]
        iam.attach_user_policy(UserName=self.name("anna"), PolicyArn=attached)
        iam.attach_role_policy(RoleName=self.name("trainer"), PolicyArn=attached)
        iam.put_role_policy(RoleName=self.name("trainer"), PolicyName=self.name("inline"), PolicyDocument=EVERYTHING)
        iam.put_user_permissions_boundary(UserName=self.name("ben"), PermissionsBoundary=attached)
        iam.put_role_permissions_boundary(RoleName=self.name("reader"), PermissionsBoundary=attached)
        self.add("iam-inline-policy", self.name("inline"))
        # To be deleted, with nothing that holds them.
        iam.create_user(UserName=self.name("spare"))
        iam.create_role(RoleName=self.name("spare"), AssumeRolePolicyDocument=trust)
        spare = iam.create_policy(PolicyName=self.name("spare"), PolicyDocument=EVERYTHING)["Policy"]["Arn"]
        self.add("iam-spare", self.name("spare"))
        self.add("iam-spare-policy", spare)
        return role_arns[0]

    def _customization_jobs(self, role_arn: str) -> str:
        """The ARN of the one that is Completed."""
        rows, records = CustomizationJobs(self.database), TrainingRecords(self.database)
        moves: dict[str, tuple[JobStatus, ...]] = {
            "waiting": (),
            "stopping": (JobStatus.STOPPING,),
            "stopped": (JobStatus.STOPPING, JobStatus.STOPPED),
            "failed": (JobStatus.FAILED,),
            "completed": (JobStatus.COMPLETED,),
        }
        made: dict[str, str] = {}
        for of, statuses in moves.items():
            arn = self.bedrock.create_model_customization_job(
                jobName=self.name(f"job-{of}"),
                customModelName=self.name(f"of-{of}"),
                roleArn=role_arn,
                baseModelIdentifier=TITAN,
                trainingDataConfig={"s3Uri": f"s3://my-bucket/{self.mark}/train.jsonl"},
                validationDataConfig={"validators": [{"s3Uri": f"s3://my-bucket/{self.mark}/validation.jsonl"}]},
                outputDataConfig={"s3Uri": f"s3://my-bucket/{self.mark}/out/"},
                hyperParameters={"epochCount": "2"},
                jobTags=[*self.tags(), *self._evaluation_tags()],
            )["jobArn"]
            made[of] = arn
            rows.set_phase(arn, 0, Phase.TRAINING, PhaseStatus.IN_PROGRESS, at=self.now)
            records.add_steps(arn, 0, [_step(step) for step in range(3)])
            records.add_validation(arn, 0, {"step": 2, "epoch": 1, "validation_loss": 2.5, "losses_by_set": [2.5]})
            records.add_sample(arn, 0, _sample(self.mark))
            records.add_event(arn, 0, f"{self.mark} was told.", at=self.now)
            with self.database.writing() as connection:
                for status in statuses:
                    ending = {"failure_message": f"{self.mark} failed."} if status is JobStatus.FAILED else {}
                    assert rows.move(connection, arn, status, at=self.now, **ending)
            kind = "running-job" if of in ("waiting", "stopping") else "ended-job"
            self.add(kind, arn, self.name(f"job-{of}"), arn.rpartition("/")[2])
        self.add("model-customization-job", *self.found["running-job"], *self.found["ended-job"])
        for job in (rows.by_arn(arn) for arn in made.values()):
            folder = self.artifacts.job_folder(job.scope, job.job_id) / "checkpoints" / "step-00000002-epoch-0001"
            folder.mkdir(parents=True)
            (folder / "trainable.safetensors").write_bytes(b"12345")
        return made["completed"]

    def _evaluation_tags(self) -> list[dict[str, str]]:
        return [
            {"key": TEST_DATA_TAG, "value": f"s3://my-bucket/{self.mark}/test.jsonl"},
            {"key": SUCCESS_CRITERIA_TAG, "value": "rougeL at least 0.1"},
        ]

    def _pre_training_job(self, role_arn: str) -> None:
        """In the overlay's dialect."""
        made = self.bedrock.create_continued_pre_training_job(
            modelId="anthropic.claude-v2",
            jobName=self.name("job-dialect"),
            roleArn=role_arn,
            trainingData={"s3Uri": f"s3://my-bucket/{self.mark}/texts.json"},
            hyperParameters={"epochs": 2},
        )
        self.add("pre-training-job", made["jobArn"], made["jobId"])

    def _custom_models(self, job_arn: str) -> None:
        rows = CustomModels(self.database)
        parent = foundation_model_arn(self.scope.region, TITAN)
        trained = {
            "training_s3_uri": f"s3://my-bucket/{self.mark}/train.jsonl",
            "validation_s3_uris": [],
            "output_s3_uri": f"s3://my-bucket/{self.mark}/out/",
        }
        for of in ("of-completed", "child", "grandchild"):
            name = self.name(of)
            model_id = new_resource_id()
            arn = custom_model_arn(self.scope, TITAN, model_id)
            model = CustomModel(
                scope=self.scope,
                model_id=model_id,
                model_arn=arn,
                model_name=name,
                status=CustomModelStatus.ACTIVE,
                job_arn=job_arn,
                job_name=self.name("job-completed"),
                base_model_arn=parent,
                foundation_model_id=TITAN,
                customization_type="FINE_TUNING",
                hyperparameters={"epochCount": "2"},
                request=trained,
                artifact_path=self.artifacts.custom_model_path(self.scope, model_id, 1),
                artifact_sha256=WEIGHTS_SHA256,
                training_loss=1.5,
                validation_losses=(2.5,),
                created_at=self.now,
            )
            folder = self.artifacts.resolve(model.artifact_path)
            folder.mkdir(parents=True)
            (folder / "adapter_config.json").write_text("{}")
            with self.database.writing() as connection:
                rows.add(connection, self.scope, model)
            self.add("active-model", arn, name)
            self.bedrock.tag_resource(resourceARN=arn, tags=self.tags())
            parent = arn
        jobs = CustomizationJobs(self.database)
        with self.database.writing() as connection:
            jobs.change(connection, job_arn, output_model_arn=self.found["active-model"][0], training_loss=1.5)
        for of, status in (("creating", CustomModelStatus.CREATING), ("broken", CustomModelStatus.FAILED)):
            source = {"s3DataSource": {"s3Uri": f"s3://my-bucket/{self.mark}/adapter/"}}
            name = self.name(of)
            arn = self.bedrock.create_custom_model(modelName=name, modelSourceConfig=source)["modelArn"]
            with self.database.writing() as connection:
                rows.change(connection, arn, status=status)
            self.add("unready-model", arn, name)
        self.add("custom-model", *self.found["active-model"], *self.found["unready-model"])

    def _imported_models(self, role_arn: str, engine: OneAnswer | None) -> None:
        rows, jobs = ImportedModels(self.database), ModelImportJobs(self.database)
        for of, status in (("running", None), ("done", ImportJobStatus.COMPLETED), ("lost", ImportJobStatus.FAILED)):
            name = self.name(f"import-{of}")
            arn = self.bedrock.create_model_import_job(
                jobName=name,
                importedModelName=self.name(f"llama-{of}"),
                roleArn=role_arn,
                modelDataSource={"s3DataSource": {"s3Uri": f"s3://my-bucket/{self.mark}/llama/"}},
                jobTags=self.tags(),
            )["jobArn"]
            self.add("model-import-job", arn, name)
            if status is None:
                continue
            model_id = new_resource_id()
            model_arn = imported_model_arn(self.scope, model_id)
            with self.database.writing() as connection:
                ending = {"imported_model_arn": model_arn} if status is ImportJobStatus.COMPLETED else {}
                assert jobs.move(connection, arn, status, at=self.now, **ending)
            if not ending:
                continue
            model = ImportedModel(
                scope=self.scope,
                model_id=model_id,
                model_arn=model_arn,
                model_name=self.name(f"llama-{of}"),
                job_arn=arn,
                job_name=name,
                source_s3_uri=f"s3://my-bucket/{self.mark}/llama/",
                architecture="LlamaForCausalLM",
                parameter_count=1_000_000,
                context_length=64,
                size_bytes=10,
                has_chat_template=True,
                artifact_path=self.artifacts.imported_model_path(self.scope, model_id, 1),
                weights_sha256=WEIGHTS_SHA256,
                created_at=self.now,
            )
            folder = self.artifacts.resolve(model.artifact_path)
            folder.mkdir(parents=True)
            (folder / "model.safetensors").write_bytes(b"0123456789")
            with self.database.writing() as connection:
                rows.add(connection, self.scope, model)
            if engine is not None:
                self.gateway.has_engine(engine, folder)
            self.bedrock.tag_resource(resourceARN=model_arn, tags=self.tags())
            self.add("imported-model", model_arn, model.model_name)

    def _throughputs_and_deployments(self) -> None:
        model = self.found["active-model"][0]
        throughputs, deployments = ProvisionedThroughputs(self.database), CustomModelDeployments(self.database)
        for of, provisioned in (
            ("serving", ProvisionedStatus.IN_SERVICE),
            ("idle", ProvisionedStatus.IN_SERVICE),
            ("creating", ProvisionedStatus.CREATING),
            ("broken", ProvisionedStatus.FAILED),
        ):
            name = self.name(f"throughput-{of}")
            arn = self.bedrock.create_provisioned_model_throughput(
                provisionedModelName=name, modelId=model, modelUnits=1, tags=self.tags()
            )["provisionedModelArn"]
            failed = provisioned is ProvisionedStatus.FAILED
            with self.database.writing() as connection:
                message = f"{self.mark} broke." if failed else None
                throughputs.change(connection, arn, status=provisioned, failure_message=message)
            self.add("provisioned-model", arn, name)
            if provisioned is ProvisionedStatus.IN_SERVICE:
                self.add("serving", arn, name)
        for of, status in (
            ("active", DeploymentStatus.ACTIVE),
            ("spare", DeploymentStatus.ACTIVE),
            ("creating", DeploymentStatus.CREATING),
            ("broken", DeploymentStatus.FAILED),
        ):
            name = self.name(f"deployment-{of}")
            arn = self.bedrock.create_custom_model_deployment(
                modelDeploymentName=name, modelArn=model, description=f"{self.mark} describes", tags=self.tags()
            )["customModelDeploymentArn"]
            with self.database.writing() as connection:
                deployments.change(connection, arn, status=status)
            self.add("custom-model-deployment", arn, name)
            if status is DeploymentStatus.ACTIVE:
                self.add("serving", arn)

    def _batch_jobs(self, role_arn: str) -> None:
        rows = ModelInvocationJobs(self.database)
        for of, status in (("waiting", None), ("done", InvocationJobStatus.FAILED)):
            name = self.name(f"batch-{of}")
            arn = self.bedrock.create_model_invocation_job(
                jobName=name,
                roleArn=role_arn,
                modelId=TITAN,
                inputDataConfig={"s3InputDataConfig": {"s3Uri": f"s3://my-bucket/{self.mark}/in.jsonl"}},
                outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://my-bucket/{self.mark}/out/"}},
                tags=self.tags(),
            )["jobArn"]
            if status is not None:
                with self.database.writing() as connection:
                    assert rows.move(connection, arn, status, at=self.now, message=f"{self.mark} failed.")
            self.add("model-invocation-job", arn, name)

    def _evaluation_jobs(self, role_arn: str) -> None:
        rows = EvaluationJobs(self.database)
        for of, status in (
            ("running", None),
            ("failed", EvaluationJobStatus.FAILED),
            ("spare", EvaluationJobStatus.FAILED),
        ):
            arn = self.bedrock.create_evaluation_job(
                jobName=self.name(f"evaluation-{of}"),
                jobDescription=f"{self.mark} describes",
                roleArn=role_arn,
                jobTags=self.tags(),
                **evaluation_of(TITAN),
            )["jobArn"]
            if status is not None:
                with self.database.writing() as connection:
                    messages = [f"{self.mark} failed."]
                    assert rows.move(connection, arn, status, at=self.now, failure_messages=messages)
            self.add("evaluation-job", arn)
        self._evaluations_of_jobs(rows)

    def _evaluations_of_jobs(self, rows: EvaluationJobs) -> None:
        """Of the customization jobs: one whose base is evaluated now, and one whose model is evaluated."""
        evaluations = CustomizationEvaluations(rows, clock=lambda: self.now)
        jobs = CustomizationJobs(self.database)
        waiting, completed = (jobs.get(self.scope, self.name(f"job-{of}")) for of in ("waiting", "completed"))
        assert waiting is not None
        assert completed is not None
        evaluations.begin_baseline(waiting)
        baseline = evaluations.begin_baseline(completed)
        with self.database.writing() as connection:
            model_arn = self.found["active-model"][0]
            comparison = evaluations.begin_comparison(connection, completed, model_arn, [])
            for arn, findings in ((baseline, None), (comparison, _findings(self.mark))):
                assert arn is not None
                assert rows.move(connection, arn, EvaluationJobStatus.COMPLETED, at=self.now, findings=findings)

    def _copy_jobs(self) -> None:
        """Made where the copies are to be: from here to a region that nothing else is in."""
        rows = ModelCopyJobs(self.database)
        there = Scope(account_id=self.scope.account_id, region="ap-southeast-2")
        far = self.gateway.client("bedrock", there)
        made = [
            far.create_model_copy_job(
                sourceModelArn=self.found["active-model"][0],
                targetModelName=self.name(f"copy-{of}"),
                targetModelTags=self.tags(),
            )["jobArn"]
            for of in ("waiting", "failed")
        ]
        with self.database.writing() as connection:
            assert rows.move(connection, made[1], CopyJobStatus.FAILED, at=self.now)
            # Jobs of elsewhere, moved here: their rows say where they are.
            arns = [arn.replace(there.region, self.scope.region) for arn in made]
            for old, new in zip(made, arns, strict=True):
                where = rows.table.c.arn == old
                connection.execute(update(rows.table).where(where).values(arn=new, region=self.scope.region))
        self.add("model-copy-job", *arns)

    def _settings_of_the_account(self) -> None:
        policy = {
            "Version": "2012-10-17",
            "Statement": {
                "Sid": self.mark.title(),
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::333333333333:root"},
                "Action": "bedrock:CreateModelCopyJob",
                "Resource": self.found["active-model"][0],
            },
        }
        self.bedrock.put_resource_policy(resourceArn=self.found["active-model"][0], resourcePolicy=json.dumps(policy))
        prefix = {"bucketName": "logs", "keyPrefix": self.mark}
        self.bedrock.put_model_invocation_logging_configuration(loggingConfig={"s3Config": prefix})
        self.bedrock.put_use_case_for_model_access(formData=json.dumps({"companyName": self.mark}).encode())
        offers = self.bedrock.list_foundation_model_agreement_offers(modelId=TITAN)["offers"]
        self.bedrock.create_foundation_model_agreement(modelId=TITAN, offerToken=offers[0]["offerToken"])
        self.add("offer", offers[0]["offerToken"])

    def _tokens(self) -> dict[tuple[str, str], str]:
        tokens = dict[tuple[str, str], str]()
        for service, made in (("bedrock", self.bedrock), ("iam", self.iam)):
            of_operation = {name: method for method, name in made.meta.method_to_api_mapping.items()}
            size, token = ("maxResults", "nextToken") if service == "bedrock" else ("MaxItems", "Marker")
            for name in self.gateway.handlers[service]:
                shape = made.meta.service_model.operation_model(name).input_shape
                # Without a user's name they are about the caller, and root is none.
                if shape is None or not {size, token} <= shape.members.keys() or "UserName" in shape.members:
                    continue
                if not shape.required_members:
                    answer = getattr(made, of_operation[name])(**{size: 1})
                    if token in answer:
                        tokens[name, token] = answer[token]
        return tokens


def _step(step: int) -> dict[str, Any]:
    return {
        "step": step,
        "epoch": 1,
        "training_loss": 3.0 / (1 + step),
        "learning_rate": 1e-3,
        "gradient_norm": 0.5,
        "tokens": 120,
        "trained_tokens": 100,
        "seconds": 0.25,
        "total_steps": 3,
        "share": (step + 1) / 3,
        "remaining_seconds": 0.25,
    }


def _findings(mark: str) -> dict[str, Any]:
    gain = {"base": 0.1, "tuned": 0.6, "difference": 0.5, "outcome": "better", "questionCount": 40}
    return {
        "questionCount": 40,
        "metrics": [{"metricName": "rougeL", "isHigherBetter": True, **gain}],
        "arms": [{"name": arm, "unansweredCount": 0, "cutOffCount": 0} for arm in ("base", "tuned")],
        "contamination": [],
        "verdict": "SHIP",
        "reasons": [{"criterion": "rougeL at least 0.1", "state": "met", "figures": "0.6"}],
        "reportS3Uri": f"s3://my-bucket/{mark}/out/report/index.html",
    }


def _sample(mark: str) -> dict[str, Any]:
    said = {"prompt": f"{mark}?", "text": f"{mark}.", "expected": "A blade.", "is_held_out": True, "is_whole": False}
    return {"step": 2, "epoch": 1, "seconds": 0.1, "answers": [said]}
