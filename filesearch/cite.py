"""Cite: say where a stretch of a document stands, and render citations for people and programs.

The rule everything here keeps: `document.text[citation.start:citation.end] == citation.quote`.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

import msgspec

from filesearch.types import Answer, Citation, Location, Span, SpanKind

PATH_SEPARATOR = " › "

_LOCATION_FIELDS = tuple(field.name for field in fields(Location))
_START = attrgetter("start")
# So many spans stay sorted, of the documents that were asked about last: 50 MB where nothing else
# keeps those documents, 4 MB otherwise. Each counts as a hundred or more.
_KEPT_SPANS = 200_000
_LEAST_SPANS = 100


def locate(spans: Sequence[Span], start: int, end: int) -> Location:
    """Return where the characters start..end - 1 stand, from the spans of their document.

    Args:
        spans: Of the document. Asked again about the same tuple, the answer takes no longer for
            100,000 spans than for a hundred.
        start, end: A stretch of its text.
    """
    found = _SORTED.of(spans)
    first, last = _page_at(found, start), _page_at(found, max(start, end - 1))
    sheet, cell = found.innermost("sheet", start), found.innermost("cell", start)
    readings = [span.number for span in found.touching("ocr", start, end)]
    return Location(
        page=first.number if first else None,
        end_page=last.number if last else None,
        slide=first.number if first and first.kind == "slide" else None,
        sheet=(sheet.label or str(sheet.number)) if sheet else None,
        rows=_rows_at(found, start, end),
        cell=cell.number if cell else None,
        part_path=tuple(span.label or str(span.number) for span in found.around("part", start)),
        heading_path=tuple(span.label for span in found.around("heading", start) if span.label),
        ocr_confidence=min(readings, default=None),
    )


def rows_within(spans: Sequence[Span], start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Return what the characters start..end - 1 hold of each row of a table, in order.

    Args:
        spans: Of the document, as in `locate`.
        start, end: A stretch of its text.
    """
    rows = _SORTED.of(spans).touching("row", start, end)
    return tuple((max(start, row.start), min(end, row.end)) for row in rows)


def headings_within(spans: Sequence[Span], start: int, end: int) -> tuple[Span, ...]:
    """Return the headings of all sections that share a character with start..end - 1, in order.

    Args:
        spans: Of the document, as in `locate`.
        start, end: A stretch of its text.
    """
    return tuple(span for span in _SORTED.of(spans).touching("heading", start, end) if span.label)


