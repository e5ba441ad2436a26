"""Tags on resources.

Source   TagList and TooManyTagsException in the service model; 50 a resource by the text of that error.
"""

from collections.abc import Mapping

from tanren.domain.errors import TooManyTags

MAXIMUM_TAGS = 50


def merged_tags(arn: str, present: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Both, the added winning. Raises TooManyTags past 50."""
    merged = {**present, **added}
    if len(merged) > MAXIMUM_TAGS:
        raise TooManyTags(f"{arn} would have {len(merged)} tags; a resource takes at most {MAXIMUM_TAGS}.", arn)
    return merged
