# ruff: noqa: E501 - wordings are data: one line each
"""Notes of a ferry's booking office, to be answered with a JSON object that follows a schema nobody mentions.

Field names, their order and the schema's rules have to be learned from the examples. The values of a held-out note
(passenger, harbour, code) occur in no training row, so they can only be copied from the note. Held-out notes are
written in the same manners as the training notes, or, counted apart, in manners that training does not have.
"""

import json
import re
from dataclasses import dataclass
from random import Random

from proofs.demonstrations.rows import Pair

SCHEMA: dict[str, object] = {
    "type": "object",
    "required": ["passenger", "harbour", "seats", "deck", "code"],
    "additionalProperties": False,
    "properties": {
        "passenger": {"type": "string", "minLength": 1},
        "harbour": {"type": "string", "minLength": 1},
        "seats": {"type": "integer", "minimum": 1, "maximum": 60},
        "deck": {"enum": ["upper", "lower", "open"]},
        "code": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{3}$"},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    passenger: str
    harbour: str
    seats: int
    deck: str
    code: str

    def to_json(self) -> dict[str, object]:
        return {
            "passenger": self.passenger,
            "harbour": self.harbour,
            "seats": self.seats,
            "deck": self.deck,
            "code": self.code,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionData:
    training: list[Pair]
    held_out: list[Pair]
    other_manners: list[Pair]


def extraction_data(seed: int = 4, *, training: int = 400, held_out: int = 100) -> ExtractionData:
    rng = Random(seed)
    taken: set[str] = set()

    def notes(count: int, manners: tuple[str, ...]) -> list[Pair]:
        return [_note(_booking(rng, taken), manners[index % len(manners)]) for index in range(count)]

    return ExtractionData(
        training=notes(training, MANNERS),
        held_out=notes(held_out, MANNERS),
        other_manners=notes(held_out, OTHER_MANNERS),
    )


def violation(answer: str) -> str | None:
    """What `SCHEMA` refuses in an answer; None where it is valid."""
    try:
        value = json.loads(answer)
    except ValueError:
        return "is no JSON"
    if not isinstance(value, dict):
        return "is no object"
    properties: dict[str, dict[str, object]] = SCHEMA["properties"]  # type: ignore[assignment]
    if set(value) != set(properties):
        return "has other fields"
    return next((name for name, rule in properties.items() if not _follows(value[name], rule)), None)


def _follows(value: object, rule: dict) -> bool:
    if "enum" in rule:
        return value in rule["enum"]
    if rule["type"] == "integer":
        return type(value) is int and rule["minimum"] <= value <= rule["maximum"]
    return isinstance(value, str) and len(value) > 0 and re.search(rule.get("pattern", ""), value) is not None


def values_right(answer: str, expected: str) -> int:
    """Fields, out of five, with the expected value; 0 where the answer is no JSON object."""
    try:
        value = json.loads(answer)
    except ValueError:
        return 0
    if not isinstance(value, dict):
        return 0
    return sum(value.get(name) == right for name, right in json.loads(expected).items())


def _note(booking: Booking, manner: str) -> Pair:
    fields = booking.to_json()
    prompt = manner.format(p=booking.passenger, h=booking.harbour, n=booking.seats, d=booking.deck, c=booking.code)
    return Pair(prompt=prompt, completion=json.dumps(fields))


def _booking(rng: Random, taken: set[str]) -> Booking:
    """Passenger, harbour and code are new each time."""

    def fresh(make) -> str:
        while (name := make()) in taken:
            pass
        taken.add(name)
        return name

    return Booking(
        passenger=fresh(lambda: f"{rng.choice(_FIRST)} {rng.choice(_LAST_A)}{rng.choice(_LAST_B)}"),
        harbour=fresh(lambda: f"{rng.choice(_HARBOUR_A)}{rng.choice(_HARBOUR_B)} {rng.choice(_HARBOUR_C)}"),
        seats=rng.randint(1, 60),
        deck=rng.choice(("upper", "lower", "open")),
        code=fresh(lambda: "".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZ", k=2)) + f"{rng.randrange(1000):03}"),
    )


_FIRST = "Abel Bess Cyril Dot Edwin Freya Giles Hetty Ivo Joan Kit Lorna Miles Nell Otis Poppy Rufus Stella Tess Ugo Wanda Zeno".split()  # noqa: SIM905
_LAST_A = [
    "Black",
    "Crow",
    "Dunn",
    "Fair",
    "Green",
    "Hop",
    "Iron",
    "King",
    "Light",
    "Moor",
    "North",
    "Oak",
    "Penn",
    "Red",
    "Stone",
    "Thorn",
    "Under",
    "Water",
    "White",
    "Wolf",
]
_LAST_B = "ham ing kins land man more smith son ton way wood worth field er by ley stead hill brook gate".split()  # noqa: SIM905
_HARBOUR_A = [
    "Amber",
    "Cold",
    "Deep",
    "East",
    "Gold",
    "Grey",
    "High",
    "Lime",
    "Long",
    "New",
    "Old",
    "Port",
    "Sand",
    "Silver",
    "South",
    "Star",
    "Stone",
    "Sun",
    "West",
    "Wind",
]
_HARBOUR_B = "bay cliff cove head ness rock shore stone strand water well wick".split()  # noqa: SIM905
_HARBOUR_C = "Bridge Dock Gate Harbour Island Landing Pier Point Quay Road Sound Street Town Wharf".split()  # noqa: SIM905

MANNERS = (
    "{p} sails from {h} with a party of {n}, {d} deck, booking {c}.",
    "Booking {c}: {n} on the {d} deck out of {h}, under the name of {p}.",
    "{p} rang. They board at {h}, {n} persons, want the {d} deck. Code {c}.",
    "From {h}, please: {d} deck for {n}. I am {p} and my code is {c}.",
    "{c} / {p} / {h} / {n} x {d} deck",
    "Put {n} people on the {d} deck at {h}. The booking {c} is in the name of {p}.",
    "Code {c}. Traveller {p}. Boards at {h}. Party of {n}. Prefers the {d} deck.",
    "The {d} deck was promised to {p}, who comes with {n} in all to {h} (booking {c}).",
)
OTHER_MANNERS = (
    "Seats for {n} on the {d} deck have been paid for by {p}; the ferry leaves {h}, and the ticket says {c}.",
    "Hello, {p} here, we shall be {n} altogether and go aboard at {h}. Is the {d} deck free? Reference {c}, thanks.",
    "Harbour {h}, deck {d}, head count {n}, reference {c}, lead passenger {p}",
)
