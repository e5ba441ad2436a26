"""Under which licence a model is, as its card or its licence file says. Shown and recorded, never judged."""

import re
from pathlib import Path
from typing import Final

UNSTATED: Final = "not stated"
_CARD = "README.md"
_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(\r?\n|\Z)", re.DOTALL)
_CARD_BYTES = 1 << 20


def licence_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if re.match(r"(?i)licen[cs]e|notice|use_policy", path.name))


def licence_of_folder(folder: Path) -> str:
    """Of the card's front matter; else the name of a licence file; else `not stated`."""
    card = folder / _CARD
    if card.is_file():
        with card.open("rb") as stream:
            stated = licence_of_card(stream.read(_CARD_BYTES).decode(errors="replace"))
        if stated != UNSTATED:
            return stated
    files = licence_files(folder)
    return f"see {files[0].name}" if files else UNSTATED


def licence_of_card(text: str) -> str:
    matter = _FRONT_MATTER.match(text)
    values = dict(re.findall(r"(?m)^(license(?:_name|_link)?):[ \t]*(.+?)[ \t]*$", matter[1] if matter else ""))
    return licence_text(*(values.get(name, "").strip("'\"") for name in ("license", "license_name", "license_link")))


def licence_text(licence: str, name: str, link: str) -> str:
    """`apache-2.0`; of a licence of its own its name and where it is, since `other` says nothing."""
    if licence in ("", "other") and name:
        return f"{name} ({link})" if link else name
    return licence or UNSTATED
