import re
from datetime import UTC, datetime

import pytest

from tanren.domain.identities import (
    IdPrefix,
    Role,
    User,
    new_secret,
    new_session_token,
    new_unique_id,
    policy_arn,
    root_arn,
)

ACCOUNT = "123456789012"
AT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize("prefix", IdPrefix)
def test_an_id_says_what_it_is_the_id_of_and_is_as_long_as_aws_own(prefix: IdPrefix) -> None:
    made = {new_unique_id(prefix) for _ in range(200)}
    assert len(made) == 200
    length = 20 if prefix in (IdPrefix.ACCESS_KEY, IdPrefix.SESSION_KEY) else 21
    assert all(re.fullmatch(rf"{prefix}[A-Z2-7]{{{length - 4}}}", each) for each in made)


def test_secrets_and_tokens_are_never_the_same_twice() -> None:
    assert len({new_secret() for _ in range(200)}) == 200
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", new_secret())
    assert re.fullmatch(r"[A-Za-z0-9_-]{256}", new_session_token())


def test_arns_have_the_path_where_aws_has_it() -> None:
    user = User(identity_id="AIDA", account_id=ACCOUNT, name="anna", path="/smiths/", boundary_arn=None, created_at=AT)
    role = Role(
        identity_id="AROA",
        account_id=ACCOUNT,
        name="trainer",
        path="/ml/",
        description=None,
        trust_policy="{}",
        max_session_seconds=3600,
        boundary_arn=None,
        created_at=AT,
    )
    assert user.arn == f"arn:aws:iam::{ACCOUNT}:user/smiths/anna"
    assert role.arn == f"arn:aws:iam::{ACCOUNT}:role/ml/trainer"
    assert role.session_arn("night") == f"arn:aws:sts::{ACCOUNT}:assumed-role/trainer/night"
    assert policy_arn(ACCOUNT, "/a/", "p") == f"arn:aws:iam::{ACCOUNT}:policy/a/p"
    assert root_arn(ACCOUNT) == f"arn:aws:iam::{ACCOUNT}:root"
