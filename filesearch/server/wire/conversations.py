"""Wire of the Conversations API: what requests hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from filesearch.server.wire.common import Items, Metadata, RequestModel
from filesearch.server.wire.response_input import InputItem

MAX_ITEMS = 20  # OpenAI's, for one request


class CreateConversation(RequestModel):
    """`POST /conversations`."""

    items: Annotated[Items[InputItem], Field(max_length=MAX_ITEMS)] | None = None
    metadata: Metadata | None = None


class UpdateConversation(RequestModel):
    """`POST /conversations/{id}`."""

    metadata: Metadata | None


class AddItems(RequestModel):
    """`POST /conversations/{id}/items`."""

    items: Annotated[Items[InputItem], Field(max_length=MAX_ITEMS)]
