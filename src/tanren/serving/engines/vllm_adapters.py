"""The adapters of a vLLM server: loaded under a name of their own, and watched until they are seen to work.

    read and checked here → written anew for the server → loaded → listed → canary → in use

Why a name is a digest   what vLLM keeps of a prompt it keeps by the adapter's name. A name that never means other bytes
    never finds another adapter's keys and values, and never needs to be loaded in place.
Why it is written anew   vLLM reads an adapter again whenever it had to make room for others. What it reads is what was
    checked, whatever happens to the original folder meanwhile, and has nothing in it that only one of us understands.
Why the rank first       a rank above the server's is the commonest refusal, and ours names the setting.
"""

import itertools
import logging
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tanren.domain.errors import ModelFailed, ModelNotReady, TanrenError, ValidationFailed
from tanren.serving.adapter_cache import AdapterCache
from tanren.serving.engines.adapter_switch import ResidentAdapter
from tanren.serving.engines.vllm_api import VllmGone, VllmRefused
from tanren.serving.engines.vllm_canary import CanaryOracle, Readings, check_readings
from tanren.serving.engines.vllm_options import BASE_NAME
from tanren.serving.engines.vllm_server import VllmLife
from tanren.serving.protocol import AdapterRef
from tanren.weights.adapters import write_adapter
from tanren.weights.canary import Expectation, read_expectation
from tanren.weights.lora import LoraSettings

logger = logging.getLogger(__name__)

GONE: Final = "vLLM ended while the adapter was being loaded; the request may be sent again in a moment"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedAdapter:
    """An adapter that the server has been seen to compute."""

    adapter: AdapterRef
    life: VllmLife
    """The run of the server that has loaded it."""
    name: str
    """What a request to the server calls it."""
    folder: Path
    """What the server reads; ours."""
    size_bytes: int
    """In the dtype in which it is served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterFacts:
    """What loading needs to know of the base and of the server."""

    read: Callable[[AdapterRef], ResidentAdapter]
    """See `ServedBase.load_adapter`."""
    canary_ids: tuple[int, ...]
    """Prompt of the canary where an adapter brings none of its own."""
    oracle: Callable[[], CanaryOracle] | None
    """The base on the processor, loaded when it is first asked for; None where it is too large. Called by one thread at
    a time."""
    vocabulary_size: int
    max_rank: int
    bytes_per_value: int


class WatchedAdapters:
    """Those of whatever run of the server there is. Used from any thread."""

    def __init__(self, life: Callable[[], VllmLife], facts: AdapterFacts, *, capacity: int) -> None:
        """`life` gives the current one; see `VllmServer.life` for what it raises."""
        self._life = life
        self._facts = facts
        self._numbers = itertools.count(1)
        self.cache = AdapterCache(self._load, capacity=capacity, let_go=self._let_go)

    def forget(self) -> None:
        """The life that had loaded them has ended. Called by the server's keeper."""
        for sha256 in self.cache.resident():
            self.cache.drop(AdapterRef(folder="", sha256=sha256))

    def check_alive(self, loaded: LoadedAdapter) -> None:
        """Raises   ModelNotReady where its life has ended since it was lent; it is loaded again the next time."""
        if self._life() is not loaded.life:
            self.cache.drop(loaded.adapter)
            raise ModelNotReady(GONE)

    def _load(self, adapter: AdapterRef) -> LoadedAdapter:
        life = self._life()  # first: between two lives, nothing need be read
        read = self._facts.read(adapter)
        expectation = read_expectation(Path(adapter.folder), self._facts.vocabulary_size)
        if expectation is None and self._facts.oracle is not None:
            expectation = self._facts.oracle().expected(read, self._facts.canary_ids)
        loaded = self._written(adapter, read, life)
        try:
            if loaded.name in life.api.models():
                life.api.unload_adapter(loaded.name)  # an earlier loading failed, and so did its undoing
            life.api.load_adapter(loaded.name, loaded.folder)
            self._check_listed(loaded)
            self._check_works(loaded, expectation)
        except BaseException as error:
            self._let_go(loaded)
            if isinstance(error, VllmGone):
                raise ModelNotReady(GONE) from error
            if isinstance(error, VllmRefused):
                raise ModelFailed(
                    f"vLLM does not load the adapter {loaded.name} from {adapter.folder}: {error.message}"
                ) from error
            raise
        how = "differs from the base as it must" if expectation else "differs from the base; by how much is not checked"
        logger.info("the adapter %s is loaded, and %s", loaded.name, how)
        return loaded

    def _written(self, adapter: AdapterRef, read: ResidentAdapter, life: VllmLife) -> LoadedAdapter:
        first = next(iter(read.factors.values()))
        rank = first.a_RI.shape[0]
        if rank > self._facts.max_rank:
            raise ValidationFailed(
                f"the adapter in {adapter.folder} has rank {rank}; vLLM was started for ranks up to "
                f"{self._facts.max_rank}. Set TANREN_VLLM_MAX_LORA_RANK higher, or serve it with another engine."
            )
        # A number beside the digest: what an earlier loading has left is never taken for this one's.
        folder = life.files / f"{adapter.sha256}-{next(self._numbers)}"
        write_adapter(
            folder,
            read.factors,
            settings=LoraSettings(rank=rank, alpha=first.scale * rank),
            base_weights_sha256="",
            base_name=BASE_NAME,
        )
        values = sum(each.a_RI.numel() + each.b_OR.numel() for each in read.factors.values())
        return LoadedAdapter(
            adapter=adapter,
            life=life,
            name=adapter.sha256,
            folder=folder,
            size_bytes=values * self._facts.bytes_per_value,
        )

    def _check_listed(self, loaded: LoadedAdapter) -> None:
        card = loaded.life.api.models().get(loaded.name)
        if card is None:
            raise ModelFailed(
                f"vLLM says that it has loaded the adapter {loaded.name}, and does not list it among its models; it "
                "would not answer for it, so the adapter is not used."
            )
        if card.get("root") != str(loaded.folder):
            raise ModelFailed(
                f"vLLM lists the adapter {loaded.name} from {card.get('root')}, where {loaded.folder} was loaded; "
                "the adapter is not used."
            )

    def _check_works(self, loaded: LoadedAdapter, expectation: Expectation | None) -> None:
        ids = self._facts.canary_ids if expectation is None else expectation.prompt_ids
        api = loaded.life.api
        readings = Readings(
            base_before=api.prompt_logprobs(BASE_NAME, ids),
            adapter=api.prompt_logprobs(loaded.name, ids),
            base_after=api.prompt_logprobs(BASE_NAME, ids),
        )
        check_readings(loaded.name, readings, expectation)

    def _let_go(self, loaded: LoadedAdapter) -> None:
        """Nobody names it any more. Its life may have ended before; then there is nothing to tell."""
        with suppress(VllmRefused, VllmGone, TanrenError):
            loaded.life.api.unload_adapter(loaded.name)
        shutil.rmtree(loaded.folder, ignore_errors=True)
