from tanren.data.splitting import is_held_out, overlap
from tests.numerics.tiny_models import pair, pairs


def test_hold_out_goes_by_content_and_seed_only() -> None:
    records = pairs(400)
    held = {record.digest() for record in records if is_held_out(record, percentage=20, seed=1)}
    assert 50 < len(held) < 110
    moved = [pair(1, record.content.messages[0].text, record.content.messages[1].text) for record in records]
    assert {record.digest() for record in moved if is_held_out(record, percentage=20, seed=1)} == held
    assert {record.digest() for record in records if is_held_out(record, percentage=20, seed=2)} != held


def test_rows_in_both_sets_are_found_with_their_places() -> None:
    training = pairs(5)
    validation = [pair(1, "new", "row", file="v.jsonl"), pair(2, "what is 3?", "hellllllo 3", file="v.jsonl")]
    ((place, trained),) = overlap(training, validation)
    assert (str(place), str(trained)) == ("v.jsonl:2", "train.jsonl:4")
