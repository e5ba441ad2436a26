import hashlib
import json
from pathlib import Path

import click
import huggingface_hub
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from nano.corpus.compose import is_held_out
from nano.corpus.prose import docstring_passages
from nano.export import ENGLISH_SAMPLE
from nano.recipe import NANO

REPOSITORY = Path(__file__).resolve().parents[2]
NANO_FOLDER = REPOSITORY / "src" / "tanren" / "catalog" / "nano"


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(NANO_FOLDER, local_files_only=True)


def test_the_model_loads_offline_in_bf16(tokenizer):
    model = AutoModelForCausalLM.from_pretrained(NANO_FOLDER, local_files_only=True)
    config = model.config
    assert config.model_type == "llama"
    assert model.dtype == torch.bfloat16
    shape = NANO.shape
    assert config.vocab_size == shape.vocabulary == len(tokenizer)
    assert config.hidden_size == shape.d_model
    assert config.intermediate_size == shape.d_mlp
    assert config.num_hidden_layers == shape.layers
    assert (config.num_attention_heads, config.num_key_value_heads) == (shape.heads, shape.kv_heads)
    assert config.max_position_embeddings == shape.max_positions
    assert config.tie_word_embeddings
    assert config.bos_token_id == tokenizer.bos_token_id
    assert config.eos_token_id == tokenizer.eos_token_id
    assert config.pad_token_id == tokenizer.pad_token_id
    ids_BT = torch.tensor([tokenizer.encode(ENGLISH_SAMPLE)])
    assert model(input_ids=ids_BT, labels=ids_BT).loss.item() < 6.5  # a model that guesses evenly has 9.01


def test_the_folder_stays_under_twenty_five_megabytes():
    assert sum(path.stat().st_size for path in NANO_FOLDER.iterdir()) < 25_000_000


def test_documentation_it_never_read_costs_a_token_for_every_three_and_a_half_characters(tokenizer):
    passages = [
        passage
        for package in (click, huggingface_hub)
        for path in sorted(Path(package.__path__[0]).rglob("*.py"))
        for passage in docstring_passages(package.__name__, path.read_text(encoding="utf-8"), path.stem)
        if is_held_out(passage.subject)
    ]
    text = "\n".join(paragraph for passage in passages for paragraph in passage.paragraphs)
    assert len(text) > 3_000
    assert len(text) / len(tokenizer.encode(text, verbose=False)) >= 3.5


def test_everyday_english_far_from_the_corpus_costs_little_more(tokenizer):
    assert len(ENGLISH_SAMPLE) / len(tokenizer.encode(ENGLISH_SAMPLE)) >= 3.3


def test_the_card_names_the_weights_it_describes():
    digest = hashlib.sha256((NANO_FOLDER / "model.safetensors").read_bytes()).hexdigest()
    assert digest in (NANO_FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["kurogane-faq", "kurogane-faq-ja"])
def test_the_example_questions_for_validation_are_not_those_for_training(name):
    folder = REPOSITORY / "src" / "tanren" / "examples" / name
    rows = {
        part: [json.loads(line) for line in (folder / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()]
        for part in ("train", "validation")
    }
    assert all(set(row) == {"prompt", "completion"} for part in rows.values() for row in part)
    prompts = {part: {row["prompt"] for row in each} for part, each in rows.items()}
    assert not prompts["train"] & prompts["validation"]
    assert {row["completion"] for row in rows["validation"]} <= {row["completion"] for row in rows["train"]}
    asked = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
    assert set(asked) <= prompts["train"] | prompts["validation"]
