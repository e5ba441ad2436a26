"""Rows of what proves who calls: access keys, sessions, and API keys for one service.

A signature is verified with the secret itself, so secrets of access keys and sessions lie in the database as they are;
of an API key, which is sent whole, only the digest does.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from tanren.domain.identities import KeyStatus, LastingKey, ServiceCredential, Session
from tanren.storage.identity_database import row_of
from tanren.storage.identity_tables import iam_access_keys, iam_service_credentials, iam_sessions


def find_access_key(connection: Connection, access_key_id: str) -> LastingKey | None:
    row = connection.execute(
        select(iam_access_keys).where(iam_access_keys.c.access_key_id == access_key_id)
    ).one_or_none()
    return None if row is None else _key_of(row)


def access_keys_of(connection: Connection, identity_id: str) -> list[LastingKey]:
    rows = connection.execute(select(iam_access_keys).where(iam_access_keys.c.identity_id == identity_id))
    return [_key_of(row) for row in rows]


def root_key_of(connection: Connection, account_id: str) -> LastingKey | None:
    """Of a further account; of the first one, whose key is in the data directory, only after it has been replaced."""
    columns = iam_access_keys.c
    wanted = (columns.account_id == account_id, columns.identity_id.is_(None))
    row = connection.execute(select(iam_access_keys).where(*wanted)).first()
    return None if row is None else _key_of(row)


def insert_access_key(connection: Connection, key: LastingKey) -> None:
    connection.execute(insert(iam_access_keys).values(row_of(iam_access_keys, key)))


def set_key_status(connection: Connection, access_key_id: str, status: KeyStatus) -> None:
    wanted = iam_access_keys.c.access_key_id == access_key_id
    connection.execute(update(iam_access_keys).where(wanted).values(status=status))


def remove_access_key(connection: Connection, access_key_id: str) -> None:
    connection.execute(delete(iam_access_keys).where(iam_access_keys.c.access_key_id == access_key_id))


def remove_root_sessions(connection: Connection, account_id: str) -> None:
    """Temporary keys that the account's root asked for. Those of a role that root assumed are the role's."""
    columns = iam_sessions.c
    connection.execute(delete(iam_sessions).where(columns.account_id == account_id, columns.identity_id.is_(None)))


def find_session(connection: Connection, access_key_id: str) -> Session | None:
    row = connection.execute(select(iam_sessions).where(iam_sessions.c.access_key_id == access_key_id)).one_or_none()
    if row is None:
        return None
    return Session(
        access_key_id=row.access_key_id,
        secret_access_key=row.secret_access_key,
        session_token=row.session_token,
        account_id=row.account_id,
        identity_id=row.identity_id,
        session_name=row.session_name,
        policies=None if row.policies is None else tuple(row.policies),
        tags=row.tags,
        transitive_tag_keys=tuple(row.transitive_tag_keys),
        issued_at=row.issued_at,
        expires_at=row.expires_at,
    )


def insert_session(connection: Connection, session: Session, *, forget_before: datetime) -> None:
    """Also removes sessions that had expired by then."""
    connection.execute(delete(iam_sessions).where(iam_sessions.c.expires_at < forget_before))
    values = row_of(iam_sessions, session)
    values |= {
        "policies": None if session.policies is None else list(session.policies),
        "tags": dict(session.tags),
        "transitive_tag_keys": list(session.transitive_tag_keys),
    }
    connection.execute(insert(iam_sessions).values(values))


def find_credential(connection: Connection, credential_id: str) -> ServiceCredential | None:
    return _one_credential(connection, iam_service_credentials.c.credential_id == credential_id)


def find_credential_by_alias(connection: Connection, alias: str) -> ServiceCredential | None:
    return _one_credential(connection, iam_service_credentials.c.alias == alias)


def credentials_of(connection: Connection, identity_id: str) -> list[ServiceCredential]:
    wanted = iam_service_credentials.c.identity_id == identity_id
    return [_credential_of(row) for row in connection.execute(select(iam_service_credentials).where(wanted))]


def credentials_of_account(connection: Connection, account_id: str) -> list[ServiceCredential]:
    wanted = iam_service_credentials.c.account_id == account_id
    return [_credential_of(row) for row in connection.execute(select(iam_service_credentials).where(wanted))]


def insert_credential(connection: Connection, credential: ServiceCredential) -> None:
    connection.execute(insert(iam_service_credentials).values(row_of(iam_service_credentials, credential)))


def change_credential(connection: Connection, credential_id: str, **values: Any) -> None:
    wanted = iam_service_credentials.c.credential_id == credential_id
    connection.execute(update(iam_service_credentials).where(wanted).values(**values))


def remove_credential(connection: Connection, credential_id: str) -> None:
    connection.execute(delete(iam_service_credentials).where(iam_service_credentials.c.credential_id == credential_id))


def _key_of(row: Row[Any]) -> LastingKey:
    return LastingKey(
        access_key_id=row.access_key_id,
        secret_access_key=row.secret_access_key,
        account_id=row.account_id,
        identity_id=row.identity_id,
        status=KeyStatus(row.status),
        created_at=row.created_at,
    )


def _one_credential(connection: Connection, wanted: Any) -> ServiceCredential | None:
    row = connection.execute(select(iam_service_credentials).where(wanted)).one_or_none()
    return None if row is None else _credential_of(row)


def _credential_of(row: Row[Any]) -> ServiceCredential:
    return ServiceCredential(
        credential_id=row.credential_id,
        account_id=row.account_id,
        identity_id=row.identity_id,
        service_name=row.service_name,
        alias=row.alias,
        secret_sha256=row.secret_sha256,
        status=KeyStatus(row.status),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
