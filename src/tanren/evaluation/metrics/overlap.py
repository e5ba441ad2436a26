"""Runs of words and characters that an answer shares with its reference: ROUGE, BLEU, chrF++.

ROUGE is Google's `rouge-score`, a mean over answers. BLEU and chrF++ are sacreBLEU's, values of all answers together:
their statistics are summed first. Each text is cut by the tokeniser of its reference's language, and the signature says
which.

Source   Lin, ROUGE, 2004; Papineni et al., BLEU, 2002; Popović, chrF++, 2017; Post, A Call for Clarity in Reporting
         BLEU Scores, 2018 (the signature).
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from tanren.evaluation.metrics.base import ItemScores, Score
from tanren.evaluation.metrics.matching import counted, of_references
from tanren.evaluation.questions import Question
from tanren.evaluation.statistics import Floats, Total
from tanren.evaluation.words import tokenizer_names, words

_ORDERS: Final = 4


class _Words:
    """rouge-score's tokenizer, by the language that was found."""

    def __init__(self, name: str) -> None:
        self._name = name

    def tokenize(self, text: str) -> list[str]:
        return words(text, self._name)


def rouge(kind: str) -> Score:
    """F-measure of `rouge1`, `rouge2` or `rougeL`, without stemming."""

    def score(questions: Sequence[Question], texts: Sequence[str]) -> ItemScores:
        from importlib.metadata import version

        from rouge_score.rouge_scorer import RougeScorer

        names = tokenizer_names([question.reference for question in questions])
        scorers: dict[str, Any] = {name: RougeScorer([kind], tokenizer=_Words(name)) for name in set(names)}
        values = [
            scorers[name].score(question.reference, text)[kind].fmeasure if question.reference else math.nan
            for question, text, name in zip(questions, texts, names, strict=True)
        ]
        signature = f"rouge-score:{version('rouge-score')}|words:{counted(of_references(names, questions))}|stem:no"
        return ItemScores.mean_of(values, signature=signature)

    return score


def bleu(questions: Sequence[Question], texts: Sequence[str]) -> ItemScores:
    """BLEU of all answers, 0 to 100; of one answer, with the effective order that sacreBLEU asks for there."""
    from sacrebleu.metrics.bleu import BLEU

    names = tokenizer_names([question.reference for question in questions])
    used = sorted(set(of_references(names, questions)))
    metrics = {name: BLEU(tokenize=name) for name in used}
    singles = {name: BLEU(tokenize=name, effective_order=True) for name in used}

    def total(sums_RK: Floats) -> Floats:
        values = [
            BLEU.compute_bleu(
                [int(count) for count in row[2 : 2 + _ORDERS]],
                [int(count) for count in row[2 + _ORDERS :]],
                int(row[0]),
                int(row[1]),
                smooth_method="exp",
            ).score
            if row[1]
            else math.nan
            for row in sums_RK
        ]
        return np.asarray(values)

    return _of_corpus(questions, texts, names, metrics, singles, 2 + 2 * _ORDERS, total)


def chrf(questions: Sequence[Question], texts: Sequence[str]) -> ItemScores:
    """chrF++ of all answers, 0 to 100: characters up to six, words up to two; of Japanese, characters decide."""
    from sacrebleu.metrics.chrf import CHRF

    metric: Any = CHRF(word_order=2)

    def total(sums_RK: Floats) -> Floats:
        # The method by which sacreBLEU's own significance tests come from sums to scores.
        return np.asarray([metric._compute_f_score(row.tolist()) for row in sums_RK])

    names = ["chars"] * len(questions)
    orders = 3 * (metric.char_order + metric.word_order)
    return _of_corpus(questions, texts, names, {"chars": metric}, {"chars": metric}, orders, total)


def _of_corpus(
    questions: Sequence[Question],
    texts: Sequence[str],
    names: Sequence[str],
    metrics: dict[str, Any],
    singles: dict[str, Any],
    width: int,
    total: Total,
) -> ItemScores:
    statistics_NK = np.zeros((len(questions), width))
    values = np.full(len(questions), math.nan)
    for name, metric in metrics.items():
        rows = [row for row, question in enumerate(questions) if names[row] == name and question.reference]
        answers, references = [texts[row] for row in rows], [questions[row].reference for row in rows]
        # Private to sacreBLEU, whose version is pinned: its public methods sum the statistics before one can see them.
        statistics_NK[rows] = metric._extract_corpus_statistics(answers, [references])
        values[rows] = [
            singles[name].sentence_score(answer, [reference]).score
            for answer, reference in zip(answers, references, strict=True)
        ]
    # Each metric has rows by now: sacreBLEU's signature tells how many references it has seen.
    first = str(next(iter(metrics.values())).get_signature())
    if len(metrics) > 1:
        first = first.replace(f"tok:{next(iter(metrics))}", f"tok:{counted(of_references(names, questions))}")
    return ItemScores(values=values, statistics_NK=statistics_NK, total=total, signature=first, is_binary=False)
