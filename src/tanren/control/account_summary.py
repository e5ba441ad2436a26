"""What an account has of identities, and how many it may have: the figures of IAM's GetAccountSummary."""

from typing import Final

from tanren.domain.identities import (
    ACCESS_KEYS_PER_USER,
    POLICIES_PER_ACCOUNT,
    POLICIES_PER_IDENTITY,
    ROLES_PER_ACCOUNT,
    USERS_PER_ACCOUNT,
    VERSIONS_PER_POLICY,
)
from tanren.domain.policies.parsing import (
    LONGEST_MANAGED_POLICY,
    LONGEST_ROLE_POLICIES,
    LONGEST_TRUST_POLICY,
    LONGEST_USER_POLICIES,
)
from tanren.storage.identities import roles, users
from tanren.storage.identity_database import IdentityDatabase
from tanren.storage.identity_policies import count_policies

_QUOTAS: Final = {
    "UsersQuota": USERS_PER_ACCOUNT,
    "RolesQuota": ROLES_PER_ACCOUNT,
    "PoliciesQuota": POLICIES_PER_ACCOUNT,
    "AccessKeysPerUserQuota": ACCESS_KEYS_PER_USER,
    "AttachedPoliciesPerUserQuota": POLICIES_PER_IDENTITY,
    "AttachedPoliciesPerRoleQuota": POLICIES_PER_IDENTITY,
    "VersionsPerPolicyQuota": VERSIONS_PER_POLICY,
    "UserPolicySizeQuota": LONGEST_USER_POLICIES,
    "RolePolicySizeQuota": LONGEST_ROLE_POLICIES,
    "PolicySizeQuota": LONGEST_MANAGED_POLICY,
    "AssumeRolePolicySizeQuota": LONGEST_TRUST_POLICY,
}


def account_summary(database: IdentityDatabase, account_id: str) -> dict[str, int]:
    """Figures by AWS's names; those of what is not there, such as groups, are left out."""
    with database.reading() as connection:
        counted = {
            "Users": users().count(connection, account_id),
            "Roles": roles().count(connection, account_id),
            "Policies": count_policies(connection, account_id),
        }
    return {**counted, **_QUOTAS}
