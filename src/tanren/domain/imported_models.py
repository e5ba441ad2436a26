"""An imported model: whole weights from elsewhere that answer under an ARN of their own.

Source   GetImportedModel in the service model; the fact sheet §4.5 and §5.3.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tanren.domain.scope import Scope

MODEL_UNITS_VERSION: Final = "v1.0"
_BYTES_A_UNIT: Final = 10_000_000_000
_BYTES_A_PARAMETER: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedModel:
    scope: Scope
    model_id: str
    model_arn: str
    model_name: str
    job_arn: str
    job_name: str
    source_s3_uri: str
    architecture: str
    """As config.json names it, such as LlamaForCausalLM."""
    parameter_count: int
    """Tied ones count once."""
    context_length: int
    """Tokens that prompt and answer may have together."""
    size_bytes: int
    """Of all its files."""
    has_chat_template: bool
    """Without one it completes prompts, and knows no conversations."""
    artifact_path: str
    """Where the folder lies in the artifact store, relative to its root."""
    weights_sha256: str
    """`weights_digest` of the folder; compared once by each engine host that holds it."""
    created_at: datetime


def custom_model_units(parameter_count: int) -> int:
    """Units that one copy of the model takes: one for each begun 10 GB of its weights in bfloat16.

    Why      AWS does not say how it counts. For a model of 8 billion parameters both say 2; larger ones are more here.
             Nothing is billed by it: it lets a script that reads it compare models.
    """
    return max(1, -(-parameter_count * _BYTES_A_PARAMETER // _BYTES_A_UNIT))
