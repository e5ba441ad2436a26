"""What an engine needs of a base model beside its weights: window, chat template, ends of a turn, adapters that fit.

Read from the folders that training and the catalogue know. The weights themselves are loaded by whoever computes with
them; here stands a skeleton without memory, against which an adapter's layers are compared.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from tanren.domain.conversation import Conversation
from tanren.domain.errors import JobFailed, ModelFailed, ValidationFailed
from tanren.domain.generation import GenerationRequest
from tanren.model_files.architectures import ARCHITECTURES
from tanren.model_files.digests import weights_digest
from tanren.model_files.untrusted_json import read_object
from tanren.serving.engines.adapter_switch import ResidentAdapter, check_fits
from tanren.serving.grammars import GrammarCompiler
from tanren.serving.protocol import AdapterRef
from tanren.serving.sampling import TokenConstraint
from tanren.weights.adapters import read_adapter
from tanren.weights.base_models import load_tokenizer, read_facts
from tanren.weights.chat_template import ChatTemplate
from tanren.weights.written_prompts import WrittenPrompts


def unconstrained(_request: GenerationRequest, _budget: int) -> TokenConstraint | None:
    """No request constrains its tokens."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedBase:
    """A base model without its weights."""

    folder: str
    parameter_count: int
    """Tied weights once."""
    context_length: int
    stop_ids: frozenset[int]
    """Tokens that end the assistant's turn."""
    prompt_ids: Callable[[Conversation], list[int]]
    """The chat template, the same that trained; without one, written prompts. Called by one thread at a time."""
    decode: Callable[[list[int]], str]
    """Text of ids, special tokens left out."""
    digest: Callable[[], str]
    """SHA-256 of the weights files; read once, when it is first asked for."""
    load_adapter: Callable[[AdapterRef], ResidentAdapter]
    """Reads and checks one; see `Engine.load_adapter` for what it raises."""
    constrain: Callable[[GenerationRequest, int], TokenConstraint | None] = unconstrained
    """What a request demands of its answer's tokens, of which there are so many at most.

    Raises   ValidationFailed where it demands what cannot be.
    """


def load_served_base(folder: Path, *, model: nn.Module | None = None) -> ServedBase:
    """The base model of a folder; `model` stands for the skeleton where the weights have been loaded anyway.

    Raises   JobFailed where the folder is no base model, or where nothing says how an answer ends.
    """
    facts = read_facts(folder)
    tokenizer = load_tokenizer(folder)
    template = ChatTemplate(tokenizer) if facts.has_chat_template else WrittenPrompts(tokenizer)
    reader = _AdapterReader(folder, skeleton_of(folder) if model is None else model)
    return ServedBase(
        folder=str(folder),
        parameter_count=facts.parameter_count,
        context_length=facts.context_length,
        stop_ids=template.stop_ids | _generation_stop_ids(folder),
        prompt_ids=template.prompt_ids,
        decode=lambda ids: template.decode(ids, skip_special_tokens=True),
        digest=reader.base_digest,
        load_adapter=reader.read,
        constrain=GrammarCompiler(
            template.tokenizer_json,
            end_id=template.end_of_turn_id,
            call_form=lambda: template.call_form,
            special_pieces=template.special_pieces,
        ).constraint,
    )


def skeleton_of(folder: Path) -> nn.Module:
    """The model's modules with their shapes, and no memory behind them. Raises JobFailed where there is none."""
    architecture = ARCHITECTURES[read_facts(folder).architecture]
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        with torch.device("meta"):
            return cast(Any, AutoModelForCausalLM).from_config(config, attn_implementation=architecture.attention)
    except (OSError, ValueError, KeyError) as error:
        raise JobFailed(f"The base model in {folder} cannot be loaded: {error}") from error


class _AdapterReader:
    """Reads adapters of one base; knows the base's digest once an adapter has asked for it."""

    def __init__(self, base_folder: Path, model: nn.Module) -> None:
        self._base_folder = base_folder
        self._model = model
        self._base_sha256 = ""
        self._digesting = threading.Lock()

    def read(self, adapter: AdapterRef) -> ResidentAdapter:
        """See `Engine.load_adapter` for what it checks and raises."""
        folder = Path(adapter.folder)
        if not folder.is_dir():
            raise ModelFailed(f"the adapter's folder {folder} is not there")
        try:
            read = read_adapter(folder, base_weights_sha256=self.base_digest())
        except JobFailed as error:
            raise ValidationFailed(f"the adapter cannot be used: {error}") from error
        except OSError as error:
            raise ModelFailed(f"the adapter in {folder} cannot be read: {error}") from error
        if read.sha256 != adapter.sha256:
            raise ValidationFailed(
                f"the adapter in {folder} is not the one that was asked for: its SHA-256 is {read.sha256}, expected "
                f"{adapter.sha256}"
            )
        check_fits(self._model, read.factors)
        return ResidentAdapter(factors=read.factors)

    def base_digest(self) -> str:
        """SHA-256 over the base's weights files."""
        # Read when it is first needed: it costs a pass over the base's files, which a bare base need not wait for.
        with self._digesting:
            if not self._base_sha256:
                self._base_sha256 = weights_digest(self._base_folder)
            return self._base_sha256


def _generation_stop_ids(folder: Path) -> frozenset[int]:
    """Further ends of a turn, where generation_config.json lists them, as Llama 3's does; else those of config.json."""
    file = folder / "generation_config.json"
    stated: Any = read_object(file if file.is_file() else folder / "config.json").get("eos_token_id")
    if stated is None:
        return frozenset()
    return frozenset(cast("list[int]", stated) if isinstance(stated, list) else [int(stated)])
