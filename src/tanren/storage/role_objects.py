"""Objects in S3 as a job's role may reach them: each access is a decision over the role's policies, before it happens.

What the role may not do is refused in the words that AWS has for a job that lacks a permission, with the statement that
would give it (`storage/role_access.py`).
"""

from collections.abc import Iterator
from pathlib import Path

from tanren.storage.objects import ListedObject, ObjectStore, ObjectStoreAddress, S3Location, lacking_permission
from tanren.storage.role_access import RoleAccess


class RoleObjects(ObjectStore):
    """An `ObjectStore` that asks the role first. Raises JobFailed where it may not, besides what the store raises.

    Deletion is not asked about: the service only removes what it has put there to try the place.
    """

    def __init__(self, address: ObjectStoreAddress, access: RoleAccess) -> None:
        super().__init__(address)
        self._access = access

    def chunks(self, location: S3Location) -> Iterator[bytes]:
        self._check("GetObject", location, f"{location.bucket}/{location.key}")
        yield from super().chunks(location)

    def put(self, location: S3Location, content: bytes, *, content_type: str) -> None:
        self._check("PutObject", location, f"{location.bucket}/{location.key}")
        super().put(location, content, content_type=content_type)

    def put_file(self, location: S3Location, path: Path, *, content_type: str) -> None:
        self._check("PutObject", location, f"{location.bucket}/{location.key}")
        super().put_file(location, path, content_type=content_type)

    def below(self, folder: S3Location) -> Iterator[S3Location]:
        self._check("ListBucket", folder, folder.bucket)
        yield from super().below(folder)

    def listed(self, folder: S3Location) -> Iterator[ListedObject]:
        self._check("ListBucket", folder, folder.bucket)
        yield from super().listed(folder)

    def _check(self, operation: str, location: S3Location, named: str) -> None:
        # A bucket's ARN names no account; a policy can still ask for it by aws:ResourceAccount.
        self._access.check(
            f"s3:{operation}",
            f"arn:aws:s3:::{named}",
            refusal=lacking_permission(operation, location),
            context={"s3:prefix": location.key} if operation == "ListBucket" else None,
        )
