import pytest

from tanren.model_files.licences import licence_of_card, licence_of_folder


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: apache-2.0\n---\ntext", "apache-2.0"),
        ("---\r\nlanguage: en\r\nlicense: 'mit'\r\n---\r\n", "mit"),
        ("---\nlicense: other\nlicense_name: my-own\nlicense_link: LICENSE\n---\n", "my-own (LICENSE)"),
        ("---\nlicense: other\n---\n", "other"),
        ("# no front matter\nlicense: mit\n", "not stated"),
        ("", "not stated"),
    ],
)
def test_a_licence_is_what_the_card_states(card, licence):
    assert licence_of_card(card) == licence


def test_without_a_card_a_licence_file_is_named(tmp_path):
    assert licence_of_folder(tmp_path) == "not stated"
    (tmp_path / "LICENSE.txt").write_text("terms")
    assert licence_of_folder(tmp_path) == "see LICENSE.txt"
