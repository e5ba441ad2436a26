"""Whether an answer is JSON that satisfies the question's schema."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tanren.evaluation.metrics.base import ItemScores
from tanren.evaluation.questions import Question

_FENCE: Final = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)


def violation(text: str, schema: Mapping[str, Any]) -> str | None:
    """What is wrong with the answer; None of one that a program can read. A fence of Markdown around it is allowed.

    Why   the schema's references are resolved inside it only: a data file makes no program fetch anything.
    """
    import jsonschema
    from jsonschema.validators import validator_for
    from referencing import Registry

    fenced = _FENCE.match(text)
    try:
        value: Any = json.loads(fenced.group(1) if fenced else text)
    except (json.JSONDecodeError, RecursionError) as error:
        return f"not JSON: {error}"
    kind: Any = validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
        found: Any = next(kind(schema, registry=Registry()).iter_errors(value), None)
    except jsonschema.SchemaError as error:
        return f"the question's schema is no JSON schema: {error.message}"
    except Exception as error:  # an unresolvable reference is of a private class of jsonschema's
        return f"the question's schema cannot be applied: {error}"
    return None if found is None else f"{found.json_path}: {str(found.message)[:200]}"


def json_valid(questions: Sequence[Question], texts: Sequence[str]) -> ItemScores:
    values = [
        math.nan if question.schema is None else float(violation(text, question.schema) is None)
        for question, text in zip(questions, texts, strict=True)
    ]
    return ItemScores.mean_of(values, signature="jsonschema, whole answer or one fence", is_binary=True)
