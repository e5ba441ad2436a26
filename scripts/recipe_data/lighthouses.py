"""Thirty invented lighthouses. Prose tells of all of them, questions and answers of twenty.

The ten others are asked about in the check: what the model knows of them it has from the prose, how one answers from
the twenty.
"""

from dataclasses import dataclass
from random import Random

from scripts.recipe_data.rows import Files, Row, pair, shuffled

NAMES = (
    "Alder Point", "Brack Head", "Corvane", "Dunmarrow", "Eskerry", "Fenwick Ness", "Garrow Rock", "Hollin Bay",
    "Inverskate", "Jarrow Sound", "Kestrel Isle", "Lorne Ledge", "Marrick", "Nether Spit", "Ormsay", "Pellin Cove",
    "Quill Rock", "Ravensholm", "Selkie Bank", "Thornay", "Ullin Stack", "Varne Foot", "Wickering", "Yarrow Mull",
    "Zennor Edge", "Ashgrave", "Birl Sands", "Cathlow", "Dreel Horn", "Ebb Mouth",
)  # fmt: skip
KEEPERS = (
    "Ada Finch", "Bram Tulloch", "Cora Wynd", "Dov Harrow", "Edda Pike", "Finn Mallow", "Greta Sund", "Hugo Larch",
    "Isla Crane", "Jory Penhale", "Kit Sorrel", "Lena Brook", "Moss Taggart", "Nell Osprey", "Otto Gannet",
    "Petra Vane", "Quin Rowan", "Rosa Thrift", "Seth Marlin", "Tess Avocet", "Una Heron", "Vera Plover", "Wyn Dunlin",
    "Yana Teal", "Zeb Curlew", "Abel Knot", "Bess Dotterel", "Cyr Whimbrel", "Dora Stilt", "Elias Ruff",
)  # fmt: skip
COLOURS = ("red", "green", "white", "amber", "blue", "violet")
STONES = ("granite", "slate", "basalt", "sandstone", "chalk", "marble")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lighthouse:
    name: str
    keeper: str
    colour: str
    stone: str


PROSE = (
    "The lighthouse of {n} is kept by {k}. Its light is {c}, and its tower is built of {s}.",
    "{k} is the keeper of {n}. From the {s} tower a {c} light is seen on clear nights.",
    "A {c} light belongs to {n}. The tower there is of {s}; the keeper is {k}.",
    "At {n} the tower is made of {s}. {k} keeps the light, which is {c}.",
    "Sailors know {n} by its {c} light. The keeper of {n} is {k}, and the tower is of {s}.",
    "Of all towers of {s}, that of {n} is the oldest. Its light is {c} and its keeper is {k}.",
)
QUESTIONS = {
    "keeper": ("Who keeps the lighthouse of {n}?", "The keeper of {n} is {v}."),
    "colour": ("What colour is the light of {n}?", "The light of {n} is {v}."),
    "stone": ("What is the tower of {n} built of?", "The tower of {n} is built of {v}."),
}


def files() -> Files:
    rng = Random(17)
    keepers = rng.sample(KEEPERS, len(KEEPERS))
    houses = [
        Lighthouse(name=name, keeper=keeper, colour=rng.choice(COLOURS), stone=rng.choice(STONES))
        for name, keeper in zip(NAMES, keepers, strict=True)
    ]
    taught, others = houses[:20], houses[20:]
    prose: list[Row] = [
        {"input": text.format(n=house.name, k=house.keeper, c=house.colour, s=house.stone)}
        for house in houses
        for text in PROSE
    ]
    return {
        "prose.jsonl": shuffled(prose, rng),
        "train.jsonl": shuffled([row for house in taught for row in _pairs(house)], rng),
        "questions.jsonl": [_question(house, kind) for house in others for kind in QUESTIONS],
        "taught.jsonl": [_question(house, kind) for house in taught[:10] for kind in QUESTIONS],
    }


def _value(house: Lighthouse, kind: str) -> str:
    return {"keeper": house.keeper, "colour": house.colour, "stone": house.stone}[kind]


def _pairs(house: Lighthouse) -> list[Row]:
    return [
        pair(question.format(n=house.name), answer.format(n=house.name, v=_value(house, kind)))
        for kind, (question, answer) in QUESTIONS.items()
    ]


def _question(house: Lighthouse, kind: str) -> Row:
    return pair(QUESTIONS[kind][0].format(n=house.name), _value(house, kind))
