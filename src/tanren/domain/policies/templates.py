"""Text in a policy that may hold wildcards (`*`, `?`) and variables (`${aws:username}`), and what it matches.

How      a template is read once into pieces; a variable's value is put in when a request is decided, and counts as
         text: a user called `*` matches only what is called `*`. `${*}`, `${?}` and `${$}` are these characters
         themselves. A variable that the request has no value for, and no default, matches nothing.
         Between two `*` stands a piece of fixed length, which is looked for from the left: no pattern, however hostile,
         costs more than its length times that of the text.
         ARNs are compared part by part, so that `*` in the place of the region cannot swallow the account; parts that
         are missing at the end are `*`.
Source   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
         https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

ContextValue = str | tuple[str, ...]
"""A tuple for a key that may have several values, such as `aws:TagKeys`."""

Context = Mapping[str, ContextValue]
"""What a request is judged by: condition keys, in lower case, and their values."""

ARN_PARTS = 6

_VARIABLE = re.compile(r"\$\{(\$|[^${}]*)\}")
_NAMED = re.compile(r"\s*(?P<key>[A-Za-z0-9_.:/=+@-]+)\s*(?:,\s*'(?P<default>[^']*)'\s*)?")


class Wildcard(Enum):
    ANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    key: str
    """Lower case."""
    default: str | None = None

    def value_in(self, context: Context) -> str | None:
        """None where the request has none; nor has it one value where it has several."""
        value = context.get(self.key, self.default)
        return value if isinstance(value, str) else None


Piece = str | Wildcard | Variable


class BadTemplate(ValueError):
    """A variable is not well formed; the text says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    text: str
    """As it stands in the policy."""
    pieces: tuple[Piece, ...]

    @property
    def variables(self) -> Iterator[Variable]:
        return (piece for piece in self.pieces if isinstance(piece, Variable))

    def lower(self) -> "Template":
        pieces = tuple(piece.lower() if isinstance(piece, str) else piece for piece in self.pieces)
        return Template(text=self.text, pieces=pieces)

    def rendered(self, context: Context) -> str | None:
        """The text that it stands for where wildcards mean nothing; None if a variable has no value."""
        resolved = _resolved(self.pieces, context)
        if resolved is None:
            return None
        return "".join(piece if isinstance(piece, str) else piece.value for piece in resolved)

    def matches(self, text: str, context: Context) -> bool:
        """Whether all of `text` is covered, with wildcards."""
        resolved = _resolved(self.pieces, context)
        return resolved is not None and _covers(resolved, text)

    def matches_arn(self, arn: str, context: Context) -> bool:
        """As `matches`, part by part. `*` alone matches anything, also what is no ARN."""
        if self.pieces == (Wildcard.ANY,):
            return True
        resolved = _resolved(self.pieces, context)
        if resolved is None:
            return False
        parts = arn.split(":", ARN_PARTS - 1)
        return len(parts) == ARN_PARTS and all(
            _covers(pattern, part) for pattern, part in zip(_arn_parts(self.pieces, resolved), parts, strict=True)
        )

    def covers_arns_below(self, folder: str, context: Context) -> bool:
        """Whether it matches, as `matches_arn`, every ARN that begins with `folder` and goes on."""
        if self.pieces == (Wildcard.ANY,):
            return True
        parts = self._parts_beside(folder, context)
        if parts is None:
            return False
        pattern, beginning = parts
        return pattern[-1:] == (Wildcard.ANY,) and _covers(pattern, beginning)

    def touches_arns_below(self, folder: str, context: Context) -> bool:
        """Whether there could be an ARN that begins with `folder` and that it matches."""
        if self.pieces == (Wildcard.ANY,):
            return True
        parts = self._parts_beside(folder, context)
        return parts is not None and _covers_a_continuation(*parts)

    def _parts_beside(self, folder: str, context: Context) -> tuple[tuple[str | Wildcard, ...], str] | None:
        """The last part of pattern and ARN; None where the parts before already differ."""
        resolved = _resolved(self.pieces, context)
        *before, beginning = folder.split(":", ARN_PARTS - 1)
        if resolved is None or len(before) != ARN_PARTS - 1:
            return None
        *patterns, last = _arn_parts(self.pieces, resolved)
        is_alike = all(_covers(pattern, part) for pattern, part in zip(patterns, before, strict=True))
        return (last, beginning) if is_alike else None


def read_template(text: str, *, with_variables: bool) -> Template:
    """`text` in pieces; without variables, `${` is text, as in documents of Version 2008-10-17.

    Raises   BadTemplate.
    """
    pieces: list[Piece] = []
    end = 0
    for found in _VARIABLE.finditer(text) if with_variables else ():
        pieces += _plain_pieces(text[end : found.start()], with_variables=True)
        pieces.append(_variable(found[1], text))
        end = found.end()
    pieces += _plain_pieces(text[end:], with_variables=with_variables)
    return Template(text=text, pieces=tuple(pieces))


