import pytest

from tanren.control.price_book import read_price_book
from tanren.domain.errors import ServiceUnavailable


def test_a_price_book_names_a_currency_and_prices_by_model(tmp_path):
    file = tmp_path / "prices.toml"
    file.write_text('currency = "JPY"\n[training-per-1000-tokens]\n"amazon.titan-text-lite-v1" = 0.06\n')
    book = read_price_book(file)
    assert book is not None
    assert (book.currency, book.per_thousand_tokens) == ("JPY", {"amazon.titan-text-lite-v1": 0.06})
    assert book.per_unit_hour == {}


def test_prices_of_throughput_are_by_the_hour_of_a_model_unit(tmp_path):
    file = tmp_path / "prices.toml"
    file.write_text('currency = "USD"\n[provisioned-per-unit-hour]\n"amazon.titan-text-lite-v1" = 7.1\n')
    book = read_price_book(file)
    assert book is not None
    assert (book.per_thousand_tokens, book.per_unit_hour) == ({}, {"amazon.titan-text-lite-v1": 7.1})


def test_without_a_file_there_are_no_prices(tmp_path):
    assert read_price_book(tmp_path / "prices.toml") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("currency =", "cannot be read"),
        ('currency = "USD"\nprices = 1', "has 'prices'"),
        ("[training-per-1000-tokens]", "names no currency"),
        ('currency = "USD"\ntraining-per-1000-tokens = 3', "must be a table"),
        ('currency = "USD"\n[provisioned-per-unit-hour]\nx = -1', "'x' is -1"),
        ('currency = "USD"\n[training-per-1000-tokens]\nx = "3"', "'x' is '3'"),
        ('currency = "USD"\n[training-per-1000-tokens]\nx = -1', "'x' is -1"),
        ('currency = "USD"\n[training-per-1000-tokens]\nx = inf', "'x' is inf"),
        ('currency = "USD"\n[training-per-1000-tokens]\nx = true', "'x' is True"),
    ],
)
def test_a_price_book_that_is_wrong_is_refused_with_file_and_entry(tmp_path, text, words):
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(ServiceUnavailable, match=words) as raised:
        read_price_book(file)
    assert str(file) in str(raised.value)
