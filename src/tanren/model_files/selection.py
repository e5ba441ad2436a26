"""Which files of a repository or folder make a model, and which are left where they are.

Taken are safetensors, configuration, tokenizer, chat template, model card and licence, from the top folder only.
Everything else stays behind: pickles and code first of all, then other formats (GGUF, ONNX), weights stored a second
time (`consolidated.safetensors` beside the shards), adapters, pictures.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, Final, cast

from tanren.domain.errors import ValidationFailed

WEIGHTS_INDEX: Final = "model.safetensors.index.json"
SINGLE_WEIGHTS: Final = "model.safetensors"
_TAKEN: Final = (".safetensors", ".json", ".txt", ".md", ".jinja")
_TAKEN_NAMES: Final = re.compile(r"(?i)tokenizer\.model|(licen[cs]e|notice|use_policy)([._-].*)?")
_LEFT: Final = re.compile(
    r"(?i)\..*|adapter_.*|consolidated.*\.safetensors|.*\.(bin|h5|msgpack|onnx)\.index\.json|.*\.py"
)


def wanted_files(names: Iterable[str]) -> list[str]:
    """Those of the names that a model is made of, sorted; of several sets of weights, one."""
    found = sorted(
        name
        for name in names
        if "/" not in name
        and "\\" not in name
        and _LEFT.fullmatch(name) is None
        and (name.endswith(_TAKEN) or _TAKEN_NAMES.fullmatch(name) is not None)
    )
    if WEIGHTS_INDEX not in found and SINGLE_WEIGHTS in found:
        return [name for name in found if name == SINGLE_WEIGHTS or not name.endswith(".safetensors")]
    return found


def weights_wanted(names: Iterable[str], index: bytes, *, where: str) -> list[str]:
    """The names without those weights that the index does not speak of.

    Raises   ValidationFailed where the index is none, or speaks of a file that is not there.
    """
    names = list(names)
    try:
        parts = set(cast(dict[str, str], json.loads(index)["weight_map"]).values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValidationFailed(f"{where} is no index of safetensors: it has no object weight_map.") from error
    missing: list[Any] = sorted((part for part in parts if part not in names), key=str)
    if missing:
        raise ValidationFailed(f"{where} speaks of {missing[0]!r}, which is not beside it: the model is incomplete.")
    return [name for name in names if not name.endswith(".safetensors") or name in parts]
