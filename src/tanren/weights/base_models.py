"""A base model on disk: a Hugging Face folder with config, safetensors and tokenizer. Nothing in it is executed.

`read_facts` reads files only and imports no tensor library.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

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
    """The fast tokenizer of the folder. Raises JobFailed where there is none."""
    read_facts(folder)
    from transformers import AutoTokenizer

    try:
        return cast(
            "PreTrainedTokenizerBase",
            AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True),
        )
    except (OSError, ValueError, KeyError) as error:
        raise JobFailed(f"The tokenizer in {folder} cannot be loaded: {error}") from error


def _torch_dtype(name: DtypeName) -> "torch.dtype":
    import torch

    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
