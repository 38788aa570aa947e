"""Results: a passage -> what a caller of a search gets of it, with the place where it stands."""

from __future__ import annotations

from typing import Any

from filesearch.cite import edges_within, headings_within, locate, location_fields, rows_within
from filesearch.passages import Passage
from filesearch.types import SearchResult


def to_result(passage: Passage, *, should_locate: bool) -> SearchResult:
    """Return a passage as a result.

    Args:
        passage: What was picked.
        should_locate: Say where in its file it stands. That takes a fifth of the time of picking
            the passages; without it page, headings, rows and edges are as of a text without any.
    """
    place, entry, scored = passage.place, passage.place.entry, passage.scored
    return SearchResult(
        file_id=entry.file_id,
        filename=entry.filename,
        text=passage.text,
        start=place.start,
        end=place.end,
        score=scored.score,
        keyword_share=scored.keyword,
        vector_share=scored.vector,
        attributes=entry.attributes,
        chunk=place.ordinal,
        also_in=passage.also_in,
        **(_where(passage) if should_locate else {}),
    )


def _where(passage: Passage) -> dict[str, Any]:
    """Return those fields of a result that say where in its file a passage stands."""
    stretch = passage.spans, passage.place.start, passage.place.end
    return {
        **location_fields(locate(*stretch)),
        "table_rows": rows_within(*stretch),
        "headings": headings_within(*stretch),
        "edges": edges_within(*stretch),
    }
