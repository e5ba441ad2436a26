"""What AWS asks of the rows of a model family, beyond the format; counts and sizes of files are in the catalogue.

tanren trains on rows outside these rules: they are warned about, with the verdict that AWS would refuse them, and are
errors only where the user asks for AWS's rules (`tanren data validate --profile aws`).

Source   the fact sheet §1.1, §1.2, and the validators that AWS publishes with its samples. A token is counted as so
         many characters there; no tokenizer of the families is public.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRules:
    name: str
    characters_per_token: int = 6
    maximum_input_tokens: int | None = None
    """Of everything that is not the answer."""
    maximum_output_tokens: int | None = None
    """Of the answers of a record."""
    maximum_tokens: int | None = None
    """Of the whole record."""
    reserved: tuple[str, ...] = ()
    """Texts that may stand in no message."""
    minimum_validation: int | None = None
    """Records; the catalogue has the other counts."""
    maximum_validation: int | None = None
    refused: frozenset[str] = frozenset()
    """Rules that AWS enforces for this family, while for others it is not known, or known not to."""
    accepted: frozenset[str] = frozenset()
    """Rules of ours that AWS's validator of the family lets pass."""

    @property
    def maximum_characters(self) -> int | None:
        """A record of fewer characters than this is beyond doubt within the bounds."""
        bounds = [self.maximum_input_tokens, self.maximum_output_tokens, self.maximum_tokens]
        known = [bound for bound in bounds if bound is not None]
        return min(known) * self.characters_per_token if known else None


_TITAN: Final = FamilyRules(name="Titan Text", maximum_tokens=4_096)
_COHERE: Final = FamilyRules(name="Cohere Command", maximum_input_tokens=4_096, maximum_output_tokens=2_048)
# AWS's validator takes text for three characters a token, reads "system": null as no system prompt, ignores further
# keys and takes empty text.
_CLAUDE_3_HAIKU: Final = FamilyRules(
    name="Claude 3 Haiku",
    characters_per_token=3,
    maximum_tokens=32_000,
    minimum_validation=32,
    maximum_validation=1_000,
    accepted=frozenset({"empty-text", "unknown-key", "duplicate-key"}),
)
_LLAMA: Final = FamilyRules(
    name="Llama",
    maximum_tokens=16_000,
    maximum_validation=1_000,
    refused=frozenset({"other-schema-version"}),
    accepted=frozenset({"unknown-key", "duplicate-key"}),
)
_LLAMA_90B: Final = FamilyRules(
    name="Llama 3.2 90B",
    maximum_tokens=10_000,
    maximum_validation=1_000,
    refused=_LLAMA.refused,
    accepted=_LLAMA.accepted,
)
_NOVA: Final = FamilyRules(
    name="Nova",
    maximum_tokens=32_000,
    reserved=(
        "System:",
        "SYSTEM:",
        "User:",
        "USER:",
        "Bot:",
        "BOT:",
        "Assistant:",
        "ASSISTANT:",
        "Thought:",
        "[EOS]",
        "<image>",
        "<video>",
    ),
    refused=frozenset({"empty-text", "file-name"}),
    accepted=frozenset({"unknown-key", "duplicate-key", "other-schema-version"}),
)
_NOVA_2: Final = FamilyRules(name="Nova 2", accepted=_NOVA.accepted)

_BY_PREFIX: Final[dict[str, FamilyRules]] = {
    "amazon.titan-text": _TITAN,
    "cohere.command": _COHERE,
    "anthropic.claude-3-haiku": _CLAUDE_3_HAIKU,
    "meta.llama3-2-90b": _LLAMA_90B,
    "meta.llama3": _LLAMA,
    "amazon.nova-2": _NOVA_2,
    "amazon.nova": _NOVA,
}
"""The first beginning of an id that fits counts."""


def family_rules(model_id: str) -> FamilyRules | None:
    """None for a model of which AWS states no rules for rows, such as tanren's own."""
    return next((rules for prefix, rules in _BY_PREFIX.items() if model_id.startswith(prefix)), None)
