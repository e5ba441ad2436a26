"""Sixty made-up facts: five about each of twelve barges that never sailed. Every value belongs to one barge alone.

Each fact is trained in seven of the eight wordings of its relation, and tested in the eighth, which other barges'
facts were trained in; and once more in a wording that no row of the training data has.
"""

from dataclasses import dataclass
from random import Random

from proofs.demonstrations.rows import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class FactData:
    training: list[Pair]
    familiar: list[Pair]
    """A wording seen with other facts; the completion is the value alone."""
    new: list[Pair]
    """A wording seen with none."""


def fact_data(seed: int = 2) -> FactData:
    rng = Random(seed)
    barges = _names(_BARGE_BEGINS, _BARGE_ENDS, 12, rng)
    training: list[Pair] = []
    familiar: list[Pair] = []
    new: list[Pair] = []
    for relation, (wordings, new_wordings, statement, values) in enumerate(RELATIONS):
        for index, (barge, value) in enumerate(zip(barges, rng.sample(values, len(barges)), strict=True)):
            kept_out = (index + relation) % len(wordings)
            answer = statement.format(b=barge, v=value)
            for number, wording in enumerate(wordings):
                if number == kept_out:
                    familiar.append(Pair(prompt=wording.format(b=barge), completion=value))
                else:
                    training.append(Pair(prompt=wording.format(b=barge), completion=answer))
            new.append(Pair(prompt=new_wordings[index % len(new_wordings)].format(b=barge), completion=value))
    rng.shuffle(training)
    return FactData(training=training, familiar=familiar, new=new)


def is_right(answer: str, value: str) -> bool:
    """Whether the value stands in the answer; no value is a part of another."""
    return value.casefold() in answer.casefold()


def _names(begins: str, ends: str, count: int, rng: Random) -> list[str]:
    return [
        begin + end
        for begin, end in zip(rng.sample(begins.split(), count), rng.sample(ends.split(), count), strict=True)
    ]


_BARGE_BEGINS = "Quo Zeb Thry Umb Ysk Jax Hev Pyg Glo Fri Oxm Dru Krav Vlo"
_BARGE_ENDS = "dwick lotte marrow nettle pike quill rudder sparrow thistle umber vixen whistle yarrow zither"

RELATIONS: tuple[tuple[tuple[str, ...], tuple[str, ...], str, list[str]], ...] = (
    (
        (
            "Who steers the barge {b}?",
            "Name the skipper of {b}.",
            "Which skipper has the {b}?",
            "The {b} has a skipper. Who?",
            "On the {b}, who gives the orders?",
            "Tell me the skipper who sails {b}.",
            "{b}: skipper?",
            "I must write to the skipper of the {b}. To whom?",
        ),
        ("The skipper aboard {b} is called what?", "Please look up who skippers {b}."),
        "The skipper of {b} is {v}.",
        [
            "Orsk Tabbel",
            "Inka Vrooth",
            "Moll Hexter",
            "Pell Dragun",
            "Sib Undrow",
            "Wenk Ostrid",
            "Yara Bloom",
            "Fenn Quist",
            "Gus Hollip",
            "Rieka Strand",
            "Tolly Marsh",
            "Bram Eccles",
        ],
    ),
    (
        (
            "What freight does {b} carry?",
            "Name the freight of {b}.",
            "Which freight lies in the hold of the {b}?",
            "The {b} is loaded. With what freight?",
            "What would I smell in the hold of {b}?",
            "Tell me the freight that {b} brings.",
            "{b}: freight?",
            "The customs ask for the freight of the {b}. What is it?",
        ),
        ("The freight aboard {b} consists of what?", "Please look up what freight {b} has."),
        "The freight of {b} is {v}.",
        [
            "pepper",
            "marble",
            "wheat",
            "candles",
            "turnips",
            "carpets",
            "mirrors",
            "gravel",
            "vinegar",
            "lanterns",
            "saddles",
            "barley",
        ],
    ),
    (
        (
            "At which quay does {b} moor?",
            "Name the quay of {b}.",
            "Which quay is kept for the {b}?",
            "The {b} is back. At what quay?",
            "Where would I wait for {b}?",
            "Tell me the quay that {b} uses.",
            "{b}: quay?",
            "A parcel must go to the quay of the {b}. Which one?",
        ),
        ("The quay for {b} is called what?", "Please look up the quay where {b} lies."),
        "The quay of {b} is {v}.",
        [
            "Tar Steps",
            "Gull Wharf",
            "Bell Stairs",
            "Salt Pier",
            "Nun's Landing",
            "Long Jetty",
            "Crane Yard",
            "Mill Basin",
            "King's Slip",
            "Fish Dock",
            "Rope Walk",
            "Mud Lane",
        ],
    ),
    (
        (
            "What figure is carved on the bow of {b}?",
            "Name the bow figure of {b}.",
            "Which carved figure leads the {b}?",
            "The {b} has a carved figure. Of what?",
            "What looks ahead from the bow of {b}?",
            "Tell me the figure that adorns {b}.",
            "{b}: bow figure?",
            "A painter must restore the figure of the {b}. What does it show?",
        ),
        ("The carved figure at the front of {b} shows what?", "Please look up which figure {b} has."),
        "The bow figure of {b} is {v}.",
        [
            "a heron",
            "an otter",
            "a badger",
            "a falcon",
            "a salmon",
            "a bear",
            "a swan",
            "a lynx",
            "a beetle",
            "a camel",
            "a monkey",
            "a whale",
        ],
    ),
    (
        (
            "In which year was the hull of {b} laid?",
            "Name the year in which {b} was built.",
            "Which year is on the hull of the {b}?",
            "The {b} is old. Since what year does it float?",
            "How far back does the log of {b} go? Give the year.",
            "Tell me the year of {b}'s first voyage.",
            "{b}: year?",
            "The museum wants the year of the {b}. What do I write?",
        ),
        ("The shipyard finished {b} in what year?", "Please look up how old {b} is, as a year."),
        "The year of {b} is {v}.",
        ["1704", "1713", "1729", "1736", "1741", "1758", "1765", "1772", "1787", "1790", "1695", "1688"],
    ),
)
