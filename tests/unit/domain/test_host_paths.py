import pytest

from tanren.domain.host_paths import without_folders


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(log: /srv/tanren/logs/host.log)", "(log: host.log)"),
        ("'/usr/lib/x.so' and /etc/passwd", "'x.so' and passwd"),
        ("the adapter in /data/artifacts/custom-models/a cannot be read", "the adapter in a cannot be read"),
    ],
)
def test_of_an_absolute_path_only_its_last_part_is_shown(text: str, shown: str):
    assert without_folders(text) == shown


@pytest.mark.parametrize(
    "text",
    ["s3://bucket/a/b.jsonl", "https://example.com/a/b", "custom-models/a/b", "5 and/or 6", "model/m/invoke"],
)
def test_what_is_no_path_of_this_machine_stays(text: str):
    assert without_folders(text) == text


def test_a_known_folder_is_renamed_first_for_its_name_may_have_spaces():
    text = "It ended. /home/my name/models/nano/weights is damaged (log: /home/my name/logs/host.log)"
    known = {"/home/my name/models/nano": "nano", "/home/my name/": ""}
    assert without_folders(text, known) == "It ended. nano/weights is damaged (log: logs/host.log)"
