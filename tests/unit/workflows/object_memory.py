"""An S3 that is a dictionary."""

import hashlib
from pathlib import Path

from tanren.domain.errors import JobFailed
from tanren.storage.objects import ListedObject, S3Location


class ObjectMemory:
    """Content by key, of one bucket."""

    def __init__(self, content: dict[str, bytes]) -> None:
        self.content = content
        self.missing: set[str] = set()
        """Keys that are no more."""

    def chunks(self, location):
        if location.key in self.missing:
            raise JobFailed(f"There is no {location.uri}.")
        yield self.content[location.key]

    def below(self, folder):
        for key in sorted(self.content):
            if key.startswith(folder.key):
                yield S3Location(bucket=folder.bucket, key=key)

    def listed(self, folder):
        for location in self.below(folder):
            if "/" in location.key.removeprefix(folder.key):
                continue
            content = self.content[location.key]
            etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
            yield ListedObject(location=location, size_bytes=len(content), etag=etag)

    def put(self, location, content, *, content_type):
        self.content[location.key] = content

    def put_file(self, location, path, *, content_type):
        self.content[location.key] = path.read_bytes()

    def delete(self, location):
        del self.content[location.key]


class Bucket(ObjectMemory):
    """Holds a model's folder, and notes what is fetched; `during` is called with the number of each fetch."""

    def __init__(self) -> None:
        super().__init__({})
        self.fetched: list[str] = []
        self.during = lambda number: None

    def holds(self, folder: Path, prefix: str = "llama/") -> None:
        self.content = {
            f"{prefix}{file.relative_to(folder)}": file.read_bytes() for file in folder.rglob("*") if file.is_file()
        }

    def chunks(self, location):
        self.fetched.append(location.key.rpartition("/")[2])
        self.during(len(self.fetched))
        yield from super().chunks(location)
