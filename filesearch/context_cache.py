"""Context cache: the contexts of the chunks that searches met last, each made once.

places + documents -> a Context each. A long document has thousands of spans, and a search meets
chunks of dozens of documents: to go through their spans each time costs more than all else that
ranks them. A document never changes under its load key, so what is kept under it is never stale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from filesearch.context import find_contexts, find_sections
from filesearch.index_rows import Place
from filesearch.records import Entry
from filesearch.terms import extract_terms
from filesearch.types import Document, Span

MAX_KEPT = 50_000
"""Chunks and sections together, some 10 MB; then all are forgotten."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a chunk's own words leave out: the line of context.py, and its keyword terms."""

    line: str
    terms: frozenset[str]


_NOTHING = Context("", frozenset())


class ContextCache:
    """Contexts of chunks. Safe to use from several threads: single steps of a dict are atomic.

    Args:
        max_kept: Chunks and sections that are kept, roughly.
    """

    def __init__(self, max_kept: int = MAX_KEPT) -> None:
        self._max_kept = max_kept
        self._contexts: dict[tuple[str, str, int], Context] = {}
        self._sections: dict[str, list[Span]] = {}
        self._count = 0

    def of(
        self, places: Sequence[Place | None], documents: Mapping[int, Document]
    ) -> list[Context]:
        """Return the context of each chunk; an empty one where its document is gone.

        Args:
            places: The chunks.
            documents: Theirs by id, those that are there.
        """
        found = []
        kept = self._contexts
        for place in places:
            document = documents.get(place.entry.document_id) if place else None
            if place is None or document is None:
                found.append(_NOTHING)
                continue
            entry, start = place.entry, place.start
            context = kept.get((entry.load_key, entry.filename, start))
            found.append(context or self._make(entry, start, document))
        return found

    def _make(self, entry: Entry, start: int, document: Document) -> Context:
        key = entry.load_key
        sections = self._sections.get(key)
        if sections is None or not key:  # without a key there is nothing to know it again by
            sections = find_sections(document.spans)
        [line] = find_contexts(entry.filename, document.title, sections, [start])
        context = _context_of(line)
        if key:
            if self._count >= self._max_kept:
                self._contexts, self._sections, self._count = {}, {}, 0
            self._count += 1 if key in self._sections else 1 + len(sections)
            self._sections[key] = sections
            self._contexts[key, entry.filename, start] = context
        return context


@lru_cache(maxsize=4096)
def _context_of(line: str) -> Context:
    """Return a line with its terms: the chunks under one heading share it."""
    return Context(line, frozenset(extract_terms(line)))
