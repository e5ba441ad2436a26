"""Who has agreed to the terms of which base model, and when; and each account's form of what it wants models for."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, insert, select

from tanren.domain.foundation_model_agreements import Agreement
from tanren.storage.database import Database
from tanren.storage.tables import foundation_model_agreements, use_case_forms


class FoundationModelAgreements:
    def __init__(self, database: Database) -> None:
        self._database = database

    def accept(self, agreement: Agreement) -> None:
        """In place of an earlier one to the same model: agreed to are the weights that answer now."""
        columns = foundation_model_agreements.c
        values: Mapping[str, object] = {
            "account_id": agreement.account_id,
            "model_id": agreement.model_id,
            "offer_id": agreement.offer_id,
            "weights": dict(agreement.weights),
            "principal_arn": agreement.principal_arn,
            "accepted_at": agreement.accepted_at,
        }
        with self._database.writing() as connection:
            connection.execute(
                delete(foundation_model_agreements).where(
                    columns.account_id == agreement.account_id, columns.model_id == agreement.model_id
                )
            )
            connection.execute(insert(foundation_model_agreements).values(**values))

    def find(self, account_id: str, model_id: str) -> Agreement | None:
        columns = foundation_model_agreements.c
        query = select(foundation_model_agreements).where(
            columns.account_id == account_id, columns.model_id == model_id
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return Agreement(
            account_id=row.account_id,
            model_id=row.model_id,
            offer_id=row.offer_id,
            weights=row.weights,
            principal_arn=row.principal_arn,
            accepted_at=row.accepted_at,
        )

    def remove(self, account_id: str, model_id: str) -> bool:
        """Whether there was one."""
        columns = foundation_model_agreements.c
        with self._database.writing() as connection:
            done = connection.execute(
                delete(foundation_model_agreements).where(
                    columns.account_id == account_id, columns.model_id == model_id
                )
            )
            return done.rowcount == 1

    def put_form(self, account_id: str, form: bytes, *, principal_arn: str, at: datetime) -> None:
        """In place of the one before."""
        values: Mapping[str, object] = {
            "account_id": account_id,
            "form": form,
            "principal_arn": principal_arn,
            "submitted_at": at,
        }
        with self._database.writing() as connection:
            connection.execute(delete(use_case_forms).where(use_case_forms.c.account_id == account_id))
            connection.execute(insert(use_case_forms).values(**values))

    def form(self, account_id: str) -> bytes | None:
        query = select(use_case_forms.c.form).where(use_case_forms.c.account_id == account_id)
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one_or_none()
