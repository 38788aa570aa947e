"""Errors: what went wrong -> OpenAI's envelope, with the value and the way out in the message.

{"error": {"message", "type", "param", "code"}}, all four keys always.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from filesearch.errors import (
    DatabaseAway,
    DiskFull,
    FilesearchError,
    IndexBusy,
    IndexReplaced,
    InputError,
    NotFound,
    RateLimited,
    TooManyOpenFiles,
)

INVALID_REQUEST = "invalid_request_error"
_MAX_SHOWN = 200
_Request = TypeVar("_Request", bound=BaseModel)


class ApiError(Exception):
    """An answer that is an error.

    Args:
        status: HTTP status.
        message: What happened, the value, and the way out.
        param: The parameter that is wrong, such as `tools[0].type`.
        code: OpenAI's.
        kind: OpenAI's `type`.
        headers: To be sent along.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str = INVALID_REQUEST,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.kind = kind
        self.headers = dict(headers or {})

    @property
    def envelope(self) -> dict[str, Any]:
        """The body of the answer."""
        error = {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }
        return {"error": error}


def not_found(message: str) -> ApiError:
    """Return the error for an object that is not there."""
    return ApiError(404, message)


def invalid(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """Return the error for a value that cannot be used."""
    return ApiError(400, message, param=param, code=code)


def check_id(prefix: str, value: str, *, name: str) -> str:
    """Return an id that has the prefix of its kind, such as `vs_`.

    Raises:
        ApiError: It has not.
    """
    if value.startswith(prefix):
        return value
    raise invalid(
        f"Invalid '{name}': '{shown(value)}'. Expected an ID that begins with '{prefix}'.",
        param=name,
        code="invalid_value",
    )


def to_api_error(error: FilesearchError) -> ApiError:
    """Return an error of the library as an answer."""
    if isinstance(error, NotFound):
        return ApiError(404, str(error))
    if isinstance(error, InputError):
        return ApiError(400, str(error))
    if isinstance(error, RateLimited):
        again = {"x-should-retry": "false"}  # that was done already
        return ApiError(429, str(error), kind="requests", code="rate_limit_exceeded", headers=again)
    if isinstance(error, DiskFull):  # 507 is Insufficient Storage, RFC 4918
        once = {"x-should-retry": "false"}
        said = "There is no space left on the server to keep this; its log says where."
        return ApiError(507, said, kind="server_error", headers=once)
    if isinstance(error, DatabaseAway):  # why is told to the log alone
        return database_away()
    # Said again a moment later, a busy index may answer, and connections may have been closed; the
    # rest stays as it is.
    retry = "true" if isinstance(error, (IndexBusy, TooManyOpenFiles)) else "false"
    status = 503 if isinstance(error, (IndexBusy, IndexReplaced, TooManyOpenFiles)) else 500
    return ApiError(status, str(error), kind="server_error", headers={"x-should-retry": retry})


def database_away() -> ApiError:
    """Return the error for a database that does not answer for now."""
    return ApiError(
        503,
        "The database is away or busy; try again in a moment.",
        kind="server_error",
        headers={"x-should-retry": "true"},
    )


# What pydantic found -> OpenAI's words

_TYPES = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "float_type": "a decimal",
    "float_parsing": "a decimal",
    "bool_type": "a boolean",
    "bool_parsing": "a boolean",
    "list_type": "an array",
    "tuple_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "is_instance_of": "an object",
    "none_required": "null",
}


