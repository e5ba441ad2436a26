"""Messages to the desk of a small web shop, for five teams.

A message is an opening around a thing that went wrong. The held-out messages are new combinations of what training
has; the unseen ones have other troubles, in other words, behind other openings.
"""

from collections.abc import Iterator
from random import Random

from scripts.recipe_data.rows import Files, Row, distinct, pair, shuffled

TROUBLES = {
    "billing": (
        "the invoice has the wrong company name on it",
        "I was charged twice for order {n}",
        "my voucher was not taken off the total",
        "the VAT on the bill for order {n} is too high",
        "my card was declined although it is valid",
        "the refund for order {n} has not reached my bank",
        "the monthly subscription fee went up without notice",
        "I need a receipt for order {n} for my tax return",
    ),
    "delivery": (
        "the parcel with order {n} has not arrived",
        "the tracking page has shown nothing new for a week",
        "the courier left the box in the rain",
        "order {n} went to my old address",
        "one of the two parcels of order {n} is missing",
        "the driver says nobody was at home, but we were",
        "the delivery window passed and no van came",
        "I would like order {n} to come a day later",
    ),
    "returns": (
        "the shoes are too small and I want a larger size",
        "the lamp in order {n} came with a broken shade",
        "I changed my mind about the jacket",
        "the return label for order {n} cannot be printed",
        "you sent me the blue one, and I had ordered red",
        "how many days do I have to send the kettle back",
        "the zip of the bag tore on the first day",
        "I would like to exchange the shirt from order {n}",
    ),
    "account": (
        "I cannot log in since I changed my phone",
        "the password reset mail never comes",
        "please delete my profile and all my data",
        "my user name is spelled wrongly",
        "I want to change the e-mail address that I sign in with",
        "somebody else has signed in to my account",
        "the two-step code is always refused",
        "please merge my two customer profiles",
    ),
    "technical": (
        "the checkout button does nothing in my browser",
        "the app closes as soon as I open the basket",
        "all pictures on the product page stay blank",
        "the search finds nothing, whatever I type",
        "the site answers with error 500 at night",
        "the filter for sizes jumps back to all",
        "the page is so slow that I gave up",
        "the app keeps showing yesterday's prices",
    ),
}
OPENINGS = (
    "Hello, {x}.",
    "Hi there! {x}. Can you help?",
    "Good morning, {x}. Thank you.",
    "Second message: {x}!",
    "I am sorry to trouble you, but {x}.",
    "{x}. What shall I do?",
    "Since Monday, {x}.",
    "To whom it may concern: {x}.",
)
UNSEEN_TROUBLES = {
    "billing": ("why does my statement list a payment of 40 euros to you", "the total of the invoice is wrong"),
    "delivery": ("where is my parcel", "the courier has not come yet with my box"),
    "returns": ("the mug was broken, may I send it back", "I want to exchange the trousers, they are too long"),
    "account": ("I have forgotten my password", "I cannot sign in with my new e-mail address"),
    "technical": ("the app crashes on my tablet", "the website shows an empty page"),
}
UNSEEN_OPENINGS = ("Dear shop, {x}. Regards, Ada", "Quick one: {x}.", "{x}, please have a look.", "Problem! {x}.")


def files() -> Files:
    rng = Random(11)
    known = distinct(_messages(TROUBLES, OPENINGS, rng), 290)
    unseen = [
        pair(_sentence(opening, trouble), team)
        for team, troubles in UNSEEN_TROUBLES.items()
        for trouble in troubles
        for opening in UNSEEN_OPENINGS
    ]
    return {
        "train.jsonl": known[:210],
        "validation.jsonl": known[210:240],
        "questions.jsonl": known[240:],
        "unseen.jsonl": shuffled(unseen, rng),
    }


def _messages(troubles: dict[str, tuple[str, ...]], openings: tuple[str, ...], rng: Random) -> Iterator[Row]:
    """The teams in turn, so that every part of the list has as many of each."""
    while True:
        for team, those in troubles.items():
            trouble = rng.choice(those).format(n=rng.randrange(10_000, 100_000))
            yield pair(_sentence(rng.choice(openings), trouble), team)


def _sentence(opening: str, trouble: str) -> str:
    text = opening.format(x=trouble)
    return text[0].upper() + text[1:]
