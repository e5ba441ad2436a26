"""The `prompt` of a body, which may be written in the family's template."""

from collections.abc import Sequence

from tanren.bodies.schema_violations import NOT_SUPPORTED, Violations
from tanren.domain.conversation import Conversation, user_turn
from tanren.domain.prompt_templates import ForeignTurn, PromptTemplate, read_prompt


def conversation_of(prompt: str, templates: Sequence[PromptTemplate], violations: Violations) -> Conversation:
    """What the prompt says; a violation is noted for what a template can say and tanren cannot do: a tool's turn."""
    try:
        return read_prompt(prompt, templates)
    except ForeignTurn as turn:
        violations.add("#/prompt", f"turns of the role {turn.role} are {NOT_SUPPORTED}")
        return user_turn(prompt)
