"""General text between the documents of continued pre-training, so that a model forgets less of what it knew.

Of all documents of the run so far, `percentage` of 100 are general text, as near as whole documents allow: after n of
the user's own, floor(n · percentage / (100 - percentage)). They come on top of the step's own documents, so neither the
number of steps nor what an epoch is changes. Which ones: all in an order by the seed, then all in another. A pure
function of (seed, own documents so far), so a resumed step replays what the first attempt replayed.

Source   Ibrahim et al. 2024, "Simple and Scalable Strategies to Continually Pre-train Large Language Models": 5 % of
         replay, more where the new text is far from the old.
Cost     the text is under 200 KB: its tokens are in memory.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from tanren.data.records import Document, RecordSource
from tanren.domain.errors import JobFailed
from tanren.domain.sentences import sentence
from tanren.training.batches import shuffled
from tanren.training.spec import TrainingSpec
from tanren.training.tokenization import Tokenizer, TokenSequence
from tanren.weights.base_models import load_tokenizer
from tanren.weights.chat_template import ChatTemplate

GENERAL_TEXT: Final = Path(__file__).with_name("general_text")
_FILES: Final = ("english.txt", "japanese.txt")
_BETWEEN_DOCUMENTS: Final = "***"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replay:
    """Takes   sequences: of the general text, at least one."""

    sequences: Sequence[TokenSequence]
    percentage: int
    seed: int

    def beside(self, *, own_before: int, own_count: int) -> list[TokenSequence]:
        """What a step of `own_count` own documents replays, after `own_before` of the run so far."""
        first, end = self._count(own_before), self._count(own_before + own_count)
        return [self.sequences[self._index(position)] for position in range(first, end)]

    def _count(self, own_documents: int) -> int:
        return own_documents * self.percentage // (100 - self.percentage)

    def _index(self, position: int) -> int:
        count = len(self.sequences)
        return shuffled(position % count, count, seed=self.seed, epoch=position // count + 1)

    def token_count(self, own_documents: int) -> int:
        """About how many tokens are replayed beside so many documents."""
        return self._count(own_documents) * sum(len(each.ids) for each in self.sequences) // len(self.sequences)

    def sentence(self) -> str:
        return sentence(
            "{percentage} % of the documents are replayed from tanren's own general text ({count} documents in English "
            "and Japanese).",
            percentage=self.percentage,
            count=len(self.sequences),
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the ids."""
        digest = hashlib.sha256()
        for sequence in self.sequences:
            digest.update(f"{len(sequence.ids)} {','.join(map(str, sequence.ids))}\n".encode())
        return digest.hexdigest()


def read_replay(spec: TrainingSpec, base_folder: Path) -> Replay | None:
    """The packaged general text as the base's tokens; a document that is too long goes in by its paragraphs. None where
    the spec asks for no replay.

    Raises   JobFailed where not even one paragraph fits.
    """
    if not spec.replay_percentage:
        return None
    files = cast(Any, load_tokenizer(base_folder))
    tokenizer = Tokenizer(
        ChatTemplate(files), bos_id=cast(int | None, files.bos_token_id), eos_id=cast(int | None, files.eos_token_id)
    )
    sequences = [
        sequence
        for document, source in general_documents()
        for sequence in _pieces(document, source, tokenizer, spec.max_sequence_length)
    ]
    if not sequences:
        raise JobFailed(
            sentence(
                "replayPercentage is {percentage}, but no paragraph of the general text fits into a maxSequenceLength "
                "of {length}. Use a larger maxSequenceLength, or no replay.",
                percentage=spec.replay_percentage,
                length=spec.max_sequence_length,
            )
        )
    return Replay(sequences=sequences, percentage=spec.replay_percentage, seed=spec.seed)


def general_documents() -> Iterator[tuple[str, RecordSource]]:
    """Every document with the place where it begins."""
    for name in _FILES:
        lines: list[str] = []
        start = 1
        for number, line in enumerate([*(GENERAL_TEXT / name).read_text("utf-8").splitlines(), _BETWEEN_DOCUMENTS], 1):
            if line != _BETWEEN_DOCUMENTS:
                lines.append(line)
                continue
            if text := "\n".join(lines).strip():
                yield text, RecordSource(file=f"tanren/general_text/{name}", line=start)
            lines, start = [], number + 1


def _pieces(text: str, source: RecordSource, tokenizer: Tokenizer, longest: int) -> list[TokenSequence]:
    whole = tokenizer.of_document(Document(text=text), source)
    if len(whole.ids) <= longest:
        return [whole]
    parts = [tokenizer.of_document(Document(text=part), source) for part in text.split("\n\n") if part.strip()]
    return [part for part in parts if len(part.ids) <= longest]
