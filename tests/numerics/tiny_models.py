"""A random Llama of some ten thousand parameters, with a tokenizer and a chat template, as a folder on disk."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tanren.data.records import RecordSource, TrainingRecord
from tanren.domain.conversation import Conversation, Message, Role

SPECIALS = ["<|bos|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
TEMPLATE = (
    "{{ '<|bos|>' }}{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)


ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama-2": ("llama", {"num_key_value_heads": 4}),
    "llama-3": (
        "llama",
        {
            "tie_word_embeddings": True,
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 500000.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 32,
            },
        },
    ),
    "mistral": ("mistral", {"sliding_window": 8, "head_dim": 16}),
    "qwen-2": ("qwen2", {}),
    "qwen-3": ("qwen3", {"head_dim": 16, "tie_word_embeddings": True}),
    "gemma-2": ("gemma2", {"head_dim": 8, "sliding_window": 8, "query_pre_attn_scalar": 8}),
    "gemma-3": (
        "gemma3_text",
        {
            "head_dim": 8,
            "sliding_window": 8,
            "query_pre_attn_scalar": 8,
            "layer_types": ["sliding_attention", "full_attention"],
        },
    ),
    "phi-3": ("phi3", {"sliding_window": 8}),
    "smollm": ("llama", {"tie_word_embeddings": True, "rms_norm_eps": 1e-5}),
    "smollm-3": ("smollm3", {"no_rope_layers": [1, 0]}),
    "gpt-oss": (
        "gpt_oss",
        {
            "head_dim": 8,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "sliding_window": 8,
            "rope_parameters": {
                "rope_type": "yarn",
                "rope_theta": 150000.0,
                "factor": 8.0,
                "beta_fast": 32.0,
                "beta_slow": 1.0,
                "truncate": False,
                "original_max_position_embeddings": 32,
            },
        },
    ),
}
"""Name → (model type, what sets it apart), each with two layers."""


def save_architecture(
    folder: Path, name: str, *, seed: int = 0, dtype: torch.dtype = torch.float32, **other_sizes: int
) -> Path:
    """A tiny random model of another architecture, whose answers depend on every one of its parameters.

    `other_sizes`: of its configuration, instead of the small ones.
    """
    tokenizer = save_tokenizer(folder, adds_bos=name.startswith(("llama", "gemma", "mistral")))
    model_type, changes = ARCHITECTURES[name]
    config = CONFIG_MAPPING[model_type](
        **{
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 256,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": None,
            **changes,
            **other_sizes,
        }
    )
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
    model.to(dtype).save_pretrained(folder)
    return folder


def save_tokenizer(folder: Path, *, template: str | None = TEMPLATE, adds_bos: bool = False) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer with a few merges, so that pieces could join across a border.

    Takes    adds_bos: plain encoding puts <|bos|> in front, as Llama's does, which a chat template must not double.
    """
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("Ċ", "Ċ"), ("h", "e"), ("l", "l"), ("he", "ll"), ("Ġ", "a"), ("<", "|"), ("|", ">")]
    vocabulary = {token: index for index, token in enumerate([*alphabet, *(a + b for a, b in merges)])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIALS])
    if adds_bos:
        backend.post_processor = processors.TemplateProcessing(
            single="<|bos|> $A", special_tokens=[("<|bos|>", backend.token_to_id("<|bos|>"))]
        )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<|bos|>", eos_token="<|end|>")
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return tokenizer


def save_base_model(
    folder: Path, *, seed: int = 0, layers: int = 2, context: int = 256, template: str | None = TEMPLATE
) -> Path:
    tokenizer = save_tokenizer(folder, template=template)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.normal_(0, 0.1)
    model.save_pretrained(folder)
    return folder


def pair(line: int, prompt: str, answer: str, *, file: str = "train.jsonl") -> TrainingRecord:
    return TrainingRecord(
        source=RecordSource(file=file, line=line),
        content=Conversation(
            messages=(Message(role=Role.USER, text=prompt), Message(role=Role.ASSISTANT, text=answer))
        ),
    )


def pairs(count: int, *, file: str = "train.jsonl", start: int = 0) -> list[TrainingRecord]:
    """Rows of different lengths, each unlike the others."""
    return [
        pair(index + 1, f"what is {index + start}?", "he" + "ll" * (index % 5) + f"o {index + start}", file=file)
        for index in range(count)
    ]
