"""Functions: a signature is a schema, and a model's arguments are checked against it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal

import pytest

from filesearch.errors import InvalidSetting
from filesearch.functions import MAX_OUTPUT_CHARACTERS, make_function, parse_arguments, run_function


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


@dataclass
class Address:
    street: str
    zip_code: str | None = None


def order(
    item: str,
    count: int = 1,
    glaze: Literal["blue", "white"] = "white",
    size: Size = Size.SMALL,
    to: Address | None = None,
    notes: list[str] | None = None,
) -> str:
    """Order something.

    More about it.
    """
    return f"{count} {size.value} {glaze} {item} to {to and to.street}, {notes}"


def test_a_signature_gives_the_schema():
    spec = make_function(order).spec
    assert (spec.name, spec.description) == ("order", "Order something.\n\nMore about it.")
    properties = spec.parameters["properties"]
    assert spec.parameters["required"] == ["item"]
    assert properties["item"] == {"type": "string"}
    assert properties["count"] == {"type": "integer", "default": 1}
    assert properties["glaze"]["enum"] == ["blue", "white"]
    assert set(spec.parameters["$defs"]) == {"Address", "Size"}
    assert spec.parameters["additionalProperties"] is False


def test_arguments_become_the_annotated_types():
    arguments = '{"item": "mugs", "count": 2, "size": "large", "to": {"street": "Kiln Lane"}}'
    output = run_function(make_function(order), arguments)
    assert output == "2 large white mugs to Kiln Lane, None"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ('{"count": 2}', "item"),
        ('{"item": 3}', "str"),
        ('{"item": "mug", "glaze": "red"}', "red"),
        ('{"item": "mug", "colour": "red"}', "colour"),
        ("[1]", "not a JSON object"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_wrong_arguments_are_told_and_nothing_is_called(arguments, reason):
    output = run_function(make_function(order), arguments)
    assert output.startswith("Error: ")
    assert reason in output


def test_blank_arguments_are_none():
    assert parse_arguments(" ") == {}


def test_outputs_that_are_no_text_become_json_and_long_ones_are_cut():
    def listing() -> list[int]:
        return [1, 2]

    def long() -> str:
        return "x" * (MAX_OUTPUT_CHARACTERS + 1)

    assert run_function(make_function(listing), "") == "[1,2]"
    assert run_function(make_function(long), "").endswith("(cut at 100,000 characters)")


def test_what_cannot_be_called_by_name_is_refused():
    def starred(*items: str) -> str:
        return ""

    with pytest.raises(InvalidSetting, match="items"):
        make_function(starred)


def test_types_that_json_cannot_carry_are_refused():
    def odd(item: complex) -> str:
        return ""

    with pytest.raises(InvalidSetting, match="odd"):
        make_function(odd)
