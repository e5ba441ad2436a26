"""A random Llama of some ten thousand parameters, with a tokenizer and a chat template, as a folder on disk."""

from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tanren.data.records import RecordSource, TrainingRecord
from tanren.domain.conversation import Conversation, Message, Role

SPECIALS = ["<|bos|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
TEMPLATE = (
    "{{ '<|bos|>' }}{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)


def save_tokenizer(folder: Path, *, template: str | None = TEMPLATE) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer with a few merges, so that pieces could join across a border."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("Ċ", "Ċ"), ("h", "e"), ("l", "l"), ("he", "ll"), ("Ġ", "a"), ("<", "|"), ("|", ">")]
    vocabulary = {token: index for index, token in enumerate([*alphabet, *(a + b for a, b in merges)])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIALS])
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
