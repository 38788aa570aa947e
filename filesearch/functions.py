"""Functions: Python callables as tools that a chat model can call.

A signature gives the JSON schema; what the model writes is checked against it before anything is
called. What goes wrong is told to the model, which can mend its call.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from filesearch.errors import InvalidSetting
from filesearch.messages import ToolSpec

FILE_SEARCH = "file_search"
MAX_OUTPUT_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True)
class Function:
    """A function tool.

    Attributes:
        spec: What the model is told.
        call: Keyword arguments -> output, run by the loop. None hands calls to the loop's caller.
    """

    spec: ToolSpec
    call: Callable[..., object] | None = None


def make_function(callable_: Callable[..., object]) -> Function:
    """Return a callable as a tool: name, docstring and annotations say what it takes.

    Args:
        callable_: Every parameter annotated with a type that JSON can carry (str, int, float,
            bool, list, dict, Literal, Enum, dataclasses, None); positional-only and starred
            parameters cannot be called by name.

    Raises:
        InvalidSetting: A parameter that JSON cannot carry, or a name that is taken.
    """
    name = getattr(callable_, "__name__", type(callable_).__name__)
    if name == FILE_SEARCH:
        raise InvalidSetting(f"a function cannot be called '{name}'; that name is the search's")
    _, parameters = _schema(callable_, name)
    description = inspect.cleandoc(callable_.__doc__ or "")

    def call(arguments: Mapping[str, Any]) -> object:
        struct, _ = _schema(callable_, name)
        given = msgspec.convert(dict(arguments), struct)
        return callable_(**{f: getattr(given, f) for f in struct.__struct_fields__})

    return Function(ToolSpec(name, description, parameters), call)


def _schema(
    callable_: Callable[..., object], name: str
) -> tuple[type[msgspec.Struct], dict[str, Any]]:
    """Return a struct with the parameters as its fields, and its JSON schema."""
    hints = typing.get_type_hints(callable_)
    fields: list[Any] = []
    for parameter in inspect.signature(callable_).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InvalidSetting(
                f"parameter '{parameter.name}' of function '{name}' cannot be given by name; "
                "take plain parameters only"
            )
        field = (parameter.name, hints.get(parameter.name, Any))
        has_default = parameter.default is not parameter.empty
        fields.append((*field, parameter.default) if has_default else field)
    try:
        struct = msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)
        schema = msgspec.json.schema(struct)
    except (TypeError, ValueError) as error:
        raise InvalidSetting(f"function '{name}' cannot be a tool: {error}") from error
    definitions = schema.pop("$defs", {})
    own = definitions.pop(name)
    own.pop("title", None)
    return struct, {**own, **({"$defs": definitions} if definitions else {})}


def parse_arguments(text: str) -> dict[str, Any]:
    """Return the arguments of a call; none for blank text.

    Raises:
        ValueError: Not a JSON object. The message is meant for the model.
    """
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"the arguments are not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"the arguments are not a JSON object but {type(found).__name__}")  # noqa: TRY004
    return found


def run_function(function: Function, arguments: str) -> str:
    """Call a registered function and return its output as text: a str as it is, others as JSON.

    Never raises for what the function does: the model is told what went wrong.
    """
    assert function.call is not None
    try:
        output = function.call(parse_arguments(arguments))
        text = output if isinstance(output, str) else msgspec.json.encode(output).decode()
    # The edge to code that is not ours: whatever it raises, the conversation goes on.
    except Exception as error:  # noqa: BLE001
        return f"Error: {type(error).__name__}: {error}"
    if len(text) > MAX_OUTPUT_CHARACTERS:
        return f"{text[:MAX_OUTPUT_CHARACTERS]}\n(cut at {MAX_OUTPUT_CHARACTERS:,} characters)"
    return text
