"""Every answer with its scores, a row for each question and arm: CSV, and Parquet where pyarrow is installed."""

import csv
import io
import re
from typing import Any, Final

from tanren.evaluation.results import Evaluation

_FORMULA: Final = re.compile(r"[\t\r]|\s*[=+\-@＝＋－＠]")
"""Spreadsheets look past spaces, and take full-width signs for narrow ones."""


def columns(evaluation: Evaluation) -> dict[str, list[Any]]:
    names = [metric.name for metric in evaluation.base.metrics]
    found: dict[str, list[Any]] = {
        name: []
        for name in ("question", "source", "category", "document", "arm", "model", "prompt", "reference", "answer",
                     "problem", "input_tokens", "output_tokens", "seconds", *names)
    }  # fmt: skip
    for result in evaluation.arms:
        for row, (question, reply) in enumerate(zip(evaluation.questions, result.replies, strict=True)):
            scores = {
                name: metric.values[row] if (metric := result.metric(name)) is not None else None for name in names
            }
            values: dict[str, Any] = {
                "question": question.number,
                "source": question.source,
                "category": question.category,
                "document": question.document,
                "arm": result.arm.name,
                "model": result.arm.model_id,
                "prompt": question.prompt,
                "reference": question.reference,
                "answer": reply.text,
                "problem": reply.problem,
                "input_tokens": reply.input_tokens,
                "output_tokens": reply.output_tokens,
                "seconds": reply.seconds,
                **scores,
            }
            for name, value in values.items():
                found[name].append(value)
    return found


def csv_text(evaluation: Evaluation) -> str:
    """With a byte order mark, by which spreadsheets know UTF-8; a text that one would take for a formula is marked.

    Why   an answer that begins with = is run by a spreadsheet: OWASP, CSV injection.
    """
    found = columns(evaluation)
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(found)
    for row in zip(*found.values(), strict=True):
        writer.writerow(["" if value is None else _harmless(value) for value in row])
    return "\ufeff" + written.getvalue()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def parquet_bytes(evaluation: Evaluation) -> bytes | None:
    """None where pyarrow is not installed: it is an extra of 50 MB."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return None
    written = io.BytesIO()
    found = columns(evaluation)
    texts = {"source", "category", "document", "arm", "model", "prompt", "reference", "answer", "problem"}
    counts = {"question", "input_tokens", "output_tokens"}
    schema: Any = pa.schema(  # pyright: ignore
        [(n, pa.string() if n in texts else pa.int64() if n in counts else pa.float64()) for n in found]  # pyright: ignore
    )
    pq.write_table(pa.table(found, schema=schema), written)  # pyright: ignore
    return written.getvalue()
