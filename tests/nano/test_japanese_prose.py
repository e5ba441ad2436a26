import json
from pathlib import Path

from nano.corpus.japanese_prose import plain_text, read_japanese, reads_like_japanese
from tests.nano.archives import write_archive

CATALOGUE = """
msgid "The kettle was not found."
msgstr "やかんが見つかりませんでした。"

#, fuzzy
msgid "The cup was not found."
msgstr "古い訳がここに残っています。"

#, python-format
msgid ""
"The kettle %(name)s "
"is in use."
msgstr ""
"やかん %(name)s は"
"使用中です。もうしばらくお待ちください。"
"""


def test_a_catalogue_gives_sentences_and_translations_but_nothing_fuzzy(tmp_path: Path):
    package = write_archive(tmp_path, {"kettle/locale/ja/LC_MESSAGES/kettle.po": CATALOGUE}, "ja")
    passages, translations = read_japanese(package, tmp_path)
    expected = ["やかんが見つかりませんでした。", "やかん X は使用中です。もうしばらくお待ちください。"]
    assert [sentence for passage in passages for sentence in passage.paragraphs] == expected
    assert [pair.english for pair in translations] == ["The kettle was not found.", "The kettle X is in use."]


def test_parallel_files_are_joined_by_their_keys(tmp_path: Path):
    english, japanese = {"a": {"b": "Please wait a little."}}, {"a": {"b": "お湯が沸くまで、少々お待ちください。"}}
    files = {"locales/en-US.json": json.dumps(english), "locales/ja.json": json.dumps(japanese)}
    _, (pair,) = read_japanese(write_archive(tmp_path, files, "ja"), tmp_path)
    assert (pair.english, pair.japanese) == ("Please wait a little.", "お湯が沸くまで、少々お待ちください。")


def test_labels_and_foreign_text_are_not_japanese_prose():
    assert not reads_like_japanese("設定")
    assert not reads_like_japanese("Kettle.boil(temperature=100) を呼び出す")
    assert reads_like_japanese("お湯が沸くまで、少々お待ちください。")


def test_placeholders_are_named_alike_and_too_many_are_refused():
    assert plain_text("{user} と {item} と {user}") == "X と Y と X"
    assert plain_text("{a} {b} {c} {d}") == ""
