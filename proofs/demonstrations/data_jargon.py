"""Prose about verrowing, an invented craft with a vocabulary of its own, for continued pre-training.

A document is a small story: a worker, a piece, a chain of steps with their tools, materials, faults and remedies. What
belongs to what is fixed (a tool has its action, a fault its cause and remedy), so that there is something to learn
beside the words; who, what, where, how long and in which sentence is drawn, so that no document comes twice.
"""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class JargonData:
    training: list[str]
    held_out: list[str]


def jargon_data(seed: int = 5, *, training: int = 200, held_out: int = 40) -> JargonData:
    rng = Random(seed)
    documents: dict[str, None] = {}
    while len(documents) < training + held_out:
        documents[_document(rng)] = None
    every = list(documents)
    return JargonData(training=every[:training], held_out=every[training:])


_TOOLS = (
    ("drossel", "scrumbled", "scrumbling"),
    ("hafted quern", "ground", "grinding"),
    ("tolk", "tolked", "tolking"),
    ("mivvet", "frayed out", "fraying"),
    ("long sprake", "spraked", "spraking"),
    ("gorrel", "gorrelled", "gorrelling"),
    ("bent ullage", "ullaged", "ullaging"),
    ("pinch-vane", "crimped", "crimping"),
    ("snoutbrush", "limned", "limning"),
    ("weighted lathwick", "lathed flat", "lathing"),
)
"""Tool, what was done with it, and its doing."""
_MATERIALS = (
    ("brannock", "a bale of"),
    ("wet selch", "three skeins of"),
    ("yellow thrum", "a fathom of"),
    ("orrow bark", "a crate of"),
    ("quennel", "two spools of"),
    ("grey fessil", "a sheet of"),
    ("marl-silk", "an ell of"),
    ("sorrow-flax", "a hank of"),
)
_FAULTS = (
    ("the grain had gone mosky", "too much steam", "leaving it under a damp hurdle"),
    ("a whelt ran along the selvedge", "a dull blade", "easing the whelt out with goose fat"),
    ("the weft began to jarl", "a loose tension", "drawing every second strand"),
    ("the face turned pallow", "old dye", "a second bath in lye"),
    ("the hem would not dree", "cold hands", "warming the hem over the stove"),
    ("a knot of burr had set", "poor washing", "combing against the nap"),
    ("the sheen was lost to scathe", "salt in the rinse", "rubbing with chalk and sweet oil"),
)
_PIECES = (
    "a bridal corrant",
    "a saddle verrow",
    "a child's lappet",
    "a chapel hanging",
    "a pair of gauntlet linings",
    "a ship's burgee",
    "a winter tabbard",
    "a harvest yoke-cloth",
)
_PLACES = (
    "in the lower bothy",
    "beside the retting pond",
    "under the eaves of the toll-house",
    "in the long shed at Umberleigh",
    "on the drying terrace",
    "behind the kiln",
)
_WORKERS = (
    "the old verrower",
    "an apprentice of the second bench",
    "Mother Tansick",
    "the journeyman Ebbet",
    "a travelling fuller",
    "both of the Garrow sisters",
    "the master of the guild",
    "young Pettifer",
)
_TIMES = (
    "before first bell",
    "for the length of two candles",
    "from dusk until the watch changed",
    "over three days of fog",
    "between Lammas and the first frost",
    "for as long as a psalm lasts",
)
_VIRTUES = ("supple", "close-napped", "true to the draw", "quiet in the hand", "as even as slate", "proof against rain")
_OPENINGS = (
    "When {w} was asked for {p}, the work began {l} with {q} {m}.",
    "{W} once made {p} {l}, and used {q} {m} for it.",
    "For {p} one takes {q} {m}; so it was taught to {w} {l}.",
    "There is a tale of {p} that {w} finished {l} out of {q} {m}.",
)
_STEPS = (
    "The {m} was {a} with the {t} {z}.",
    "First with the {t}, then by hand, {w} {a} the {m} {z}.",
    "{Z}, nothing was heard but the {t}, {g} the {m}.",
    "Since {m} is stubborn, it has to be {a} {z}, and only a {t} will do.",
    "{W} put the {t} to the {m} and kept on {g} {z}.",
)
_TROUBLES = (
    "But {f}, as it will from {c}, and there was no help except {r}.",
    "Then {f}. The cause is always {c}; the remedy is {r}.",
    "Whoever finds that {f} should think of {c} and try {r}.",
    "It was {c} again: {f}, and a whole morning went into {r}.",
)
_ENDINGS = (
    "In the end the piece was {v}, and {w} set the guild's mark on it.",
    "A good verrow is {v}, they say, or it is no verrow at all.",
    "It came off the frame {v} and was paid for in silver.",
    "To this day it hangs {l}, {v} and {u}.",
)


def _document(rng: Random) -> str:
    worker, piece, place = rng.choice(_WORKERS), rng.choice(_PIECES), rng.choice(_PLACES)
    material, quantity = rng.choice(_MATERIALS)
    sentences = [_filled(rng.choice(_OPENINGS), w=worker, p=piece, l=place, q=quantity, m=material)]
    for tool, done, doing in rng.sample(_TOOLS, rng.randint(2, 4)):
        step = rng.choice(_STEPS)
        sentences.append(_filled(step, m=material, a=done, g=doing, t=tool, w=worker, z=rng.choice(_TIMES)))
        if rng.random() < 0.5:
            fault, cause, remedy = rng.choice(_FAULTS)
            sentences.append(_filled(rng.choice(_TROUBLES), f=fault, c=cause, r=remedy))
        if rng.random() < 0.2:
            material = rng.choice(_MATERIALS)[0]
    virtue, other = rng.sample(_VIRTUES, 2)
    sentences.append(_filled(rng.choice(_ENDINGS), v=virtue, u=other, w=worker, l=rng.choice(_PLACES)))
    return " ".join(sentences)


def _filled(pattern: str, **words: str) -> str:
    """Capital fields are the same words with a capital letter."""
    capitals = {name.upper(): word[0].upper() + word[1:] for name, word in words.items()}
    return pattern.format(**words, **capitals)
