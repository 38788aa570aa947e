"""Arguments: what a user's words give for any schema that a client may send."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesearch.chat.arguments import fill_arguments
from filesearch.chat.extractive import ExtractiveChatModel
from filesearch.messages import ChatRequest, Message, NamedTool, ToolSpec
from filesearch.testing import HashingEmbedder

BOOK = "Book 3 blue mugs"
ADDRESS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def fill(schema, said=BOOK, **others):
    parameters = {"type": "object", "properties": {"a": schema}, "required": ["a"], **others}
    return fill_arguments(parameters, said)["a"]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, BOOK),
        ({"type": "integer"}, 3),
        ({"type": "number"}, 3.0),
        ({"type": "boolean"}, False),
        ({"type": "array"}, []),
        ({"type": "object"}, {}),
        ({"type": "null"}, None),
        ({"enum": ["white", "blue"]}, "blue"),
        ({"enum": ["white", "red"]}, "white"),
        ({"const": "z"}, "z"),
        ({}, BOOK),
        ({"type": ["string", "null"]}, BOOK),
        ({"type": ["integer", "null"]}, 3),
        ({"type": ["boolean", "null"]}, None),
        ({"type": ["string", "null"], "enum": ["red", None]}, None),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 3),
        ({"anyOf": [{"$ref": "#/$defs/Address"}, {"type": "null"}]}, None),
        ({"oneOf": [{"type": "object"}, {"type": "string"}]}, BOOK),
        ({"$ref": "#/$defs/Address"}, {"city": BOOK}),
        ({"allOf": [{"$ref": "#/$defs/Address"}]}, {"city": BOOK}),
        ({"$ref": "#/$defs/Loop"}, None),
        ({"$ref": "#/$defs/none"}, BOOK),
        ({"type": "array", "items": 5, "minItems": "x"}, []),
        (True, BOOK),
        (5, BOOK),
        ({"type": [{}, 5]}, BOOK),
        ({"enum": 5}, BOOK),
    ],
)
def test_a_schema_of_any_form_gives_a_value(schema, value):
    loop = {"anyOf": [{"$ref": "#/$defs/Loop"}]}
    found = fill(schema, **{"$defs": {"Address": ADDRESS, "Loop": loop}})
    assert (found, type(found)) == (value, type(value))


def test_what_may_be_null_is_where_the_words_do_not_say_it():
    assert fill({"type": ["integer", "null"]}, "Book it") is None
    assert fill({"type": "integer"}, "Book it") == 0
    assert fill({"type": "integer"}, "Book " + "9" * 5000) > 0


@pytest.mark.parametrize(
    ("parameters", "filled"),
    [
        ({"properties": []}, {}),
        ({"required": "a"}, {}),
        ({"required": [1, "a"]}, {"a": BOOK}),
        ({"$ref": "#/$defs/A", "$defs": {"A": ADDRESS}}, {"city": BOOK}),
        ({"properties": {"a": {"type": "string"}}}, {}),
    ],
)
def test_parameters_of_any_form_are_filled_where_they_are_required(parameters, filled):
    assert fill_arguments(parameters, BOOK) == filled


def test_a_short_schema_that_stands_for_very_much_costs_little():
    names = [f"p{n}" for n in range(50)]
    wide = {"properties": {name: {"$ref": "#"} for name in names}, "required": names}
    both = {"anyOf": [{"anyOf": [{"$ref": "#/$defs/A"}] * 50}] * 50}
    started = time.monotonic()
    fill_arguments(wide, BOOK)
    fill(both, **{"$defs": {"A": {"anyOf": [{"anyOf": [{}] * 50}] * 50}}})
    assert time.monotonic() - started < 10


WORDS = ["type", "anyOf", "$ref", "properties", "required", "enum", "a", "object", "#", "#/a"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
)


@given(st.dictionaries(st.sampled_from(WORDS), ANYTHING, max_size=5))
def test_no_schema_is_an_error(parameters):
    assert isinstance(fill_arguments(parameters, BOOK), dict)


def test_the_extractive_model_calls_a_strict_function():
    parameters = {
        "type": "object",
        "properties": {"count": {"type": "integer"}, "glaze": {"type": ["string", "null"]}},
        "required": ["count", "glaze"],
        "additionalProperties": False,
    }
    model = ExtractiveChatModel(HashingEmbedder, lambda asked, _turns: asked)
    spec = ToolSpec("book", "Books.", parameters, strict=True)
    request = ChatRequest((Message("user", BOOK),), tools=(spec,), tool_choice=NamedTool("book"))
    [call] = model.complete(request).message.tool_calls
    assert call.arguments == '{"count": 3, "glaze": "Book 3 blue mugs"}'
