"""Options of the form NAME=VALUE."""

from collections.abc import Iterable

from tanren.cli.language import say
from tanren.domain.errors import ValidationFailed


def pairs_of(given: Iterable[str] | None, flag: str, example: str) -> dict[str, str]:
    """Raises   ValidationFailed for one without a name or an equals sign."""
    found: dict[str, str] = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ValidationFailed(
                say("{flag} is '{text}'; write NAME=VALUE, such as {example}.", flag=flag, text=text, example=example)
            )
        found[name] = value
    return found


def tags_of(given: Iterable[str] | None, flag: str = "--tag") -> list[dict[str, str]]:
    """As the API has them."""
    return [{"key": key, "value": value} for key, value in pairs_of(given, flag, "team=search").items()]
