import pytest

from tanren.domain.errors import ResourceNotFound, ValidationFailed

DOCUMENT = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "210987654321"},'
    ' "Action": "bedrock:CreateModelCopyJob", "Resource": "*"}]}'
)


def test_a_policy_is_kept_as_it_was_put_until_it_or_its_model_is_deleted(plane, scope):
    arn = plane.has_model(scope)
    plane.policies.put(scope, arn, DOCUMENT)
    plane.policies.put(scope, arn, DOCUMENT + " ")
    assert plane.policies.get(scope, arn) == DOCUMENT + " "
    plane.policies.delete(scope, arn)
    for gone in (plane.policies.get, plane.policies.delete):
        with pytest.raises(ResourceNotFound, match="no resource policy"):
            gone(scope, arn)
    plane.policies.put(scope, arn, DOCUMENT)
    plane.models.delete(scope, arn)
    plane.has_model(scope)
    with pytest.raises(ResourceNotFound, match="no resource policy"):
        plane.policies.get(scope, arn)


def test_only_the_account_of_a_model_sees_and_sets_its_policy(plane, scope, other_scope):
    arn = plane.has_model(scope)
    plane.policies.put(scope, arn, DOCUMENT)
    for asked in (
        lambda: plane.policies.get(other_scope, arn),
        lambda: plane.policies.put(other_scope, arn, DOCUMENT),
        lambda: plane.policies.delete(other_scope, arn),
    ):
        with pytest.raises(ResourceNotFound, match="no custom model"):
            asked()
    assert plane.policies.get(scope, arn) == DOCUMENT


@pytest.mark.parametrize("document", ["{}", "nonsense", DOCUMENT.replace('"Principal": {"AWS": "210987654321"},', "")])
def test_a_malformed_document_is_refused(plane, scope, document: str):
    with pytest.raises(ValidationFailed):
        plane.policies.put(scope, plane.has_model(scope), document)


def test_a_name_is_no_resource_arn(plane, scope):
    plane.has_model(scope)
    with pytest.raises(ValidationFailed, match="ARN of a custom model"):
        plane.policies.put(scope, "tuned", DOCUMENT)
