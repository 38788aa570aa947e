"""Threads and messages on the wire.

The parts of a message are not the same both ways: the text of a request's part is a string, that
of an answer's part is an object that carries annotations too.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from filesearch.server.wire.assistants import CodeInterpreterTool, NewToolResources, ToolResources
from filesearch.server.wire.common import Metadata, RequestModel

Detail: TypeAlias = Literal["auto", "low", "high"]


class TextPart(RequestModel):
    """Text."""

    type: Literal["text"]
    text: str


class ImageFile(RequestModel):
    """An uploaded image."""

    file_id: str
    detail: Detail = "auto"


class ImageFilePart(RequestModel):
    """An uploaded image as part of a message."""

    type: Literal["image_file"]
    image_file: ImageFile


class ImageUrl(RequestModel):
    """An image somewhere else."""

    url: str = Field(pattern=r"^(?:https?://|data:)")
    detail: Detail = "auto"


class ImageUrlPart(RequestModel):
    """An image somewhere else as part of a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


ContentPart: TypeAlias = Annotated[
    TextPart | ImageFilePart | ImageUrlPart, Field(discriminator="type")
]


class FileSearchAttachment(RequestModel):
    """The file is to be searched."""

    type: Literal["file_search"]


class Attachment(RequestModel):
    """A file that comes with a message, and the tools that it is for."""

    file_id: str
    tools: list[Annotated[CodeInterpreterTool | FileSearchAttachment, Field(discriminator="type")]]


class CreateMessage(RequestModel):
    """`POST /threads/{id}/messages`, and each message that comes with a thread or a run."""

    role: Literal["user", "assistant"]
    content: str | Annotated[list[ContentPart], Field(min_length=1)]
    attachments: list[Attachment] | None = None
    metadata: Metadata | None = None

    @property
    def parts(self) -> list[ContentPart]:
        """The content; a string stands for one part of text."""
        if isinstance(self.content, str):
            return [TextPart(type="text", text=self.content)]
        return self.content


class UpdateMessage(RequestModel):
    """`POST /threads/{id}/messages/{id}`."""

    metadata: Metadata | None = None


class CreateThread(RequestModel):
    """`POST /threads`, and the thread of `POST /threads/runs`."""

    messages: list[CreateMessage] = Field(default=[])
    tool_resources: NewToolResources | None = None
    metadata: Metadata | None = None


class UpdateThread(RequestModel):
    """`POST /threads/{id}`: `model_fields_set` says what is to change."""

    tool_resources: ToolResources | None = None
    metadata: Metadata | None = None
