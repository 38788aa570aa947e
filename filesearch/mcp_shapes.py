"""MCP shapes: what the tools of the MCP server return, as structured content.

Needs the extra `mcp`.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class Place(BaseModel):
    """A file and where in it.

    `rows` are the first and last row, `part_path` files within the file, `ocr_confidence` is in
    percent.
    """

    file_id: str
    filename: str
    page: int | None
    end_page: int | None
    slide: int | None
    sheet: str | None
    rows: list[int] | None
    cell: int | None
    part_path: list[str]
    heading_path: list[str]
    ocr_confidence: int | None
    start: int
    end: int


class Passage(Place):
    """A passage: `text` is what stands from `start` to `end` in the document's text."""

    score: float
    attributes: dict[str, Any]
    also_in: list[str]
    text: str


class Passages(BaseModel):
    """What `search` found, best first."""

    passages: list[Passage]


class Quote(Place):
    """A citation: `quote` is what stands from `start` to `end` in the document's text."""

    number: int
    score: float
    quote: str


class Reply(BaseModel):
    """What `ask` answers; `text` refers to the citations as [1], [2]."""

    text: str
    is_answered: bool
    incomplete_reason: str | None
    citations: list[Quote]


class Extract(Place):
    """What `read_passage` read, and how long the document is."""

    document_characters: int
    text: str


class ListedFile(BaseModel):
    """A file of the index; one that failed has no characters."""

    file_id: str
    filename: str
    title: str
    media_type: str
    status: str
    document_characters: int
    attributes: dict[str, Any]


class Files(BaseModel):
    """The files from `offset` on; `total` counts all that match."""

    files: list[ListedFile]
    total: int
