"""Functions: Python callables as tools that a chat model can call.

A signature gives the JSON schema; what the model writes is checked against it before anything is
called. What goes wrong is told to the model, which can mend its call.
"""

from __future__ import annotations

import copy
import functools
import inspect
import json
import re
import typing
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from filesearch.errors import InvalidSetting
from filesearch.messages import ToolSpec
from filesearch.surrogates import join_surrogates

FILE_SEARCH = "file_search"
MAX_OUTPUT_CHARACTERS = 100_000
_LEFT_OUT = object()
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # OpenAI's rule


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
        callable_: A function, a method, a `functools.partial` of one, or an object with
            `__call__`, which is named as its class. Every parameter annotated with a type that
            JSON can carry (str, int, float, bool, list, dict, Literal, Enum, dataclasses, None),
            or not at all; positional-only and starred parameters cannot be called by name. A
            default that JSON cannot carry is not told to the model. An async function is run to
            its end, in an event loop of its own.

    Raises:
        InvalidSetting: A parameter that JSON cannot carry or whose annotation cannot be found, or
            a name that is taken or that no tool can have.
    """
    if not callable(callable_):
        raise InvalidSetting(f"{callable_!r} cannot be called; give a function")
    name = _name(callable_)
    if name == FILE_SEARCH:
        raise InvalidSetting(f"a function cannot be called '{name}'; that name is the search's")
    if not _NAME.fullmatch(name):
        raise InvalidSetting(
            f"a function cannot be called '{name}'; give it a name of at most 64 letters, digits, "
            "_ and -"
        )
    struct, parameters = _schema(callable_, name)

    def call(arguments: Mapping[str, Any]) -> object:
        # JSON has no keys but strings, and a dict may be annotated with others.
        given = msgspec.convert(dict(arguments), struct, str_keys=True)
        names = zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True)
        values = {parameter: getattr(given, field) for parameter, field in names}
        return callable_(**{p: value for p, value in values.items() if value is not _LEFT_OUT})

    description = join_surrogates(_description(callable_))
    return Function(ToolSpec(name, description, parameters), call)


def _name(callable_: Callable[..., object]) -> str:
    if isinstance(callable_, functools.partial) and not hasattr(callable_, "__name__"):
        return _name(callable_.func)
    name: str = getattr(callable_, "__name__", type(callable_).__name__)
    return name


def _description(callable_: Callable[..., object]) -> str:
    if isinstance(callable_, functools.partial):  # its own docstring is that of every partial
        return _description(callable_.func)
    return inspect.cleandoc(callable_.__doc__ or _function_behind(callable_).__doc__ or "")


def _function_behind(callable_: Callable[..., object]) -> Callable[..., object]:
    """Return what holds the annotations of a callable."""
    if isinstance(callable_, functools.partial):
        return _function_behind(callable_.func)
    if inspect.isroutine(callable_) or inspect.isclass(callable_):
        return callable_
    call: Callable[..., object] = type(callable_).__call__
    return call


def _schema(
    callable_: Callable[..., object], name: str
) -> tuple[type[msgspec.Struct], dict[str, Any]]:
    """Return a struct with a field for each parameter, and its JSON schema."""
    try:
        hints = typing.get_type_hints(_function_behind(callable_))
        parameters = list(inspect.signature(callable_).parameters.values())
    except (NameError, AttributeError, TypeError, ValueError, SyntaxError) as error:
        raise InvalidSetting(
            f"function '{name}' cannot be a tool: its annotations cannot be read ({error}); "
            "annotate with names that its module defines"
        ) from error
    fields: list[Any] = []
    for number, parameter in enumerate(parameters):
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InvalidSetting(
                f"parameter '{parameter.name}' of function '{name}' cannot be given by name; "
                "take plain parameters only"
            )
        field = (f"p{number}", hints.get(parameter.name, Any))
        has_default = parameter.default is not parameter.empty
        left_out = msgspec.field(default_factory=_left_out(parameter.default))
        fields.append((*field, left_out) if has_default else field)
    # Not every parameter's name can be that of a field: __x, or what a struct has itself.
    renamed = {f"p{number}": parameter.name for number, parameter in enumerate(parameters)}
    try:
        struct = msgspec.defstruct(
            name, fields, kw_only=True, forbid_unknown_fields=True, rename=renamed
        )
        schema = msgspec.json.schema(struct)
    except (TypeError, ValueError) as error:
        raise InvalidSetting(f"function '{name}' cannot be a tool: {error}") from error
    definitions = schema.pop("$defs", {})
    own = definitions.pop(schema["$ref"].removeprefix("#/$defs/"))
    own.pop("title", None)
    for parameter in parameters:
        if parameter.default is not parameter.empty:
            own["properties"][parameter.name] |= _default(parameter.default)
    whole = {**own, **({"$defs": definitions} if definitions else {})}
    sendable: dict[str, Any] = _sendable(whole)
    return struct, sendable


def _left_out(default: object) -> Callable[[], object]:
    """Return what makes the argument that a model did not give: the function has the default.

    But no call sees what another one did to a list, dict or set.
    """
    if isinstance(default, (list, dict, set, bytearray)):
        return lambda: copy.deepcopy(default)
    return lambda: _LEFT_OUT


def _default(value: object) -> dict[str, Any]:
    """Return what a schema says of a default; nothing of one that JSON cannot carry."""
    try:
        return {"default": msgspec.to_builtins(value, str_keys=True)}
    except (TypeError, ValueError, RecursionError):
        return {}


def _sendable(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a schema whose text is text, without the defaults that JSON cannot carry."""
    if isinstance(schema, str):
        return join_surrogates(schema)
    if isinstance(schema, list):
        return [_sendable(value) for value in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _sendable(value) for name, value in schema.items()}
    return {name: value for name, value in plain.items() if name != "default" or _is_json(value)}


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:  # infinite, or no number
        return False
    return True


