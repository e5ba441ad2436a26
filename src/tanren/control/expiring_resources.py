"""Deletes what the tag `tanren:ttl` says is over, by the operations that a caller would use.

The moments are in the store, so a server that was away then deletes it when it is back.
"""

import logging

from tanren.control.custom_model_deployments import CustomModelDeploymentControl
from tanren.control.provisioned_throughputs import ProvisionedThroughputControl
from tanren.domain.arns import PROVISIONED_MODEL, parse_arn
from tanren.domain.clock import Clock
from tanren.domain.errors import Conflict, ResourceNotFound
from tanren.domain.scope import Scope
from tanren.storage.database import Database
from tanren.storage.tags import expired_resources, set_expiry

logger = logging.getLogger(__name__)


class ExpiringResources:
    def __init__(
        self,
        database: Database,
        throughputs: ProvisionedThroughputControl,
        deployments: CustomModelDeploymentControl,
        *,
        clock: Clock,
    ) -> None:
        self._database = database
        self._throughputs = throughputs
        self._deployments = deployments
        self._clock = clock

    def delete_overdue(self) -> list[str]:
        """ARNs of those that are deleted now. One that is being updated is deleted when the update is done."""
        with self._database.reading() as connection:
            overdue = expired_resources(connection, now=self._clock())
        return [arn for arn in overdue if self._delete(arn)]

    def _delete(self, arn: str) -> bool:
        parsed = parse_arn(arn)
        assert parsed is not None
        scope = Scope(account_id=parsed.account_id, region=parsed.region)
        control = self._throughputs if parsed.kind == PROVISIONED_MODEL else self._deployments
        try:
            control.delete(scope, arn)
        except Conflict as error:
            logger.debug("%s cannot be deleted yet: %s", arn, error)
            return False
        except ResourceNotFound:
            # Deleting a resource takes its moment along; only a row from elsewhere can be left.
            with self._database.writing() as connection:
                set_expiry(connection, arn, None)
            return False
        logger.info("%s has been deleted: its tanren:ttl is over", arn)
        return True
