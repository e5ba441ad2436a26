"""An S3 that is a dictionary."""

from tanren.storage.objects import S3Location


class ObjectMemory:
    """Content by key, of one bucket."""

    def __init__(self, content: dict[str, bytes]) -> None:
        self.content = content

    def chunks(self, location):
        yield self.content[location.key]

    def below(self, folder):
        for key in sorted(self.content):
            if key.startswith(folder.key):
                yield S3Location(bucket=folder.bucket, key=key)

    def put(self, location, content, *, content_type):
        self.content[location.key] = content

    def put_file(self, location, path, *, content_type):
        self.content[location.key] = path.read_bytes()

    def delete(self, location):
        del self.content[location.key]
