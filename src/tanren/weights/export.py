"""A custom model, written as a folder that plain transformers and peft open without a network, and proof that it is it.

Unmerged it is the adapter in the layout of peft, which names the base's folder; merged, or fully fine-tuned, a whole
model. Behind the writing the folder is opened as a stranger would open it, in a fresh load, and has to answer twenty
prompts as our own loading of the custom model does. A folder that does not is not left behind.

Cost     the memory of one model at a time; a forward pass and sixteen tokens a prompt, twice.
"""

import gc
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import torch

from tanren.domain.conversation import user_turn
from tanren.domain.errors import Conflict, JobFailed
from tanren.model_files.adapter_inspection import ADAPTER_CONFIG_FILE, ORIGIN_FILE, inspect_adapter_folder
from tanren.model_files.atomic_folders import new_folder
from tanren.model_files.digests import weights_digest
from tanren.model_files.inspection import inspect_model_folder
from tanren.weights.adapters import WEIGHTS_FILE, read_adapter
from tanren.weights.base_models import DtypeName, load_base_model, load_tokenizer, read_facts
from tanren.weights.chat_template import ChatTemplate
from tanren.weights.lora import LoraFactors, attach_factors, merge_factors
from tanren.weights.model_folders import write_model

if TYPE_CHECKING:
    from transformers import PreTrainedModel

GREEDY_TOKENS: Final = 16
FLOAT32_TOLERANCE: Final = 1e-3
"""Of a logit: the order in which a merged matrix adds up is another one."""
PROMPTS: Final = (
    "Hello, who are you?",
    "What is the capital of France?",
    "Summarize in one sentence: the meeting moved to Tuesday because the room was taken.",
    "Write a haiku about the sea.",
    "Translate to German: good morning.",
    "1, 2, 3, 4,",
    "List three fruits.",
    "Is 17 a prime number? Answer yes or no.",
    "My order #4821 has not arrived. What should I do?",
    "Turn into JSON: name Ada, born 1815.",
    "こんにちは。あなたは誰ですか。",
    "日本の首都はどこですか。",
    "次の文を要約してください。会議は部屋が使えないため火曜日に変わりました。",
    "海についての俳句を書いてください。",
    "英語に訳してください。おはようございます。",
    "一、二、三、四、",
    "果物を三つ挙げてください。",
    "17は素数ですか。はいかいいえで答えてください。",
    "注文した商品が届きません。どうすればよいですか。",
    "刀を鍛えるとはどういうことですか。",
)
_TOKENIZER_FILES: Final = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
)