def validated(model: type[_Request], fields: Mapping[str, Any]) -> _Request:
    """Return the body of a request as `model` reads it, where no route has read it so.

    Raises:
        ApiError: What is wrong with it.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise explain(found, fields) from error


def explain(errors: Sequence[Any], body: Any) -> ApiError:  # noqa: ANN401
    """Return what is wrong with a request, from what pydantic says of it.

    Where a value fits none of several shapes, the shape that came furthest is spoken of.
    """
    found = [(_path(error, body), error) for error in errors]
    path, error = max(found, key=lambda one: (len(one[0]), one[1]["type"] not in _TYPES))
    param = _written(path)
    wanted = list(
        dict.fromkeys(
            _TYPES[other["type"]] for at, other in found if at == path and other["type"] in _TYPES
        )
    )
    return _explain(param or None, error, wanted)


def _explain(param: str | None, error: Mapping[str, Any], wanted: Sequence[str]) -> ApiError:
    kind, context, given = error["type"], error.get("ctx") or {}, error.get("input")
    name = f"'{param}'" if param else "the body"
    most, least = context.get("max_length"), context.get("min_length")
    length = context.get("actual_length")
    if kind == "json_invalid":
        return invalid(
            "We could not parse the JSON body of your request: "
            f"{context.get('error', 'it is not JSON')}."
        )
    if kind == "missing":
        if not param:
            return invalid("The request needs a JSON body.", code="missing_required_parameter")
        return invalid(f"Missing required parameter: {name}.", param, "missing_required_parameter")
    if kind in ("unknown_parameter", "extra_forbidden"):
        unknown = context.get("name")
        param = ".".join(part for part in (param, unknown) if part)
        return invalid(f"Unknown parameter: '{param}'.", param, "unknown_parameter")
    if kind in _TYPES and isinstance(given, bytes) and not param:
        # Other types are not read: a browser sends them for any page, without asking us first.
        return invalid(
            "The body was not read as JSON, since the request does not say that it is: send the "
            "header 'Content-Type: application/json' (curl: -H 'Content-Type: application/json').",
            code="invalid_type",
        )
    if kind in _TYPES:
        return invalid(
            f"Invalid type for {name}: expected {_either(wanted)}, but got "
            f"{_type_name(given)} instead.",
            param,
            "invalid_type",
        )
    if kind == "too_many_properties":
        return invalid(
            f"Invalid {name}: too many properties. Expected an object with at most {most} "
            f"properties, but got an object with {length} properties instead.",
            param,
            "object_above_max_properties",
        )
    if kind in ("too_long", "string_too_long"):
        length = len(given) if length is None and given is not None else length
        what, key = ("array", "") if kind == "too_long" else ("string", context.get("key", ""))
        at = f"'{param}.{key}'" if key else name
        return invalid(
            f"Invalid {at}: {what} too long. Expected {_a(what)} with maximum length {most}, but "
            f"got {_a(what)} with length {length} instead.",
            param,
            f"{what}_above_max_length",
        )
    if kind in ("too_short", "string_too_short"):
        what = "array" if kind == "too_short" else "string"
        length = len(given or ())
        got = f"an empty {what}" if not length else f"{_a(what)} with length {length}"
        return invalid(
            f"Invalid {name}: {'empty ' + what if not length else what + ' too short'}. Expected "
            f"{_a(what)} with minimum length {least}, but got {got} instead.",
            param,
            f"empty_{what}" if not length else f"{what}_below_min_length",
        )
    for bound, sign, word in (("le", "<=", "max"), ("lt", "<", "max"), ("ge", ">=", "min")):
        if kind in ("less_than_equal", "less_than", "greater_than_equal") and bound in context:
            what = "decimal" if isinstance(given, float) else "integer"
            where = "above maximum" if word == "max" else "below minimum"
            return invalid(
                f"Invalid {name}: {what} {where} value. Expected a value {sign} {context[bound]}, "
                f"but got {shown(given)} instead.",
                param,
                f"{what}_{'above_max' if word == 'max' else 'below_min'}_value",
            )
    if kind in ("literal_error", "enum", "union_tag_invalid"):
        options = context.get("expected") or context.get("expected_tags") or ""
        value = context.get("tag", given)
        return invalid(
            f"Invalid value: '{shown(value)}'. Supported values are: {options}.",
            param,
            "invalid_value",
        )
    if kind == "union_tag_not_found":
        tag = _tag(context)
        at = f"{param}.{tag}" if param else tag
        return invalid(f"Missing required parameter: '{at}'.", at, "missing_required_parameter")
    if kind == "string_pattern_mismatch":
        return invalid(
            f"Invalid {name}: '{shown(given)}' does not match the pattern "
            f"'{context.get('pattern')}'.",
            param,
            "invalid_value",
        )
    message = str(error["msg"]).removeprefix("Value error, ")
    return invalid(f"Invalid {name}: {message}", param, "invalid_value")


def _path(error: Mapping[str, Any], body: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """Return where in the request an error is, without the names of union members."""
    kind = error["type"]
    place, *parts = error["loc"]
    if kind == "json_invalid":
        return ()
    if place != "body":
        return tuple(part for part in parts if not isinstance(part, int))[:1]
    path: list[Any] = []
    current = body
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        if _has(current, part):
            current = current[part]
        elif not (is_last and kind in ("missing", "extra_forbidden")):
            continue
        path.append(part)
    if kind == "union_tag_invalid" and isinstance(current, dict):
        path.append(_tag(error.get("ctx") or {}))
    return tuple(path)


def _tag(context: Mapping[str, Any]) -> str:
    """Return the field that says which member of a union is meant."""
    name = str(context.get("discriminator", "type")).strip("'")
    return "type" if name.endswith("()") else name  # a function that looks at more than one field


def _has(value: Any, part: str | int) -> bool:  # noqa: ANN401
    if isinstance(part, int):
        return isinstance(value, list) and 0 <= part < len(value)
    return isinstance(value, dict) and part in value


def _written(path: Sequence[Any]) -> str:
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _either(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"one of {', '.join(names[:-1])} or {names[-1]}"


def _type_name(value: object) -> str:
    names = {
        bool: "a boolean",
        str: "a string",
        int: "an integer",
        float: "a decimal",
        list: "an array",
        dict: "an object",
        type(None): "null",
    }
    return names.get(type(value), type(value).__name__)


def shown(value: object) -> str:
    """Return what of a value may stand in a message: printable, and not too long."""
    text = str(value)
    printable = "".join(char if char.isprintable() else "�" for char in text[:_MAX_SHOWN])
    return printable + ("..." if len(text) > _MAX_SHOWN else "")
