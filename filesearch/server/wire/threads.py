"""Threads and messages on the wire.

The parts of a message are not the same both ways: the text of a request's part is a string, that
of an answer's part is an object that carries annotations too.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field

from filesearch.server.wire.assistants import CodeInterpreterTool, NewToolResources, ToolResources
from filesearch.server.wire.common import Items, Metadata, Plain, RequestModel

Detail: TypeAlias = Literal["auto", "low", "high"]


class TextPart(RequestModel):
    """Text."""

    type: Literal["text"]
    text: str


class ImageFile(RequestModel):
    """An uploaded image."""

    file_id: Plain
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

    file_id: Plain
    tools: Items[Annotated[CodeInterpreterTool | FileSearchAttachment, Field(discriminator="type")]]


class CreateMessage(RequestModel):
    """`POST /threads/{id}/messages`, and each message that comes with a thread or a run."""

    role: Literal["user", "assistant"]
    content: str | Annotated[Items[ContentPart], Field(min_length=1)]
    attachments: Items[Attachment] | None = None
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

    messages: Items[CreateMessage] = Field(default=[])
    tool_resources: NewToolResources | None = None
    metadata: Metadata | None = None


class UpdateThread(RequestModel):
    """`POST /threads/{id}`: `model_fields_set` says what is to change."""

    tool_resources: ToolResources | None = None
    metadata: Metadata | None = None


# Answers; they are made as JSON, and documented by these.


class ThreadBody(BaseModel):
    """A thread."""

    id: str
    object: Literal["thread"]
    created_at: int
    tool_resources: ToolResources
    metadata: dict[str, str]


class ThreadDeleted(BaseModel):
    """Says that a thread is gone."""

    id: str
    object: Literal["thread.deleted"]
    deleted: Literal[True]


class FileCitation(BaseModel):
    """What is cited: a file, and the passage of it."""

    file_id: str
    quote: str


class FileCitationAnnotation(BaseModel):
    """A citation: `value[start_index:end_index] == text`."""

    type: Literal["file_citation"]
    text: str
    start_index: int
    end_index: int
    file_citation: FileCitation


class AnnotatedText(BaseModel):
    """Text with its citations."""

    value: str
    annotations: list[FileCitationAnnotation]


class AnnotatedTextPart(BaseModel):
    """Text with its citations, as part of a message."""

    type: Literal["text"]
    text: AnnotatedText


class IncompleteDetails(BaseModel):
    """Why a message ends before its end."""

    reason: Literal["content_filter", "max_tokens", "run_cancelled", "run_expired", "run_failed"]


class MessageBody(BaseModel):
    """A message."""

    id: str
    object: Literal["thread.message"]
    created_at: int
    thread_id: str
    status: Literal["in_progress", "incomplete", "completed"]
    incomplete_details: IncompleteDetails | None
    completed_at: int | None
    incomplete_at: int | None
    role: Literal["user", "assistant"]
    content: list[
        Annotated[AnnotatedTextPart | ImageFilePart | ImageUrlPart, Field(discriminator="type")]
    ]
    assistant_id: str | None
    run_id: str | None
    attachments: list[Attachment]
    metadata: dict[str, str]


class MessagePage(BaseModel):
    """A part of the messages of a thread."""

    object: Literal["list"]
    data: list[MessageBody]
    first_id: str | None
    last_id: str | None
    has_more: bool


class MessageDeleted(BaseModel):
    """Says that a message is gone."""

    id: str
    object: Literal["thread.message.deleted"]
    deleted: Literal[True]