Kind = Literal["adapter", "merged", "full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    kind: Kind
    destination: str
    opens_with: str
    dtype: DtypeName
    """In which the comparison was computed, here and there."""
    size_bytes: int
    sha256: str
    """Of the adapter's weights file, or `weights_digest` of the model."""
    base_weights_sha256: str
    prompt_count: int
    last_token_agreement: int
    """Prompts behind which both find the same next token the likeliest."""
    position_agreement: float
    """Share of all prompt positions at which they do."""
    greedy_agreement: int
    """Prompts whose greedy answers are the same to the last token."""
    max_logit_difference: float
    """Over the vocabulary behind each prompt."""
    rounding_ties: tuple[str, ...]
    """Prompts with another next token, each because the two lie closer together than bfloat16 tells apart."""

    def lines(self) -> list[str]:
        """For a terminal."""
        count = self.prompt_count
        told = [
            f"wrote       {self.destination} ({self.kind}, {self.size_bytes / 1e6:.1f} MB)",
            f"opens with  {self.opens_with}",
            f"next token  {self.last_token_agreement}/{count} prompts agree with the custom model, "
            f"{self.position_agreement:.1%} of all positions",
            f"greedy      {self.greedy_agreement}/{count} answers of {GREEDY_TOKENS} tokens are the same",
            f"logits      differ by at most {self.max_logit_difference:.2g} ({self.dtype})",
        ]
        if self.rounding_ties:
            told.append(
                f"rounding    {len(self.rounding_ties)} prompt(s) have two next tokens closer together than bfloat16 "
                f"tells apart: {self.rounding_ties[0]!r}"
            )
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answers:
    """What one loading of the model says, a list entry a prompt."""

    likeliest: list[list[int]]
    """At each position."""
    last_logits: list[torch.Tensor]
    """[V], float32."""
    greedy: list[list[int]]


def export_custom_model(
    base_folder: Path, adapter_folder: Path | None, full_folder: Path | None, destination: Path, *, merged: bool
) -> ExportReport:
    """The folder at `destination`, whole and compared, or not at all.

    Takes    either an adapter on the base, or the folder of a whole model (full fine-tuning), for which merging is no
             question: it is written as it is.
    Raises   Conflict where the destination is there and not empty; JobFailed where an input is damaged, or where the
             written folder answers otherwise than the custom model.
    """
    assert (adapter_folder is None) != (full_folder is None), "an adapter or a whole model"
    _check_destination(destination)
    source = full_folder or base_folder
    facts = inspect_model_folder(source)
    dtype: DtypeName = "bfloat16" if facts.dtype == "BF16" else "float32"
    base_digest = weights_digest(base_folder)
    factors: Mapping[str, LoraFactors] = {}
    kind: Kind = "full"
    if adapter_folder is not None:
        inspect_adapter_folder(adapter_folder, base_folder=base_folder)
        factors = read_adapter(adapter_folder, base_weights_sha256=base_digest).factors
        kind = "merged" if merged else "adapter"
    prompts = _prompts(source)
    expected = _our_answers(source, factors, dtype, prompts)
    with new_folder(destination) as temporary:
        if adapter_folder is not None and not merged:
            sha256 = _write_adapter(temporary, adapter_folder, base_folder, base_digest)
        else:
            sha256 = _write_whole(temporary, source, factors, dtype)
        _write_readme(temporary, kind, destination, base_folder, base_digest, sha256, facts.architecture, factors)
        found = _plain_answers(temporary, base_folder if kind == "adapter" else None, dtype, prompts)
        size = sum(file.stat().st_size for file in temporary.iterdir())
        report = _compared(
            expected, found, prompts, kind=kind, destination=destination, dtype=dtype, sha256=sha256,
            base_digest=base_digest, size_bytes=size,
        )  # fmt: skip
    return report


def _check_destination(destination: Path) -> None:
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise Conflict(f"{destination} is there and is no folder; give a folder that is empty or not there yet.")
    if destination.is_dir() and any(destination.iterdir()):
        raise Conflict(
            f"{destination} is not empty; nothing is overwritten. Give a folder that is empty or not there yet."
        )


def _write_adapter(folder: Path, adapter_folder: Path, base_folder: Path, base_digest: str) -> str:
    config = cast(dict[str, Any], json.loads((adapter_folder / ADAPTER_CONFIG_FILE).read_text("utf-8")))
    origin_file = adapter_folder / ORIGIN_FILE
    origin = cast(dict[str, Any], json.loads(origin_file.read_text("utf-8"))) if origin_file.is_file() else {}
    # peft opens the base by this path; the name by which it was called is in the README.
    config["base_model_name_or_path"] = str(base_folder.resolve())
    _write_json(folder / ADAPTER_CONFIG_FILE, config)
    _write_json(folder / ORIGIN_FILE, {**origin, "base_weights_sha256": base_digest})
    shutil.copyfile(adapter_folder / WEIGHTS_FILE, folder / WEIGHTS_FILE)
    for name in _TOKENIZER_FILES:
        if (base_folder / name).is_file():
            shutil.copyfile(base_folder / name, folder / name)
    return read_adapter(folder, base_weights_sha256=base_digest).sha256


def _write_whole(folder: Path, source: Path, factors: Mapping[str, LoraFactors], dtype: DtypeName) -> str:
    model = load_base_model(source, dtype=dtype)
    merge_factors(model, factors)
    inner = folder / "model"
    digest = write_model(inner, model, base_folder=source)
    for file in inner.iterdir():
        file.rename(folder / file.name)
    inner.rmdir()
    inspect_model_folder(folder)
    return digest


def _write_readme(
    folder: Path,
    kind: Kind,
    destination: Path,
    base_folder: Path,
    base_digest: str,
    sha256: str,
    architecture: str,
    factors: Mapping[str, LoraFactors],
) -> None:
    how = {
        "adapter": (
            "from peft import AutoPeftModelForCausalLM",
            f'model = AutoPeftModelForCausalLM.from_pretrained("{destination}")',
        ),
    }.get(
        kind,
        (
            "from transformers import AutoModelForCausalLM",
            f'model = AutoModelForCausalLM.from_pretrained("{destination}")',
        ),
    )
    what = {
        "adapter": f"A LoRA adapter ({len(factors)} layers) for {architecture}. It needs the base named below.",
        "merged": f"{architecture} with a LoRA adapter added to its weights; complete in itself.",
        "full": f"{architecture}, fully fine-tuned; complete in itself.",
    }[kind]
    base = "" if kind == "full" else f"- base: `{base_folder.name}` at `{base_folder.resolve()}`\n"
    base += "" if kind == "full" else f"- base weights, SHA-256: `{base_digest}`\n"
    (folder / "README.md").write_text(
        f"# Custom model\n\n{what} Written by tanren.\n\n{base}- these weights, SHA-256: `{sha256}`\n\n"
        f"```python\n{how[0]}\nfrom transformers import AutoTokenizer\n\n{how[1]}\n"
        f'tokenizer = AutoTokenizer.from_pretrained("{destination}")\n```\n\n'
        "The licence of the base model holds for what is made from it.\n",
        "utf-8",
    )


def _prompts(folder: Path) -> list[list[int]]:
    template = ChatTemplate(load_tokenizer(folder))
    limit = read_facts(folder).context_length - GREEDY_TOKENS
    return [template.prompt_ids(user_turn(prompt))[-max(limit, 1) :] for prompt in PROMPTS]


def _our_answers(
    folder: Path, factors: Mapping[str, LoraFactors], dtype: DtypeName, prompts: list[list[int]]
) -> _Answers:
    model = load_base_model(folder, dtype=dtype)
    attach_factors(model, factors)
    return _answers(model, prompts)


def _plain_answers(folder: Path, adapter_base: Path | None, dtype: DtypeName, prompts: list[list[int]]) -> _Answers:
    """As anyone would open it: transformers, and peft over it for an adapter."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options: dict[str, Any] = {"dtype": getattr(torch, dtype), "local_files_only": True, "use_safetensors": True}
    model: Any = AutoModelForCausalLM.from_pretrained(adapter_base or folder, **options)
    if adapter_base is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(folder))
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if not tokenizer.chat_template:
        raise JobFailed(f"The folder written for {folder.name} has lost its chat template.")
    return _answers(model.eval(), prompts)


@torch.inference_mode()
def _answers(model: "PreTrainedModel", prompts: list[list[int]]) -> _Answers:
    likeliest: list[list[int]] = []
    last_logits: list[torch.Tensor] = []
    greedy: list[list[int]] = []
    for prompt in prompts:
        ids = torch.tensor([prompt])
        logits_TV = cast(torch.Tensor, model(input_ids=ids).logits)[0].to(torch.float32)
        likeliest.append(logits_TV.argmax(-1).tolist())
        last_logits.append(logits_TV[-1].clone())
        answer: Any = cast(Any, model).generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=GREEDY_TOKENS,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=0,
        )
        greedy.append(answer[0, len(prompt) :].tolist())
    del model
    gc.collect()
    return _Answers(likeliest=likeliest, last_logits=last_logits, greedy=greedy)


def _compared(
    expected: _Answers,
    found: _Answers,
    prompts: list[list[int]],
    *,
    kind: Kind,
    destination: Path,
    dtype: DtypeName,
    sha256: str,
    base_digest: str,
    size_bytes: int,
) -> ExportReport:
    """Raises JobFailed where the next token differs and rounding does not explain it."""
    differences = [(a - b).abs().max().item() for a, b in zip(expected.last_logits, found.last_logits, strict=True)]
    ties: list[str] = []
    for text, ours, theirs, difference in zip(
        PROMPTS, expected.last_logits, found.last_logits, differences, strict=True
    ):
        wanted, got = int(ours.argmax()), int(theirs.argmax())
        if not difference < float("inf"):
            raise JobFailed(f"The exported model's logits behind {text!r} are not finite. Nothing was written.")
        if wanted == got and not (dtype == "float32" and difference > FLOAT32_TOLERANCE * _scale(ours)):
            continue
        gap = (ours[wanted] - ours[got]).item()
        # A tie is one that the differences of rounding alone could turn round, and these are small.
        is_tie = dtype == "bfloat16" and gap <= 2 * difference and difference <= 0.05 * _scale(ours)
        if not is_tie:
            raise JobFailed(
                f"The exported model does not answer as the custom model: behind {text!r} its next token is {got}, not "
                f"{wanted}, and the logits differ by up to {difference:.3g} (gap {gap:.3g}). Nothing was written."
            )
        ties.append(text)
    positions = [
        a == b
        for ours, theirs in zip(expected.likeliest, found.likeliest, strict=True)
        for a, b in zip(ours, theirs, strict=True)
    ]
    reader = "peft.AutoPeftModelForCausalLM" if kind == "adapter" else "transformers.AutoModelForCausalLM"
    return ExportReport(
        kind=kind,
        destination=str(destination),
        opens_with=f'{reader}.from_pretrained("{destination}")',
        dtype=dtype,
        size_bytes=size_bytes,
        sha256=sha256,
        base_weights_sha256=base_digest,
        prompt_count=len(prompts),
        last_token_agreement=len(prompts) - len(ties),
        position_agreement=sum(positions) / len(positions),
        greedy_agreement=sum(a == b for a, b in zip(expected.greedy, found.greedy, strict=True)),
        max_logit_difference=max(differences),
        rounding_ties=tuple(ties),
    )


def _scale(logits_V: torch.Tensor) -> float:
    return max(1.0, logits_V.abs().max().item())


def _write_json(file: Path, value: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", "utf-8")
