import pytest

from tanren.control.service_roles import ServiceRoles, check_service_role
from tanren.domain.errors import ValidationFailed
from tests.unit.aws.permitting import BEDROCK_TRUST, ROLE, Identities

JOBS = "arn:aws:bedrock:us-west-2:123456789012:model-customization-job/*"
THEIRS = "arn:aws:iam::999999999999:role/Yours"


def check(identities: Identities, scope, *, must_exist=True):
    ServiceRoles(identities).check_assumable(scope, ROLE, source_arn=JOBS, must_exist=must_exist)


def test_a_role_of_another_account_cannot_be_assumed(scope):
    check_service_role(scope, "arn:aws:iam::123456789012:role/Mine")
    with pytest.raises(ValidationFailed, match=r"Could not assume provided IAM role .*999999999999"):
        check_service_role(scope, THEIRS)


def test_whether_a_role_of_another_account_exists_is_not_told(scope):
    def told(identities: Identities) -> str:
        with pytest.raises(ValidationFailed) as raised:
            ServiceRoles(identities).check_assumable(scope, THEIRS, source_arn=JOBS, must_exist=True)
        return str(raised.value)

    known = Identities()
    known.roles[THEIRS] = known.add_role(BEDROCK_TRUST)
    assert told(known) == told(Identities())


def test_a_role_that_trusts_the_service_can_be_assumed(scope):
    identities = Identities()
    identities.add_role(BEDROCK_TRUST)
    check(identities, scope)


def test_a_role_that_does_not_trust_the_service_is_refused_with_the_statement_that_would(scope):
    identities = Identities()
    identities.add_role({**BEDROCK_TRUST, "Principal": {"Service": "ec2.amazonaws.com"}})
    with pytest.raises(ValidationFailed, match=r'A statement that would allow it: .*"bedrock\.amazonaws\.com"'):
        check(identities, scope)


def test_a_trust_policy_may_keep_to_the_account_and_its_jobs(scope):
    identities = Identities()
    conditions = {"StringEquals": {"aws:SourceAccount": "123456789012"}, "ArnEquals": {"aws:SourceArn": JOBS}}
    identities.add_role({**BEDROCK_TRUST, "Condition": conditions})
    check(identities, scope)
    conditions = {"StringEquals": {"aws:SourceAccount": "999999999999"}}
    identities.add_role({**BEDROCK_TRUST, "Condition": conditions})
    with pytest.raises(ValidationFailed, match="no role trust policy allows"):
        check(identities, scope)


def test_a_role_that_nobody_knows_is_refused_where_it_must_exist(scope):
    check(Identities(), scope, must_exist=False)
    with pytest.raises(ValidationFailed, match=r"Please ensure that the role exists .* aws iam create-role"):
        check(Identities(), scope)
