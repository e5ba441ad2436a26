"""The keys of users, sessions and accounts, as signatures and bearer tokens ask for them."""

from tanren.aws.signatures import AccessKey
from tanren.storage.principals import KnownKey, Principals


class StoredAccessKeys:
    """The `AccessKeys` and the `LongTermKeys` of the gateway: the root key of the settings, unless the database has
    another of the account, then the database."""

    def __init__(self, root: AccessKey, principals: Principals) -> None:
        self._root = root
        self._principals = principals

    def find(self, access_key_id: str) -> AccessKey | None:
        """See `AccessKeys`."""
        root = self._root
        if access_key_id == root.access_key_id and not self._principals.has_root_key(root.account_id):
            return root
        return _access_key(self._principals.find_key(access_key_id))

    def find_bearer(self, alias: str, secret: str) -> AccessKey | None:
        """See `LongTermKeys`."""
        return _access_key(self._principals.find_api_key(alias, secret))


def _access_key(key: KnownKey | None) -> AccessKey | None:
    if key is None:
        return None
    return AccessKey(
        access_key_id=key.access_key_id,
        secret_access_key=key.secret_access_key,
        session_token=key.session_token,
        account_id=key.account_id,
        principal_arn=key.principal_arn,
        expires_at=key.expires_at,
    )
