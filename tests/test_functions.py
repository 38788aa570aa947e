"""Functions: a signature is a schema, and a model's arguments are checked against it."""

from __future__ import annotations

import argparse
import asyncio
import enum
import functools
import json
import math
from dataclasses import dataclass
from typing import Any, Literal

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
        ('{"item": ' + "9" * 5000, "not JSON"),
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


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("caf\ud83d", "caf\ufffd"),
        ("\ud83d\ude42", "🙂"),
        (["caf\udce9", {1: "b"}], '["caf\ufffd", {"1": "b"}]'),
        (ValueError("caf\ud83d"), "Error: ValueError: caf\ufffd"),
    ],
)
def test_halves_of_characters_in_an_output_are_joined_or_replaced(output, text):
    def name() -> object:
        if isinstance(output, Exception):
            raise output
        return output

    assert run_function(make_function(name), "") == text


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


def test_keys_of_dicts_become_the_annotated_types():
    def glaze(degrees: dict[int, float], sizes: dict[Size, str], names: dict[str, int]) -> object:
        return [list(degrees), [size.name for size in sizes], list(names)]

    arguments = '{"degrees": {"1280": 9.5}, "sizes": {"small": "a"}, "names": {"1": 2}}'
    assert run_function(make_function(glaze), arguments) == '[[1280],["SMALL"],["1"]]'
    wrong = arguments.replace("1280", "hot")
    assert "Expected `int`, got `str`" in run_function(make_function(glaze), wrong)


def test_a_default_may_be_changed_and_no_other_call_sees_it():
    def collect(
        numbers: list[int] = [1, 2],  # noqa: B006
        by_name: dict[str, list[int]] = {"a": [1]},  # noqa: B006
        none: list[int] = [],  # noqa: B006
    ) -> object:
        for held in (numbers, by_name["a"], none):
            held.append(9)
        return [numbers, by_name, none]

    function = make_function(collect)
    assert function.spec.parameters["properties"]["numbers"]["default"] == [1, 2]
    for _ in range(2):
        assert run_function(function, "") == '[[1,2,9],{"a":[1,9]},[9]]'
    assert run_function(function, '{"numbers": [5]}').startswith("[[5,9]")


@dataclass
class Limits:
    most: float = math.inf


MISSING = object()


def test_a_default_that_json_cannot_carry_is_the_functions_alone():
    def limit(
        most: float = math.inf,
        each: tuple[float, ...] = (1.0, math.nan),
        within: Limits | None = None,
        given: Any = MISSING,
        default: float = -math.inf,
    ) -> object:
        """Limit caf\ud83d."""
        return [most == math.inf, given is MISSING, len(each), default == -math.inf]

    function = make_function(limit)
    json.dumps(function.spec.parameters, allow_nan=False)
    assert function.spec.description == "Limit caf\ufffd."
    properties = function.spec.parameters["properties"]
    assert [name for name in properties if "default" in properties[name]] == ["within"]
    assert "default" not in function.spec.parameters["$defs"]["Limits"]["properties"]["most"]
    assert run_function(function, "") == "[true,true,2,true]"


def test_objects_and_partials_are_tools():
    class Adder:
        """Adds."""

        def __call__(self, a: int, b: int = 1) -> int:
            return a + b

    added = make_function(Adder())
    assert (added.spec.name, added.spec.description) == ("Adder", "Adds.")
    assert run_function(added, '{"a": 2}') == "3"
    assert run_function(make_function(functools.partial(Adder(), b=5)), '{"a": 2}') == "7"
    part = make_function(functools.partial(order, count=3))
    assert (part.spec.name, part.spec.description.splitlines()[0]) == ("order", "Order something.")
    assert part.spec.parameters["properties"]["count"]["default"] == 3
    assert run_function(part, '{"item": "mugs"}').startswith("3 small white mugs")


def test_async_functions_are_run_to_their_end():
    async def later(a: int) -> int:
        return a + 1

    assert run_function(make_function(later), '{"a": 2}') == "3"
    assert run_function(make_function(functools.partial(later, a=4)), "") == "5"


def test_names_of_parameters_and_types_may_be_any():
    def shout(__x: int, json: str, __post_init__: int = 1) -> list[object]:
        return [__x, json, __post_init__]

    def address(to: Address) -> str:
        return to.street

    address.__name__ = "Address"
    assert run_function(make_function(shout), '{"__x": 2, "json": "a"}') == '[2,"a",1]'
    assert run_function(make_function(address), '{"to": {"street": "Kiln Lane"}}') == "Kiln Lane"


def test_a_pydantic_model_that_is_returned_becomes_json():
    pydantic = pytest.importorskip("pydantic")
    Mug = pydantic.create_model("Mug", glaze=(str, ...))  # noqa: N806

    def mug() -> object:
        return [Mug(glaze="blue")]

    def odd() -> object:
        return object()

    assert run_function(make_function(mug), "") == '[{"glaze":"blue"}]'
    assert run_function(make_function(odd), "").startswith("Error: TypeError: ")


def test_annotations_that_cannot_be_found_are_refused():
    @dataclass
    class Local:
        street: str

    def send(to: Local) -> str:
        return to.street

    with pytest.raises(InvalidSetting, match=r"'send' .*'Local' is not defined"):
        make_function(send)


@pytest.mark.parametrize("given", [lambda a=1: a, lambda: None, 5])
def test_what_has_no_name_or_cannot_be_called_is_refused(given):
    with pytest.raises(InvalidSetting, match="cannot be called"):
        make_function(given)


def test_an_error_that_cannot_say_itself_is_told_by_its_kind():
    class MuteError(Exception):
        def __str__(self):
            raise ValueError("mute")

    def fail() -> None:
        raise MuteError

    assert run_function(make_function(fail), "") == "Error: MuteError: no message"


def exits() -> None:
    argparse.ArgumentParser("kiln").parse_args(["--bogus"])


async def gives_up() -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("function", [exits, gives_up])
def test_a_function_that_ends_the_program_ends_itself_alone(function):
    kind = "SystemExit" if function is exits else "CancelledError"
    assert run_function(make_function(function), "").startswith(f"Error: {kind}: ")


def test_the_user_can_still_stop_the_program():
    def wait() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_function(make_function(wait), "")
