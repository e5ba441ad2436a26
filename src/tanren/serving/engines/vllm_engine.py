"""The vLLM engine: a GPU's worth of answers from a vLLM server that is a child of the engine host.

    request → Intake: template, window → place → token ids → vLLM → token ids → Sequence: text, stops, end → sink

Everything that a caller can see is made here, as in the other engines: the chat template that trained, the text of the
tokens, stop sequences, ends of a turn, counts. vLLM gets ids and gives ids. It draws the tokens, so a seed decides an
answer as far as vLLM's arithmetic is the same each time; on a GPU the last bits depend on what else is in the batch.

What it does not do   forced tools and answers under a schema: refused, with the engines that can. (Our grammars keep an
                      answer whole within its budget of tokens, which vLLM's do not.)
Temperature           below 0.01, where vLLM would use 0.01, is greedy.

Cost     one thread and one connection an answer; what it adds to vLLM's own time is not measured yet.
"""

import logging
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from tanren.domain.conversation import Conversation, user_turn, written_prompt
from tanren.domain.errors import EngineFailed, ModelFailed, NotImplementedHere, ServiceUnavailable, TanrenError
from tanren.domain.generation import GenerationEnd, GenerationRequest
from tanren.serving.engines.intake import STOPPING, Intake, Running, Ticket
from tanren.serving.engines.reference_base import load_reference_base
from tanren.serving.engines.sequences import BROKEN, Sequence
from tanren.serving.engines.served_base import ServedBase, load_served_base
from tanren.serving.engines.vllm_adapters import AdapterFacts, LoadedAdapter, WatchedAdapters
from tanren.serving.engines.vllm_api import Completion, Json, VllmApi, VllmGone, VllmRefused, refusal_of
from tanren.serving.engines.vllm_canary import CanaryOracle
from tanren.serving.engines.vllm_options import (
    BASE_NAME,
    DTYPE_BYTES,
    VllmOptions,
    serve_arguments,
    served_context_length,
    served_dtype,
)
from tanren.serving.engines.vllm_server import VllmServer
from tanren.serving.protocol import AdapterRef, EngineDescription, EngineLimits, EventSink, Generation
from tanren.weights.base_models import read_facts
from tanren.weights.canary import CANARY_TEXT, CANARY_TOKENS

logger = logging.getLogger(__name__)

GREEDY_BELOW: Final = 0.01
"""vLLM raises a lower temperature to this; the most probable token is as good as certain there."""
ENDED: Final = "vLLM ended unexpectedly during its answer; the request may be sent again"


Work = Completion
"""What the engine keeps for a sequence: its generation inside vLLM."""

_Running = Running[LoadedAdapter, Work]


@dataclass(frozen=True, slots=True)
class _Ticket:
    """The caller's hold on a sequence. Implements `Generation`."""

    queued: Ticket[LoadedAdapter, Work]

    def cancel(self) -> None:
        self.queued.cancel()
        # If it is still queued it is never asked for; if it is active, vLLM is told by the closed connection.
        self.queued.running.work.abort()


def open_vllm_engine(
    folder: Path, command: Path, options: VllmOptions, limits: EngineLimits = EngineLimits(), *, note: str = ""
) -> "VllmEngine":
    """The engine, its server answering.

    Raises   JobFailed where the folder is no base model; ValidationFailed where an option does not fit it; EngineFailed
             with the server's last words where it cannot be started.
    """
    facts = read_facts(folder)
    base = replace(load_served_base(folder), context_length=served_context_length(options, facts))
    bytes_per_value = DTYPE_BYTES[served_dtype(options, facts.dtype)]
    canary = user_turn(CANARY_TEXT) if facts.has_chat_template else written_prompt(CANARY_TEXT)
    adapter_facts = AdapterFacts(
        read=base.load_adapter,
        canary_ids=tuple(base.prompt_ids(canary)[: min(CANARY_TOKENS, base.context_length - 1)]),
        oracle=_oracle_of(folder) if facts.weights_size_bytes <= options.check_gigabytes * 1e9 else None,
        vocabulary_size=facts.vocabulary_size,
        max_rank=options.max_lora_rank,
        bytes_per_value=bytes_per_value,
    )
    server = VllmServer(
        command,
        lambda socket: serve_arguments(folder, socket, facts=facts, options=options, limits=limits),
        check=lambda api: _check_base(api, base, adapter_facts.canary_ids),
        on_end=lambda: adapters.forget(),
        start_seconds=options.start_seconds,
    )
    adapters = WatchedAdapters(lambda: server.life, adapter_facts, capacity=limits.max_resident_adapters)
    server.open()
    return VllmEngine(base, server, adapters, limits, weight_bytes=base.parameter_count * bytes_per_value, note=note)


def _oracle_of(folder: Path) -> Callable[[], CanaryOracle]:
    """Loads the base once, when an adapter is first loaded, and keeps it."""
    return cache(lambda: CanaryOracle(load_reference_base(folder).model))


def _check_base(api: VllmApi, base: ServedBase, canary_ids: tuple[int, ...]) -> None:
    """Raises   EngineFailed where the server serves something else than it was started for, or no numbers."""
    card = api.models().get(BASE_NAME)
    if card is None or card.get("root") != base.folder:
        raise EngineFailed(f"vLLM was started for {base.folder} and serves {None if card is None else card['root']}")
    if card.get("max_model_len") != base.context_length:
        raise EngineFailed(
            f"vLLM was started for {base.context_length} tokens and serves {card.get('max_model_len')}; set "
            "TANREN_VLLM_CONTEXT_LENGTH to what the GPU has room for"
        )
    if not all(map(math.isfinite, api.prompt_logprobs(BASE_NAME, canary_ids))):
        raise EngineFailed(f"vLLM computes no finite numbers with the base in {base.folder}; its weights are damaged")


