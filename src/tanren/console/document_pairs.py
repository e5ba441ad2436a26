"""Pairs of question and answer about a document, by asking a model over the API: as lines for a page, as they are made.

The document is read here, in a child under bounds; each question to the model is a call of Converse with the user's
keys. What `tanren data generate` does, for a browser: the one thing for which the console has more of tanren than its
API, since it is work of a client.
"""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tanren.console.api import Api, ApiRefusal
from tanren.domain.documents import DocumentFormat
from tanren.domain.errors import TanrenError

if TYPE_CHECKING:
    from tanren.data.question_answers import PairCollection

LARGEST_DOCUMENT: Final = 20_000_000
"""Bytes."""
MOST_PAIRS: Final = 200
_PASSAGE_CHARACTERS: Final = 6_000


class HasLeft(Exception):
    """Nobody waits for the pairs any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsWanted:
    model_id: str
    order: str
    count: int
    is_extractive: bool
    """Whether answers are sentences of the document, as a small model needs it."""


async def pair_lines(
    api: Api, content: bytes, document_format: DocumentFormat, wanted: PairsWanted
) -> AsyncGenerator[str]:
    """Lines of JSON: `left_out` (sentences that speak to a model), `pair` for each, at last `end` or `refused`."""
    lines: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    has_left = threading.Event()

    def put(line: dict[str, Any] | None) -> None:
        loop.call_soon_threadsafe(lines.put_nowait, line)

    def work() -> None:
        try:
            _make(api, loop, content, document_format, wanted, put, has_left)
        except HasLeft:
            return
        except ApiRefusal as refusal:
            put({"refused": str(refusal), "report": refusal.report})
        except TanrenError as error:
            put({"refused": str(error)})
        finally:
            put(None)

    threading.Thread(target=work, name="pairs", daemon=True).start()
    try:
        while (line := await lines.get()) is not None:
            yield json.dumps(line, ensure_ascii=False) + "\n"
    finally:
        has_left.set()


def _make(
    api: Api,
    loop: asyncio.AbstractEventLoop,
    content: bytes,
    document_format: DocumentFormat,
    wanted: PairsWanted,
    put: Any,
    has_left: threading.Event,
) -> None:
    # Imported here: arrays come with them, and most consoles never read a document.
    from tanren.data.documents.reading import read_document
    from tanren.data.pair_generation import PromptTooLong, collect_pairs, says_too_long
    from tanren.data.question_answers import without_orders

    text, orders = without_orders(read_document(content, document_format))
    put({"read": len(text), "left_out": [order[:200] for order in orders[:5]]})
    told = 0

    def converse(**request: Any) -> dict[str, Any]:
        if has_left.is_set():
            raise HasLeft
        try:
            return asyncio.run_coroutine_threadsafe(api.ask("bedrock-runtime", "Converse", **request), loop).result()
        except ApiRefusal as refusal:
            if says_too_long(refusal.code, str(refusal)):
                raise PromptTooLong(str(refusal)) from refusal
            raise

    def tell(collection: "PairCollection") -> None:
        nonlocal told
        for pair in collection.pairs[told:]:
            put({"pair": pair.to_json()})
        told = len(collection.pairs)

    made = collect_pairs(
        converse,
        text,
        model_id=wanted.model_id,
        order=wanted.order,
        count=wanted.count,
        is_extractive=wanted.is_extractive,
        passage_characters=_PASSAGE_CHARACTERS,
        on_pairs=tell,
    )
    put({"end": {"dropped": dict(made.dropped.most_common())}})
