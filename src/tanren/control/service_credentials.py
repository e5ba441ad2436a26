"""The rules of long-term API keys, which IAM calls service specific credentials; of its services, Bedrock is here."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from tanren.domain.clock import Clock
from tanren.domain.errors import NotImplementedHere, QuotaExceeded, ResourceNotFound
from tanren.domain.identities import (
    CREDENTIALS_PER_USER_AND_SERVICE,
    IdPrefix,
    KeyStatus,
    ServiceCredential,
    UniqueIdMaker,
    new_secret,
)
from tanren.storage.access_keys import (
    change_credential,
    credentials_of,
    credentials_of_account,
    insert_credential,
    remove_credential,
)
from tanren.storage.identities import find_by_id, users
from tanren.storage.identity_database import IdentityDatabase

BEDROCK: Final = "bedrock.amazonaws.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCredential:
    """A credential and whose it is."""

    credential: ServiceCredential
    user_name: str


def _alias(account_id: str) -> str:
    """As AWS names them; four characters are too few to be unique here, where all lie side by side."""
    return f"BedrockAPIKey-{secrets.token_hex(4)}-at-{account_id}"


class ServiceCredentialControl:
    def __init__(
        self,
        database: IdentityDatabase,
        *,
        clock: Clock,
        new_id: UniqueIdMaker,
        new_alias: Callable[[str], str] = _alias,
    ) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id
        self._new_alias = new_alias
        self._users = users()

    def create(
        self, account_id: str, user_name: str, service_name: str, *, age_days: int | None
    ) -> tuple[ServiceCredential, str]:
        """With its secret, which is nowhere kept."""
        _check_service(service_name)
        now, secret = self._clock(), new_secret()
        with self._database.writing() as connection:
            user = self._users.get(connection, account_id, user_name)
            owned = [each for each in credentials_of(connection, user.identity_id) if each.service_name == service_name]
            if len(owned) >= CREDENTIALS_PER_USER_AND_SERVICE:
                raise QuotaExceeded(
                    f"Cannot exceed quota for ServiceSpecificCredentialsPerUser: {CREDENTIALS_PER_USER_AND_SERVICE}"
                )
            credential = ServiceCredential(
                credential_id=self._new_id(IdPrefix.SERVICE_CREDENTIAL),
                account_id=account_id,
                identity_id=user.identity_id,
                service_name=service_name,
                alias=self._new_alias(account_id),
                secret_sha256=hashlib.sha256(secret.encode()).hexdigest(),
                status=KeyStatus.ACTIVE,
                created_at=now,
                expires_at=None if age_days is None else now + timedelta(days=age_days),
            )
            insert_credential(connection, credential)
        return credential, secret

    def list(self, account_id: str, *, user_name: str | None, service_name: str | None) -> list[HeldCredential]:
        """Of one user, or of all where `user_name` is None."""
        if service_name is not None:
            _check_service(service_name)
        with self._database.reading() as connection:
            if user_name is None:
                found = credentials_of_account(connection, account_id)
            else:
                found = credentials_of(connection, self._users.get(connection, account_id, user_name).identity_id)
            holders = {each.identity_id: find_by_id(connection, each.identity_id) for each in found}
        return [
            HeldCredential(credential=each, user_name=holder.name)
            for each in found
            if (holder := holders[each.identity_id]) is not None
        ]

    def set_status(self, account_id: str, user_name: str, credential_id: str, status: KeyStatus) -> None:
        with self._database.writing() as connection:
            credential = self._existing(connection, account_id, user_name, credential_id)
            change_credential(connection, credential.credential_id, status=status)

    def reset(self, account_id: str, user_name: str, credential_id: str) -> tuple[ServiceCredential, str]:
        """A new secret; the old one no longer works."""
        secret = new_secret()
        digest = hashlib.sha256(secret.encode()).hexdigest()
        with self._database.writing() as connection:
            credential = self._existing(connection, account_id, user_name, credential_id)
            change_credential(connection, credential.credential_id, secret_sha256=digest)
        return replace(credential, secret_sha256=digest), secret

    def delete(self, account_id: str, user_name: str, credential_id: str) -> None:
        with self._database.writing() as connection:
            credential = self._existing(connection, account_id, user_name, credential_id)
            remove_credential(connection, credential.credential_id)

    def _existing(
        self, connection: Connection, account_id: str, user_name: str, credential_id: str
    ) -> ServiceCredential:
        owned = credentials_of(connection, self._users.get(connection, account_id, user_name).identity_id)
        credential = next((each for each in owned if each.credential_id == credential_id), None)
        if credential is None:
            raise ResourceNotFound(f"The service specific credential with id {credential_id} cannot be found.")
        return credential


def _check_service(service_name: str) -> None:
    if service_name != BEDROCK:
        raise NotImplementedHere(
            f"Service specific credentials for {service_name} are not implemented by tanren; those for {BEDROCK} are."
        )
