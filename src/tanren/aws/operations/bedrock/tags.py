"""TagResource, UntagResource, ListTagsForResource."""

from tanren.aws.context import Handler, Members, RequestContext
from tanren.aws.operations.bedrock.lists import tag_map
from tanren.control.tags import TagControl


def tag_handlers(control: TagControl) -> dict[str, Handler]:
    def tag(context: RequestContext, params: Members) -> Members:
        control.add(context.scope, params["resourceARN"], tag_map(params["tags"]))
        return {}

    def untag(context: RequestContext, params: Members) -> Members:
        control.remove(context.scope, params["resourceARN"], params["tagKeys"])
        return {}

    def list_tags(context: RequestContext, params: Members) -> Members:
        tags = control.list(context.scope, params["resourceARN"])
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

    return {"TagResource": tag, "UntagResource": untag, "ListTagsForResource": list_tags}
