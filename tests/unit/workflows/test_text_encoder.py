"""Vectors of a tiny BERT, made for the test as a user's folder would be."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from tanren.domain.errors import ValidationFailed
from tanren.evaluation.metrics.semantic import bertscore
from tanren.evaluation.questions import Question
from tanren.workflows.text_encoder import FolderEncoder

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "knife", "costs", "crowns", "rain", "falls"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("encoders") / "tiny-bert"
    backend = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    tokenizer.save_pretrained(made)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=12,
    )
    BertModel(config).save_pretrained(made)
    return made


def test_every_token_has_a_vector_and_special_ones_and_padding_have_none(folder: Path):
    encoder = FolderEncoder(folder)
    short, none, long = encoder.encode(["the knife", "", "the knife costs crowns"])
    assert [vectors.shape for vectors in (short, none, long)] == [(2, 16), (0, 16), (4, 16)]
    (alone,) = encoder.encode(["the knife"])
    np.testing.assert_allclose(short, alone, atol=1e-5, err_msg="what stands beside a text in the batch is not seen")


def test_the_same_answer_scores_1_and_another_less(folder: Path):
    questions = [Question(number=n, prompt="?", reference="the knife costs crowns", source="a:1") for n in (1, 2)]
    scores = bertscore(FolderEncoder(folder), questions, ["the knife costs crowns", "rain falls"])
    assert scores.values[0] == pytest.approx(1.0, abs=1e-5)
    assert scores.values[1] < 0.99
    assert scores.signature.startswith("tiny-bert, last layer, first 10 tokens")


def test_a_text_longer_than_the_encoder_reads_is_cut_where_its_name_says(folder: Path):
    (vectors,) = FolderEncoder(folder).encode(["rain " * 50])
    assert len(vectors) == 8, "ten, less the two special ones"


def test_a_folder_without_weights_is_refused_with_what_it_takes(tmp_path: Path):
    with pytest.raises(ValidationFailed, match=r"has no model\.safetensors; --encoder takes a folder"):
        FolderEncoder(tmp_path)
