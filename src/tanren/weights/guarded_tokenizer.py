"""A tokenizer in which a text that spells a control token ("<|end|>" typed by a user) stays text.

How     `hidden` puts a placeholder of private-use characters where a text spells a special token, before a template
        runs over it; `encode` then cuts what the template wrote at the special tokens that are its own, and the pieces
        between, with their placeholders undone, are tokenised with special tokens switched off. A text without
        placeholders takes the plain road.
Cost    one tokenisation; two tokenizers in memory once a text has spelt a special token.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from tanren.domain.errors import ValidationFailed

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_MARK = "\U000f0a11"
"""A private-use character; a placeholder is a number between two of them. Where a text holds it, it is hidden too."""


class GuardedTokenizer:
    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        backend = cast(Any, tokenizer).backend_tokenizer
        self._parsing = type(backend).from_str(backend.to_str())
        self._parsing.no_truncation()
        self._parsing.no_padding()
        self._parsing.encode_special_tokens = False
        added = cast(dict[int, Any], cast(Any, tokenizer).added_tokens_decoder)
        self._special_ids: dict[str, int] = {token.content: id for id, token in added.items() if token.special}
        self.control_ids = frozenset(self._special_ids.values())
        self._added_ids: dict[str, int] = {token.content: id for id, token in added.items()}
        self._added = re.compile("|".join(map(re.escape, sorted(self._added_ids, key=len, reverse=True))) or r"(?!)")
        # The longest first, so that one special token that begins another does not win.
        ordered = sorted(
            (token for token in added.values() if token.special), key=lambda token: len(token.content), reverse=True
        )
        self._spelling = re.compile("|".join([_MARK, *(re.escape(token.content) for token in ordered)]))
        self.control_spelling = re.compile(
            "|".join(
                (r"\s*" if token.lstrip else "") + f"({re.escape(token.content)})" + (r"\s*" if token.rstrip else "")
                for token in ordered
            )
            or r"(?!)"
        )
        """A control token in text that a template wrote, with the space that belongs to it."""

    def control_id(self, match: re.Match[str]) -> int:
        """Of a match of `control_spelling`."""
        return self._special_ids[cast(str, match[match.lastindex or 0])]

    def hidden(self, value: Any, literals: list[str]) -> Any:
        """The same texts, mappings and lists, with every special token that a text spells behind a placeholder.

        What the placeholders stand for is added to `literals`, in order.
        """

        def placeholder(match: re.Match[str]) -> str:
            literals.append(match.group())
            return f"{_MARK}{len(literals) - 1}{_MARK}"

        if isinstance(value, str):
            return self._spelling.sub(placeholder, value)
        if isinstance(value, Mapping):
            members = cast("Mapping[Any, Any]", value)
            return {self.hidden(key, literals): self.hidden(each, literals) for key, each in members.items()}
        if isinstance(value, list | tuple):
            return [self.hidden(each, literals) for each in cast("list[Any]", value)]
        return value

    def encode(self, text: str) -> list[int]:
        """Of a text whose special tokens are meant."""
        # Without the characters' places, which nobody asks for and which cost a quarter more.
        return self._parsing.encode_batch_fast([text], add_special_tokens=False)[0].ids

    def encode_prompt(self, text: str) -> list[int]:
        """Of a model's whole input, written by its caller: with the tokens that the tokenizer begins a text with (a
        beginning of sequence), unless the text begins with them itself.

        Raises   ValidationFailed where nothing is left of it.
        """
        ids = self.encode(text)
        whole = self._parsing.encode_batch_fast([text], add_special_tokens=True)[0].ids
        begin = whole[: len(whole) - len(ids)] if ids and whole[-len(ids) :] == ids else []
        ids = ids if ids[: len(begin)] == begin else begin + ids
        if not ids:
            raise ValidationFailed("The prompt makes no token of this model's.")
        return ids

    def encode_literally(self, text: str) -> list[int]:
        """Of a text in which nothing is a special token, whatever it spells."""
        return self._literal.encode_batch_fast([text], add_special_tokens=False)[0].ids if text else []

    @staticmethod
    def has_placeholder(text: str) -> bool:
        return _MARK in text

    def encode_cut(self, text: str, literals: list[str]) -> list[int]:
        """Of a text with placeholders: cut at the special tokens in it, the pieces between literally."""
        ids: list[int] = []
        position = 0
        for match in self.control_spelling.finditer(text):
            ids += self._encode_restored(text[position : match.start()], literals)
            ids.append(self.control_id(match))
            position = match.end()
        return ids + self._encode_restored(text[position:], literals)

    def special_pieces(self, text: str) -> list[str | int]:
        """The text cut at the added tokens that it spells: pieces of plain text, and ids.

        Why      an added token need not be a control token (Qwen's <tool_call> is shown in an answer), yet it is one
                 token to the model, and so to a grammar.
        """
        pieces: list[str | int] = []
        position = 0
        for match in self._added.finditer(text):
            pieces += [text[position : match.start()], self._added_ids[match[0]]]
            position = match.end()
        pieces.append(text[position:])
        return [piece for piece in pieces if piece != ""]

    def decode(self, ids: list[int], *, skip_special_tokens: bool = False) -> str:
        return self._parsing.decode(ids, skip_special_tokens=skip_special_tokens)

    def to_json(self) -> str:
        """The tokenizer as `tokenizers` writes it; a string of megabytes."""
        return self._parsing.to_str()

    def _encode_restored(self, text: str, literals: list[str]) -> list[int]:
        return self.encode_literally(re.sub(f"{_MARK}(\\d+){_MARK}", lambda match: literals[int(match[1])], text))

    @cached_property
    def _literal(self) -> Any:
        """The tokenizer with special tokens off. Made when first needed: a large vocabulary takes a second."""
        literal = type(self._parsing).from_str(self._parsing.to_str())
        literal.encode_special_tokens = True
        return literal