def parse_arguments(text: str) -> dict[str, Any]:
    """Return the arguments of a call; none for blank text.

    Raises:
        ValueError: Not a JSON object. The message is meant for the model.
    """
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the arguments are not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"the arguments are not a JSON object but {type(found).__name__}")  # noqa: TRY004
    return found


def run_function(function: Function, arguments: str) -> str:
    """Call a registered function and return its output as text: a str as it is, others as JSON.

    To be called in a thread without a running event loop, where the function is async.
    Never raises for what the function does: the model is told what went wrong, also where the
    function would have ended the program. KeyboardInterrupt alone is the user's.
    """
    assert function.call is not None
    try:
        output = function.call(parse_arguments(arguments))
        if inspect.iscoroutine(output):
            output = _run_to_end(output)
        text = output if isinstance(output, str) else _as_json(output)
    except KeyboardInterrupt:
        raise
    # The edge to code that is not ours: whatever it raises, the conversation goes on.
    except BaseException as error:  # noqa: BLE001
        text = f"Error: {describe_error(error)}"
    if len(text) > MAX_OUTPUT_CHARACTERS:
        text = f"{text[:MAX_OUTPUT_CHARACTERS]}\n(cut at {MAX_OUTPUT_CHARACTERS:,} characters)"
    return join_surrogates(text)


def _run_to_end(output: Coroutine[Any, Any, object]) -> object:
    import asyncio

    return asyncio.run(output)


def _as_json(output: object) -> str:
    try:
        return msgspec.json.encode(output, enc_hook=_plain).decode()
    except UnicodeEncodeError:  # names of files may hold half a character
        plain = msgspec.to_builtins(output, str_keys=True, enc_hook=_plain)
        return json.dumps(plain, ensure_ascii=False)


def _plain(value: object) -> object:
    """Return what a pydantic model holds."""
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise TypeError(f"what was returned is no JSON: {type(value).__name__}")
    return dump(mode="json")


def describe_error(error: BaseException) -> str:
    """Return kind and message of an error that code which is not ours raised."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - what is not ours may fail even here
        return f"{type(error).__name__}: no message"
