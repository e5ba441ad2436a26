"""TryCheckpoint."""

from typing import Final

from tanren.aws.context import AsyncHandler, Members, RequestContext
from tanren.control.account_places import AccountPlaces
from tanren.domain.conversation import Conversation, Message, Role
from tanren.domain.generation import GenerationRequest
from tanren.runtime.checkpoint_trials import CheckpointTrial, CheckpointTrials
from tanren.runtime.content_blocks import refuse_broken_text
from tanren.runtime.conversing import STOP_REASONS

DEFAULT_TOKENS: Final = 256
MOST_AT_ONCE: Final = 4
"""Of one account in one gateway process."""


def checkpoint_trial_handlers(trials: CheckpointTrials) -> dict[str, AsyncHandler]:
    places = AccountPlaces(MOST_AT_ONCE, of="questions to checkpoints")

    async def ask(context: RequestContext, params: Members) -> Members:
        prompt, system = params["prompt"], params.get("system")
        refuse_broken_text(prompt, "prompt")
        refuse_broken_text(system or "", "system")
        conversation = Conversation(system=system, messages=(Message(role=Role.USER, text=prompt),))
        request = GenerationRequest(
            conversation=conversation,
            max_new_tokens=params.get("maxTokens", DEFAULT_TOKENS),
            temperature=params.get("temperature", 0.0),
            seed=params.get("seed"),
        )
        with places.place(context.scope.account_id):
            return _told(await trials.ask(context.scope, params["jobIdentifier"], request))

    return {"TryCheckpoint": ask}


def _told(trial: CheckpointTrial) -> Members:
    end = trial.result.end
    return {
        "step": trial.step,
        "epoch": trial.epoch,
        "answer": trial.result.text,
        "stopReason": STOP_REASONS[end.finish_reason],
        "inputTokenCount": end.input_token_count,
        "outputTokenCount": end.output_token_count,
        "latencyMs": end.total_ms,
    }
