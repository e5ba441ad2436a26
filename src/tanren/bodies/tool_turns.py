"""Rules that tools put on the turns of a body, whatever its format: every use has its result in the next turn."""

from itertools import pairwise

from tanren.bodies.schema_violations import Violations
from tanren.domain.conversation import Message, Role, Tool


def check_tool_turns(messages: tuple[Message, ...], tools: tuple[Tool, ...], violations: Violations) -> None:
    """Records what is broken: results without their use, uses without their result, either without tools."""
    if not tools and any(message.tool_uses or message.tool_results for message in messages):
        violations.add("#", "tools must be given where messages use tools")
    if messages and messages[0].tool_results:
        violations.add("#/messages/0", "a tool result has no tool use in the turn before")
    for index, (before, after) in enumerate(pairwise(messages), start=1):
        if after.role is not Role.USER:
            continue
        used = {use.id for use in before.tool_uses}
        given = {result.tool_use_id for result in after.tool_results}
        for missing in sorted(used - given):
            violations.add(f"#/messages/{index}", f"the tool use {missing} of the turn before has no tool result")
        for unknown in sorted(given - used):
            violations.add(f"#/messages/{index}", f"the tool result {unknown} has no tool use in the turn before")
    last = messages[-1] if messages else None
    if last is None or last.role is not Role.ASSISTANT:
        return
    if last.tool_uses:
        violations.add("#/messages", "the last message uses a tool; its tool result is missing")
    elif last.text != last.text.rstrip():
        violations.add("#/messages", "final assistant content cannot end with trailing whitespace")
