import pytest

from tanren.domain.policies.principals import Grant, PrincipalPattern, PrincipalScheme, PrincipalType, caller_of

ACCOUNT = "111122223333"
USER = f"arn:aws:iam::{ACCOUNT}:user/team/anna"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/trainer/nightly"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/jobs/trainer"


def grant(value: str, arn: str, role_arn: str | None = None) -> Grant:
    return PrincipalPattern(scheme=PrincipalScheme.AWS, value=value).grant_to(caller_of(arn, role_arn=role_arn))


def test_the_name_of_a_user_is_what_follows_its_path():
    caller = caller_of(USER)
    assert (caller.kind, caller.user_name, caller.account_id) == (PrincipalType.USER, "anna", ACCOUNT)
    assert caller.lasting_arn == USER


def test_a_session_lasts_as_its_role_does():
    assert caller_of(SESSION, role_arn=ROLE).lasting_arn == ROLE
    assert caller_of(SESSION).lasting_arn == f"arn:aws:iam::{ACCOUNT}:role/trainer"
    assert caller_of(SESSION).user_name is None


def test_what_is_no_principal_is_no_caller():
    with pytest.raises(ValueError, match="is no ARN of a principal"):
        caller_of("arn:aws:s3:::bucket")


@pytest.mark.parametrize(
    ("value", "arn", "expected"),
    [
        (USER, USER, Grant.DIRECT),
        (USER + "x", USER, Grant.NONE),
        ("*", USER, Grant.ROLE),
        (ACCOUNT, USER, Grant.ACCOUNT),
        (f"arn:aws:iam::{ACCOUNT}:root", USER, Grant.ACCOUNT),
        (f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:root", Grant.DIRECT),
        (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", Grant.DIRECT),
        ("444455556666", USER, Grant.NONE),
        (SESSION, SESSION, Grant.DIRECT),
        (ROLE, SESSION, Grant.ROLE),
        (f"arn:aws:iam::{ACCOUNT}:role/trainer", SESSION, Grant.NONE),
    ],
)
def test_how_firmly_a_principal_is_meant(value: str, arn: str, expected: Grant):
    assert grant(value, arn, ROLE if arn == SESSION else None) is expected
