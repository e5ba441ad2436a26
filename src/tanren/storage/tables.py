"""The schema: every table that outlives a process, in SQLAlchemy Core, for SQLite and PostgreSQL alike.

Those of identities are in `identity_tables`. Migrations in `storage/migrations` make these tables; a test checks that
both agree.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from tanren.storage.columns import Phases, UtcDateTime, metadata


def _scope() -> tuple[Column[str], Column[str]]:
    return Column("account_id", String(12), nullable=False), Column("region", String(32), nullable=False)


def _lease() -> tuple[Column[int], Column[str], Column[datetime], Column[int]]:
    """What makes a job row a place in a queue: who works on it, until when, for which time, and how it went so far."""
    return (
        Column("attempt", Integer, nullable=False),
        Column("lease_owner", String(128)),
        Column("lease_expires_at", UtcDateTime),
        Column("crash_count", Integer, nullable=False),  # since the job last made progress
    )


CUSTOMIZATION_UNDER_WAY: Final = text("status IN ('InProgress', 'Stopping')")
"""In these very words a query finds the index over such jobs alone; with parameters it would read all jobs."""

customization_jobs = Table(
    "customization_jobs",
    metadata,
    Column("arn", String(1011), primary_key=True),
    *_scope(),
    Column("job_id", String(12), nullable=False),
    Column("name", String(63), nullable=False),
    Column("output_model_name", String(63), nullable=False),
    Column("role_arn", String(2048), nullable=False),
    Column("client_request_token", String(256)),
    Column("request_digest", String(64), nullable=False),
    Column("customization_type", String(32), nullable=False),
    Column("base_model_arn", String(1011), nullable=False),
    Column("foundation_model_id", String(140), nullable=False),
    Column("hyperparameters", JSON, nullable=False),
    Column("training_s3_uri", String(1024), nullable=False),
    Column("validation_s3_uris", JSON, nullable=False),
    Column("output_s3_uri", String(1024), nullable=False),
    Column("request", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("phases", Phases, nullable=False),
    Column("failure_message", String(2048)),
    Column("output_model_arn", String(1011)),
    Column("training_loss", Float),
    Column("validation_losses", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    *_lease(),
    UniqueConstraint("account_id", "region", "name", name="uq_customization_jobs_name"),
    UniqueConstraint("account_id", "region", "client_request_token", name="uq_customization_jobs_token"),
    Index(
        "uq_customization_jobs_running_output_name",
        "account_id",
        "region",
        "output_model_name",
        unique=True,
        sqlite_where=CUSTOMIZATION_UNDER_WAY,
        postgresql_where=CUSTOMIZATION_UNDER_WAY,
    ),
    Index("ix_customization_jobs_created_at", "account_id", "region", "created_at", "arn"),
    Index("ix_customization_jobs_status", "account_id", "region", "status", "created_at", "arn"),
    Index(None, "status", "lease_expires_at"),
)

custom_models = Table(
    "custom_models",
    metadata,
    Column("arn", String(1011), primary_key=True),
    *_scope(),
    Column("model_id", String(12), nullable=False),
    Column("name", String(63), nullable=False),
    Column("status", String(16), nullable=False),
    Column("job_arn", String(1011)),
    Column("job_name", String(63)),
    Column("base_model_arn", String(1011)),
    Column("foundation_model_id", String(140), nullable=False),
    Column("customization_type", String(32), nullable=False),
    Column("hyperparameters", JSON, nullable=False),
    Column("request", JSON, nullable=False),
    Column("artifact_path", String(1024), nullable=False),
    Column("artifact_sha256", String(64), nullable=False),
    Column("training_loss", Float),
    Column("validation_losses", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # A model that is Creating is itself a place in a queue: CreateCustomModel has no job.
    Column("client_request_token", String(256)),
    Column("request_digest", String(64)),
    Column("failure_message", String(2048)),
    *_lease(),
    UniqueConstraint("account_id", "region", "name", name="uq_custom_models_name"),
    UniqueConstraint("account_id", "region", "client_request_token", name="uq_custom_models_token"),
    Index("ix_custom_models_created_at", "account_id", "region", "created_at", "arn"),
    Index(None, "status", "lease_expires_at"),
)

model_import_jobs = Table(
    "model_import_jobs",
    metadata,
    Column("arn", String(1011), primary_key=True),
    *_scope(),
    Column("job_id", String(12), nullable=False),
    Column("name", String(63), nullable=False),
    Column("imported_model_name", String(63), nullable=False),
    Column("client_request_token", String(256)),
    Column("request_digest", String(64), nullable=False),
    Column("role_arn", String(2048), nullable=False),
    Column("source_s3_uri", String(1024), nullable=False),
    Column("request", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("failure_message", String(2048)),
    Column("imported_model_arn", String(1011)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    *_lease(),
    UniqueConstraint("account_id", "region", "name", name="uq_model_import_jobs_name"),
    UniqueConstraint("account_id", "region", "client_request_token", name="uq_model_import_jobs_token"),
    Index(
        "uq_model_import_jobs_running_model_name",
        "account_id",
        "region",
        "imported_model_name",
        unique=True,
        sqlite_where=text("status = 'InProgress'"),
        postgresql_where=text("status = 'InProgress'"),
    ),
    Index("ix_model_import_jobs_created_at", "account_id", "region", "created_at", "arn"),
    Index(None, "status", "lease_expires_at"),
)

imported_models = Table(
    "imported_models",
    metadata,
    Column("arn", String(1011), primary_key=True),
    *_scope(),
    Column("model_id", String(12), nullable=False),
    Column("name", String(63), nullable=False),
    Column("job_arn", String(1011), nullable=False),
    Column("job_name", String(63), nullable=False),
    Column("source_s3_uri", String(1024), nullable=False),
    Column("architecture", String(128), nullable=False),
    Column("parameter_count", BigInteger, nullable=False),
    Column("context_length", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("has_chat_template", Boolean, nullable=False),
    Column("artifact_path", String(1024), nullable=False),
    Column("weights_sha256", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("account_id", "region", "name", name="uq_imported_models_name"),
    Index("ix_imported_models_created_at", "account_id", "region", "created_at", "arn"),
)

model_copy_jobs = Table(
    "model_copy_jobs",
    metadata,
    Column("arn", String(1011), primary_key=True),
    *_scope(),
    Column("job_id", String(12), nullable=False),
    Column("name", String(63), nullable=False),  # of the model that it makes
    Column("client_request_token", String(256)),
    Column("request_digest", String(64), nullable=False),
    Column("source_account_id", String(12), nullable=False),
    Column("source_model_arn", String(1011), nullable=False),
    Column("source_model_name", String(63), nullable=False),
    Column("target_model_arn", String(1011), nullable=False),
    Column("request", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("failure_message", String(2048)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    *_lease(),
    UniqueConstraint("account_id", "region", "client_request_token", name="uq_model_copy_jobs_token"),
    Index("ix_model_copy_jobs_created_at", "account_id", "region", "created_at", "arn"),
    Index(None, "status", "lease_expires_at"),
)

resource_policies = Table(
    "resource_policies",
    metadata,
    Column("resource_arn", String(1011), primary_key=True),
    Column("document", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

use_case_forms = Table(
    "use_case_forms",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("form", LargeBinary, nullable=False),
    Column("principal_arn", String(2048), nullable=False),
    Column("submitted_at", UtcDateTime, nullable=False),
)

foundation_model_agreements = Table(
    "foundation_model_agreements",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("model_id", String(140), primary_key=True),
    Column("offer_id", String(64), nullable=False),
    Column("weights", JSON, nullable=False),  # which ones, under which licence: what was agreed to
    Column("principal_arn", String(2048), nullable=False),
    Column("accepted_at", UtcDateTime, nullable=False),
)

provisioned_throughputs = Table(
    "provisioned_throughputs",
    metadata,
    Column("arn", String(1011), primary_key=True),
    *_scope(),
    Column("provisioned_id", String(12), nullable=False),
    Column("name", String(63), nullable=False),
    Column("client_request_token", String(256)),
    Column("request_digest", String(64), nullable=False),
    Column("model_units", Integer, nullable=False),
    Column("model_arn", String(1011), nullable=False),
    Column("desired_model_arn", String(1011), nullable=False),
    Column("foundation_model_id", String(140), nullable=False),
    Column("status", String(16), nullable=False),
    Column("failure_message", String(2048)),
    Column("commitment_duration", String(16)),
    Column("commitment_expires_at", UtcDateTime),
    Column("tokens_per_minute", Integer),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("account_id", "region", "name", name="uq_provisioned_throughputs_name"),
    UniqueConstraint("account_id", "region", "client_request_token", name="uq_provisioned_throughputs_token"),
    Index("ix_provisioned_throughputs_created_at", "account_id", "region", "created_at", "arn"),
    Index(None, "status"),
)

custom_model_deployments = Table(
    "custom_model_deployments",
    metadata,
    Column("arn", String(1011), primary_key=True),
    *_scope(),
    Column("deployment_id", String(12), nullable=False),
    Column("name", String(63), nullable=False),
    Column("client_request_token", String(256)),
    Column("request_digest", String(64), nullable=False),
    Column("description", String(2048)),
    Column("model_arn", String(1011), nullable=False),
    Column("update_model_arn", String(1011)),
    Column("update_status", String(16)),
    Column("foundation_model_id", String(140), nullable=False),
    Column("status", String(16), nullable=False),
    Column("failure_message", String(2048)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("account_id", "region", "name", name="uq_custom_model_deployments_name"),
    UniqueConstraint("account_id", "region", "client_request_token", name="uq_custom_model_deployments_token"),
    Index("ix_custom_model_deployments_created_at", "account_id", "region", "created_at", "arn"),
    Index(None, "status"),
)

model_invocation_jobs = Table(
    "model_invocation_jobs",
    metadata,
    Column("arn", String(1011), primary_key=True),
    *_scope(),
    Column("job_id", String(12), nullable=False),
    Column("name", String(63), nullable=False),
    Column("client_request_token", String(256)),
    Column("request_digest", String(64), nullable=False),
    Column("role_arn", String(2048), nullable=False),
    Column("model_id", String(2048), nullable=False),
    Column("model_arn", String(1011), nullable=False),
    Column("invocation_type", String(16), nullable=False),
    Column("input_s3_uri", String(1024), nullable=False),
    Column("output_s3_uri", String(1024), nullable=False),
    Column("request", JSON, nullable=False),
    Column("status", String(20), nullable=False),
    Column("message", String(2048)),
    Column("total_records", BigInteger, nullable=False),
    Column("succeeded_records", BigInteger, nullable=False),
    Column("failed_records", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("timeout_hours", Integer, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    *_lease(),
    UniqueConstraint("account_id", "region", "name", name="uq_model_invocation_jobs_name"),
    UniqueConstraint("account_id", "region", "client_request_token", name="uq_model_invocation_jobs_token"),
    Index("ix_model_invocation_jobs_created_at", "account_id", "region", "created_at", "arn"),
    Index(None, "status", "lease_expires_at"),
)

evaluation_jobs = Table(
    "evaluation_jobs",
    metadata,
    Column("arn", String(1011), primary_key=True),
    *_scope(),
    Column("job_id", String(12), nullable=False),
    Column("name", String(63), nullable=False),
    Column("client_request_token", String(256)),
    Column("request_digest", String(64), nullable=False),
    Column("role_arn", String(2048), nullable=False),
    Column("application_type", String(32), nullable=False),
    Column("request", JSON, nullable=False),
    Column("model_arns", JSON, nullable=False),  # by the identifiers in the request: of models and of judges
    Column("status", String(16), nullable=False),
    Column("failure_messages", JSON, nullable=False),
    Column("findings", JSON(none_as_null=True)),  # about the model of a customization job
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    *_lease(),
    UniqueConstraint("account_id", "region", "name", name="uq_evaluation_jobs_name"),
    UniqueConstraint("account_id", "region", "client_request_token", name="uq_evaluation_jobs_token"),
    Index("ix_evaluation_jobs_created_at", "account_id", "region", "created_at", "arn"),
    Index(None, "status", "lease_expires_at"),
)

tags = Table(
    "tags",
    metadata,
    Column("resource_arn", String(1011), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("value", String(256), nullable=False),
)

resource_expiries = Table(
    "resource_expiries",
    metadata,
    Column("resource_arn", String(1011), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "expires_at"),
)

usage = Table(
    "usage",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("resource_arn", String(1011), primary_key=True),  # what was asked: a throughput, a deployment, a model
    Column("model_arn", String(1011), primary_key=True),  # what answered
    Column("minute", UtcDateTime, primary_key=True),  # its beginning
    Column("request_count", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("generation_seconds", Float, nullable=False),
    Column("unit_seconds", Float, nullable=False),  # of provisioned throughput: model units times seconds in service
    Index(None, "minute"),
)

step_records = Table(
    "step_records",
    metadata,
    Column("job_arn", String(1011), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("record", JSON, nullable=False),
)

validation_records = Table(
    "validation_records",
    metadata,
    Column("job_arn", String(1011), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("record", JSON, nullable=False),
)

sample_records = Table(
    "sample_records",
    metadata,
    Column("job_arn", String(1011), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("record", JSON, nullable=False),
)

job_events = Table(
    "job_events",
    metadata,
    Column("event_id", Integer, primary_key=True, autoincrement=True),
    Column("job_arn", String(1011), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("message", Text, nullable=False),
    Column("parts", JSON(none_as_null=True), nullable=True),  # of a Sentence: its templates and values
    Index(None, "job_arn", "event_id"),
)

invocation_logging_configurations = Table(
    "invocation_logging_configurations",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("logging_config", JSON, nullable=False),  # as it was put
    Column("updated_at", UtcDateTime, nullable=False),
)

job_state_changes = Table(
    # Written by triggers only, see migration 0006; read and removed by what announces them.
    "job_state_changes",
    metadata,
    Column("change_id", Integer, primary_key=True, autoincrement=True),
    Column("job_table", String(32), nullable=False),
    Column("job_arn", String(1011), nullable=False),
    Column("status", String(20), nullable=False),
    Column("message", String(2048)),
    Column("changed_at", UtcDateTime, nullable=False),
)

engine_hosts = Table(
    "engine_hosts",
    metadata,
    Column("base_folder", String(1024), primary_key=True),
    Column("socket_path", String(1024), nullable=False),
    Column("status", String(16), nullable=False),
    Column("failure_message", String(2048)),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
)
