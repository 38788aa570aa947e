"""Context cache: the contexts of the chunks that searches met last, each made once.

places + documents -> a Context each. A long document has thousands of spans, and a search meets
chunks of dozens of documents: to go through their spans each time costs more than all else that
ranks them. A document never changes under its load key, so what is kept under it is never stale.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from filesearch.context import find_contexts
from filesearch.index_rows import Place
from filesearch.terms import extract_terms
from filesearch.types import Document

MAX_KEPT = 20_000
"""Chunks whose lines are kept, some 10 MB where each has one of its own; then all are forgotten."""
_KEPT_CONTEXTS = 2048
"""Lines whose terms are kept, which take 2 kB for 28 terms."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a chunk's own words leave out: the line of context.py, and its keyword terms."""

    line: str
    terms: frozenset[str]


class ContextCache:
    """Contexts of chunks. Safe to use from several threads: single steps of a dict are atomic.

    Args:
        max_kept: Chunks whose lines are kept.
    """

    def __init__(self, max_kept: int = MAX_KEPT) -> None:
        self._max_kept = max_kept
        # By load key, file name and first character of the chunk.
        self._lines: dict[tuple[str, str, int], str] = {}

    def of(
        self, places: Sequence[Place | None], documents: Mapping[int, Document]
    ) -> list[Context]:
        """Return the context of each chunk; an empty one where its document is gone.

        Args:
            places: The chunks.
            documents: Theirs by id, those that are there.
        """
        lines = [""] * len(places)
        unknown: defaultdict[int, list[tuple[int, Place]]] = defaultdict(list)
        for number, place in enumerate(places):
            if place is None or place.entry.document_id not in documents:
                continue
            line = self._lines.get((place.entry.load_key, place.entry.filename, place.start))
            if line is None:
                unknown[place.entry.store_file_id].append((number, place))
            else:
                lines[number] = line
        # Each file is gone through once, from its first chunk here to its last.
        for members in unknown.values():
            members.sort(key=lambda one: one[1].start)
            made = self._make([place for _number, place in members], documents)
            for (number, _place), line in zip(members, made, strict=True):
                lines[number] = line
        return [_context_of(line) for line in lines]

    def _make(self, places: Sequence[Place], documents: Mapping[int, Document]) -> list[str]:
        """Return the lines of chunks of one file, which come in its order."""
        entry, starts = places[0].entry, [place.start for place in places]
        document = documents[entry.document_id]
        lines = find_contexts(entry.filename, document.title, document.spans, starts)
        if entry.load_key:  # without one there is nothing to know a document again by
            if len(self._lines) + len(lines) > self._max_kept:
                self._lines = {}
            keys = [(entry.load_key, entry.filename, start) for start in starts]
            self._lines.update(zip(keys, lines, strict=True))
        return lines


@lru_cache(maxsize=_KEPT_CONTEXTS)
def _context_of(line: str) -> Context:
    """Return a line with its terms: the chunks under one heading share it."""
    return Context(line, frozenset(extract_terms(line)))
