"""The form of a customization job: from what was typed to the requests that will be sent, and to the same in words.

    fields of the page ──▶ JobForm ──▶ CreateRole, PutRolePolicy    where the service role is a new one
                                  └──▶ CreateModelCustomizationJob

What the form sends is what it shows: `requests` is the one source of both. Rules are the API's; here only what a page
alone can get wrong is looked at, such as a line that is no `name=value`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tanren.console.hyperparameter_fields import (
    EARLY_STOPPING,
    EARLY_STOPPING_LATEST,
    HyperparameterField,
    fields_of,
)
from tanren.console.requests import ApiRequest
from tanren.domain.arns import FOUNDATION_MODEL, parse_arn
from tanren.domain.test_sets import SUCCESS_CRITERIA_TAG, TEST_DATA_TAG

HYPERPARAMETER_PREFIX: Final = "hyperparameter."
TYPES: Final = ("FINE_TUNING", "CONTINUED_PRE_TRAINING")
NEW_ROLE_PREFIX: Final = "bedrock-customization-"
"""With which the name of a role begins that this form has made, unless the user gave it another."""
_LONGEST_NAME: Final = 63
_S3_URI: Final = re.compile(r"s3://([^/]+)/?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    label: str
    """English, or the name of a hyperparameter that has no field."""
    before: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobForm:
    """What stands in the fields, as text."""

    customization_type: str
    base_model: str = ""
    model_name: str = ""
    job_name: str = ""
    training_uri: str = ""
    validation_uri: str = ""
    output_uri: str = ""
    hyperparameters: Mapping[str, str] = field(default_factory=dict[str, str])
    stops_early: bool = True
    further: str = ""
    """Lines of `name=value`: keys that have no field of their own."""
    makes_role: bool = True
    new_role_name: str = ""
    role_arn: str = ""
    tags: str = ""
    """Lines of `key=value`."""
    test_uri: str = ""
    """A file of questions, on which base and model are compared."""
    success_criteria: str = ""
    """What the comparison has to show, such as `rougeL at least base + 0.1`."""
    again: str = ""
    """Name of the job whose settings the form began with."""

    @staticmethod
    def read(given: Mapping[str, str]) -> "JobForm":
        """`given`: the fields of the page, trimmed. A box that is not ticked is absent."""
        wanted = given.get("customization_type", "")
        return JobForm(
            customization_type=wanted if wanted in TYPES else TYPES[0],
            base_model=given.get("base_model", ""),
            model_name=given.get("model_name", ""),
            job_name=given.get("job_name", ""),
            training_uri=given.get("training_uri", ""),
            validation_uri=given.get("validation_uri", ""),
            output_uri=given.get("output_uri", ""),
            hyperparameters={
                name.removeprefix(HYPERPARAMETER_PREFIX): value
                for name, value in given.items()
                if name.startswith(HYPERPARAMETER_PREFIX)
            },
            stops_early="stops_early" in given,
            further=given.get("further", ""),
            makes_role=given.get("role", "new") == "new",
            new_role_name=given.get("new_role_name", ""),
            role_arn=given.get("role_arn", ""),
            tags=given.get("tags", ""),
            test_uri=given.get("test_uri", ""),
            success_criteria=given.get("success_criteria", ""),
            again=given.get("again", ""),
        )

    @staticmethod
    def of_job(job: Mapping[str, Any], *, new_role_name: str) -> "JobForm":
        """The settings of a job, as GetModelCustomizationJob has them, with the next of its names: its own are taken,
        but for that of a model which was never made.

        Why      a role that was made for that job may read its files and write below its output, and nothing else: with
                 other files the next job would fail, so it gets a role of its own.
        """
        given: dict[str, str] = dict(job.get("hyperParameters", {}))
        model = job.get("outputModelName", "")
        form = JobForm(
            customization_type=job["customizationType"],
            job_name=next_name(job["jobName"]),
            model_name=next_name(model) if job.get("status") == "Completed" else model,
            base_model=foundation_model_id(job["baseModelArn"]),
            training_uri=job["trainingDataConfig"].get("s3Uri", ""),
            validation_uri=next((v["s3Uri"] for v in job.get("validationDataConfig", {}).get("validators", [])), ""),
            output_uri=job["outputDataConfig"]["s3Uri"],
            makes_role=job["roleArn"].rpartition("/")[2].startswith(NEW_ROLE_PREFIX),
            new_role_name=new_role_name,
            role_arn=job["roleArn"],
            again=job["jobName"],
        )
        own = {known.name for known in form.fields}
        further = "\n".join(f"{name}={value}" for name, value in given.items() if name not in own)
        return replace(form, hyperparameters={n: v for n, v in given.items() if n in own}, further=further)

    def differences(self, job: Mapping[str, Any]) -> list["Difference"]:
        """What a job of this form would have otherwise than `job`, in the order of the form."""
        before = JobForm.of_job(job, new_role_name=self.new_role_name)
        found = [
            Difference(label=label, before=old, now=new)
            for label, old, new in (
                ("Source model", before.base_model, self.base_model),
                ("Training data", before.training_uri, self.training_uri),
                ("Validation data", before.validation_uri, self.validation_uri),
            )
            if old != new
        ]
        labels = {known.name: known.label for known in self.fields}
        old, new = before._settings(), self._settings()
        for name in dict.fromkeys((*labels, *old, *new)):
            if old.get(name, "") != new.get(name, ""):
                found.append(Difference(label=labels.get(name, name), before=old.get(name, ""), now=new.get(name, "")))
        return found

    @property
    def model_id(self) -> str:
        """Of the foundation model that the base is, or was made from; for the bounds of its fields."""
        # A custom model's path: <foundation model>/<id>.
        return foundation_model_id(self.base_model).rpartition(":custom-model/")[2].partition("/")[0]

    @property
    def fields(self) -> tuple[HyperparameterField, ...]:
        return fields_of(self.model_id)

    @property
    def has_early_stopping(self) -> bool:
        return any(known.name in EARLY_STOPPING for known in self.fields)

    def value_of(self, known: HyperparameterField) -> str:
        return self.hyperparameters.get(known.name, known.default)

    def missing(self) -> list[str]:
        """Labels of the fields that must be filled in and are not."""
        needed = [
            ("Source model", self.base_model),
            ("Fine-tuned model name", self.model_name),
            ("Job name", self.job_name),
            ("Training data", self.training_uri),
            ("Output data location", self.output_uri),
            ("Service role", self.new_role_name if self.makes_role else self.role_arn),
        ]
        return [label for label, value in needed if not value]

    def complaints(self) -> list[tuple[str, str]]:
        """Lines that cannot be read: the field's label, and the line."""
        found = [("Further hyperparameters", line) for line in _bad_lines(self.further)]
        return found + [("Tags", line) for line in _bad_lines(self.tags)]

    def _settings(self) -> dict[str, str]:
        """What a job would be trained with, defaults included."""
        given = {name: value for name, value in self.hyperparameters.items() if value}
        defaults = {known.name: known.default for known in self.fields}
        return replace(self, hyperparameters=defaults | given).sent_hyperparameters()

    def sent_hyperparameters(self) -> dict[str, str]:
        """What the job is made with: fields that were emptied are left to the service."""
        names = [known.name for known in self.fields]
        sent = {name: self.hyperparameters[name] for name in names if self.hyperparameters.get(name)}
        # It rests on the validation loss: without validation data the API refuses the keys.
        if not self.validation_uri and not sent.get("evalPercentage"):
            sent = {name: value for name, value in sent.items() if name not in EARLY_STOPPING}
        elif not self.stops_early and self.has_early_stopping:
            sent |= EARLY_STOPPING_LATEST
        return sent | _pairs(self.further)

    def data(self) -> dict[str, Any]:
        """What the operations that look at data and settings take, as CreateModelCustomizationJob does."""
        request: dict[str, Any] = {
            "baseModelIdentifier": self.base_model,
            "customizationType": self.customization_type,
            "trainingDataConfig": {"s3Uri": self.training_uri},
        }
        if self.validation_uri:
            request["validationDataConfig"] = {"validators": [{"s3Uri": self.validation_uri}]}
        return request

    def requests(self, account_id: str) -> list[ApiRequest]:
        """Everything that submitting sends, in its order."""
        role_arn = f"arn:aws:iam::{account_id}:role/{self.new_role_name}" if self.makes_role else self.role_arn
        job: dict[str, Any] = {
            "jobName": self.job_name,
            "customModelName": self.model_name,
            "roleArn": role_arn,
            **self.data(),
            "outputDataConfig": {"s3Uri": self.output_uri},
        }
        if sent := self.sent_hyperparameters():
            job["hyperParameters"] = sent
        if job_tags := self._evaluation_tags():
            job["jobTags"] = job_tags
        if tags := _pairs(self.tags):
            job["customModelTags"] = [{"key": key, "value": value} for key, value in tags.items()]
        created = ApiRequest(service="bedrock", operation="CreateModelCustomizationJob", params=job)
        return [*self._role_requests(account_id), created] if self.makes_role else [created]

    def _evaluation_tags(self) -> list[dict[str, str]]:
        wanted = {TEST_DATA_TAG: self.test_uri, SUCCESS_CRITERIA_TAG: self.success_criteria}
        return [{"key": key, "value": value} for key, value in wanted.items() if value]

    def _role_requests(self, account_id: str) -> list[ApiRequest]:
        return [
            ApiRequest(
                service="iam",
                operation="CreateRole",
                params={
                    "RoleName": self.new_role_name,
                    "AssumeRolePolicyDocument": _document(self.trust_policy(account_id)),
                },
            ),
            ApiRequest(
                service="iam",
                operation="PutRolePolicy",
                params={
                    "RoleName": self.new_role_name,
                    "PolicyName": "customization-data",
                    "PolicyDocument": _document(self.role_policy()),
                },
            ),
        ]

    def trust_policy(self, account_id: str) -> dict[str, Any]:
        """Bedrock alone may act as the role, and for this account alone."""
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "bedrock.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
                }
            ],
        }

    def role_policy(self) -> dict[str, Any]:
        """The least that the job needs: to read its data, and to write below its output."""
        data = (self.training_uri, self.validation_uri, self.test_uri)
        read = [_object_arn(uri) for uri in data if _S3_URI.fullmatch(uri)]
        statements: list[dict[str, Any]] = []
        if read:
            buckets = sorted({arn.partition("/")[0] for arn in read})
            statements = [
                {"Effect": "Allow", "Action": "s3:GetObject", "Resource": read},
                {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": buckets},
            ]
        if _S3_URI.fullmatch(self.output_uri):
            below = _object_arn(self.output_uri.rstrip("/"))
            everything = f"{below}/*"
            statements.append({"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": everything})
        return {"Version": "2012-10-17", "Statement": statements}


def foundation_model_id(identifier: str) -> str:
    """The id behind a foundation model's ARN; whatever else there is, as it is."""
    arn = parse_arn(identifier)
    return arn.path if arn is not None and arn.kind == FOUNDATION_MODEL else identifier


def _object_arn(uri: str) -> str:
    """Of an object, or of all below a prefix: the ARN behind an S3 URI."""
    return f"arn:aws:s3:::{uri.removeprefix('s3://')}"


def next_name(name: str) -> str:
    """`faq-1` is followed by `faq-2`, `faq` too; as long as a name may be."""
    stem, _, number = name.rpartition("-")
    if not (stem and number.isascii() and number.isdecimal()):
        stem, number = name, "1"
    ending = f"-{int(number) + 1}"
    return stem[: _LONGEST_NAME - len(ending)].rstrip("-") + ending


def _document(policy: Mapping[str, Any]) -> str:
    return json.dumps(policy, indent=2)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _bad_lines(text: str) -> list[str]:
    return [line for line in _lines(text) if not line.partition("=")[0].strip() or "=" not in line]


def _pairs(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in _lines(text) if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}
