"""Members of a request that botocore's model has and tanren does not: refused, never left out."""

from collections.abc import Sequence

from tanren.domain.errors import NotImplementedHere


def refuse_unsupported(members: Sequence[str]) -> None:
    """Takes the members that were given, as dotted paths. Raises NotImplementedHere, which names the first."""
    if members:
        raise NotImplementedHere(
            f"{members[0]} is not implemented by tanren, so the request is refused rather than run without it. "
            "docs/operations.md lists what is."
        )
