"""The models and rows that every contestant gets, made on the spot from a seed.

    <folder>/<size>/model          a random model in bfloat16, with a tokenizer of as many words as it has embeddings
    <folder>/<size>/rows-<seed>.jsonl   the rows in the order in which Tanren takes them under that seed

A row is words of the vocabulary drawn uniformly, so that the output head sees all of it; "w17" is one token. Lengths
are log-normal, median 138, mean 188, cut at 1,012, as of real chat data; about 47 % is completion.
"""

import argparse
import json
import math
import random
from pathlib import Path

ROWS = 2000
MEDIAN, MEAN, LEAST, MOST = 138, 188, 16, 1012
SPECIALS = ["<|bos|>", "<|user|>", "<|assistant|>", "<|end|>", "<|pad|>"]
USER, ASSISTANT, END = 1, 2, 3
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] }}"
    "{% if m['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
SHAPES = {
    "135m": {
        "model_type": "llama",
        "vocab_size": 49152,
        "hidden_size": 576,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "intermediate_size": 1536,
    },
    "0.5b": {
        "model_type": "qwen2",
        "vocab_size": 151936,
        "hidden_size": 896,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "intermediate_size": 4864,
    },
    "1b": {
        "model_type": "llama",
        "vocab_size": 128256,
        "hidden_size": 2048,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 8192,
    },
    "8b": {
        "model_type": "llama",
        "vocab_size": 128256,
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 14336,
    },
    "tiny": {
        "model_type": "llama",
        "vocab_size": 1024,
        "hidden_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 6,
        "num_key_value_heads": 2,
        "intermediate_size": 256,
    },
}
"""Of SmolLM2-135M, Qwen2.5-0.5B, Llama 3.2 1B and Llama 3.1 8B; tiny is for the comparison of losses. The embedding is
the head in all of them."""
_MADE_IN_FLOAT32 = ("135m", "0.5b", "tiny")
"""The others are drawn in bfloat16, in half the memory."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("size", choices=SHAPES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    folder = arguments.folder / arguments.size
    model = folder / "model"
    if not (model / "made").exists():
        save_model(model, arguments.size)
        (model / "made").touch()
    for seed in range(arguments.seeds):
        rows = ordered(make_rows(SHAPES[arguments.size]["vocab_size"]), seed)
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"rows-{seed}.jsonl").write_text(lines)


def make_rows(vocabulary: int) -> list[dict[str, list[int] | int]]:
    """In the order of the data file: `line` from 1, `input_ids`, and `completion_mask` as TRL names it."""
    random_ = random.Random(0)
    mu, sigma = math.log(MEDIAN), math.sqrt(2 * math.log(MEAN / MEDIAN))
    rows: list[dict[str, list[int] | int]] = []
    for line in range(1, ROWS + 1):
        length = int(min(MOST, max(LEAST, random_.lognormvariate(mu, sigma))))
        completion = max(2, round(length * random_.uniform(0.25, 0.69)))
        prompt = length - completion
        words = [random_.randrange(len(SPECIALS), vocabulary) for _ in range(length - 3)]
        ids = [USER, *words[: prompt - 2], ASSISTANT, *words[prompt - 2 :], END]
        rows.append({"line": line, "input_ids": ids, "completion_mask": [0] * prompt + [1] * completion})
    return rows


def ordered(rows: list[dict[str, list[int] | int]], seed: int) -> list[dict[str, list[int] | int]]:
    from tanren.training.batches import epoch_order

    return [rows[index] for index in epoch_order(len(rows), seed=seed, epoch=1)]


def save_model(folder: Path, size: str) -> None:
    import torch
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PreTrainedTokenizerFast

    shape = dict(SHAPES[size])
    words = [f"w{index}" for index in range(len(SPECIALS), shape["vocab_size"])]
    vocabulary = {word: index for index, word in enumerate([*SPECIALS, *words])}
    backend = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token=words[0]))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIALS])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<|bos|>", eos_token="<|end|>", pad_token="<|pad|>"
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    config = CONFIG_MAPPING[shape.pop("model_type")](
        **shape,
        tie_word_embeddings=True,
        max_position_embeddings=2048,
        bos_token_id=0,
        eos_token_id=END,
        pad_token_id=SPECIALS.index("<|pad|>"),
    )
    torch.manual_seed(0)
    dtype = torch.float32 if size in _MADE_IN_FLOAT32 else torch.bfloat16
    model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or size == "tiny":
                # As far from zero as trained ones, so that a wrong bias, or a wrong order of rows, would be seen.
                parameter.normal_(0, 0.15 if size == "tiny" else 0.02)
    model.to(torch.bfloat16).save_pretrained(folder)


if __name__ == "__main__":
    main()
