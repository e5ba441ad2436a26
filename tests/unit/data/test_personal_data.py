import pytest

from tanren.data.personal_data import masked, sightings


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to tetsuo.aoki@seki-forge.co.jp.", "e-mail address"),
        ("Call 03-3224-9999 in the morning.", "telephone number"),
        ("Call +81 90 1790 1357.", "telephone number"),
        ("Card 4111 1111 1111 1111, please.", "card number"),
        ("個人番号は 1234 5678 9018 です。", "My Number"),
        ("export AWS_ACCESS_KEY_ID=" + "AKIA" + "IOSFODNN7EXAMPLE", "AWS access key"),
        ("-----BEGIN RSA " + "PRIVATE KEY-----", "private key"),
        ("token ghp_" + "a1B2" * 9, "API token"),
        ("パスワード：kajiya-1650", "password"),
        ("from 203.0.114.7 at night", "IP address"),
    ],
)
def test_what_has_a_form_is_seen_and_shown_masked(text: str, kind: str) -> None:
    seen = [sighting for sighting in sightings(text) if sighting.kind == kind]
    assert len(seen) == 1
    assert "*" in seen[0].masked
    assert seen[0].masked not in text


@pytest.mark.parametrize(
    "text",
    [
        "Card 4111 1111 1111 1112.",  # wrong check digit
        "番号は 1234 5678 9012 です。",  # the same
        "Version 10.0.0.1 runs on 127.0.0.1.",
        "In 1650, 12,000 blades were made; 2024-07-31 was a Wednesday.",
        "Write to somebody@example.com.",
        "刃渡りは 210 mm、重さは 180 g です。",
    ],
)
def test_what_only_looks_alike_is_not(text: str) -> None:
    assert list(sightings(text)) == []


def test_masking_puts_the_kind_in_the_place_of_each_value_and_counts_them() -> None:
    text, found = masked("青木恵子、03-3224-9999。Write to tetsuo.aoki@seki-forge.co.jp or call 03-3224-9999.")
    assert text == "青木恵子、[telephone number]。Write to [e-mail address] or call [telephone number]."
    assert found == {"telephone number": 2, "e-mail address": 1}


def test_what_is_masked_has_nothing_left_to_see_and_other_text_stays_as_it_is() -> None:
    text, _ = masked("My Number 1234 5678 9018, card 4111 1111 1111 1111.")
    assert list(sightings(text)) == []
    assert masked("Nothing here.") == ("Nothing here.", {})
