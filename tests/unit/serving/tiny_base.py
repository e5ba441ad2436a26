"""A base model small enough for tests: a random Llama over bytes, with a chat template, and random adapters for it."""

from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tanren.model_files.digests import weights_digest
from tanren.serving.protocol import AdapterRef
from tanren.weights.adapters import write_adapter
from tanren.weights.lora import LoraFactors, LoraSettings, target_names

CONTEXT_LENGTH = 160
END = "<|end|>"
SPECIAL = ("<|system|>", "<|user|>", "<|assistant|>", END)
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte."""
    vocabulary = {character: index for index, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, clean_up_tokenization_spaces=False)
    fast.chat_template = TEMPLATE
    return fast


def write_tiny_base(folder: Path, *, seed: int = 0, writes: str | None = None, hidden_size: int = 32) -> Path:
    """A folder to load. `writes`: the model's greedy answers have these characters only, "" for tokens all alike."""
    tokenizer = byte_tokenizer()
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden_size,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT_LENGTH,
        initializer_range=0.5,
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
        bos_token_id=None,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    if writes is not None:
        wanted = set(_ids(tokenizer, writes))
        with torch.no_grad():
            for token in range(config.vocab_size):
                if token not in wanted:
                    model.lm_head.weight[token] = 0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_tiny_adapter(folder: Path, base_folder: Path, *, seed: int, base_sha256: str | None = None) -> AdapterRef:
    """A random adapter that changes the base's answers."""
    model = LlamaForCausalLM.from_pretrained(base_folder)
    random = torch.Generator().manual_seed(seed)
    settings = LoraSettings(rank=4, alpha=8.0)
    factors: dict[str, LoraFactors] = {}
    for name in target_names(model):
        out_features, in_features = model.get_submodule(name).weight.shape
        factors[name] = LoraFactors(
            a_RI=torch.randn(settings.rank, in_features, generator=random) * 0.3,
            b_OR=torch.randn(out_features, settings.rank, generator=random) * 0.3,
            scale=settings.scale,
        )
    sha256 = write_adapter(
        folder,
        factors,
        settings=settings,
        base_weights_sha256=base_sha256 or weights_digest(base_folder),
        base_name="tiny",
    )
    return AdapterRef(folder=str(folder), sha256=sha256)


def _ids(tokenizer: PreTrainedTokenizerFast, text: str) -> Iterable[int]:
    return tokenizer.encode(text, add_special_tokens=False)
