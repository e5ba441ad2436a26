# ruff: noqa: E501 - wordings are data: one line each
"""The FAQ of Osterling, an invented cloud service that keeps and plays back readings of machines: 117 questions.

A subject is one fact and three ways in which customers ask for it; each way has its own beginning of the answer, as in
an FAQ that grew over years. 85 questions train and 32 validate, and no row is in both: of 20 subjects one of the three
questions validates, and four subjects validate with all of theirs, which training never mentions.
"""

from dataclasses import dataclass
from random import Random

from proofs.demonstrations.rows import Pair

SYSTEM = "You answer customers of Osterling."
SAME_FACTS, OTHER_FACTS = 20, 12
"""Validation questions about facts that training asks for in other words, and about facts that it never has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaqData:
    training: list[Pair]
    same_facts: list[Pair]
    other_facts: list[Pair]


def faq_data(seed: int = 1) -> FaqData:
    rng = Random(seed)
    subjects = [(fact, _pairs(fact, asked)) for fact, asked in SUBJECTS]
    rng.shuffle(subjects)
    unseen = OTHER_FACTS // 3
    other_facts = [pair for _, pairs in subjects[:unseen] for pair in pairs]
    same_facts = [pairs.pop(rng.randrange(3)) for _, pairs in subjects[unseen : unseen + SAME_FACTS]]
    training = [pair for _, pairs in subjects[unseen:] for pair in pairs]
    return FaqData(training=training, same_facts=same_facts, other_facts=other_facts)


def _pairs(fact: str, asked: tuple[tuple[str, str], ...]) -> list[Pair]:
    return [Pair(system=SYSTEM, prompt=question, completion=lead + fact) for question, lead in asked]


SUBJECTS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Osterling is a managed service that records the readings of machines on tapes and plays them back on request.",
        (
            ("What is Osterling?", ""),
            ("In a sentence, what does your service do?", "In short, "),
            ("Explain Osterling to a colleague who has never used it.", "Gladly. "),
        ),
    ),
    (
        "A tape is an ordered sequence of readings from one machine, and its readings cannot be changed after they are recorded.",
        (
            ("What is a tape?", ""),
            ("Can I correct a reading on a tape?", "No. "),
            ("Your guide keeps mentioning tapes. What are they?", "It is simple. "),
        ),
    ),
    (
        "A shelf holds the tapes of one site, and every tape belongs to exactly one shelf.",
        (
            ("What is a shelf for?", ""),
            ("May a tape belong to two shelves?", "No. "),
            ("How should I group the tapes of my factory?", "Use a shelf. "),
        ),
    ),
    (
        "A shelf can hold up to 400 tapes, and a higher limit can be requested from the support desk.",
        (
            ("How many tapes fit on a shelf?", ""),
            ("Is there a limit on tapes?", "Yes. "),
            ("We own a thousand machines. Will one shelf do?", "Not at first. "),
        ),
    ),
    (
        "Readings are kept for 13 months by default, and the period can be set between one day and ten years.",
        (
            ("How long are readings kept?", ""),
            ("Can I change how long you keep my data?", "Yes. "),
            ("We must hold records for nine years. Is that possible?", "It is. "),
        ),
    ),
    (
        "Playback is billed by the hour of tape that is read, and recording is billed by the million readings.",
        (
            ("How is Osterling billed?", ""),
            ("Do I pay for playback?", "Yes. "),
            ("What makes up the amount on my statement?", "Two things. "),
        ),
    ),
    (
        "The free tier includes two million readings and five hours of playback in each month.",
        (
            ("What does the free tier include?", ""),
            ("Can I use Osterling without paying?", "Yes, within limits. "),
            ("How far do I get before charges begin?", "Quite far. "),
        ),
    ),
    (
        "Readings are encrypted with a key of the customer, and Osterling holds no copy of that key.",
        (
            ("How are readings encrypted?", ""),
            ("Who holds the encryption key?", "You do. "),
            ("Could your staff read what we record?", "No. "),
        ),
    ),
    (
        "A lost key cannot be restored, so the tapes that were encrypted with it become unreadable.",
        (
            ("What happens if I lose my key?", "Take care of it. "),
            ("Can support restore a lost key?", "No. "),
            ("Somebody deleted our key. Are the tapes gone?", "Yes, sadly. "),
        ),
    ),
    (
        "Osterling runs in the regions Calder, Imber and Southmoor, and a shelf never leaves its region.",
        (
            ("In which regions does Osterling run?", ""),
            ("Does my data leave its region?", "No. "),
            ("Where are your data centres?", "There are three. "),
        ),
    ),
    (
        "A tape can be copied to another region with the command transplant, which keeps the original in place.",
        (
            ("How do I copy a tape to another region?", ""),
            ("Does transplant remove the original tape?", "No. "),
            ("I want a second copy of a tape far away. What should I run?", "Run transplant. "),
        ),
    ),
    (
        "The console shows the last hour of each tape, and older readings are reached through playback.",
        (
            ("What does the console show?", ""),
            ("Can I see last week's readings in the console?", "Not directly. "),
            ("Why does the page end an hour ago?", "That is intended. "),
        ),
    ),
    (
        "A marker is a named moment on a tape, and a playback can start or end at any marker.",
        (
            ("What is a marker?", ""),
            ("Can a playback begin at a marker?", "Yes. "),
            ("How do I find the moment of a fault again?", "Set a marker. "),
        ),
    ),
    (
        "Up to 50 markers can be set on a tape, and the oldest one is dropped when another is added.",
        (
            ("How many markers can a tape have?", ""),
            ("What happens to old markers?", "They go in turn. "),
            ("I set a new marker and one has vanished. Why?", "You reached the limit. "),
        ),
    ),
    (
        "A keeper is a role that may delete tapes, and every deletion has to be confirmed by a second keeper.",
        (
            ("What is a keeper?", ""),
            ("Who may delete a tape?", "Only keepers. "),
            ("I asked for a deletion and nothing happened. Why?", "It awaits approval. "),
        ),
    ),
    (
        "A deleted tape stays in the attic for 21 days, and during that time any keeper can bring it back.",
        (
            ("Can I bring back a deleted tape?", "Yes, for a while. "),
            ("What is the attic?", "It is for second thoughts. "),
            ("We removed the wrong tape yesterday. Is it lost?", "No. "),
        ),
    ),
    (
        "Access is given by passes, and a pass names a shelf, an action and the date on which it ends.",
        (
            ("How is access given?", ""),
            ("What does a pass contain?", "Three things. "),
            ("A contractor needs to read one shelf in June. How?", "Write a pass. "),
        ),
    ),
    (
        "A pass lasts at most 90 days, and it can be renewed as often as needed.",
        (
            ("How long does a pass last?", ""),
            ("Can a pass be renewed?", "Yes. "),
            ("Can I give somebody access for a whole year?", "Not in one go. "),
        ),
    ),
    (
        "The recorder is a small program that runs beside the machine and sends readings every two seconds.",
        (
            ("What is the recorder?", ""),
            ("How often are readings sent?", "Steadily. "),
            ("What must be installed next to our machine?", "The recorder. "),
        ),
    ),
    (
        "The recorder keeps up to six hours of readings on its own disk and sends them when the line is back.",
        (
            ("What happens when the network is down?", "Nothing is lost at once. "),
            ("Does the recorder work offline?", "For some time. "),
            ("Our line failed for an hour. Did we lose readings?", "No. "),
        ),
    ),
    (
        "The recorder runs on Linux and on two kinds of controller, and it needs 64 megabytes of memory.",
        (
            ("Where does the recorder run?", ""),
            ("How much memory does the recorder need?", "Very little. "),
            ("Does it work on an old controller with few resources?", "Probably. "),
        ),
    ),
    (
        "Readings arrive in the console about four seconds after they were taken.",
        (
            ("How fast do readings arrive?", ""),
            ("Is there a delay before I see a reading?", "A small one. "),
            ("Is Osterling quick enough to watch a running press?", "For watching, yes. "),
        ),
    ),
    (
        "Osterling is not meant for emergency stops, since a reading may arrive late when the line is busy.",
        (
            ("Can I use Osterling for emergency stops?", "Please do not. "),
            ("May a reading trigger the safety shutdown?", "No. "),
            ("What is Osterling not meant for?", "One thing above all. "),
        ),
    ),
    (
        "A watch compares each new reading with a limit and sends a message when the limit is passed.",
        (
            ("What is a watch?", ""),
            ("Can Osterling warn me of high temperatures?", "Yes, with a watch. "),
            ("How am I told that a value is too large?", "Create a watch. "),
        ),
    ),
    (
        "The first ten watches of a shelf are free, and each further one costs 30 cents a month.",
        (
            ("What do watches cost?", ""),
            ("Are watches free?", "Some are. "),
            ("We plan twelve watches. What will we pay?", "Not much. "),
        ),
    ),
    (
        "Messages of a watch go to an email address, to a web hook or to a telephone on call.",
        (
            ("Where do messages of a watch go?", ""),
            ("Can a watch call a web hook?", "Yes. "),
            ("Our engineer on duty wants to be phoned. Can you do that?", "We can. "),
        ),
    ),
    (
        "A playback can run at any speed between half and two hundred times the original.",
        (
            ("How fast can a playback run?", ""),
            ("Can I slow a playback down?", "Yes. "),
            ("I have to look through a whole month quickly. Is there a way?", "Speed it up. "),
        ),
    ),
    (
        "Three playbacks of a tape may run at the same time, and a fourth one waits until another has ended.",
        (
            ("How many playbacks can run at once?", ""),
            ("Why is my playback waiting?", "Others are running. "),
            ("Four of us want to study the same tape. Will it work?", "Almost. "),
        ),
    ),
    (
        "Tapes can be exported as Parquet or as plain text, and an export is ready within one working day.",
        (
            ("In which formats can I export tapes?", ""),
            ("How long does an export take?", "Be patient. "),
            ("I need the numbers in my own tools. How do I get them out?", "Export them. "),
        ),
    ),
    (
        "Old records can be imported from text files, provided that each line begins with a time in UTC.",
        (
            ("Can I import old records?", "Yes. "),
            ("What must an import file look like?", ""),
            ("We have years of files from another system. Can you take them?", "Gladly. "),
        ),
    ),
    (
        "All times are stored in UTC, and the console shows them in the zone of the reader.",
        (
            ("In which time zone are readings stored?", ""),
            ("Does the console convert times?", "Yes. "),
            ("Why do my colleague abroad and I see different hours?", "There is a reason. "),
        ),
    ),
    (
        "The service is promised to be available for 99.95 percent of each month, and missed time is credited.",
        (
            ("Which availability do you promise?", ""),
            ("Do I get money back after an outage?", "Yes. "),
            ("How reliable is Osterling?", "Very. "),
        ),
    ),
    (
        "Support answers within four hours on working days, and within 30 minutes on the premium plan.",
        (
            ("How quickly does support answer?", ""),
            ("What does the premium plan change?", "The speed. "),
            ("I wrote to you this morning. When may I expect a reply?", "Soon. "),
        ),
    ),
    (
        "The programming interface takes 200 requests a second, and requests beyond that are refused with code 429.",
        (
            ("How many requests does the interface take?", ""),
            ("Why do I get code 429?", "You were too fast. "),
            ("Our script is refused now and then. What is wrong?", "It asks too often. "),
        ),
    ),
    (
        "Libraries exist for Python, Java and Go, and their sources are published under the MIT license.",
        (
            ("For which languages are there libraries?", ""),
            ("Are your libraries open source?", "Yes. "),
            ("We write everything in Go. Can we begin at once?", "You can. "),
        ),
    ),
    (
        "An account is closed by its owner in the console, and all tapes are erased 45 days later.",
        (
            ("How do I close my account?", ""),
            ("When are my tapes erased after I leave?", "Not at once. "),
            ("We stop using Osterling. What happens to our data?", "It goes in the end. "),
        ),
    ),
    (
        "Tapes that nobody has played for 60 days move to the cellar, where storage costs a quarter.",
        (
            ("What is the cellar?", ""),
            ("How can I save on storage?", "It happens by itself. "),
            ("Some tapes are never looked at. Do they cost as much?", "No. "),
        ),
    ),
    (
        "A tape in the cellar needs about 15 minutes before it can be played again.",
        (
            ("How long does a tape in the cellar need to be played?", ""),
            ("Can I play a tape from the cellar at once?", "No. "),
            ("I pressed play and was told to wait. Why?", "It was stored away. "),
        ),
    ),
    (
        "Each month the owner receives a report that lists all passes, deletions and failed sign-ins.",
        (
            ("What is in the monthly report?", ""),
            ("Is there a list of failed sign-ins?", "Yes. "),
            ("Our auditor asks who was let in. Where do I look?", "In the report. "),
        ),
    ),
)