class VllmEngine:
    """Implements `Engine` over a server that is open, which it closes at the end."""

    def __init__(
        self,
        base: ServedBase,
        server: VllmServer,
        adapters: WatchedAdapters,
        limits: EngineLimits,
        *,
        weight_bytes: int,
        note: str = "",
    ) -> None:
        """`note`: why it is this engine, for `describe`."""
        self._server = server
        self._adapters = adapters
        self._limits = limits
        self._weight_bytes = weight_bytes
        self._note = note
        self._name = f"vllm {server.life.api.version()}"
        # Ends of a turn are ours: those of the template that trained, not only the tokenizer's.
        self._stop_ids = sorted(base.stop_ids)
        self._intake = Intake(base, limits, adapters.cache, work_for=self._work_for)
        self._places = ThreadPoolExecutor(limits.max_active, thread_name_prefix="vllm-answer")
        self._is_closing = False

    @property
    def process_id(self) -> int:
        """Of the process that leads the server's group."""
        return self._server.process_id

    def describe(self) -> EngineDescription:
        return self._intake.describe(engine=self._name, note=self._note, weight_bytes=self._weight_bytes)

    def load_adapter(self, adapter: AdapterRef) -> None:
        self._adapters.cache.borrow(adapter).give_back()

    def unload_adapter(self, adapter: AdapterRef) -> None:
        self._adapters.cache.drop(adapter)

    def count_input_tokens(self, conversation: Conversation) -> int:
        return self._intake.count_input_tokens(conversation)

    def generate(self, request: GenerationRequest, adapter: AdapterRef | None, sink: EventSink) -> Generation:
        _check_supported(request)
        ticket = self._intake.generate(request, adapter, sink)
        self._fill_places()
        return _Ticket(ticket)

    def close(self) -> None:
        if self._intake.close():
            with self._intake.changed:
                self._is_closing = True
            for running in self._intake.active():
                running.work.abort()
            self._places.shutdown(wait=True)
            self._intake.turn_all_away()
            self._server.close()

    def _work_for(self, sequence: Sequence[LoadedAdapter]) -> Completion:
        """Raises   what `VllmServer.life` raises; ModelNotReady where the adapter was lent by a life that has ended."""
        life = self._server.life
        if sequence.adapter is not None:
            self._adapters.check_alive(sequence.adapter)
        members = _sampling_members(sequence.request) | {
            "prompt": sequence.prompt_ids,
            "max_tokens": sequence.longest - len(sequence.prompt_ids),
            "stop_token_ids": self._stop_ids,
            "ignore_eos": True,
        }
        return life.api.complete(BASE_NAME if sequence.adapter is None else sequence.adapter.name, members)

    def _fill_places(self) -> None:
        with self._intake.changed:
            if not self._is_closing:
                for running in self._intake.admit(lambda _: self._intake.active_count < self._limits.max_active):
                    self._places.submit(self._answer, running)

    # The threads that answer, one a place.

    def _answer(self, running: _Running) -> None:
        """Hears one answer of vLLM to its end."""
        try:
            last = self._last_event(running)
        except Exception as error:
            last = self._meaning_of(error)
        self._intake.leave(running, None if running.sequence.is_cancelled else last)
        self._fill_places()

    def _last_event(self, running: _Running) -> GenerationEnd:
        """Sends the text as it comes; returns the end, still to be delivered. Leaving the chunks early tells vLLM."""
        sequence = running.sequence
        with closing(iter(running.work)) as chunks:
            for chunk in chunks:
                for token in chunk.token_ids:
                    end = sequence.tell(token, sequence.take(token))
                    if end is not None:
                        return end
                if chunk.is_last or sequence.is_cancelled or self._is_closing:
                    break
        raise ModelFailed("vLLM ended an answer before its last token")

    def _meaning_of(self, error: Exception) -> TanrenError:
        """To the caller."""
        if self._is_closing:
            return ServiceUnavailable(STOPPING)
        match error:
            case TanrenError():
                return error
            case VllmRefused():
                return refusal_of(error)
            case VllmGone():
                return ModelFailed(ENDED)
            case _:
                logger.error("an answer of vLLM could not be taken", exc_info=error)
                return ModelFailed(BROKEN)


def _check_supported(request: GenerationRequest) -> None:
    what = "a forced tool" if request.forced_tools else "an answer under a JSON schema"
    if request.forced_tools or request.answer_schema is not None:
        raise NotImplementedHere(
            f"This model is served by vLLM, through which tanren cannot hold {what} to its schema within the tokens "
            "that it may have. Let the model choose freely, or serve it with TANREN_ENGINE=native, torch or reference."
        )


def _sampling_members(request: GenerationRequest) -> Json:
    """How vLLM draws. What it would take for something else is said in what it understands."""
    # The least that top_p = 0 keeps is one token, the most probable; vLLM wants it above 0.
    if request.temperature < GREEDY_BELOW or request.top_p == 0:
        members: Json = {"temperature": 0.0}
    else:
        members = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k or 0}
        if request.seed is not None:
            # -1 is no seed to vLLM, and 2^63 is too much: numbers are folded rather than refused.
            members["seed"] = request.seed % 2**63
    if request.cache_scope:
        members["cache_salt"] = request.cache_scope
    return members
