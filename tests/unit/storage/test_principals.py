from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tanren.control.access_keys import AccessKeyControl
from tanren.control.identity_policies import IdentityPolicyControl
from tanren.control.managed_policies import ManagedPolicyControl
from tanren.control.roles import RoleControl
from tanren.control.users import UserControl
from tanren.domain.identities import KeyStatus, Session, new_unique_id
from tanren.domain.policies.sources import NO_POLICIES
from tanren.storage import principals as principals_module
from tanren.storage.access_keys import insert_session
from tanren.storage.database import Database
from tanren.storage.identities import roles, users
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.principals import Principals
from tests.protocol.identity_server import ACCOUNT, allowing, trusting

S3_FULL = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ml/trainer"


class World:
    """A user with a key, a role, and two processes that look at them."""

    def __init__(self, database: Database, clock: Any) -> None:
        made = {"clock": clock, "new_id": new_unique_id}
        self.seconds = 0.0
        self.identities = IdentityDatabase(database)
        self.users = UserControl(self.identities, **made)
        self.roles = RoleControl(self.identities, **made)
        self.keys = AccessKeyControl(self.identities, **made)
        self.managed = ManagedPolicyControl(self.identities, **made)
        self.user_policies = IdentityPolicyControl(self.identities, users(), noun="user")
        self.role_policies = IdentityPolicyControl(self.identities, roles(), noun="role")
        self.here = Principals(self.identities)
        self.elsewhere = Principals(IdentityDatabase(database, monotonic=lambda: self.seconds))
        self.user, _ = self.users.create(ACCOUNT, "anna", path="/", boundary_arn=None, tags={"team": "forge"})
        self.role, _ = self.roles.create(
            ACCOUNT,
            "trainer",
            path="/ml/",
            description=None,
            trust_policy=trusting({"Service": "bedrock.amazonaws.com"}),
            max_session_seconds=None,
            boundary_arn=S3_FULL,
            tags={"team": "forge", "shift": "day"},
        )
        self.key = self.keys.create(ACCOUNT, "anna")

    def session(self, policies: tuple[str, ...] | None = None, **tags: str) -> str:
        """The access key id of a session of the role."""
        now = datetime(2026, 11, 21, tzinfo=UTC)
        session = Session(
            access_key_id="ASIA0000000000000001",
            secret_access_key="s",
            session_token="t",
            account_id=ACCOUNT,
            identity_id=self.role.identity_id,
            session_name="night",
            policies=policies,
            tags=tags,
            transitive_tag_keys=(),
            issued_at=now,
            expires_at=now + timedelta(hours=1),
        )
        with self.identities.writing() as connection:
            insert_session(connection, session, forget_before=now)
        return session.access_key_id


@pytest.fixture
def world(database: Database, clock: Any) -> World:
    return World(database, clock)


def test_a_key_is_its_users_and_nobody_elses(world: World) -> None:
    found = world.here.find_key(world.key.access_key_id)
    assert found is not None
    assert (found.principal_arn, found.secret_access_key) == (world.user.arn, world.key.secret_access_key)
    assert (found.session_token, found.expires_at) == (None, None)
    assert world.here.find_key("AKIAUNKNOWN000000000") is None
    assert world.key.secret_access_key not in repr(found) + repr(world.key)


def test_a_key_that_was_made_elsewhere_works_here_at_once(world: World) -> None:
    assert world.elsewhere.find_key("AKIAUNKNOWN000000000") is None
    made = world.keys.create(ACCOUNT, "anna")
    assert world.elsewhere.find_key(made.access_key_id) is not None


def test_a_revoked_key_stops_here_at_once_and_elsewhere_within_a_second(world: World) -> None:
    for process in (world.here, world.elsewhere):
        assert process.find_key(world.key.access_key_id) is not None
    world.keys.set_status(ACCOUNT, "anna", world.key.access_key_id, KeyStatus.INACTIVE)
    assert world.here.find_key(world.key.access_key_id) is None
    world.seconds += 1
    assert world.elsewhere.find_key(world.key.access_key_id) is None


def test_a_known_key_costs_no_look_at_the_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.here.find_key(world.key.access_key_id)

    def refuse(*_: Any) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(principals_module, "_find_key", refuse)
    world.here.find_key(world.key.access_key_id)


def test_the_oldest_entry_goes_when_there_are_too_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(principals_module, "ENTRIES", 1)
    second = world.keys.create(ACCOUNT, "anna")
    for _ in range(2):
        for key in (world.key, second):
            found = world.here.find_key(key.access_key_id)
            assert found is not None
            assert found.access_key_id == key.access_key_id


