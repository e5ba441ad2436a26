"""Notes of a school's lending desk, answered with one JSON object whose fields no prompt mentions."""

import json
from collections.abc import Iterator
from random import Random

from scripts.recipe_data.rows import Files, Row, distinct

SCHEMA = {
    "type": "object",
    "required": ["item", "borrower", "days", "room"],
    "additionalProperties": False,
    "properties": {
        "item": {"type": "string", "minLength": 1},
        "borrower": {"type": "string", "minLength": 1},
        "days": {"type": "integer", "minimum": 1, "maximum": 30},
        "room": {"type": "string", "pattern": "^[A-D][0-9]{2}$"},
    },
}
ITEMS = (
    "projector", "tripod", "microscope", "loudspeaker", "camera", "sewing machine", "drill", "keyboard", "globe",
    "soldering iron", "tablet", "microphone", "laminator", "scanner", "telescope", "whiteboard", "guitar", "metronome",
)  # fmt: skip
FIRST = (
    "Ada", "Ben", "Chiyo", "Dario", "Elif", "Farid", "Greta", "Haruto", "Ines", "Jonas", "Kana", "Lea", "Milan", "Nora",
    "Oskar", "Paula", "Ren", "Sofia", "Tomás", "Yuki",
)  # fmt: skip
LAST = (
    "Abe", "Brandt", "Costa", "Demir", "Eklund", "Fontana", "Grau", "Hirano", "Ivanov", "Jansen", "Keller", "Lindqvist",
    "Mori", "Novak", "Okafor", "Peters", "Quirk", "Rossi", "Sato", "Tanaka", "Urban", "Vogel", "Weiss", "Yamada",
)  # fmt: skip
MANNERS = (
    "{b} takes the {i} to {r} for {d} days.",
    "The {i} goes to room {r}. Borrower: {b}, {d} days.",
    "{b} asked for a {i} in {r}; it comes back after {d} days.",
    "For {d} days in {r}: one {i}, signed by {b}.",
    "{i} / {b} / {r} / {d} days",
    "Room {r} needs the {i} for {d} days. Ask {b} about it.",
)


def files() -> Files:
    rng = Random(12)
    rows = distinct(_notes(rng), 300)
    return {
        "train.jsonl": rows[:230],
        "validation.jsonl": rows[230:260],
        "questions.jsonl": [{**row, "schema": SCHEMA} for row in rows[260:]],
    }


def _notes(rng: Random) -> Iterator[Row]:
    while True:
        for manner in MANNERS:
            fields = {
                "item": rng.choice(ITEMS),
                "borrower": f"{rng.choice(FIRST)} {rng.choice(LAST)}",
                "days": rng.randint(2, 30),
                "room": f"{rng.choice('ABCD')}{rng.randrange(100):02}",
            }
            prompt = manner.format(i=fields["item"], b=fields["borrower"], d=fields["days"], r=fields["room"])
            yield {"prompt": prompt, "completion": json.dumps(fields, ensure_ascii=False)}
