"""What was used, as sums that can be added: the ground for billing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    request_count: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    generation_seconds: float = 0.0
    """From asking the engine to its last event, waiting in its queue included."""
    unit_seconds: float = 0.0
    """Of provisioned throughput: model units times seconds in service, used or not."""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            request_count=self.request_count + other.request_count,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            generation_seconds=self.generation_seconds + other.generation_seconds,
            unit_seconds=self.unit_seconds + other.unit_seconds,
        )
