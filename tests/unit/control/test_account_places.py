import pytest

from tanren.control.account_places import AccountPlaces
from tanren.domain.errors import Throttled


def test_an_account_takes_its_own_places_and_no_other_accounts():
    places = AccountPlaces(2, of="dry runs")
    with places.place("1"), places.place("1"):
        with pytest.raises(Throttled, match="2 dry runs of account 1 are under way"), places.place("1"):
            pass
        with places.place("2"):
            pass
    with places.place("1"):
        pass


def test_a_place_is_given_back_also_after_an_error():
    places = AccountPlaces(1, of="dry runs")
    for _ in range(2):
        with pytest.raises(KeyError), places.place("1"):
            raise KeyError
