"""The rules of policies on custom models: the account of the model puts one, so that another account may copy it."""

from tanren.domain.clock import Clock
from tanren.domain.errors import ResourceNotFound, ValidationFailed
from tanren.domain.policies.documents import PolicyKind
from tanren.domain.policies.parsing import parse_policy
from tanren.domain.scope import Scope
from tanren.storage.custom_models import CustomModels
from tanren.storage.resource_policies import ResourcePolicies


class ResourcePolicyControl:
    def __init__(self, policies: ResourcePolicies, models: CustomModels, *, clock: Clock) -> None:
        self._policies = policies
        self._models = models
        self._clock = clock

    def put(self, scope: Scope, resource_arn: str, document: str) -> None:
        """Raises MalformedPolicy with the place and the rule; ResourceNotFound where no custom model has the ARN."""
        self._check(scope, resource_arn)
        parse_policy(document, PolicyKind.RESOURCE)
        with self._policies.database.writing() as connection:
            self._policies.put(connection, resource_arn, document, at=self._clock())

    def get(self, scope: Scope, resource_arn: str) -> str:
        self._check(scope, resource_arn)
        document = self._policies.find(resource_arn)
        if document is None:
            raise ResourceNotFound(f"There is no resource policy on {resource_arn}.")
        return document

    def delete(self, scope: Scope, resource_arn: str) -> None:
        self._check(scope, resource_arn)
        with self._policies.database.writing() as connection:
            if not self._policies.remove(connection, resource_arn):
                raise ResourceNotFound(f"There is no resource policy on {resource_arn}.")

    def _check(self, scope: Scope, resource_arn: str) -> None:
        """The model is the caller's own. Raises ResourceNotFound."""
        if not resource_arn.startswith("arn:"):
            raise ValidationFailed(f"resourceArn is {resource_arn!r}; give the ARN of a custom model.")
        if self._models.get(scope, resource_arn) is None:
            raise ResourceNotFound(
                f"There is no custom model {resource_arn} in account {scope.account_id}, region {scope.region}; custom "
                "models are what takes a resource policy."
            )
