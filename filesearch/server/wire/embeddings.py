"""Embeddings: the request."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field, StrictInt, StrictStr

from filesearch.server.wire.common import Items, RequestModel

MAX_INPUTS = 2048
MAX_TOKENS = 300_000
"""Of all inputs of one request together, as OpenAI's."""

_Item = TypeVar("_Item")
Listed = Annotated[Items[_Item], Field(min_length=1)]


class EmbeddingRequest(RequestModel):
    """A request for embeddings, OpenAI's."""

    input: StrictStr | Listed[StrictStr] | Listed[StrictInt] | Listed[Listed[StrictInt]] = Field(
        description=f"A text or several, at most {MAX_INPUTS}, or their cl100k_base tokens."
    )
    model: str = Field(min_length=1, description="Any name; it is sent back.")
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(
        default=None, ge=1, description="How many of a vector's first numbers are wanted."
    )
    user: str | None = None
