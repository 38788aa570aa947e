"""Slots: the files of all segments in one row, and which chunks and windows a filter leaves.

Roster + row counts -> Selection. Everything is computed on arrays over the files; only files whose
rows have attributes of their own are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np

from filesearch.filters import Predicate
from filesearch.index.segment import START, Segment
from filesearch.index.vectors import BoolArray
from filesearch.index_rows import Selection
from filesearch.records import Entry
from filesearch.roster import REMOVED, Roster
from filesearch.types import IntArray

# Files with one and the same text that a search for passages looks at: they come back as one
# passage, and 200 copies would be all the candidates that a question has. Two, not one, because
# their names count as well.
MAX_COPIES = 2


KeepRows = Callable[[Entry], Callable[[IntArray], BoolArray]]


class Slots:
    """The slots of n files, removed ones included, through all segments.

    Args:
        roster: Which file is where.
        segments: Those of the roster.

    Attributes:
        store_files, documents: int64 (n,), -1 where the file was removed.
        is_live: bool (n,).
        chunk_rows: int64 (n + 1,), the chunk row at which each slot begins; the last is the end.
        window_rows: The same for windows.
    """

    def __init__(self, roster: Roster, segments: Sequence[Segment]) -> None:
        none = np.empty(0, np.int64)
        self._roster = roster
        self._segments = segments
        self.store_files = np.concatenate([none, *(one.store_files for one in roster.files)])
        self.documents = np.concatenate([none, *(one.documents for one in roster.files)])
        self.is_live = self.store_files != REMOVED
        self.chunk_rows = _starts([segment.chunk_counts for segment in segments])
        self.window_rows = _starts([segment.window_counts for segment in segments])

    def select(
        self,
        keep: Predicate,
        *,
        keep_rows: KeepRows | None,
        read_entries: Callable[[Sequence[int]], Mapping[int, Entry]],
    ) -> Selection:
        """Return the rows of the files that pass, `MAX_COPIES` of each text; see Snapshot."""
        chosen = self.is_live & self._passing(keep)
        rows_of: dict[int, Callable[[IntArray], BoolArray]] = {}
        if keep_rows is not None and len(self._apart):
            entries = read_entries(self.store_files[self._apart].tolist())
            for slot in self._apart.tolist():
                entry = entries.get(int(self.store_files[slot]))
                chosen[slot] = False
                if entry is not None:
                    rows_of[slot] = keep_rows(entry)
                    chosen[slot] = bool(rows_of[slot](self._starts_of(slot)).any())
        copies = self._leave_out_copies(chosen)
        selection = self.rows_of(chosen, copies)
        if rows_of and selection.chunks is None:
            selection = Selection(self._all(self.chunk_rows), self._all(self.window_rows), copies)
        for slot, passes in rows_of.items():
            for mask, bounds, is_window in (
                (selection.chunks, self.chunk_rows, False),
                (selection.windows, self.window_rows, True),
            ):
                if mask is not None:
                    first, past = bounds[slot], bounds[slot + 1]
                    mask[first:past] &= passes(self._starts_of(slot, windows=is_window))
        return selection

    def distinct(self) -> Selection:
        """Return the rows of all live files, `MAX_COPIES` of each text."""
        chosen = self.is_live.copy()
        return self.rows_of(chosen, self._leave_out_copies(chosen))

    def rows_of(self, chosen: BoolArray, copies: Mapping[int, tuple[int, ...]]) -> Selection:
        """Return the rows of some slots, bool (n,); None for the rows of all slots."""
        if chosen.all():
            return Selection(None, None)
        return Selection(
            np.repeat(chosen, np.diff(self.chunk_rows)),
            np.repeat(chosen, np.diff(self.window_rows)),
            copies,
        )

    def _passing(self, keep: Predicate) -> BoolArray:
        parts = [
            self._roster.attributes.of(record, files).passing(keep)
            for record, files in zip(self._roster.segments, self._roster.files, strict=True)
        ]
        return np.concatenate([np.empty(0, np.bool_), *parts])

    @cached_property
    def _apart(self) -> IntArray:
        """Slots of the files whose table rows have attributes."""
        none = np.empty(0, np.bool_)
        return np.flatnonzero(np.concatenate([none, *(f.rows_apart for f in self._roster.files)]))

    def _starts_of(self, slot: int, *, windows: bool = False) -> IntArray:
        """Return the characters at which a file's chunks, or windows, begin."""
        bases = np.cumsum([0, *(len(files.store_files) for files in self._roster.files)])
        number = int(np.searchsorted(bases, slot, side="right")) - 1
        segment, bounds = self._segments[number], self.chunk_rows
        table = segment.chunk_table
        if windows:
            bounds, table = self.window_rows, segment.window_table
        first, past = bounds[slot : slot + 2] - bounds[bases[number]]
        starts: IntArray = table[first:past, START].astype(np.int64)
        return starts

    def _leave_out_copies(self, chosen: BoolArray) -> dict[int, tuple[int, ...]]:
        """Leave `MAX_COPIES` of each text in `chosen`; return all files of texts that had more."""
        found = self._crowded[chosen[self._crowded]]
        if len(found) == 0:
            return {}
        found = found[np.argsort(self.documents[found], kind="stable")]
        documents, first, counts = np.unique(
            self.documents[found], return_index=True, return_counts=True
        )
        rank = np.arange(len(found)) - np.repeat(first, counts)
        chosen[found[rank >= MAX_COPIES]] = False
        files = self.store_files[found].tolist()
        return {
            document: tuple(files[start : start + count])
            for document, start, count in zip(
                documents.tolist(), first.tolist(), counts.tolist(), strict=True
            )
            if count > MAX_COPIES
        }

    @cached_property
    def _crowded(self) -> IntArray:
        """Slots of the live files whose text more than `MAX_COPIES` have, ascending."""
        live = np.flatnonzero(self.is_live)
        _texts, text_of, counts = np.unique(
            self.documents[live], return_inverse=True, return_counts=True
        )
        return live[counts[text_of] > MAX_COPIES]

    def _all(self, bounds: IntArray) -> BoolArray:
        return np.ones(int(bounds[-1]), dtype=bool)

    @property
    def size_bytes(self) -> int:
        """What the arrays take, those of the roster and of the attributes included."""
        own = (self.store_files, self.documents, self.is_live, self.chunk_rows, self.window_rows)
        files = [
            array.nbytes
            for one in self._roster.files
            for array in (one.store_files, one.documents, one.rows_apart)
        ]
        return sum(array.nbytes for array in own) + sum(files) + self._roster.attributes.size_bytes


def _starts(counts: Sequence[IntArray]) -> IntArray:
    return np.cumsum(np.concatenate([np.zeros(1, np.int64), *counts]), dtype=np.int64)
