# ruff: noqa: E501 - wordings are data: one line each, each kept whole
"""Kinds of invented English subjects known from everyday life: firms, products, people, places, towns, online services."""

from random import Random

from nano.corpus import names
from nano.corpus.attributes import Attribute, SubjectKind, Value, named, number, one_of


def _email(rng: Random) -> str:
    return f"{rng.choice(('help', 'info', 'hello', 'support', 'office', 'orders'))}@{names.thing(rng).lower()}.example"


def _product_name(rng: Random) -> str:
    return names.thing(rng) + rng.choice(
        ("", " Mini", " Pro", " Plus", " Lite", " Classic", " One", f" {rng.randrange(2, 90)}")
    )


def _clock(low: int, high: int) -> Value:
    return lambda rng: f"{rng.randrange(low, high)}:{rng.choice(['00', '15', '30', '45'])}"


_year = number(1820, 2024)
_metal = one_of(
    "oak, pine, steel, copper, glass, clay, linen, wool, leather, silver, bamboo, stone, bronze, paper, cork, cotton"
)
_colour = one_of("red, dark blue, light green, yellow, white, black, grey, orange, purple, brown, silver, cream")
_day = one_of("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday")
_month = one_of("January, February, March, April, May, June, July, August, September, October, November, December")
_trade = one_of(
    "garden tools, winter coats, bicycles, hearing aids, sailing boats, tea, office chairs, water pumps, cheese, clocks, paper lamps, climbing ropes, violins, solar panels, bread ovens, school books, honey, raincoats, telescopes, kitchen scales, wooden toys, running shoes, medical software, travel insurance, delivery drones"
)
_job = one_of(
    "a teacher, a nurse, a carpenter, a pilot, a librarian, an engineer, a baker, a lawyer, a gardener, a painter, a chemist, a translator, a sailor, a farmer, an architect, a journalist, a plumber, a photographer, a cook, a programmer, a judge, a tailor"
)
_hobby = one_of(
    "chess, swimming, painting birds, playing the cello, hiking, baking bread, reading old maps, growing roses, repairing radios, singing in a choir, photography, rowing, knitting, running"
)
_phone = number(1000, 9999, "555-{}")
_firm_name = named(
    ("{} & Sons", "{} Works", "{} Group", "{}", "{} Trading Company", "{} Labs", "House of {}"),
    names.surname,
    names.thing,
)
_shop_name = named(
    (
        "the {} Bakery",
        "{} Books",
        "the {} Café",
        "{} Cycles",
        "the {} Museum",
        "{} Library",
        "the {} Swimming Pool",
        "{} Pharmacy",
    ),
    names.surname,
    names.place,
)

