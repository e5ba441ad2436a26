"""An encoder model out of a local folder: every token of a text with its vector in context, for BERTScore.

The folder is one that transformers reads: config.json, a tokenizer, model.safetensors. Nothing of it is run, and
nothing is fetched.

Cost     the model in float32, in the process that calls; one pass a batch of texts.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray

from tanren.domain.errors import ValidationFailed

_BATCH: Final = 16
_LONGEST: Final = 512
"""Tokens, for a model that does not say how many it can read."""
_OFFSET: Final = 2
"""Positions that RoBERTa and its kin keep for themselves."""


class FolderEncoder:
    """See `evaluation.metrics.semantic.Encoder`."""

    def __init__(self, folder: Path) -> None:
        """Raises   ValidationFailed where the folder is no encoder."""
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        if not (folder / "model.safetensors").is_file():
            raise ValidationFailed(
                f"{folder} has no model.safetensors; --encoder takes a folder with config.json, a tokenizer and "
                "model.safetensors of an encoder such as BERT."
            )
        options: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
        try:
            self._tokenizer: Any = cast(Any, AutoTokenizer).from_pretrained(folder, **options)
            model: Any = cast(Any, AutoModel).from_pretrained(folder, use_safetensors=True, **options)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ValidationFailed(f"The encoder in {folder} cannot be loaded: {error}") from error
        self._model: Any = model.to(torch.float32).eval()
        self._longest = max(8, int(getattr(model.config, "max_position_embeddings", _LONGEST)) - _OFFSET)
        self._name = f"{folder.name}, last layer, first {self._longest} tokens"

    @property
    def name(self) -> str:
        return self._name

    def encode(self, texts: Sequence[str]) -> Sequence[NDArray[np.float32]]:
        found: list[NDArray[np.float32]] = []
        for first in range(0, len(texts), _BATCH):
            found += self._encoded(texts[first : first + _BATCH])
        return found

    def _encoded(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        told = self._tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=self._longest,
            return_special_tokens_mask=True,
            return_tensors="pt",
        )
        is_special_BT = told.pop("special_tokens_mask").bool() | ~told["attention_mask"].bool()
        with torch.no_grad():
            hidden_BTD = self._model(**told).last_hidden_state
        return [
            hidden_TD[~is_special_T].numpy().astype(np.float32)
            for hidden_TD, is_special_T in zip(hidden_BTD, is_special_BT, strict=True)
        ]
