"""Formats: whether the model that is asked can answer in the shape that a request wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from filesearch.server.errors import invalid
from filesearch.server.models import quotes

if TYPE_CHECKING:
    from filesearch.server.context import Server

_PLAIN = ("auto", "text")


def check_format(
    server: Server, model: str, wanted: str | Mapping[str, Any] | None, param: str
) -> None:
    """See that a model writes the shape that is wanted: one that quotes writes no JSON.

    Args:
        server: Whose models answer.
        model: As the client names it.
        wanted: A `response_format` or `text.format`; None, "auto" and "text" leave it to the model.
        param: What the request calls it.

    Raises:
        ApiError: 400, before anything has begun.
    """
    kind = wanted.get("type", "text") if isinstance(wanted, Mapping) else wanted or "auto"
    if kind in _PLAIN or not quotes(server.model_for(model)):
        return
    raise invalid(
        f"Invalid '{param}': '{kind}' is not supported by the extractive model, which quotes "
        "documents. Leave it out, or map the model's name to a language model (chat_models in the "
        "settings).",
        param,
        "invalid_value",
    )
