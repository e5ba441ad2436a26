"""A text's words, for metrics that compare words: Japanese and Chinese are written without spaces between them.

Source   the tokenisers of sacreBLEU: `ja-mecab` (MeCab with IPADIC), `zh`, and `13a` (mteval-v13a, WMT's) for the rest.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from tanren.data.languages import language_of

Tokenize = Callable[[str], str]
"""A text, with one space between its tokens."""

JAPANESE: Final = "ja-mecab"
CHINESE: Final = "zh"
WESTERN: Final = "13a"
_KANA_OR_HAN: Final = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
_LATIN: Final = re.compile("[A-Za-z]+")
_LATIN_WORD: Final = 3
_WORD: Final = re.compile(r"\w+")


def tokenizer_name(text: str, *, of_set: str = WESTERN) -> str:
    """Which tokeniser a text wants.

    `of_set` decides for a text with Japanese or Chinese signs that is too short to tell, such as 東京, or mostly in
    Latin letters, such as RAG を使う: English words are cut alike either way.
    """
    match language_of(text):
        case "ja":
            return JAPANESE
        case "zh":
            return of_set if of_set == JAPANESE else CHINESE
        case _ if signs := len(_KANA_OR_HAN.findall(text)):
            if of_set in (JAPANESE, CHINESE):
                return of_set
            letters = _LATIN.findall(text)
            # 株式会社ABC by itself is Japanese; an English sentence that quotes 東京 is not.
            return JAPANESE if signs >= len("".join(letters)) or max(map(len, letters)) < _LATIN_WORD else WESTERN
        case _:
            return WESTERN


def tokenizer_names(texts: Sequence[str]) -> list[str]:
    """For each text; those too short to tell go with most of the others."""
    first = [tokenizer_name(text) for text in texts]
    commonest = Counter(name for name in first if name != WESTERN).most_common(1)
    return [tokenizer_name(text, of_set=commonest[0][0]) for text in texts] if commonest else first


@cache
def tokenizer(name: str) -> Tokenize:
    # Imported where they are needed: MeCab's dictionary is mapped in at the first call.
    if name == JAPANESE:
        from sacrebleu.tokenizers.tokenizer_ja_mecab import TokenizerJaMecab

        return TokenizerJaMecab()
    if name == CHINESE:
        from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

        return TokenizerZh()
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

    return Tokenizer13a()


def words(text: str, name: str) -> list[str]:
    """Words without punctuation, folded in case and width: ＡＷＳ is aws."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    pieces: Any = tokenizer(name)(folded).split() if name != WESTERN else folded.split()
    return [word for piece in pieces for word in _WORD.findall(piece)]
