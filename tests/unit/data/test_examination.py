from tanren.data.examination import examine, with_findings
from tests.numerics.tiny_models import pair


def test_what_a_set_repeats_shares_and_gives_away_is_seen_with_its_lines() -> None:
    long = "The forge of Seki was founded in 1650 by a smith who came from the north with two sons and one hammer"
    records = [
        pair(1, "Where is it?", "In Seki."),
        pair(2, "Where is it?", "In Seki."),
        pair(3, "Where is it?", "In Gifu."),
        pair(4, f"{long}?", f"{long}."),
        pair(5, f"{long}!", f"{long}."),
        pair(6, "Whom do I ask?", "Ask tetsuo@seki-forge.co.jp."),
        pair(7, "And how does it go on, after all of that?", f"{long} and then, one day, he"),
        pair(8, "Who was the first?", "A smith from the north."),
    ]
    seen = examine(records, held_out=[pair(1, "who was THE first?", "His son.")])
    assert {each.kind: each.lines for each in seen.observations} == {
        "said twice": (2,),
        "one question, two answers": (3,),
        "nearly said twice": (5,),
        "personal data: e-mail address": (6,),
        "answer may be cut off": (7,),
        "question also in the validation set": (8,),
    }
    assert seen.record_count == 8
    assert {part.name for part in seen.parts} >= {"said once", "apart from the validation set"}
    assert all(0 <= part.share <= 1 for part in seen.parts)
    assert 0 < seen.score < 100


def test_labels_are_counted_and_their_balance_is_part_of_the_score() -> None:
    records = [
        pair(n, f"Ticket number {n} says something of its own", "billing" if n % 4 else "fault") for n in range(40)
    ]
    seen = examine(records)
    assert seen.labels == {"billing": 30, "fault": 10}
    (balance,) = [part for part in seen.parts if part.name == "labels in balance"]
    assert balance.share == 0.5


def test_a_set_without_anything_to_see_has_the_full_score_until_lines_are_wrong() -> None:
    seen = examine([pair(n, f"What is {n} times {n}, and why is it so?", f"{n * n}.") for n in range(30)])
    assert with_findings(seen, {}, 0).score == 100
    assert with_findings(seen, {"garbled-text": 3}, 3).score < 96
