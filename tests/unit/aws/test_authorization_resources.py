from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import JSON, Integer, insert

from tanren.aws.authorization_resources import StoredResources
from tanren.domain import arns
from tanren.domain.identities import Role, User
from tanren.storage.columns import UtcDateTime
from tanren.storage.custom_models import CustomModels
from tanren.storage.customization_jobs import CustomizationJobs
from tanren.storage.identities import replace_tags as replace_identity_tags
from tanren.storage.identities import roles, users
from tanren.storage.tags import replace_tags

NOW = datetime(2026, 11, 21, tzinfo=UTC)
USER = User(
    identity_id="AIDA1", account_id="123456789012", name="anna", path="/team/", boundary_arn="arn:b", created_at=NOW
)
ROLE = Role(
    identity_id="AROA1",
    account_id="123456789012",
    name="trainer",
    path="/",
    description="",
    trust_policy="{}",
    max_session_seconds=3600,
    boundary_arn=None,
    created_at=NOW,
)


@pytest.fixture
def resources(database: Any) -> StoredResources:
    rows = {arns.CUSTOM_MODEL: CustomModels(database), arns.CUSTOMIZATION_JOB: CustomizationJobs(database)}
    with database.writing() as connection:
        users().insert(connection, USER)
        roles().insert(connection, ROLE)
        replace_identity_tags(connection, USER.identity_id, {"team": "red"})
        replace_tags(connection, "arn:aws:bedrock:us-west-2:123456789012:custom-model/x/y", {"cost": "1"})
    return StoredResources(database, rows)


def test_a_user_has_the_arn_with_its_path(resources: StoredResources, scope: Any, other_scope: Any):
    assert resources.arns_of(scope, "user", "anna") == ("arn:aws:iam::123456789012:user/team/anna",)
    assert resources.arns_of(scope, "role", "trainer") == ("arn:aws:iam::123456789012:role/trainer",)
    assert resources.arns_of(scope, "role", "anna") == ()
    assert resources.arns_of(other_scope, "user", "anna") == ()


def test_what_nothing_is_called_has_no_arn(resources: StoredResources, scope: Any):
    assert list(resources.arns_of(scope, arns.CUSTOM_MODEL, "nobody")) == []
    assert list(resources.arns_of(scope, "evaluation-job", "nobody")) == []


def test_tags_are_those_of_the_resource_or_of_the_identity(resources: StoredResources):
    assert resources.tags_of("arn:aws:bedrock:us-west-2:123456789012:custom-model/x/y") == {"cost": "1"}
    assert resources.tags_of(USER.arn) == {"team": "red"}
    assert resources.tags_of("arn:aws:iam::123456789012:user/nobody") == {}


def test_the_boundary_of_a_user_is_known(resources: StoredResources):
    assert resources.boundary_of(USER.arn) == "arn:b"
    assert resources.boundary_of(ROLE.arn) is None
    assert resources.boundary_of("arn:aws:s3:::bucket") is None


def test_a_job_is_found_by_its_name_and_by_its_id(database: Any, resources: StoredResources, scope: Any):
    jobs = CustomizationJobs(database)
    required = {
        column.name: _anything(column)
        for column in jobs.table.columns
        if not column.nullable and column.default is None and column.server_default is None
    }
    with database.writing() as connection:
        for number, name in ((1, "first"), (2, "000000000001")):
            own = {"arn": f"arn:{number}", "job_id": f"{number:012d}", "name": name, "output_model_name": name}
            connection.execute(
                insert(jobs.table).values(**{**required, **own, "account_id": scope.account_id, "region": scope.region})
            )
    assert list(resources.arns_of(scope, arns.CUSTOMIZATION_JOB, "first")) == ["arn:1"]
    assert sorted(resources.arns_of(scope, arns.CUSTOMIZATION_JOB, "000000000001")) == ["arn:1", "arn:2"]


def _anything(column: Any) -> Any:
    empty: dict[type, Any] = {UtcDateTime: NOW, JSON: {}, Integer: 0}
    return next((value for kind, value in empty.items() if isinstance(column.type, kind)), "")
