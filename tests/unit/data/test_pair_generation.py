"""Pairs about a document, with a model that does what small models do."""

import itertools
import random
from typing import Any

import jsonschema
import pytest

from tanren.data.pair_generation import LEAST_CHARACTERS, PromptTooLong, collect_pairs, says_too_long
from tanren.domain.errors import ServiceUnavailable
from tanren.serving.grammars import refuse_schema

TOPICS = ["hammer", "anvil", "furnace", "river", "charcoal", "whetstone", "apprentice", "blade", "handle", "customer"]
TEXT = "\n".join(
    f"The {topic} of the forge number {number} was made in {1650 + number} by the {words} family."
    for number, (topic, words) in enumerate(itertools.product(TOPICS, ["northern", "southern", "eastern", "western"]))
)


class SmallModel:
    """Reads at most so many characters, answers some calls with nothing of use, and keeps to the schema else."""

    def __init__(self, window: int = 2_000, *, is_useless: bool = False) -> None:
        self.window = window
        self.is_useless = is_useless
        self.calls: list[dict[str, Any]] = []
        self.random = random.Random(5)

    def converse(self, **request: Any) -> dict[str, Any]:
        document, prompt = request["messages"][0]["content"]
        passage = document["document"]["source"]["bytes"].decode()
        if len(passage) > self.window:
            raise PromptTooLong("The prompt is too long.")
        self.calls.append(request)
        assert request["toolConfig"]["toolChoice"] == {"tool": {"name": "QA_dataset_generator"}}
        assert prompt["text"].startswith("Make pairs.")
        schema = request["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"]
        dataset = schema["properties"]["dataset"]
        allowed = dataset["items"]["properties"]["answer"].get("enum") or passage.split("\n")
        pairs = [
            {"question": f"What about {self.random.random()}?", "answer": self.random.choice(allowed)}
            for _ in range(dataset["minItems"])
        ]
        if self.is_useless or len(self.calls) % 3 == 0:
            pairs = [{"question": "What?", "answer": "Bananas ripen slowly indoors."}] * dataset["minItems"]
        made = {"dataset": pairs}
        jsonschema.Draft202012Validator.check_schema(schema)
        return {"output": {"message": {"content": [{"text": "Here."}, {"toolUse": {"input": made}}]}}}


def collect(model: SmallModel, count: int, *, is_extractive: bool = False) -> Any:
    return collect_pairs(
        model.converse,
        TEXT,
        model_id="m",
        order="Make pairs.",
        count=count,
        is_extractive=is_extractive,
        passage_characters=4_000,
    )


@pytest.mark.parametrize("is_extractive", [False, True])
def test_exactly_as_many_pairs_are_made_as_were_asked_for(is_extractive: bool) -> None:
    model = SmallModel()
    collection = collect(model, 32, is_extractive=is_extractive)
    assert len(collection.pairs) == 32
    assert len({pair.question for pair in collection.pairs}) == 32
    assert all(pair.answer in TEXT for pair in collection.pairs)
    assert collection.dropped["not from the document"] > 0


def test_a_passage_that_is_too_long_for_the_model_is_halved() -> None:
    model = SmallModel(window=500)
    assert len(collect(model, 5).pairs) == 5
    assert all(len(call["messages"][0]["content"][0]["document"]["source"]["bytes"]) <= 500 for call in model.calls)
    with pytest.raises(PromptTooLong):
        collect(SmallModel(window=10), 5)


def test_a_model_that_makes_nothing_of_use_is_given_up_with_the_reason() -> None:
    model = SmallModel(is_useless=True)
    with pytest.raises(ServiceUnavailable, match=r"0 of 4 pairs .* not from the document"):
        collect(model, 4)
    assert len(model.calls) <= 30


@pytest.mark.parametrize(
    ("code", "message", "is_so"),
    [
        ("ValidationException", "The prompt is too long.", True),
        ("ValidationException", "Input exceeds the maximum context length", True),
        ("ValidationException", "toolConfig is missing", False),
        ("ThrottlingException", "Too many tokens", False),
    ],
)
def test_a_prompt_that_is_too_long_is_told_from_other_faults(code: str, message: str, is_so: bool) -> None:
    assert says_too_long(code, message) is is_so


@pytest.mark.parametrize("text", [TEXT, "黒鉄鍛冶は手打ちの包丁の工房です。\n店の休みは日曜日と月曜日の二日間です。"])
def test_what_a_small_model_is_held_to_can_be_enforced_by_our_own_engines(text: str) -> None:
    asked: list[dict[str, Any]] = []

    def converse(**request: Any) -> dict[str, Any]:
        asked.append(request)
        raise PromptTooLong("enough")

    with pytest.raises(PromptTooLong):
        collect_pairs(
            converse, text, model_id="m", order="o", count=2, is_extractive=True, passage_characters=LEAST_CHARACTERS
        )
    schema = asked[0]["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"]
    assert "pattern" in str(schema)
    refuse_schema(schema, "here")