def edges_within(spans: Sequence[Span], start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Return the repeated lines at the edge of pages that touch start..end - 1, in order."""
    return tuple((edge.start, edge.end) for edge in _SORTED.of(spans).touching("edge", start, end))


def _page_at(found: _SortedSpans, position: int) -> Span | None:
    return found.innermost("page", position) or found.innermost("slide", position)


def _rows_at(found: _SortedSpans, start: int, end: int) -> tuple[int, int] | None:
    """Return the rows of a stretch that begins within one, or that consists mostly of rows."""
    begins_in = found.innermost("row", start)
    touched = [begins_in] if begins_in else found.touching("row", start, end, most=1)
    if not touched:
        return None
    first = last = touched[0]
    kinds: tuple[SpanKind, ...] = ("table", "sheet", "part")
    around = [found.innermost(kind, first.start) for kind in kinds]
    limit = min([end, *(span.end for span in around if span)])
    last = found.last_before("row", limit) or first
    if not begins_in and 2 * (min(end, last.end) - first.start) < end - start:
        return None
    return first.number, max(first.number, last.number)


class _SortedSpans:
    """The spans of a document by kind, so that a place is found without going through them all."""

    def __init__(self, spans: Sequence[Span]) -> None:
        by_kind: defaultdict[SpanKind, list[Span]] = defaultdict(list)
        for span in spans:
            by_kind[span.kind].append(span)
        self._spans = {kind: sorted(members, key=_START) for kind, members in by_kind.items()}
        self._outer = {kind: _enclosing(members) for kind, members in self._spans.items()}

    def around(self, kind: SpanKind, position: int) -> list[Span]:
        """Return the spans that cover `position`, outermost first."""
        covering: list[Span] = []
        members = self._spans.get(kind)
        if members is None:
            return covering
        number = bisect_right(members, position, key=_START) - 1
        while number >= 0:
            if position < members[number].end:
                covering.append(members[number])
            number = self._outer[kind][number]
        return covering[::-1]

    def innermost(self, kind: SpanKind, position: int) -> Span | None:
        """Return the last of `around`, if any."""
        around = self.around(kind, position)
        return around[-1] if around else None

    def touching(
        self, kind: SpanKind, start: int, end: int, *, most: int | None = None
    ) -> list[Span]:
        """Return the first `most` spans, or all, that share a character with a stretch."""
        members = self._spans.get(kind)
        if members is None:
            return []
        first = bisect_right(members, start, key=_START)
        past = bisect_left(members, end, key=_START)
        return [*self.around(kind, start), *members[first:past]][:most]

    def last_before(self, kind: SpanKind, end: int) -> Span | None:
        """Return the last span that starts before `end`."""
        members = self._spans.get(kind, [])
        past = bisect_left(members, end, key=_START)
        return members[past - 1] if past else None


def _enclosing(members: Sequence[Span]) -> list[int]:
    """Return for each span the number of the last one before it that is open at its start, or -1.

    Behind that one come those that were open at its own start: some may have ended since.
    """
    outer: list[int] = []
    open_spans: list[int] = []
    for number, span in enumerate(members):
        while open_spans and members[open_spans[-1]].end <= span.start:
            open_spans.pop()
        outer.append(open_spans[-1] if open_spans else -1)
        open_spans.append(number)
    return outer


class _LastSorted:
    """What was sorted last. Spans are told by identity, which holds while they are kept.

    Args:
        max_spans: That are kept; one document alone may have more.
    """

    def __init__(self, max_spans: int = _KEPT_SPANS) -> None:
        self._max_spans = max_spans
        self._kept: OrderedDict[int, tuple[tuple[Span, ...], _SortedSpans]] = OrderedDict()
        self._count = 0
        self._lock = threading.Lock()

    def of(self, spans: Sequence[Span]) -> _SortedSpans:
        """Return `spans` sorted."""
        if not isinstance(spans, tuple):
            return _SortedSpans(spans)
        with self._lock:
            kept = self._kept.get(id(spans))
            if kept is not None:
                self._kept.move_to_end(id(spans))
                return kept[1]
        found = _SortedSpans(spans)
        with self._lock:
            if id(spans) not in self._kept:
                self._kept[id(spans)] = (spans, found)
                self._count += max(len(spans), _LEAST_SPANS)
            while self._count > self._max_spans and len(self._kept) > 1:
                _id, (dropped, _sorted) = self._kept.popitem(last=False)
                self._count -= max(len(dropped), _LEAST_SPANS)
        return found


_SORTED = _LastSorted()


def place_name(filename: str, where: Location) -> str:
    """Return a file and the place in it as words; headings are left out.

    `handbook.pdf, page 3`; `sales.xlsx, sheet Q3, rows 12-14`; `box.zip › docs/mugs.pdf, page 3`.
    """
    names = [PATH_SEPARATOR.join([filename, *where.part_path])]
    if where.slide is not None:
        names.append(f"slide {where.slide}")
    elif where.page is not None:
        names.append(f"page {where.page}")
    if where.sheet is not None:
        names.append(f"sheet {where.sheet}")
    if where.cell is not None:
        names.append(f"cell {where.cell}")
    if where.rows is not None:
        names.append(rows_name(where.rows))
    if where.ocr_confidence is not None:
        names.append(f"read by OCR, {where.ocr_confidence}% sure")
    return ", ".join(names)


def rows_name(rows: tuple[int, int]) -> str:
    """Return rows as words: `row 12`, `rows 12-14`."""
    return f"row {rows[0]}" if rows[0] == rows[1] else f"rows {rows[0]}-{rows[1]}"


def headings_beside(where: Location) -> tuple[str, ...]:
    """Return the headings that `place_name` does not name: a sheet's or a part's name is one."""
    named = {where.sheet, *where.part_path}
    return tuple(heading for heading in where.heading_path if heading not in named)


def location_fields(where: Location) -> dict[str, Any]:
    """Return the fields of a Location by name, for what is a Location and more."""
    return {name: getattr(where, name) for name in _LOCATION_FIELDS}


def place_fields(where: Location) -> dict[str, Any]:
    """Return the fields of a Location as values that JSON takes."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in location_fields(where).items()
    }


def read_place(values: Mapping[str, Any]) -> Location:
    """Return the place that `place_fields` gave, now or in an earlier version, among others."""
    return msgspec.convert(
        {name: values[name] for name in _LOCATION_FIELDS if name in values}, Location
    )


def content_part(answer: Answer) -> dict[str, Any]:
    """Return the answer as an OpenAI message content part.

    `text.value` carries each citation's marker at its place, and `text.annotations` one
    `file_citation` per place, so that `value[start_index:end_index] == annotation["text"]`. One
    quote has one marker text. Each `file_citation` also carries filename, place (see
    `place_fields`), the span in the document, and how far it supports the sentence.
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
            **place_fields(citation),
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
