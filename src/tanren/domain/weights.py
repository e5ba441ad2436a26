"""Which weights a job trains on and a custom model needs, noted when the job is made and never changed afterwards.

The catalogue may later name other weights for the same id: what was trained before stays with what it was trained on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BINDING_MEMBER = "weights"
"""Of the JSON that a job's and a custom model's row keep beside their columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundWeights:
    key: str
    """Of the folder in the model store; `nano` for the weights that tanren brings along."""
    name: str
    """As people know them: `Qwen/Qwen2.5-0.5B-Instruct`."""
    revision: str
    """Commit, or digest of an imported folder; empty for nano."""
    sha256: str
    """`weights_digest` of the folder; empty where a row is older than this note."""
    lora_learning_rate: float
    """The rate at which LoRA on these weights learns well: what a family's default rate is mapped to."""
    full_learning_rate: float
    """The same for full fine-tuning."""
    is_original: bool
    """The user has said that they are the model which the id names."""
    artifact_path: str | None = None
    """In the artifact store, where an adapter was trained on whole weights that another job had published; these are
    then the base, and the rest says where they come from. None: the folder in the model store is the base."""

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "name": self.name,
            "revision": self.revision,
            "sha256": self.sha256,
            "loraLearningRate": self.lora_learning_rate,
            "fullLearningRate": self.full_learning_rate,
            "isOriginal": self.is_original,
            "artifactPath": self.artifact_path,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "BoundWeights":
        return cls(
            key=value["key"],
            name=value["name"],
            revision=value["revision"],
            sha256=value["sha256"],
            lora_learning_rate=float(value["loraLearningRate"]),
            full_learning_rate=float(value["fullLearningRate"]),
            is_original=value["isOriginal"],
            artifact_path=value["artifactPath"],
        )
