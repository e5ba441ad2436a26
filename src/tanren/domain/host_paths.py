"""Paths of this machine, kept out of what callers read: where things lie here is for whoever runs the server.

The full text belongs in the log.
"""

import re
from collections.abc import Mapping
from typing import Final

from tanren.domain.errors import ModelFailed, ServiceUnavailable, TanrenError

_FOLDERS: Final = re.compile(r"(?<![\w.:/])(?:/[^\s/:;,()'\"]+)+/")
"""Of an absolute path, all but its last part. The path of a URL or an S3 URI has its host or bucket before it."""


def without_folders(text: str, known: Mapping[str, str] | None = None) -> str:
    """The text, with only the last part of each absolute path.

    Takes    known: a folder of this machine → what to say instead. Their names may have spaces, which could not be
             told from the words around them.
    """
    for folder, name in (known or {}).items():
        text = text.replace(folder, name)
    return _FOLDERS.sub("", text)


def text_for_callers(error: TanrenError) -> str:
    """The error's text; of what went wrong on this machine, all but where on it."""
    text = str(error)
    return without_folders(text) if isinstance(error, ModelFailed | ServiceUnavailable) else text
