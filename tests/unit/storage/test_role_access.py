import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from tanren.domain.errors import JobFailed
from tanren.domain.scope import Scope
from tanren.storage.role_access import RoleAccess
from tests.unit.aws.permitting import BEDROCK_TRUST, ROLE, Identities, allow

SCOPE = Scope(account_id="123456789012", region="us-east-1")
JOB = "arn:aws:bedrock:us-east-1:123456789012:evaluation-job/abcdefghijkl"
LITE = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
TUNED = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0/aaaaaaaaaaaa"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"


def access(*allowed: Any, is_enforced: bool = True, **condition: Any) -> RoleAccess:
    role = Identities().add_role(BEDROCK_TRUST, allows=allow(*allowed, **condition) if allowed else None)
    return RoleAccess(
        role, scope=SCOPE, job_arn=JOB, clock=lambda: datetime(2026, 11, 21, tzinfo=UTC), is_enforced=is_enforced
    )


@pytest.mark.parametrize("model", [LITE, TUNED, PROFILE])
def test_a_role_that_may_invoke_every_model_may_ask_each(model: str):
    access("bedrock:InvokeModel", "*").check_model(model)


def test_a_model_that_is_not_allowed_is_named_with_the_statement_that_would_allow_it():
    with pytest.raises(JobFailed) as refused:
        access("bedrock:InvokeModel", LITE).check_model(TUNED)
    message = str(refused.value)
    assert message.startswith(f"The role {ROLE} may not invoke {TUNED}. User: ")
    assert message.endswith(f'{{"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "{TUNED}"}}')


def test_a_profile_needs_the_profile_and_the_model_behind_it():
    access("bedrock:InvokeModel", [PROFILE, LITE]).check_model(PROFILE)
    for half in (PROFILE, LITE):
        with pytest.raises(JobFailed, match="bedrock:InvokeModel on resource"):
            access("bedrock:InvokeModel", half).check_model(PROFILE)


def test_a_policy_may_ask_for_the_job_and_the_account():
    condition = {
        "ArnLike": {"aws:SourceArn": "arn:aws:bedrock:*:123456789012:evaluation-job/*"},
        "StringEquals": {"aws:ResourceAccount": "123456789012"},
    }
    access("bedrock:InvokeModel", "*", Condition=condition).check_model(TUNED)


def test_audit_lets_through_what_it_logs(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        access(is_enforced=False).check_model(LITE)
    assert "iam=audit: would be refused: bedrock:InvokeModel" in caplog.text
