"""Every rule that a data file can break: what it says, and whether AWS refuses a file for it.

A finding names its rule by the key here. A family may differ (`data/families.py`). docs/data.md is the table for users.

Source   the fact sheet §1; AWS's published validators. None where neither says.
"""

from dataclasses import dataclass
from typing import Final

from tanren.data.families import FamilyRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    says: str
    aws_refuses: bool | None


def _refused(says: str) -> Rule:
    return Rule(says=says, aws_refuses=True)


def _unknown(says: str) -> Rule:
    return Rule(says=says, aws_refuses=None)


def _taken(says: str) -> Rule:
    return Rule(says=says, aws_refuses=False)


RULES: Final[dict[str, Rule]] = {
    # The file as a whole.
    "empty-file": _refused("A file has at least one record."),
    "json-array": _refused("One record a line, without brackets around them."),
    "pretty-printed-json": _refused("Each record stands on one line."),
    "csv-file": _refused("Data files are JSONL."),
    "parquet-file": _refused("Data files are JSONL."),
    "parquet-not-readable": _refused("A Parquet file is whole, and pyarrow is installed."),
    "compressed-file": _unknown("Data files are not compressed."),
    "broken-compression": _refused("What is compressed can be unpacked to its end."),
    "archive": _refused("A data file is one file, no archive, spreadsheet or document."),
    "utf-16-file": _unknown("Data files are UTF-8."),
    "utf-32-file": _unknown("Data files are UTF-8."),
    "byte-order-mark": _unknown("A file begins with its first record."),
    "line-too-long": _refused("A line is at most 64 MiB."),
    "file-name": _unknown("A file's name has only letters, digits, and _ - / . and ends in .jsonl."),
    # Counts and sizes, of the family.
    "too-few-records": _refused("A set has at least as many records as the family asks."),
    "too-many-records": _refused("A set has at most as many records as the family allows."),
    "too-many-bytes": _refused("A file is at most as large as the family allows."),
    "other-format": _refused("The format is one that the family takes."),
    # Lines.
    "blank-line": _refused("Every line is a record."),
    "invalid-utf-8": _refused("Text is UTF-8."),
    "invalid-json": _refused("Every record is JSON."),
    "not-an-object": _refused("Every record is a JSON object."),
    "duplicate-key": _unknown("A key stands once in an object."),
    "too-many-fields": _refused("A row of a table has no more fields than its header."),
    # Records.
    "unknown-format": _refused("A record has the keys of one of the formats."),
    "mixed-formats": _refused("All records of a file are in one format."),
    "wrong-customization-type": _refused("The format is one of the job's customization type."),
    "missing-key": _refused("A record has all keys of its format."),
    "unknown-key": _taken("A record has no other keys."),
    "wrong-type": _refused("A value has the type that the format says."),
    "empty-text": _unknown("A text says something."),
    "lone-surrogate": _unknown("A text has whole characters."),
    "garbled-text": _taken("A text is not garbled by a wrong encoding."),
    "other-schema-version": _unknown('"schemaVersion" is "bedrock-conversation-2024".'),
    "not-one-block": _unknown("A message has one block of text."),
    "unsupported-block": _taken("Blocks are text: tanren trains on nothing else."),
    "too-few-messages": _refused("A conversation has a question and an answer."),
    "first-role-not-user": _refused("A conversation begins with the user."),
    "last-role-not-assistant": _refused("A conversation ends with the assistant's answer."),
    "roles-not-alternating": _refused("User and assistant alternate."),
    "unknown-role": _refused("A role is user or assistant."),
    "system-role": _refused('The system prompt stands in the key "system".'),
    "reserved-text": _refused("A text holds none of the family's control words."),
    "too-many-tokens": _refused("A record is at most as long as the family allows."),
    "prompt-in-template": _taken("A prompt in its family's template is read as its turns."),
    "foreign-turn": _unknown("A template has turns of system, user and assistant only."),
    "answer-begun-in-prompt": _unknown("The answer stands in the completion."),
}

TOLD_ONCE: Final = frozenset({"unknown-key", "other-schema-version", "prompt-in-template"})
"""Warnings about how a file is made: one a key of the record, not one a line."""


def aws_refuses(rule: str, family: FamilyRules | None) -> bool | None:
    """Whether AWS refuses a file of the family for the rule. Without a family, what holds for all."""
    if family is not None and rule in family.refused:
        return True
    if family is not None and rule in family.accepted:
        return False
    return RULES[rule].aws_refuses
