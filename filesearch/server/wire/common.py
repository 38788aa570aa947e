"""What requests of all resources have in common."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

IS_STRICT: ContextVar[bool] = ContextVar("IS_STRICT", default=False)
"""Whether fields that we do not know are refused, for the request at hand; see `--strict`."""

STREAMED: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}
"""For the OpenAPI document: an answer may also be a stream of events."""


def _refuse_nul(given: str) -> str:
    if "\0" in given:
        raise PydanticCustomError("nul", "it holds U+0000 (NUL), which no id and no name may hold.")
    return given


Plain = Annotated[str, AfterValidator(_refuse_nul)]
"""Text that the database is asked for or keeps in a column, where PostgreSQL holds no U+0000."""

MAX_METADATA = 16
MAX_METADATA_KEY = 64
MAX_METADATA_VALUE = 512
MAX_PROPERTIES = 1024
"""Of an object that OpenAI sets no limit for: more than anybody sends, few enough to go through."""

_Item = TypeVar("_Item")
Items = Annotated[list[_Item], Field(fail_fast=True)]
"""An array of a request, given up at its first wrong item: only one error is told, and each costs
about a kilobyte."""


def at_most(most: int) -> BeforeValidator:
    """Return what refuses an object of too many properties, before each may be found wrong."""

    def check(given: Any) -> Any:  # noqa: ANN401
        if isinstance(given, dict) and len(given) > most:
            raise PydanticCustomError(
                "too_many_properties", "", {"max_length": most, "actual_length": len(given)}
            )
        return given

    return BeforeValidator(check)


class ErrorDetail(BaseModel):
    """What is wrong with a request."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """The body of every answer that is an error."""

    error: ErrorDetail


class RequestModel(BaseModel):
    """A request, or a part of one. Unknown fields are ignored, since real clients send some."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, given: Any) -> Any:  # noqa: ANN401
        if IS_STRICT.get() and isinstance(given, dict):
            names = {field.alias or name for name, field in cls.model_fields.items()}
            for name in given:
                if name not in names:
                    raise PydanticCustomError("unknown_parameter", "{name}", {"name": name})
        return given


def _check_metadata(given: dict[str, str]) -> dict[str, str]:
    for key, value in given.items():
        if len(key) > MAX_METADATA_KEY:
            raise PydanticCustomError(
                "string_too_long", "", {"max_length": MAX_METADATA_KEY, "actual_length": len(key)}
            )
        if len(value) > MAX_METADATA_VALUE:
            raise PydanticCustomError(
                "string_too_long",
                "",
                {"max_length": MAX_METADATA_VALUE, "actual_length": len(value), "key": key},
            )
    return given


Metadata = Annotated[
    dict[str, str],
    at_most(MAX_METADATA),
    AfterValidator(_check_metadata),
    Field(description="At most 16 pairs; keys of at most 64 characters, values of at most 512."),
]