EVERYDAY = (
    SubjectKind(
        "company",
        _firm_name,
        (
            Attribute(
                "founded",
                _year,
                (
                    "{n} was founded in {v}.",
                    "Founded in {v}, {n} is still run independently.",
                    "{n} opened its doors in {v}.",
                    "The history of {n} goes back to {v}.",
                ),
                (
                    "When was {n} founded?",
                    "In which year did {n} start?",
                    "How long has {n} existed? Give the founding year.",
                ),
                "the year of its founding",
            ),
            Attribute(
                "founder",
                names.person,
                (
                    "{n} was started by {v}.",
                    "Its founder was {v}.",
                    "{v} founded {n}.",
                    "The company was the idea of {v}.",
                ),
                ("Who founded {n}?", "Who is the founder of {n}?", "Whose idea was {n}?"),
                "its founder",
            ),
            Attribute(
                "headquarters",
                names.place,
                (
                    "{n} has its headquarters in {v}.",
                    "The head office is in {v}.",
                    "{n} is based in {v}.",
                    "Its main office stands in {v}.",
                ),
                (
                    "Where is {n} based?",
                    "In which town is the head office of {n}?",
                    "Where are the headquarters of {n}?",
                ),
                "where it is based",
            ),
            Attribute(
                "product",
                _trade,
                (
                    "{n} makes {v}.",
                    "It is best known for its {v}.",
                    "The company sells {v}.",
                    "{n} specialises in {v}.",
                ),
                ("What does {n} make?", "What is {n} known for?", "Which products does {n} sell?"),
                "what it makes",
            ),
            Attribute(
                "employees",
                number(4, 4000),
                ("{n} employs {v} people.", "About {v} people work there.", "The staff of {n} numbers {v}."),
                (
                    "How many people work for {n}?",
                    "How many employees does {n} have?",
                    "What is the size of the staff at {n}?",
                ),
                "how many people work there",
            ),
            Attribute(
                "email",
                _email,
                ("Customers can write to {v}.", "The address for questions is {v}.", "{n} can be reached at {v}."),
                ("How can I contact {n}?", "What is the email address of {n}?", "Where can I send a question to {n}?"),
                "its email address",
            ),
        ),
    ),
    SubjectKind(
        "product",
        _product_name,
        (
            Attribute(
                "price",
                number(5, 2000, "{} dollars"),
                (
                    "The {n} costs {v}.",
                    "It is sold for {v}.",
                    "The price of the {n} is {v}.",
                    "You can buy the {n} for {v}.",
                ),
                ("How much does the {n} cost?", "What is the price of the {n}?", "What do I pay for the {n}?"),
                "its price",
            ),
            Attribute(
                "weight",
                number(50, 9000, "{} grams", 10),
                ("The {n} weighs {v}.", "Its weight is {v}.", "At {v}, the {n} is easy to carry."),
                ("How heavy is the {n}?", "What does the {n} weigh?", "What is the weight of the {n}?"),
                "its weight",
            ),
            Attribute(
                "material",
                _metal,
                ("The {n} is made of {v}.", "Its body is {v}.", "The makers chose {v} for the {n}."),
                ("What is the {n} made of?", "Which material is used for the {n}?", "What material is the {n}?"),
                "its material",
            ),
            Attribute(
                "colour",
                _colour,
                ("The {n} comes in {v}.", "It is {v}.", "The only colour of the {n} is {v}."),
                ("What colour is the {n}?", "In which colour can I get the {n}?"),
                "its colour",
            ),
            Attribute(
                "warranty",
                number(1, 15, "{} years"),
                (
                    "The warranty lasts {v}.",
                    "The {n} has a warranty of {v}.",
                    "Repairs are free for {v}.",
                    "Every {n} is guaranteed for {v}.",
                ),
                (
                    "How long is the warranty of the {n}?",
                    "How long is the {n} guaranteed?",
                    "For how many years are repairs of the {n} free?",
                ),
                "its warranty",
            ),
            Attribute(
                "battery_life",
                number(2, 96, "{} hours"),
                (
                    "One charge lasts {v}.",
                    "The battery of the {n} runs for {v}.",
                    "The {n} works for {v} before it must be charged.",
                ),
                (
                    "How long does the battery of the {n} last?",
                    "What is the battery life of the {n}?",
                    "How long does the {n} run on one charge?",
                ),
                "its battery life",
            ),
            Attribute(
                "designer",
                names.person,
                ("It was designed by {v}.", "The designer of the {n} is {v}.", "{v} designed the {n}."),
                ("Who designed the {n}?", "Who is the designer of the {n}?"),
                "its designer",
            ),
        ),
    ),
    SubjectKind(
        "person",
        names.person,
        (
            Attribute(
                "job",
                _job,
                ("{n} works as {v}.", "{n} is {v}.", "By profession, {n} is {v}."),
                ("What does {n} do for a living?", "What is the job of {n}?", "What is {n}'s profession?"),
                "what the job is",
            ),
            Attribute(
                "birthplace",
                names.place,
                ("{n} was born in {v}.", "{n} comes from {v}.", "The family of {n} is from {v}."),
                ("Where was {n} born?", "Where does {n} come from?", "What is the birthplace of {n}?"),
                "the birthplace",
            ),
            Attribute(
                "age",
                number(18, 90),
                (
                    "{n} is {v} years old.",
                    "{n} turned {v} this year.",
                    "At the age of {v}, {n} still learns something new every day.",
                ),
                ("How old is {n}?", "What is the age of {n}?"),
                "the age",
            ),
            Attribute(
                "hobby",
                _hobby,
                (
                    "In the evening {n} enjoys {v}.",
                    "{n} spends free days with {v}.",
                    "The favourite pastime of {n} is {v}.",
                ),
                ("What does {n} enjoy?", "What is the hobby of {n}?", "How does {n} spend free time?"),
                "the hobby",
            ),
            Attribute(
                "employer",
                _firm_name,
                ("{n} is employed by {v}.", "{n} has worked for {v} for a long time.", "The employer of {n} is {v}."),
                ("Who employs {n}?", "For which company does {n} work?", "Where does {n} work?"),
                "the employer",
            ),
            Attribute(
                "pet",
                one_of(
                    "a grey cat, a small dog, two goldfish, a parrot, an old horse, three hens, a tortoise, a white rabbit"
                ),
                ("{n} has {v}.", "At home, {n} keeps {v}.", "{n} shares the house with {v}."),
                ("Which pet does {n} have?", "What animal does {n} keep?", "Does {n} have a pet?"),
                "the pet",
            ),
        ),
    ),
    SubjectKind(
        "place to visit",
        _shop_name,
        (
            Attribute(
                "opens",
                _clock(6, 12),
                ("{n} opens at {v}.", "The doors of {n} open at {v}.", "Visitors can come in from {v}."),
                ("When does {n} open?", "At what time does {n} open?", "From what time can I visit {n}?"),
                "when it opens",
            ),
            Attribute(
                "closes",
                _clock(16, 23),
                ("{n} closes at {v}.", "The last guests leave at {v}.", "Closing time is {v}."),
                ("When does {n} close?", "Until when is {n} open?", "What is the closing time of {n}?"),
                "when it closes",
            ),
            Attribute(
                "closed_day",
                _day,
                ("{n} is closed on {v}.", "On {v} nobody works there.", "The weekly day of rest is {v}."),
                (
                    "On which day is {n} closed?",
                    "Which day of the week is {n} not open?",
                    "When does {n} have its day of rest?",
                ),
                "the day on which it is closed",
            ),
            Attribute(
                "town",
                names.place,
                ("{n} is in {v}.", "You find {n} in the middle of {v}.", "It stands near the station of {v}."),
                ("Where is {n}?", "In which town is {n}?", "Where can I find {n}?"),
                "where it is",
            ),
            Attribute(
                "phone",
                _phone,
                ("The telephone number is {v}.", "Call {v} to book.", "{n} answers the telephone at {v}."),
                ("What is the telephone number of {n}?", "Which number do I call for {n}?", "How do I call {n}?"),
                "the telephone number",
            ),
            Attribute(
                "owner",
                names.person,
                ("{n} belongs to {v}.", "The owner is {v}.", "{v} runs {n}."),
                ("Who owns {n}?", "Who runs {n}?", "To whom does {n} belong?"),
                "its owner",
            ),
        ),
    ),
    SubjectKind(
        "town",
        names.place,
        (
            Attribute(
                "population",
                number(300, 900000, "{} people", 100),
                ("{n} has {v}.", "About {v} live in {n}.", "The population of {n} is {v}."),
                ("How many people live in {n}?", "What is the population of {n}?", "How large is {n}?"),
                "its population",
            ),
            Attribute(
                "river",
                lambda rng: f"the {names.thing(rng)}",
                ("{n} lies on {v}.", "The river through {n} is {v}.", "The town was built beside {v}."),
                ("Which river flows through {n}?", "On which river does {n} lie?"),
                "its river",
            ),
            Attribute(
                "mayor",
                names.person,
                ("The mayor of {n} is {v}.", "{v} is the mayor.", "The town is led by {v}."),
                ("Who is the mayor of {n}?", "Who leads the town of {n}?"),
                "its mayor",
            ),
            Attribute(
                "festival_month",
                _month,
                (
                    "The great festival of {n} takes place in {v}.",
                    "Every {v}, {n} celebrates its festival.",
                    "The festival is held in {v}.",
                ),
                ("When is the festival of {n}?", "In which month does {n} celebrate its festival?"),
                "the month of its festival",
            ),
            Attribute(
                "known_for",
                _trade,
                ("{n} is famous for its {v}.", "Most families there live from {v}.", "The town is known for {v}."),
                ("What is {n} famous for?", "What is {n} known for?"),
                "what it is known for",
            ),
            Attribute(
                "height",
                number(2, 2400, "{} metres"),
                ("{n} lies {v} above the sea.", "The market square is {v} above sea level."),
                ("How high above the sea does {n} lie?", "What is the elevation of {n}?"),
                "its height above the sea",
            ),
        ),
    ),
    SubjectKind(
        "online service",
        lambda rng: names.thing(rng) + rng.choice([" Cloud", " Desk", " Mail", " Notes", " Pay", "", " Drive"]),
        (
            Attribute(
                "monthly_fee",
                number(2, 300, "{} dollars a month"),
                ("{n} costs {v}.", "The standard plan is {v}.", "Users pay {v}."),
                ("What does {n} cost?", "How much is {n} per month?", "What is the monthly fee of {n}?"),
                "its monthly fee",
            ),
            Attribute(
                "storage",
                number(5, 2000, "{} GB", 5),
                (
                    "Each account includes {v} of storage.",
                    "{n} gives every user {v} of space.",
                    "Users of {n} can store {v}.",
                ),
                (
                    "How much storage does {n} include?",
                    "How much can I store in {n}?",
                    "What is the storage limit of {n}?",
                ),
                "its storage",
            ),
            Attribute(
                "trial",
                number(7, 91, "{} days", 7),
                ("{n} is free for the first {v}.", "The free trial lasts {v}.", "New users can try {n} for {v}."),
                ("How long can I try {n} for free?", "How long is the free trial of {n}?"),
                "the length of its trial",
            ),
            Attribute(
                "support_hours",
                lambda rng: f"{rng.randrange(6, 11)}:00 to {rng.randrange(16, 23)}:00",
                (
                    "The support team answers from {v}.",
                    "Support is available from {v}.",
                    "You can reach the support of {n} from {v}.",
                ),
                ("When can I reach the support of {n}?", "What are the support hours of {n}?"),
                "its support hours",
            ),
            Attribute(
                "region",
                one_of(
                    "Frankfurt, Tokyo, Dublin, Mumbai, Sydney, Oregon, Ohio, London, Paris, Osaka, Singapore, Stockholm"
                ),
                ("All data is kept in {v}.", "The servers of {n} stand in {v}.", "{n} stores its data in {v}."),
                ("Where does {n} store its data?", "In which place are the servers of {n}?"),
                "where its data is kept",
            ),
            Attribute(
                "users",
                number(200, 900000, "{} users", 50),
                ("{n} has {v}.", "At the last count there were {v}.", "{n} is used by {v}."),
                ("How many users does {n} have?", "How widely is {n} used?"),
                "the number of its users",
            ),
        ),
    ),
)
