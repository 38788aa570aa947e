"""Wire of the items that responses and conversations are given, with OpenAI's limits."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from filesearch.server.wire.common import MAX_PROPERTIES, Items, Plain, RequestModel, at_most
from filesearch.server.wire.hosted_items import HostedInputItem

MAX_TEXT = 10_485_760  # characters of one input, as OpenAI's


class FileCitation(RequestModel):
    """What a place in a text rests on."""

    type: Literal["file_citation"]
    index: int
    file_id: str
    filename: str


class FilePath(RequestModel):
    """A file that a text offers."""

    type: Literal["file_path"]
    index: int
    file_id: str


class UrlCitation(RequestModel):
    """A page that a passage of a text rests on."""

    type: Literal["url_citation"]
    start_index: int
    end_index: int
    url: str
    title: str


class ContainerFileCitation(RequestModel):
    """A file of a sandbox that a passage of a text rests on."""

    type: Literal["container_file_citation"]
    start_index: int
    end_index: int
    container_id: str
    file_id: str
    filename: str


Annotation: TypeAlias = Annotated[
    FileCitation | FilePath | UrlCitation | ContainerFileCitation, Field(discriminator="type")
]


class TextPart(RequestModel):
    """Text of the user, or of an earlier answer."""

    type: Literal["input_text", "output_text"]
    text: Annotated[str, Field(max_length=MAX_TEXT)]
    annotations: Items[Annotation] | None = None


class RefusalPart(RequestModel):
    """What an earlier answer said instead of answering."""

    type: Literal["refusal"]
    refusal: str


class ImagePart(RequestModel):
    """An image, for models that see."""

    type: Literal["input_image"]
    image_url: str | None = None
    file_id: Plain | None = None
    detail: Literal["low", "high", "auto", "original"] | None = None


class FilePart(RequestModel):
    """A file whose text stands in the message."""

    type: Literal["input_file"]
    file_id: Plain | None = None
    filename: str | None = None
    file_data: str | None = None
    file_url: str | None = None


InputPart: TypeAlias = Annotated[TextPart | ImagePart | FilePart, Field(discriminator="type")]
Part: TypeAlias = Annotated[
    TextPart | RefusalPart | ImagePart | FilePart, Field(discriminator="type")
]


def _shape(value: object) -> str:
    return "text" if isinstance(value, str) else "list"


Content: TypeAlias = Annotated[
    Annotated[str, Field(max_length=MAX_TEXT), Tag("text")] | Annotated[Items[Part], Tag("list")],
    Discriminator(_shape),
]


Output: TypeAlias = Annotated[
    Annotated[str, Field(max_length=MAX_TEXT), Tag("text")]
    | Annotated[Items[InputPart], Tag("list")],
    Discriminator(_shape),
]


class MessageItem(RequestModel):
    """A message, with or without `type`."""

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: Content
    id: str | None = None
    status: str | None = None
    phase: str | None = None


class FunctionCallItem(RequestModel):
    """A call that the model made."""

    type: Literal["function_call"]
    call_id: Annotated[str, Field(min_length=1, max_length=64)]
    name: Annotated[str, Field(min_length=1, max_length=128)]
    arguments: str
    id: str | None = None
    status: Literal["in_progress", "completed", "incomplete"] | None = None


class FunctionCallOutputItem(RequestModel):
    """What a call returned."""

    type: Literal["function_call_output"]
    call_id: Annotated[str, Field(min_length=1, max_length=64)]
    output: Output
    id: str | None = None
    status: Literal["in_progress", "completed", "incomplete"] | None = None


class FoundPassage(RequestModel):
    """What a search of an earlier answer found."""

    file_id: Plain | None = None
    filename: str | None = None
    text: str | None = None
    score: Annotated[float, Field(ge=0, le=1)] | None = None
    attributes: Annotated[dict[str, str | float | bool], at_most(MAX_PROPERTIES)] | None = None


class FileSearchCallItem(RequestModel):
    """A search of an earlier answer."""

    type: Literal["file_search_call"]
    id: str
    queries: Items[str] = Field(default_factory=list)
    results: Items[FoundPassage] | None = None
    status: Literal["in_progress", "searching", "completed", "incomplete", "failed"] | None = None


class SummaryText(RequestModel):
    """What a model thought, in short."""

    type: Literal["summary_text"]
    text: str


class ReasoningText(RequestModel):
    """What a model thought."""

    type: Literal["reasoning_text"]
    text: str


class ReasoningItem(RequestModel):
    """What a model thought; kept and echoed, not read again."""

    type: Literal["reasoning"]
    id: str
    summary: Items[SummaryText] = Field(default_factory=list)
    content: Items[ReasoningText] | None = None
    encrypted_content: str | None = None
    status: Literal["in_progress", "completed", "incomplete"] | None = None


class CompactionItem(RequestModel):
    """What an earlier part of the conversation said, in short; see responses/compact.py."""

    type: Literal["compaction"]
    encrypted_content: Annotated[str, Field(max_length=MAX_TEXT)]
    id: str | None = None


class ItemReference(RequestModel):
    """A stored item by its id."""

    type: Literal["item_reference"] | None = "item_reference"
    id: Plain


def _item_type(value: object) -> object:
    """Return what an item is; those without a type are messages or references."""
    given = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    if given is not None or not isinstance(value, dict):
        return given
    return "message" if "role" in value or "id" not in value else "item_reference"


InputItem: TypeAlias = Annotated[
    Annotated[MessageItem, Tag("message")]
    | Annotated[FunctionCallItem, Tag("function_call")]
    | Annotated[FunctionCallOutputItem, Tag("function_call_output")]
    | Annotated[FileSearchCallItem, Tag("file_search_call")]
    | Annotated[ReasoningItem, Tag("reasoning")]
    | Annotated[CompactionItem, Tag("compaction")]
    | Annotated[ItemReference, Tag("item_reference")]
    | HostedInputItem,
    Discriminator(_item_type),
]
Input: TypeAlias = Annotated[
    Annotated[str, Field(max_length=MAX_TEXT), Tag("text")]
    | Annotated[Items[InputItem], Tag("list")],
    Discriminator(_shape),
]
