"""Two languages with the same messages: by the locale, with every text in both, and nothing left over."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tanren.cli import language
from tanren.cli.commands import COMMANDS, EXAMPLES
from tanren.cli.exit_codes import MEANINGS
from tanren.cli.help_texts import messages_of
from tanren.cli.language import CATALOGUE, say, translated
from tanren.settings import read_language
from tests.unit.cli.unprepared import commands_as_written

CLI = CATALOGUE.parent
PLACES = re.compile(r"\{(\w+)\}")


def said() -> set[str]:
    """Every text that a module gives to `say`, as it stands in the source."""
    found: set[str] = set()
    for path in CLI.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                text = node.args[0]
                if isinstance(text, ast.Constant):
                    found.add(text.value)
                else:
                    assert isinstance(text, ast.Name), f"{path}:{node.lineno}: say takes a text that can be found"
    return found


def every_message() -> set[str]:
    helps = {message for command in commands_as_written().values() for message in messages_of(command)}
    table = {noun.help for noun in COMMANDS.values()} | {noun.group for noun in COMMANDS.values() if noun.group}
    return said() | helps | table | {purpose for _, purpose in EXAMPLES} | set(MEANINGS.values())


def catalogue() -> dict[str, str]:
    tables = tomllib.loads(CATALOGUE.read_text("utf-8"))
    return {english: japanese for table in tables.values() for english, japanese in table.items()}


def test_every_message_and_every_help_text_has_its_japanese():
    assert sorted(every_message() - catalogue().keys()) == []


def test_the_catalogue_has_nothing_that_nobody_says():
    assert sorted(catalogue().keys() - every_message()) == []


@pytest.mark.parametrize(("english", "japanese"), catalogue().items())
def test_a_translation_is_filled_in_at_the_same_places(english: str, japanese: str):
    assert sorted(set(PLACES.findall(english))) == sorted(set(PLACES.findall(japanese)))
    assert japanese.strip()


def test_no_english_text_stands_twice_in_the_catalogue():
    tables = tomllib.loads(CATALOGUE.read_text("utf-8"))
    texts = [english for table in tables.values() for english in table]
    assert sorted(text for text in set(texts) if texts.count(text) > 1) == []


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ja_JP.UTF-8"}, "ja"),
        ({"LC_ALL": "", "LANG": "ja_JP.eucJP"}, "ja"),
        ({"LANG": "jam_JM"}, "en"),
    ],
)
def test_the_locale_says_the_language(environ: dict[str, str], expected: str):
    assert read_language(environ) == expected


def test_a_japanese_locale_speaks_japanese(monkeypatch: pytest.MonkeyPatch, tanren):
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert say("{name} is deleted.", name="{x}") == "{x} を削除しました。"
    assert translated("Exit code 0: none. 1: some.\n\nNot of ours.") == "終了コード 0: なし。1: あり。\n\nNot of ours."
    told = tanren("job", "create", "--help").stdout
    assert "カスタマイズジョブを作り、その ARN を出力します。" in told
    assert "tanren job create --job-name first-job" in told
    assert "例:" in told


def test_what_scripts_read_is_the_same_in_every_language(monkeypatch: pytest.MonkeyPatch, tanren, at_tanren):
    at_tanren.answers["GetCustomModelDeployment"] = {"modelDeploymentName": "x", "status": "Active"}
    english = tanren("deployment", "get", "x", "-o", "json").stdout
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert tanren("deployment", "get", "x", "-o", "json").stdout == english


def test_the_catalogue_is_read_only_where_it_is_needed(monkeypatch: pytest.MonkeyPatch):
    language._japanese.cache_clear()
    monkeypatch.setattr(language, "CATALOGUE", Path("/nowhere"))
    assert say("nothing of the sort") == "nothing of the sort"
