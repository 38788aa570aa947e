"""Cite: say where a stretch of a document stands, and render citations for people and programs.

The rule everything here keeps: `document.text[citation.start:citation.end] == citation.quote`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from filesearch.types import Answer, Citation, Span


@dataclass(frozen=True, slots=True)
class Location:
    """Where a stretch of a document stands.

    Attributes:
        page, end_page: Pages (or slides) of its first and last character, from 1; None where the
            document has none there.
        heading_path: Headings above its first character, outermost first.
    """

    page: int | None
    end_page: int | None
    heading_path: tuple[str, ...]


def locate(spans: Sequence[Span], start: int, end: int) -> Location:
    """Return where the characters start..end - 1 stand, from the spans of their document."""
    return Location(
        page=_page_at(spans, start),
        end_page=_page_at(spans, max(start, end - 1)),
        heading_path=tuple(
            span.label
            for span in spans
            if span.kind == "heading" and span.start <= start < span.end and span.label
        ),
    )


def _page_at(spans: Sequence[Span], position: int) -> int | None:
    for span in spans:
        if span.kind in ("page", "slide") and span.start <= position < span.end:
            return span.number
    return None


def content_part(answer: Answer) -> dict[str, Any]:
    """Return the answer as an OpenAI message content part.

    `text.value` carries a marker such as 【0:2†source】 after each cited statement, and
    `text.annotations` one `file_citation` per marker with its exact place, so that
    `value[start_index:end_index] == annotation["text"]`. One citation has one marker text. Each
    `file_citation` also carries filename, page, heading_path and the span in the document.
    """
    value = ""
    annotations: list[dict[str, Any]] = []
    for statement in answer.statements:
        value += (" " if value else "") + statement.text
        for citation in statement.citations:
            # The number before the colon counts tool calls: the extractive answer makes one.
            marker = f"【0:{citation.number - 1}†source】"
            annotations.append(_annotation(citation, marker, len(value)))
            value += marker
    return {"type": "text", "text": {"value": value, "annotations": annotations}}


def _annotation(citation: Citation, marker: str, position: int) -> dict[str, Any]:
    return {
        "type": "file_citation",
        "text": marker,
        "start_index": position,
        "end_index": position + len(marker),
        "file_citation": {
            "file_id": citation.file_id,
            "quote": citation.quote,
            "filename": citation.filename,
            "page": citation.page,
            "heading_path": list(citation.heading_path),
            "start": citation.start,
            "end": citation.end,
            "score": round(citation.score, 4),
        },
    }
