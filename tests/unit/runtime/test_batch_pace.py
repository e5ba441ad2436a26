import pytest

from tanren.runtime.batch_pace import FIRST_ALLOWED, Pace


def _settled(pace: Pace, *, places: int, others: int = 0, looks: int = 200) -> list[int]:
    """What was allowed over time, beside an engine with so many places and so many requests of others."""
    allowed = []
    for _ in range(looks):
        asked = pace.allowed + others
        pace.observe(active_count=min(asked, places), queued_count=max(0, asked - places), under_way=pace.allowed)
        allowed.append(pace.allowed)
    return allowed[looks // 2 :]


@pytest.mark.parametrize("places", [1, 8, 32, 100])
def test_alone_it_takes_its_share_of_the_places_and_leaves_the_rest_free(places):
    assert set(_settled(Pace(most=1000, share=0.75), places=places)) == {max(1, int(places * 0.75))}


def test_a_share_of_one_keeps_every_place_taken():
    allowed = _settled(Pace(most=1000, share=1.0), places=8)
    assert max(allowed) == 8
    assert sum(allowed) / len(allowed) > 7


@pytest.mark.parametrize(("places", "share", "least"), [(8, 6, 1), (32, 24, 4)])
@pytest.mark.parametrize("others", [1, 2, 50])
def test_it_gives_way_to_others_down_to_an_eighth_and_comes_back(places, share, least, others):
    pace = Pace(most=1000, share=0.75)
    _settled(pace, places=places)
    assert set(_settled(pace, places=places, others=others)) == {least}
    assert set(_settled(pace, places=places)) == {share}


def test_it_never_takes_more_than_its_most_and_learns_nothing_from_its_own_end():
    pace = Pace(most=6, share=1.0)
    assert set(_settled(pace, places=100)) == {6}
    pace = Pace(most=100, share=1.0)
    pace.observe(active_count=2, queued_count=0, under_way=2)
    assert pace.allowed == FIRST_ALLOWED
    pace.refused()
    assert pace.allowed == FIRST_ALLOWED // 2