def test_policies_of_a_user_are_those_inline_and_those_attached(world: World) -> None:
    own = world.managed.create(ACCOUNT, "own", allowing("s3:GetObject"), path="/", description=None, tags={})
    world.user_policies.put_inline(ACCOUNT, "anna", "mine", allowing("bedrock:*"))
    world.user_policies.attach(ACCOUNT, "anna", own.arn)
    world.user_policies.attach(ACCOUNT, "anna", S3_FULL)
    found = world.here.policies_of(world.user.arn, world.key.access_key_id)
    assert [policy.name for policy in found.identity] == ["inline policy 'mine' of user anna", own.arn, S3_FULL]
    assert (found.boundary, found.session, found.role_arn) == (None, None, None)
    assert (found.user_id, found.tags) == (world.user.identity_id, {"team": "forge"})
    assert world.here.policies_of("arn", "AKIAUNKNOWN000000000") is NO_POLICIES


def test_the_version_in_force_is_the_one_that_counts(world: World) -> None:
    own = world.managed.create(ACCOUNT, "own", allowing("s3:*"), path="/", description=None, tags={})
    world.user_policies.attach(ACCOUNT, "anna", own.arn)

    def action() -> str:
        (policy,) = world.here.policies_of(world.user.arn, world.key.access_key_id).identity
        return policy.document.statements[0].actions.patterns[0].text

    assert action() == "s3:*"
    world.managed.create_version(ACCOUNT, own.arn, allowing("bedrock:*"), is_default=False)
    assert action() == "s3:*"
    world.managed.set_default(ACCOUNT, own.arn, "v2")
    assert action() == "bedrock:*"


def test_a_session_has_its_roles_policies_its_own_limits_and_tags_over_the_roles(world: World) -> None:
    world.role_policies.put_inline(ACCOUNT, "trainer", "p", allowing("s3:*"))
    key = world.session((allowing("s3:GetObject"),), shift="night")
    found = world.here.policies_of("", key)
    assert [policy.name for policy in found.identity] == ["inline policy 'p' of role trainer"]
    assert found.boundary is not None
    assert found.boundary.name == S3_FULL
    assert found.session is not None
    assert len(found.session) == 1
    assert (found.role_arn, found.user_id) == (ROLE, f"{world.role.identity_id}:night")
    assert found.tags == {"team": "forge", "shift": "night"}
    assert found.token_issued_at == datetime(2026, 11, 21, tzinfo=UTC)
    known = world.here.find_key(key)
    assert known is not None
    assert known.principal_arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/trainer/night"


def test_a_sessions_tag_stands_for_its_roles_whatever_the_case_of_its_key(world: World) -> None:
    assert world.here.policies_of("", world.session(Team="anvil")).tags == {"Team": "anvil", "shift": "day"}


def test_a_role_is_known_by_its_whole_arn(world: World) -> None:
    found = world.here.role_of(ROLE)
    assert found is not None
    assert (found.arn, found.policies.role_arn) == (ROLE, ROLE)
    assert found.trust.document.statements[0].principals is not None
    for other in (ROLE.replace("/ml/", "/"), ROLE + "x", ROLE.replace("role", "user"), "trainer"):
        assert world.here.role_of(other) is None


def test_a_role_that_was_deleted_is_not_one_that_nobody_knows(world: World) -> None:
    """A job that still names it has lost it; it must not be taken for a role of another identity provider."""
    world.roles.delete(ACCOUNT, "trainer")
    found = world.here.role_of(ROLE)
    assert found is not None
    assert (found.trust.document.statements, found.policies.identity) == ((), ())
    world.roles.create(
        ACCOUNT,
        "trainer",
        path="/ml/",
        description=None,
        trust_policy=trusting({"Service": "bedrock.amazonaws.com"}),
        max_session_seconds=None,
        boundary_arn=None,
        tags={},
    )
    again = world.here.role_of(ROLE)
    assert again is not None
    assert again.trust.document.statements != ()


def test_an_api_key_is_known_by_its_secret_alone(world: World, database: Database, clock: Any) -> None:
    from tanren.control.service_credentials import BEDROCK, ServiceCredentialControl

    control = ServiceCredentialControl(world.identities, clock=clock, new_id=new_unique_id)
    made, secret = control.create(ACCOUNT, "anna", BEDROCK, age_days=None)
    found = world.here.find_api_key(made.alias, secret)
    assert found is not None
    assert found.principal_arn == world.user.arn
    assert world.here.find_api_key(made.alias, secret + "x") is None
    assert world.here.find_api_key("other", secret) is None
    assert secret not in repr(made)
    assert world.here.policies_of(world.user.arn, made.credential_id).user_id == world.user.identity_id