def literal(text: str) -> Template:
    """A template that stands for exactly this text."""
    return Template(text=text, pieces=(text,) if text else ())


def _plain_pieces(text: str, *, with_variables: bool) -> list[Piece]:
    if with_variables and "${" in text:
        raise BadTemplate(f"'{text[text.index('${') :]}' begins a variable that does not end; write ${{key}}")
    return [_WILDCARDS.get(piece, piece) for piece in re.split(r"([*?])", text) if piece]


_WILDCARDS: dict[str, Wildcard] = {wildcard.value: wildcard for wildcard in Wildcard}


def _variable(inside: str, text: str) -> Piece:
    if inside in ("*", "?", "$"):
        return inside
    found = _NAMED.fullmatch(inside)
    if found is None:
        raise BadTemplate(
            f"'${{{inside}}}' in '{text}' is no variable; write ${{key}}, or ${{key, 'default'}} with single quotes"
        )
    return Variable(key=found["key"].lower(), default=found["default"])


def _resolved(pieces: tuple[Piece, ...], context: Context) -> tuple[str | Wildcard, ...] | None:
    resolved: list[str | Wildcard] = []
    for piece in pieces:
        value = piece.value_in(context) if isinstance(piece, Variable) else piece
        if value is None:
            return None
        resolved.append(value)
    return tuple(resolved)


def _arn_parts(
    pieces: tuple[Piece, ...], resolved: tuple[str | Wildcard, ...]
) -> tuple[tuple[str | Wildcard, ...], ...]:
    """The pattern of each part of an ARN. A colon in a variable's value separates nothing."""
    parts: list[list[str | Wildcard]] = [[]]
    for piece, value in zip(pieces, resolved, strict=True):
        if isinstance(piece, str):
            first, *others = piece.split(":", ARN_PARTS - len(parts))
            parts[-1].append(first)
            for other in others:
                parts.append([other])
        else:
            parts[-1].append(value)
    while len(parts) < ARN_PARTS:
        parts.append([Wildcard.ANY])
    return tuple(tuple(piece for piece in part if piece != "") for part in parts)


def _covers(pieces: tuple[str | Wildcard, ...], text: str) -> bool:
    chunks = _chunks(pieces)
    first, last = chunks[0], chunks[-1]
    if len(chunks) == 1:
        return len(text) == first.length and first.stands_at(text, 0)
    if not first.stands_at(text, 0):
        return False
    at, end = first.length, len(text) - last.length
    for chunk in chunks[1:-1]:
        at = chunk.after(text, at)
        if at < 0:
            return False
    return at <= end and last.stands_at(text, end)


def _covers_a_continuation(pieces: tuple[str | Wildcard, ...], beginning: str) -> bool:
    """Whether some text that begins so is covered. What stands before the first `*` decides: the star takes the rest of
    the beginning, and whatever the pattern wants after it may follow."""
    head: list[str | None] = []
    for piece in pieces:
        if piece is Wildcard.ANY:
            return _agree(head, beginning)
        head += [None] if isinstance(piece, Wildcard) else piece
    return len(head) > len(beginning) and _agree(head, beginning)


def _agree(head: list[str | None], text: str) -> bool:
    """As far as both go; None is any character."""
    return all(wanted is None or wanted == found for wanted, found in zip(head, text, strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    """What stands between two `*`: text of one length, with `?` as any character."""

    length: int
    text: str | None
    """None where it holds a `?`."""
    expression: re.Pattern[str]

    def stands_at(self, text: str, place: int) -> bool:
        if self.text is not None:
            return text.startswith(self.text, place)
        return self.expression.match(text, place) is not None

    def after(self, text: str, place: int) -> int:
        """Where its first appearance from `place` on ends; -1 if there is none."""
        if self.text is not None:
            found = text.find(self.text, place)
            return found if found < 0 else found + self.length
        match = self.expression.search(text, place)
        return match.end() if match else -1


@lru_cache(maxsize=4096)
def _chunks(pieces: tuple[str | Wildcard, ...]) -> tuple[_Chunk, ...]:
    groups: list[list[str | Wildcard]] = [[]]
    for piece in pieces:
        if piece is Wildcard.ANY:
            groups.append([])
        else:
            groups[-1].append(piece)
    return tuple(_chunk(group) for group in groups)


def _chunk(group: list[str | Wildcard]) -> _Chunk:
    texts = [piece for piece in group if isinstance(piece, str)]
    has_gaps = len(texts) < len(group)
    return _Chunk(
        length=sum(map(len, texts)) + len(group) - len(texts),
        text=None if has_gaps else "".join(texts),
        expression=re.compile(
            "".join(re.escape(piece) if isinstance(piece, str) else "." for piece in group), re.DOTALL
        ),
    )
