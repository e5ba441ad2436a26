from tanren.data.splitting import is_held_out
from tests.numerics.tiny_models import pair, pairs


def test_hold_out_goes_by_content_and_seed_only() -> None:
    records = pairs(400)
    held = {record.digest() for record in records if is_held_out(record, percentage=20, seed=1)}
    assert 50 < len(held) < 110
    moved = [pair(1, record.content.messages[0].text, record.content.messages[1].text) for record in records]
    assert {record.digest() for record in moved if is_held_out(record, percentage=20, seed=1)} == held
    assert {record.digest() for record in records if is_held_out(record, percentage=20, seed=2)} != held
