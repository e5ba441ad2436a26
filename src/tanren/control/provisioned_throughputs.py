"""The rules of provisioned throughput: which model may be bought, updated to, and when a throughput may be deleted.

A new throughput is `Creating`; the provisioner (`runtime/provisioning.py`) makes it `InService` once the model answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from tanren.control.expiry_tags import note_ttl
from tanren.control.model_references import refer
from tanren.control.quotas import check_quotas
from tanren.control.request_digests import request_digest
from tanren.domain import arns
from tanren.domain.clock import Clock, IdMaker
from tanren.domain.errors import Conflict, ResourceNotFound, ValidationFailed
from tanren.domain.pages import Page, PageRequest
from tanren.domain.provisioned_throughputs import COMMITMENT_DAYS, ProvisionedStatus, ProvisionedThroughput
from tanren.domain.quotas import NO_QUOTAS, Quotas
from tanren.domain.scope import Scope
from tanren.domain.tags import merged_tags
from tanren.storage.custom_models import CustomModels
from tanren.storage.provisioned_throughputs import ProvisionedThroughputs
from tanren.storage.resources import ListFilter
from tanren.storage.tags import replace_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProvisionedThroughput:
    name: str
    model_identifier: str
    model_units: int
    commitment_duration: str | None
    client_request_token: str | None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


class ProvisionedThroughputControl:
    def __init__(
        self,
        throughputs: ProvisionedThroughputs,
        models: CustomModels,
        *,
        clock: Clock,
        new_id: IdMaker,
        quotas: Quotas = NO_QUOTAS,
    ) -> None:
        self._throughputs = throughputs
        self._models = models
        self._clock = clock
        self._new_id = new_id
        self._quotas = quotas

    def create(self, scope: Scope, new: NewProvisionedThroughput) -> str:
        """The ARN of a throughput that is Creating. The same token gives the same ARN."""
        model = refer(self._models, scope, new.model_identifier)
        provisioned_id = self._new_id()
        arn = arns.provisioned_model_arn(scope, provisioned_id)
        now = self._clock()
        duration = new.commitment_duration
        committed_until = now + timedelta(days=COMMITMENT_DAYS[duration]) if duration else None
        with self._throughputs.database.writing() as connection:
            created = self._throughputs.insert(
                connection,
                scope,
                {
                    "arn": arn,
                    "provisioned_id": provisioned_id,
                    "name": new.name,
                    "client_request_token": new.client_request_token,
                    "request_digest": request_digest(new),
                    "model_units": new.model_units,
                    "model_arn": model.arn,
                    "desired_model_arn": model.arn,
                    "foundation_model_id": model.foundation.model_id,
                    "status": ProvisionedStatus.CREATING,
                    "commitment_duration": duration,
                    "commitment_expires_at": committed_until,
                    "created_at": now,
                    "updated_at": now,
                },
                also=lambda: check_quotas(connection, scope, self._quotas, "model_units", more=new.model_units),
            )
            if created == arn:
                replace_tags(connection, arn, merged_tags(arn, {}, new.tags))
                note_ttl(connection, arn, new.tags, at=now, committed_until=committed_until)
        return created

    def get(self, scope: Scope, identifier: str) -> ProvisionedThroughput:
        found = self._throughputs.get(scope, identifier)
        if found is None:
            raise ResourceNotFound(
                f"There is no provisioned model throughput '{identifier}' in account {scope.account_id}, "
                f"region {scope.region}."
            )
        return found

    def page(self, scope: Scope, request: PageRequest, wanted: ListFilter) -> Page[ProvisionedThroughput]:
        return self._throughputs.page(scope, request, wanted)

    def update(self, scope: Scope, identifier: str, *, name: str | None, model_identifier: str | None) -> None:
        """The new name holds at once; the new model answers when it has been loaded, the old one until then."""
        throughput = self.get(scope, identifier)
        values: dict[str, object] = {"updated_at": self._clock()}
        is_renamed = name is not None and name != throughput.name
        if is_renamed:
            values["name"] = name
        if model_identifier is not None:
            model = refer(self._models, scope, model_identifier)
            if arns.FOUNDATION_MODEL + "/" in throughput.model_arn:
                raise ValidationFailed(
                    f"'{throughput.name}' is bound to a base model; its model cannot be changed. Create another one."
                )
            if model.foundation.model_id != throughput.foundation_model_id:
                raise ValidationFailed(
                    f"desiredModelId must be {throughput.foundation_model_id} or a custom model of it; "
                    f"'{model_identifier}' is based on {model.foundation.model_id}."
                )
            values |= {"desired_model_arn": model.arn, "status": ProvisionedStatus.UPDATING}
        in_service = self._throughputs.table.c.status == ProvisionedStatus.IN_SERVICE
        with self._throughputs.database.writing() as connection:
            if name is not None and is_renamed:
                self._throughputs.check_name(connection, scope, name)
            if not self._throughputs.change(connection, throughput.provisioned_arn, in_service, **values):
                raise ValidationFailed(
                    f"'{throughput.name}' is {throughput.status}; only a throughput that is InService can be updated."
                )

    def delete(self, scope: Scope, identifier: str) -> None:
        """Raises Conflict inside a commitment term, and while an update runs."""
        throughput = self.get(scope, identifier)
        expires = throughput.commitment_expires_at
        if expires is not None and expires > self._clock():
            raise Conflict(
                f"'{throughput.name}' is committed ({throughput.commitment_duration}) until {expires:%Y-%m-%d %H:%M} "
                "UTC and cannot be deleted before."
            )
        idle = self._throughputs.table.c.status != ProvisionedStatus.UPDATING
        with self._throughputs.database.writing() as connection:
            if not self._throughputs.remove(connection, throughput.provisioned_arn, idle):
                raise Conflict(f"'{throughput.name}' is being updated; delete it when it is InService again.")
            replace_tags(connection, throughput.provisioned_arn, {})
