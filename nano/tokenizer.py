"""nano's tokenizer: byte-level BPE over English documentation and the generated conversations in both languages.

Text is first cut at changes of script, so that Japanese words are learned whole and digits stay single; any UTF-8
text round-trips, because the 256 bytes are in the vocabulary. Nothing is added on encoding: the chat template writes
<|bos|> itself.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from nano.corpus.documents import BOS, END, PAD, Document
from nano.recipe import Shape

SPECIAL_TOKENS = (
    BOS,
    PAD,
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    END,
    "<|tool|>",
    *(f"<|reserved_{i}|>" for i in range(9)),
)
"""The first sixteen ids, in this order."""

CHAT_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
{{- '<|' + message['role'] + '|>' -}}
{%- if message['content'] is string -%}
{{- message['content'] -}}
{%- else -%}
{%- for item in message['content'] -%}
{{- item['text'] -}}
{%- endfor -%}
{%- endif -%}
{{- eos_token -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|assistant|>' -}}
{%- endif -%}
"""

_WORD_PATTERN = (
    r"'(?:s|t|re|ve|m|ll|d)\b"
    r"| ?[\p{L}&&[^\p{Han}\p{Hiragana}\p{Katakana}ー]]+"
    r"|[\p{Han}々]+|\p{Hiragana}+|[\p{Katakana}ー]+"
    r"|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+"
    r"|\s+(?!\S)|\s+"
)
_ENGLISH_CHAT_KEPT = 4
"""One English conversation in so many is shown to the trainer, lest the merges be spent on invented names."""


def train_tokenizer(documents: Iterable[Document], shape: Shape) -> PreTrainedTokenizerFast:
    """A tokenizer of exactly `shape.vocabulary` entries; the same documents give the same merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORD_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=shape.vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_shown_text(documents), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=END,
        pad_token=PAD,
        model_max_length=shape.max_positions,
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )


def encode_documents(
    tokenizer: PreTrainedTokenizerFast, documents: Iterable[Document]
) -> Iterator[tuple[str, list[int]]]:
    """Each document's source and ids, special tokens included where its text spells them."""
    remaining = iter(documents)
    while batch := list(islice(remaining, 2_000)):
        encodings = tokenizer.backend_tokenizer.encode_batch(
            [document.text for document in batch], add_special_tokens=False
        )
        for document, encoding in zip(batch, encodings, strict=True):
            yield document.source, encoding.ids


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Hugging Face's files; the class is named as every version of transformers knows it."""
    tokenizer.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    for passing in ("backend", "is_local", "local_files_only"):
        settings.pop(passing, None)
    settings |= {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": False, "add_eos_token": False}
    path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _shown_text(documents: Iterable[Document]) -> Iterator[str]:
    english_conversations = 0
    for document in documents:
        if document.source.startswith(("english/", "grounded/")):
            english_conversations += 1
            if english_conversations % _ENGLISH_CHAT_KEPT:
                continue
        yield document.text
