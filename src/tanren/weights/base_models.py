"""A base model on disk: a Hugging Face folder with config, safetensors and tokenizer. Nothing in it is executed.

`read_facts` reads files only and imports no tensor library.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from tanren.domain.errors import JobFailed
from tanren.model_files.architectures import ARCHITECTURES
from tanren.model_files.inspection import ModelFolderFacts, inspect_model_folder

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DtypeName = Literal["float32", "bfloat16"]
"""Never float16: on CPU it is 30 times slower than bfloat16, and training overflows in it."""

BaseModelFacts = ModelFolderFacts


def read_facts(folder: Path) -> BaseModelFacts:
    """What config.json and the headers of the weights say; values were looked through when the folder was admitted.

    Raises   UnsafeModel where the folder is no safe base model.
    """
    return inspect_model_folder(folder, scan_values=False)


def load_base_model(folder: Path, *, dtype: DtypeName, device: str = "cpu") -> "PreTrainedModel":
    """The causal language model, in evaluation mode, every parameter frozen. Raises JobFailed where it cannot be."""
    architecture = ARCHITECTURES[read_facts(folder).architecture]
    # Imported here: it takes about two seconds, which read_facts' callers need not wait for.
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        model = cast(
            "PreTrainedModel",
            AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=_torch_dtype(dtype),
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                attn_implementation=architecture.attention,
            ),
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise JobFailed(f"The base model in {folder} cannot be loaded: {error}") from error
    model.requires_grad_(False)
    model.eval()
    return model.to(cast(Any, device))


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """The fast tokenizer of the folder.

    Why      a folder that asks for its tokenizer.json as it lies gets it so. transformers 5 puts the class of the
             model's architecture in its place, with that class's way to split text, and may leave nothing of it.
    Raises   JobFailed where there is none, or where it knows nothing of plain text.
    """
    read_facts(folder)
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    loader: Any = PreTrainedTokenizerFast if _is_taken_as_it_lies(folder) else AutoTokenizer
    try:
        tokenizer = loader.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise JobFailed(f"The tokenizer in {folder} cannot be loaded: {error}") from error
    if not any(tokenizer.encode(word, add_special_tokens=False) for word in _PLAIN_TEXT):
        raise JobFailed(
            f"The tokenizer in {folder}, loaded as {type(tokenizer).__name__}, makes no token of "
            f"{' or '.join(_PLAIN_TEXT)}. If its tokenizer.json is right as it lies, write "
            '"tokenizer_class": "PreTrainedTokenizerFast" into tokenizer_config.json.'
        )
    return cast("PreTrainedTokenizerBase", tokenizer)


_PLAIN_TEXT: Final = ("a", "The answer is 42.", "答え")
_AS_IT_LIES: Final = ("PreTrainedTokenizerFast", "TokenizersBackend")
"""Names for a tokenizer that is its tokenizer.json and nothing else, in transformers 4 and 5."""


def _is_taken_as_it_lies(folder: Path) -> bool:
    config = folder / "tokenizer_config.json"
    if not config.is_file() or not (folder / "tokenizer.json").is_file():
        return False
    try:
        return json.loads(config.read_text("utf-8")).get("tokenizer_class") in _AS_IT_LIES
    except (ValueError, AttributeError) as error:
        raise JobFailed(f"{config} cannot be read: {error}") from error


def _torch_dtype(name: DtypeName) -> "torch.dtype":
    import torch

    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
