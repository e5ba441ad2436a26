"""Whatever a model prefers, its constrained answer satisfies the schema, and ends before the budget does."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanren.domain.conversation import Conversation, Message, Role, Tool
from tanren.domain.errors import ValidationFailed
from tanren.domain.generation import GenerationRequest
from tanren.domain.tool_calls import STATED_FORM, CallForm
from tanren.serving.grammars import LARGEST_INTEGER, GrammarCompiler, refuse_schema
from tests.unit.serving.tiny_base import END, byte_tokenizer

ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "customer": {"type": "string"},
        "lines": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{2}$"},
                    "quantity": {"type": "integer", "minimum": 1},
                    "price": {"type": "number"},
                    "tags": {"type": "array", "items": {"enum": ["gift", "fragile", None]}, "minItems": 1},
                },
                "required": ["sku", "quantity", "tags"],
            },
        },
        "express": {"type": ["boolean", "null"]},
    },
    "required": ["customer", "lines", "express"],
}
TREE: dict[str, Any] = {
    "type": "object",
    "properties": {"value": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["value", "children"],
}
CHOICE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "of": {"anyOf": [{"type": "string", "minLength": 3, "maxLength": 9}, {"type": "object", "required": ["x"]}]},
        "when": {"type": "string", "format": "date"},
        "kind": {"const": {"a": [1, 2]}},
    },
    "required": ["of", "when", "kind"],
}
SCHEMAS = {"order": ORDER, "tree": TREE, "choice": CHOICE}
LEAST = {"order": 138, "tree": 60, "choice": 91}
"""Tokens, here bytes, of the shortest call."""


@cache
def compiler(form: CallForm = STATED_FORM) -> GrammarCompiler:
    tokenizer = byte_tokenizer()
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in ("<|system|>", END)}

    def pieces(text: str) -> list[str | int]:
        found: list[str | int] = [ids["<|system|>"]] if text.startswith("<|system|>") else []
        return [*found, rest] if (rest := text.removeprefix("<|system|>")) else found

    return GrammarCompiler(
        lambda: tokenizer.backend_tokenizer.to_str(), end_id=ids[END], call_form=lambda: form, special_pieces=pieces
    )


def asked(*forced: str, schemas: Mapping[str, Any] = SCHEMAS, **more: Any) -> GenerationRequest:
    tools = tuple(Tool(name=name, input_schema=schema) for name, schema in schemas.items())
    conversation = Conversation(messages=(Message(role=Role.USER, text="order"),), tools=tools)
    return GenerationRequest(conversation=conversation, max_new_tokens=1, temperature=0, forced_tools=forced, **more)


Preference = Callable[[int], np.ndarray]
"""Logits of a model at a step."""


def random_preference(seed: int) -> Preference:
    random = np.random.default_rng(seed)
    return lambda _: random.normal(size=300).astype(np.float32)


def favourite(characters: str) -> Preference:
    """A model that would write these characters for ever."""
    logits = np.zeros(300, np.float32)
    logits[byte_tokenizer().encode(characters)] = 9
    return lambda _: logits


def answer(request: GenerationRequest, budget: int, preference: Preference, form: CallForm = STATED_FORM) -> list[int]:
    """The tokens of a whole answer, without the end of the turn."""
    constraint = compiler(form).constraint(request, budget)
    assert constraint is not None
    ids: list[int] = []
    while not constraint.is_complete:
        assert len(ids) < budget, "the answer is not whole within its budget"
        token = int(constraint.mask(preference(len(ids))).argmax())
        constraint.accept(token)
        ids.append(token)
    end = byte_tokenizer().convert_tokens_to_ids(END)
    return [token for token in ids if token != end]


def text_of(ids: list[int]) -> str:
    return byte_tokenizer().decode(ids, skip_special_tokens=True)


@settings(deadline=None, max_examples=20)
@given(name=st.sampled_from(sorted(SCHEMAS)), spare=st.integers(0, 60), seed=st.integers(0, 10_000))
def test_a_forced_call_satisfies_its_schema_within_any_budget_that_holds_one(name: str, spare: int, seed: int):
    ids = answer(asked(name), LEAST[name] + spare, random_preference(seed))
    call = json.loads(text_of(ids))
    assert call["name"] == name
    jsonschema.validate(call["arguments"], SCHEMAS[name])


@pytest.mark.parametrize("characters", ["a", "[{", '"', "1", "\\", " ", "あ"])
@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_model_that_would_never_end_is_led_to_an_end(name: str, characters: str):
    call = json.loads(text_of(answer(asked(name), 250, favourite(characters))))
    jsonschema.validate(call["arguments"], SCHEMAS[name])


@pytest.mark.parametrize("budget", [1, 5, 30])
def test_a_budget_that_holds_no_call_holds_nothing(budget: int):
    assert answer(asked("order"), budget, random_preference(0)) == []


def test_one_of_several_tools_is_called():
    names = {
        json.loads(text_of(answer(asked("tree", "order"), 160, random_preference(seed))))["name"] for seed in range(12)
    }
    assert names == {"tree", "order"}


def test_a_call_is_written_in_the_models_own_form_special_tokens_included():
    form = CallForm(before='<|system|><call>{"name": "', between='", "parameters": ', after="}</call>")
    ids = answer(asked("tree"), 120, random_preference(1), form)
    assert ids[0] == byte_tokenizer().convert_tokens_to_ids("<|system|>")
    assert text_of(ids).startswith('<call>{"name": "tree", "parameters": {')
    assert text_of(ids).endswith("}}</call>")


def test_a_structured_answer_is_the_json_alone():
    ids = answer(asked(schemas={}, answer_schema=CHOICE), 200, random_preference(2))
    jsonschema.validate(json.loads(text_of(ids)), CHOICE)


@pytest.mark.parametrize("combined", ["$ref", "allOf", "anyOf"])
def test_properties_that_are_stated_in_two_places_do_not_forbid_each_other(combined: str):
    base = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    schema = {
        "type": "object",
        "properties": {"b": {"type": "boolean"}},
        "required": ["b"],
        combined: "#/$defs/base" if combined == "$ref" else [base],
        "$defs": {"base": base},
    }
    value = json.loads(text_of(answer(asked(schemas={}, answer_schema=schema), 120, favourite("}"))))
    jsonschema.validate(value, schema)


def test_a_free_answer_has_no_constraint():
    assert compiler().constraint(asked(), 10) is None


def test_open_numbers_stay_where_every_reader_holds_them():
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "x": {"type": "number"}},
        "required": ["n", "x"],
    }
    request = asked(schemas={}, answer_schema=schema)
    for digit in "079":
        value = json.loads(text_of(answer(request, 100, favourite(digit))))
        assert abs(value["n"]) <= LARGEST_INTEGER
        assert abs(value["x"]) <= 1e15


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True}}}, "uniqueItems"),
        ({"type": "object", "not": {"required": ["a"]}}, "not"),
        ({"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=a)b"}}}, "look-around"),
        (
            {"type": "object", "properties": {"a": {"minimum": 5, "maximum": 1, "type": "integer"}}, "required": ["a"]},
            "unsatisfiable",
        ),
    ],
)
def test_what_no_grammar_holds_is_refused_by_name(schema: dict[str, Any], named: str):
    with pytest.raises(ValidationFailed, match=rf"JSON schema at here cannot be enforced: .*{named}"):
        refuse_schema(schema, "here")


def test_a_tokenizer_that_cannot_be_read_says_so():
    broken = GrammarCompiler(
        lambda: json.dumps({**json.loads(byte_tokenizer().backend_tokenizer.to_str()), "decoder": None}),
        end_id=0,
        call_form=lambda: STATED_FORM,
        special_pieces=lambda text: [text],
    )
    with pytest.raises(ValidationFailed, match="doesn't support forced tools or structured output"):
        broken.constraint(asked("tree"), 100)
