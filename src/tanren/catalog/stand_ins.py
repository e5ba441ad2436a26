"""The user's catalogue file, `<data-dir>/catalog.toml`: which weights answer under which id of the catalogue.

    [stand-ins]
    "amazon.titan-text-lite-v1" = "Qwen/Qwen2.5-0.5B-Instruct"
    "meta.llama3-1-8b-instruct-v1:0" = { model = "my-org/llama", revision = "0e9e39f249a1", is-original = true }

A line is good for the id's variants of another context length too (`…-v1:0:4k`), unless they have a line of their own.
One that is wrong is refused with its number, never passed over.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.domain.errors import ValidationFailed
from tanren.model_files.atomic_folders import replace_file
from tanren.model_files.store import NANO_KEY

FILE_NAME: Final = "catalog.toml"
_TABLE: Final = "stand-ins"
_MEMBERS: Final[dict[str, tuple[type, ...]]] = {
    "model": (str,),
    "revision": (str,),
    "loraLearningRate": (float, int),
    "fullLearningRate": (float, int),
    "is-original": (bool,),
}
_HEAD: Final = (
    "# Which weights answer under which model id; an id that is not here is answered by nano.\n"
    "# Written by `tanren models use`, and yours to edit: docs/models.md.\n\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    model: str
    """A repository, a key of the model store, or `nano`."""
    revision: str | None = None
    lora_learning_rate: float | None = None
    full_learning_rate: float | None = None
    is_original: bool = False
    """The user says that these weights are the model which the id names."""

    def to_toml(self) -> str | dict[str, Any]:
        values = {
            "model": self.model,
            "revision": self.revision,
            "loraLearningRate": self.lora_learning_rate,
            "fullLearningRate": self.full_learning_rate,
            "is-original": self.is_original or None,
        }
        given = {name: value for name, value in values.items() if value is not None}
        return self.model if list(given) == ["model"] else given


def read_stand_ins(file: Path) -> dict[str, StandIn]:
    """Model id → its line; empty without a file. Raises ValidationFailed with file, line, rule and fix."""
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ValidationFailed(f"{file} cannot be read: {error}") from error
    return _parsed(text, file)


def line_of(lines: Mapping[str, StandIn], model_id: str) -> StandIn | None:
    """The line that decides about an id: its own, or that of the id whose variant it is."""
    if model_id in lines:
        return lines[model_id]
    parents = [known for known in FOUNDATION_MODELS if model_id.startswith(known + ":")]
    return lines.get(max(parents, key=len)) if parents else None


def variants_of(model_id: str) -> list[str]:
    """The ids that follow this one's line."""
    return sorted(known for known in FOUNDATION_MODELS if known.startswith(model_id + ":"))


def write_stand_in(file: Path, model_id: str, stand_in: StandIn) -> None:
    """Changes or adds the line of one id; everything else of the file, comments and order too, stays as it is.

    Raises   ValidationFailed where the file is broken, or the line would be.
    """
    # Imported here: only the command that writes needs it.
    import tomlkit

    known = read_stand_ins(file)
    if stand_in.model == NANO_KEY and line_of(known, model_id) is None:
        return
    document = tomlkit.parse(file.read_text("utf-8") if file.exists() else _HEAD)
    if _TABLE not in document:
        document[_TABLE] = tomlkit.table()
    value = stand_in.to_toml()
    table: Any = document[_TABLE]
    if isinstance(value, dict):
        inline = tomlkit.inline_table()
        inline.update(value)
        table[model_id] = inline
    else:
        table[model_id] = value
    text = tomlkit.dumps(document)
    _parsed(text, file)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(file, text)


def _parsed(text: str, file: Path) -> dict[str, StandIn]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Its text ends in line and column.
        raise ValidationFailed(
            f'{file} is no TOML: {error}. An id needs quotes: "amazon.titan-text-lite-v1" = "owner/name"'
        ) from error
    other = [name for name in document if name != _TABLE]
    table = document.get(_TABLE, {})
    if other or not isinstance(table, dict):
        raise _wrong(file, text, other[0] if other else _TABLE, f"the file has one table, [{_TABLE}], and nothing else")
    return {model_id: _stand_in(model_id, value, file, text) for model_id, value in cast(dict[str, Any], table).items()}


def _stand_in(model_id: str, value: Any, file: Path, text: str) -> StandIn:
    if model_id not in FOUNDATION_MODELS:
        raise _wrong(
            file, text, model_id, f"it is no id of the catalogue; ids are {', '.join(sorted(FOUNDATION_MODELS))}"
        )
    if not FOUNDATION_MODELS[model_id].is_stand_in:
        raise _wrong(file, text, model_id, "these weights are the model itself; nothing else may answer under its id")
    members = cast(Mapping[str, Any], {"model": value} if isinstance(value, str) else value)
    if not isinstance(members, dict):
        raise _wrong(
            file, text, model_id, 'its value is "owner/name", a key of `tanren models list`, "nano", or a table'
        )
    for name, given in members.items():
        kinds = _MEMBERS.get(name)
        if kinds is None:
            raise _wrong(file, text, model_id, f"it has {name!r}; a line may have {', '.join(_MEMBERS)}")
        # A bool is an int to Python; here it is not.
        if not isinstance(given, kinds) or (isinstance(given, bool) and bool not in kinds) or given == "":
            raise _wrong(file, text, model_id, f"{name} is {given!r}; it has to be {_kind_words(kinds)}")
        if name.endswith("LearningRate") and not (math.isfinite(given) and 0 < given <= 1):
            raise _wrong(file, text, model_id, f"{name} is {given!r}; allowed: more than 0, up to 1")
    if "model" not in members:
        raise _wrong(file, text, model_id, 'it names no weights; say model = "owner/name"')
    lora, full = members.get("loraLearningRate"), members.get("fullLearningRate")
    return StandIn(
        model=members["model"],
        revision=members.get("revision"),
        lora_learning_rate=None if lora is None else float(lora),
        full_learning_rate=None if full is None else float(full),
        is_original=members.get("is-original", False),
    )


def _kind_words(kinds: tuple[type, ...]) -> str:
    return {str: "a text", bool: "true or false"}.get(kinds[0], "a number")


def _wrong(file: Path, text: str, what: str, rule: str) -> ValidationFailed:
    lines = (number for number, line in enumerate(text.splitlines(), 1) if what in line.partition("#")[0])
    number = next(lines, None)
    place = f"{file}, line {number}" if number else str(file)
    return ValidationFailed(f"{place}: {what}: {rule}.")
