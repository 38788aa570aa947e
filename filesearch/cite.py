"""Cite: say where a stretch of a document stands, and render citations for people and programs.

The rule everything here keeps: `document.text[citation.start:citation.end] == citation.quote`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def place_name(filename: str, page: int | None) -> str:
    """Return a file, and its page where there is one, as words: `handbook.pdf, page 3`."""
    return filename if page is None else f"{filename}, page {page}"


def _page_at(spans: Sequence[Span], position: int) -> int | None:
    for span in spans:
        if span.kind in ("page", "slide") and span.start <= position < span.end:
            return span.number
    return None


def content_part(answer: Answer) -> dict[str, Any]:
    """Return the answer as an OpenAI message content part.

    `text.value` carries each citation's marker at its place, and `text.annotations` one
    `file_citation` per place, so that `value[start_index:end_index] == annotation["text"]`. One
    quote has one marker text. Each `file_citation` also carries filename, page, heading_path, the
    span in the document, and how far it supports the sentence.
    """
    value, done = "", 0
    annotations: list[dict[str, Any]] = []
    for citation in answer.citations:
        value += answer.plain_text[done : citation.index]
        done = citation.index
        annotations.append(annotation(citation, len(value)))
        value += citation.marker
    value += answer.plain_text[done:]
    return {"type": "text", "text": {"value": value, "annotations": annotations}}


def annotation(citation: Citation, position: int) -> dict[str, Any]:
    """Return a citation whose marker stands at `position` as an OpenAI annotation."""
    return {
        "type": "file_citation",
        "text": citation.marker,
        "start_index": position,
        "end_index": position + len(citation.marker),
        "file_citation": {
            "file_id": citation.file_id,
            "number": citation.number,
            "quote": citation.quote,
            "filename": citation.filename,
            "page": citation.page,
            "heading_path": list(citation.heading_path),
            "start": citation.start,
            "end": citation.end,
            "score": round(citation.score, 4),
            "support": round(citation.support, 4),
            "is_supported": citation.is_supported,
            "missing": list(citation.missing),
        },
    }


def strip_markers(part: Mapping[str, Any]) -> str:
    """Return the text of a content part without the markers that its annotations name."""
    text = part["text"]
    value, plain, done = text["value"], "", 0
    for found in sorted(text.get("annotations", ()), key=lambda a: int(a["start_index"])):
        plain += value[done : found["start_index"]]
        done = found["end_index"]
    return plain + str(value[done:])
