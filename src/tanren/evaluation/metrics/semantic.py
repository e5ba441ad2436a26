"""BERTScore: each token of one text matched with the most similar one of the other, by an encoder's vectors.

The arithmetic is here, the encoder is a port: it is a model, and models are not loaded into the command line or the
gateway. Without an encoder the metric is refused where it is asked for, and the report says that there is none.

Source   Zhang et al., BERTScore, 2020: greedy matching of cosine similarity, without weights and without rescaling.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tanren.evaluation.metrics.base import ItemScores
from tanren.evaluation.questions import Question


class Encoder(Protocol):
    """Gives every token of a text its vector in context."""

    @property
    def name(self) -> str:
        """Model and layer: scores of different encoders cannot be compared."""
        ...

    def encode(self, texts: Sequence[str]) -> Sequence[NDArray[np.float32]]:
        """[tokens, width] for each text, without special tokens; not normalised."""
        ...


def bertscore(encoder: Encoder, questions: Sequence[Question], texts: Sequence[str]) -> ItemScores:
    """F1 of BERTScore; 0 of an empty answer."""
    references = encoder.encode([question.reference for question in questions])
    answers = encoder.encode(texts)
    values = [
        _f1(answer, reference) if question.reference else math.nan
        for question, answer, reference in zip(questions, answers, references, strict=True)
    ]
    return ItemScores.mean_of(values, signature=f"{encoder.name}|idf:no|rescaled:no")


def _f1(answer_AD: NDArray[np.float32], reference_RD: NDArray[np.float32]) -> float:
    if not len(answer_AD) or not len(reference_RD):
        return 0.0
    similarity_AR = _unit(answer_AD) @ _unit(reference_RD).T
    precision, recall = float(similarity_AR.max(axis=1).mean()), float(similarity_AR.max(axis=0).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
