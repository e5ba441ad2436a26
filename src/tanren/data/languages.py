"""The language of a text, by its script where that decides, else by py3langid."""

import re
from typing import Final

_SAMPLE: Final = 600
_LEAST_LETTERS: Final = 12
_KANA: Final = re.compile("[\u3040-\u30ff]")
_HAN: Final = re.compile("[\u4e00-\u9fff]")
_HANGUL: Final = re.compile("[\uac00-\ud7af]")
_LETTER: Final = re.compile(r"[^\W\d_]")
UNKNOWN: Final = "unknown"


def language_of(text: str) -> str:
    """An ISO 639-1 code; "unknown" of a text too short to tell.

    Why   a Japanese text may hold much English, and the classifier then says English: kana are in no other language.
    """
    sample = text[:_SAMPLE]
    letters = len(_LETTER.findall(sample))
    kana = len(_KANA.findall(sample))
    if kana and kana * 20 >= letters:
        return "ja"
    if len(_HANGUL.findall(sample)) * 3 > letters:
        return "ko"
    if len(_HAN.findall(sample)) * 2 > letters:
        return "zh" if letters >= _LEAST_LETTERS else UNKNOWN
    if letters < _LEAST_LETTERS:
        return UNKNOWN
    # Imported where it is needed: its model takes 100 ms to load.
    import py3langid

    return str(py3langid.classify(sample)[0])
