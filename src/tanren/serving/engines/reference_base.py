"""What the reference engine needs, read from the folders that training and the catalogue know."""

import threading
from pathlib import Path
from typing import Any, cast

from torch import nn
from transformers.utils.logging import disable_progress_bar

from tanren.domain.errors import JobFailed, ModelFailed, ValidationFailed
from tanren.model_files.digests import weights_digest
from tanren.serving.engines.adapter_switch import ResidentAdapter, check_fits
from tanren.serving.engines.reference import ReferenceBase
from tanren.serving.protocol import AdapterRef
from tanren.weights.adapters import read_adapter
from tanren.weights.base_models import load_base_model, load_tokenizer, read_facts
from tanren.weights.chat_template import ChatTemplate


def load_reference_base(folder: Path) -> ReferenceBase:
    """The base model of a folder, in the dtype in which it is stored; float16 is computed in float32.

    Raises   JobFailed where the folder is no base model, or its tokenizer has no chat template to serve with.
    """
    disable_progress_bar()  # a host's log is for events
    facts = read_facts(folder)
    template = ChatTemplate(load_tokenizer(folder))
    model = load_base_model(folder, dtype="bfloat16" if facts.dtype == "BF16" else "float32")
    reader = _AdapterReader(folder, model)
    return ReferenceBase(
        folder=str(folder),
        model=model,
        context_length=facts.context_length,
        stop_ids=template.stop_ids | _generation_stop_ids(model),
        prompt_ids=template.prompt_ids,
        decode=lambda ids: template.decode(ids, skip_special_tokens=True),
        digest=reader.base_digest,
        load_adapter=reader.read,
    )


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


def _generation_stop_ids(model: nn.Module) -> frozenset[int]:
    """Further ends of a turn, where generation_config.json lists them, as Llama 3's does."""
    stated: Any = getattr(cast(Any, model).generation_config, "eos_token_id", None)
    if stated is None:
        return frozenset()
    return frozenset(cast("list[int]", stated) if isinstance(stated, list) else [int(stated)])
