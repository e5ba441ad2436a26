"""Records → token sequences with a loss mask. No token is cut, no record dropped: one that does not fit is refused.

Cost   one tokenisation a record, on a few threads, which is where the tokenizer's own time runs beside Python's;
       some hundred records in memory, whatever the number of all, and fewer of long ones.
"""

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from tanren.data.findings import FINDINGS_CAP, DataInvalid, Finding
from tanren.data.records import Document, RecordSource, TrainingRecord
from tanren.domain.conversation import Conversation
from tanren.domain.errors import ValidationFailed
from tanren.domain.sentences import sentence
from tanren.weights.chat_template import ChatTemplate

R = TypeVar("R")

_CHUNK_RECORDS: Final = 64
_CHUNK_CHARACTERS: Final = 1 << 18
_MOST_THREADS: Final = 4
"""More would only wait for each other: rendering the chat template is Python."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSequence:
    ids: "array[int]"
    loss_mask: bytes
    """1 where the token is to be learned, as long as `ids`."""
    source: RecordSource

    @property
    def target_count(self) -> int:
        """Tokens that are learned; the first token of a sequence has nothing before it to be told from."""
        return sum(self.loss_mask[1:])


class Tokenizer:
    """What objectives make sequences with. Raises as `ChatTemplate` does."""

    def __init__(self, template: ChatTemplate, *, bos_id: int | None, eos_id: int | None) -> None:
        self._template = template
        self._bos = [bos_id] if bos_id is not None else []
        self._eos = [eos_id] if eos_id is not None else [template.end_of_turn_id]

    def of_conversation(self, conversation: Conversation, source: RecordSource) -> TokenSequence:
        """The conversation as serving would write it; the assistant's answers are learned."""
        ids, mask = self._template.example(conversation)
        return TokenSequence(ids=array("i", ids), loss_mask=bytes(mask), source=source)

    def of_document(self, document: Document, source: RecordSource) -> TokenSequence:
        """The text between the tokens that begin and end one; all of it is learned."""
        ids = [*self._bos, *self._template.text_ids(document.text), *self._eos]
        return TokenSequence(ids=array("i", ids), loss_mask=bytes([1]) * len(ids), source=source)


def tokenize(
    records: Iterable[TrainingRecord],
    sequence_of: Callable[[TrainingRecord], TokenSequence],
    *,
    max_sequence_length: int,
) -> Iterator[tuple[TrainingRecord, TokenSequence]]:
    """Every record with its sequence, in order.

    Raises   DataInvalid after the last record, naming every one (the first `FINDINGS_CAP`) that is too long, has no
             token to learn, or is refused with ValidationFailed. Nothing comes after the first of them.
    """
    findings: list[Finding] = []
    error_count = 0
    results = _in_order(records, lambda record: _sequence_or_finding(record, sequence_of, max_sequence_length))
    for record, result in results:
        if isinstance(result, Finding):
            error_count += 1
            if len(findings) < FINDINGS_CAP:
                findings.append(result)
        elif not error_count:
            yield record, result
    if error_count:
        raise DataInvalid(findings, error_count=error_count)


def _chunks(records: Iterable[TrainingRecord]) -> Iterator[list[TrainingRecord]]:
    """Of as many records and as much text that threads have something to do and memory stays bounded."""
    chunk: list[TrainingRecord] = []
    characters = 0
    for record in records:
        chunk.append(record)
        content = record.content
        texts = [content.text] if isinstance(content, Document) else [message.text for message in content.messages]
        characters += sum(map(len, texts))
        if len(chunk) >= _CHUNK_RECORDS or characters >= _CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _in_order(
    records: Iterable[TrainingRecord], work: Callable[[TrainingRecord], R]
) -> Iterator[tuple[TrainingRecord, R]]:
    """Each record with what `work` makes of it, in the records' order, a few chunks ahead of who asks."""

    def of_chunk(chunk: list[TrainingRecord]) -> list[tuple[TrainingRecord, R]]:
        return [(record, work(record)) for record in chunk]

    # Imported here: whoever makes single sequences does without, and it takes a second.
    import torch

    threads = min(_MOST_THREADS, torch.get_num_threads())
    with ThreadPoolExecutor(threads, thread_name_prefix="tokenize") as pool:
        waiting: deque[Future[list[tuple[TrainingRecord, R]]]] = deque()
        for chunk in _chunks(records):
            waiting.append(pool.submit(of_chunk, chunk))
            if len(waiting) > 2 * threads:
                yield from waiting.popleft().result()
        for future in waiting:
            yield from future.result()


def _sequence_or_finding(
    record: TrainingRecord, sequence_of: Callable[[TrainingRecord], TokenSequence], max_sequence_length: int
) -> TokenSequence | Finding:
    def refuse(rule: str, message: str, fix: str) -> Finding:
        return Finding(file=record.source.file, line=record.source.line, rule=rule, message=message, fix=fix)

    try:
        sequence = sequence_of(record)
    except ValidationFailed as error:
        return refuse("record-refused", str(error), sentence("Change the record to what this job can train on."))
    length = len(sequence.ids)
    if length > max_sequence_length:
        # The beginning is AWS's own text for the case.
        return refuse(
            "too-many-tokens",
            sentence(
                "Max sum of input and output token length {length} exceeds total limit of {limit}.",
                length=length,
                limit=max_sequence_length,
            ),
            sentence("Shorten or split the record, or raise maxSequenceLength where the base model allows it."),
        )
    if sequence.target_count == 0:
        return refuse("nothing-to-learn", "the record has no token to learn.", "Give it a longer answer.")
    return sequence
