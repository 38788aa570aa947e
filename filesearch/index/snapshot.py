"""Snapshot: every segment of a store as it stood at one commit, searched as one index.

Chunks and windows are numbered through all segments ("rows"), so that what ranks them need not
know where they lie. A file that was removed or replaced leaves its rows behind until a merge;
they are masked here and never come back from a search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from filesearch.index.bm25 import KeywordScorer
from filesearch.index.segment import END, FIRST_WINDOW, LAST_WINDOW, SLOT, START, Segment
from filesearch.index.vectors import BoolArray
from filesearch.records import Entry, Picture
from filesearch.types import FloatVector, IntArray

ScoreArray: TypeAlias = npt.NDArray[np.float64]

# In a store of one or two chunks BM25Okapi gives words a weight of 0 or less; a word that matches
# must still count for something. Elsewhere weights lie above this.
MIN_IDF = 1e-3


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows may come back from a search; None allows every live row.

    Attributes:
        chunks: bool (n_chunks,).
        windows: bool (n_windows,).
    """

    chunks: BoolArray | None
    windows: BoolArray | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk stands: the searchable file and the characters in its document."""

    entry: Entry
    start: int
    end: int
    ordinal: int


class Snapshot:
    """A store as of one commit. Safe to search from several threads.

    Args:
        root: Directory of the segments.
        picture: What the catalog said at that commit.
        opened: Segments of an older snapshot by name, to be used again instead of reopened.

    Raises:
        IndexDamaged: A segment that the catalog names cannot be opened.
    """

    def __init__(
        self, root: Path, picture: Picture, opened: Mapping[str, Segment] | None = None
    ) -> None:
        self.generation = picture.generation
        self.segments = [
            (opened or {}).get(record.name) or Segment(root, record) for record in picture.segments
        ]
        for segment in self.segments:
            segment.map_all()
        self._slots = _entries_by_slot(picture)
        self._chunk_base = _bases([segment.record.chunk_count for segment in self.segments])
        self._window_base = _bases([segment.record.window_count for segment in self.segments])
        self._live = self._masks(lambda _entry: True)

    @property
    def chunk_count(self) -> int:
        """Rows of chunks, dead ones included."""
        return int(self._chunk_base[-1])

    @property
    def window_count(self) -> int:
        """Rows of windows, dead ones included."""
        return int(self._window_base[-1])

    @property
    def opened(self) -> dict[str, Segment]:
        """The open segments by name."""
        return {segment.record.name: segment for segment in self.segments}

    def select(self, keep: Callable[[Entry], bool]) -> Selection:
        """Return the rows of the live files for which `keep` is true."""
        masks = self._masks(keep)
        chunks, windows = [], []
        for segment, slots in zip(self.segments, masks, strict=True):
            chunks.append(_expand(slots, segment.chunk_table, segment.record.chunk_count))
            windows.append(_expand(slots, segment.window_table, segment.record.window_count))
        if not any(slots is not None for slots in masks):
            return Selection(None, None)
        return Selection(np.concatenate(chunks), np.concatenate(windows))

    def _masks(self, keep: Callable[[Entry], bool]) -> list[BoolArray | None]:
        """Return one mask of slots per segment, None where every slot is kept."""
        masks: list[BoolArray | None] = []
        for slots in self._slots:
            mask = np.fromiter(
                (entry is not None and keep(entry) for entry in slots), dtype=bool, count=len(slots)
            )
            masks.append(None if mask.all() else mask)
        return masks

    @cached_property
    def everything(self) -> Selection:
        """All live rows."""
        return self.select(lambda _entry: True)

    @cached_property
    def _scorer(self) -> KeywordScorer:
        live = [
            None if slots is None else slots[np.asarray(segment.chunk_table[:, SLOT])]
            for segment, slots in zip(self.segments, self._live, strict=True)
        ]
        return KeywordScorer([segment.postings for segment in self.segments], live, min_idf=MIN_IDF)

    def keyword_scores(self, terms: list[str]) -> ScoreArray:
        """Return the BM25 score of every chunk row for `terms`: float64 (n_chunks,).

        Above 0 for every live row that holds one of them, 0 for the rest. Statistics (document
        frequencies, mean length) are those of the live chunks.
        """
        if not self.segments:
            return np.zeros(0)
        return np.concatenate(self._scorer.score(terms))

    def nearest_windows(
        self, query: FloatVector, *, top_k: int, selection: Selection
    ) -> tuple[IntArray, FloatVector]:
        """Return the window rows nearest to `query` and their cosine similarities, best first."""
        rows, scores = [], []
        for segment, base in zip(self.segments, self._window_base, strict=False):
            count = segment.record.window_count
            allowed = None if selection.windows is None else selection.windows[base : base + count]
            found, found_scores = segment.vectors.top(query, top_k=top_k, allowed=allowed)
            rows.append(found + base)
            scores.append(found_scores)
        if not rows:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        all_rows, all_scores = np.concatenate(rows), np.concatenate(scores)
        order = np.lexsort((all_rows, -all_scores))[:top_k]
        return all_rows[order], all_scores[order]

    def chunks_of_windows(self, window_rows: IntArray) -> IntArray:
        """Return the chunk rows that hold any of these windows: unique, ascending."""
        found = []
        for number, (segment, base) in enumerate(
            zip(self.segments, self._window_base, strict=False)
        ):
            count = segment.record.window_count
            local = window_rows[(window_rows >= base) & (window_rows < base + count)] - base
            # Both columns ascend, so the chunks that hold a window are a range of rows.
            first = np.searchsorted(segment.chunk_table[:, LAST_WINDOW], local, side="right")
            last = np.searchsorted(segment.chunk_table[:, FIRST_WINDOW], local, side="right")
            for low, high in zip(first, last, strict=True):
                found.append(np.arange(low, high, dtype=np.int64) + self._chunk_base[number])
        return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)

    def best_windows(
        self, query: FloatVector, chunk_rows: IntArray
    ) -> tuple[FloatVector, IntArray]:
        """Return the best cosine similarity among each chunk's windows, and that window's row.

        Args:
            query: float32, shape (dimension,), unit length.
            chunk_rows: int64 (n,).

        Returns:
            float32 (n,) in [-1, 1] and int64 (n,).
        """
        best = np.empty(len(chunk_rows), dtype=np.float32)
        best_rows = np.empty(len(chunk_rows), dtype=np.int64)
        for number, segment in enumerate(self.segments):
            base = self._chunk_base[number]
            mine = np.flatnonzero(
                (chunk_rows >= base) & (chunk_rows < base + segment.record.chunk_count)
            )
            if len(mine) == 0:
                continue
            table = segment.chunk_table[chunk_rows[mine] - base]
            first, last = table[:, FIRST_WINDOW].astype(np.int64), table[:, LAST_WINDOW]
            lengths = last - first
            starts = np.cumsum(lengths) - lengths
            flat = np.arange(int(lengths.sum())) - np.repeat(starts, lengths)
            flat += np.repeat(first, lengths)
            windows, inverse = np.unique(flat, return_inverse=True)
            similarities = (segment.vectors.vectors(windows) @ query)[inverse]
            best[mine] = np.maximum.reduceat(similarities, starts)
            for place, start, length in zip(mine, starts, lengths, strict=True):
                top = int(np.argmax(similarities[start : start + length]))
                best_rows[place] = flat[start + top] + self._window_base[number]
        return best, best_rows

    def place(self, chunk_row: int) -> Place:
        """Return the file and the characters of a live chunk."""
        number, local = _locate(self._chunk_base, chunk_row)
        row = self.segments[number].chunk_table[local]
        slot = int(row[SLOT])
        entry = self._slots[number][slot]
        if entry is None:
            raise LookupError(f"chunk row {chunk_row} belongs to a removed file")
        first = int(np.searchsorted(self.segments[number].chunk_table[:, SLOT], slot))
        return Place(entry, int(row[START]), int(row[END]), local - first)

    def window_span(self, window_row: int) -> tuple[int, int]:
        """Return start and end character of a window in its document."""
        number, local = _locate(self._window_base, window_row)
        _slot, start, end = self.segments[number].window_table[local]
        return int(start), int(end)


def _entries_by_slot(picture: Picture) -> list[list[Entry | None]]:
    slots: dict[int, list[Entry | None]] = {
        record.id: [None] * record.slot_count for record in picture.segments
    }
    for entry in picture.entries:
        slots[entry.segment_id][entry.slot] = entry
    return [slots[record.id] for record in picture.segments]


def _bases(counts: list[int]) -> IntArray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _locate(bases: IntArray, row: int) -> tuple[int, int]:
    number = int(np.searchsorted(bases, row, side="right")) - 1
    return number, row - int(bases[number])


def _expand(slots: BoolArray | None, table: npt.NDArray[np.int32], count: int) -> BoolArray:
    if slots is None:
        return np.ones(count, dtype=bool)
    mask: BoolArray = slots[np.asarray(table[:, SLOT])]
    return mask
