import pytest

from tanren.domain.aws_managed_policies import AWS_MANAGED_POLICIES, AwsManagedPolicy
from tanren.domain.identities import IdPrefix
from tanren.domain.policies.documents import PolicyKind
from tanren.domain.policies.parsing import LONGEST_MANAGED_POLICY, parse_policy, policy_size

EVERY = pytest.mark.parametrize("known", AWS_MANAGED_POLICIES.values(), ids=lambda known: known.policy.name)


@EVERY
def test_each_is_a_policy_within_the_bounds_of_one(known: AwsManagedPolicy) -> None:
    document = known.version.document
    assert parse_policy(document, PolicyKind.IDENTITY).statements
    assert parse_policy(document, PolicyKind.BOUNDARY).statements
    assert policy_size(document) <= LONGEST_MANAGED_POLICY


@EVERY
def test_each_has_an_arn_and_an_id_of_aws_form_and_one_version_in_force(known: AwsManagedPolicy) -> None:
    policy = known.policy
    assert policy.arn == f"arn:aws:iam::aws:policy/{policy.name}"
    assert policy.policy_id.startswith(IdPrefix.MANAGED_POLICY)
    assert len(policy.policy_id) == 21
    assert (policy.default_version, known.version.version_id) == (1, "v1")


def test_the_ones_that_scripts_attach_are_there() -> None:
    names = {known.policy.name for known in AWS_MANAGED_POLICIES.values()}
    assert names >= {
        "AmazonBedrockFullAccess",
        "AmazonS3FullAccess",
        "AdministratorAccess",
        "ReadOnlyAccess",
        "AmazonS3ReadOnlyAccess",
    }
