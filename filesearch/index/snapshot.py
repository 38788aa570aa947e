"""Snapshot: every segment of a store as it stood at one commit, searched as one index.

Chunks and windows are numbered through all segments ("rows"), so that what ranks them need not
know where they lie. A file that was removed or replaced leaves its rows behind until a merge;
they are masked here and never come back from a search.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from filesearch.index.bm25 import KeywordScorer
from filesearch.index.segment import END, FIRST_WINDOW, LAST_WINDOW, SLOT, START, Segment
from filesearch.index.vectors import BoolArray
from filesearch.records import Entry, Picture
from filesearch.types import FloatMatrix, FloatVector, IntArray, TokenSigns

ScoreArray: TypeAlias = npt.NDArray[np.float64]

# In a store of one or two chunks BM25Okapi gives words a weight of 0 or less; a word that matches
# must still count for something. Elsewhere weights lie above this.
MIN_IDF = 1e-3

# Files with one and the same text that a search for passages looks at: they come back as one
# passage, and 200 copies would be all the candidates that a question has. Two, not one, because
# their names count as well.
MAX_COPIES = 2


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows may come back from a search; None allows every live row.

    Attributes:
        chunks: bool (n_chunks,).
        windows: bool (n_windows,).
        copies: Document id -> all files with its text that were selected, of texts of which some
            were left out.
    """

    chunks: BoolArray | None
    windows: BoolArray | None
    copies: Mapping[int, tuple[Entry, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk stands: the searchable file and the characters in its document."""

    entry: Entry
    start: int
    end: int
    ordinal: int


@dataclass(frozen=True, slots=True, eq=False)
class ChunkWindows:
    """The windows of n chunks; chunks that overlap share some.

    Attributes:
        rows: int64 (m,), window rows, each once, ascending.
        index: int64 (k,), positions in `rows`, chunk after chunk.
        starts: int64 (n,), where each chunk's stretch of `index` begins.
    """

    rows: IntArray
    index: IntArray
    starts: IntArray

    @property
    def lengths(self) -> IntArray:
        """How many windows each chunk has: int64 (n,), at least 1."""
        return np.diff(np.append(self.starts, len(self.index)))

    def best(self, scores: FloatVector) -> tuple[FloatVector, IntArray]:
        """Return each chunk's best score and the row of the window that has it (the first).

        Args:
            scores: float32 (m,), of `rows`.

        Returns:
            float32 (n,) and int64 (n,).
        """
        spread = scores[self.index]
        if len(self.starts) == 0:
            return spread, self.rows
        best = np.maximum.reduceat(spread, self.starts)
        is_best = np.flatnonzero(spread == np.repeat(best, self.lengths))
        first = is_best[np.searchsorted(is_best, self.starts)]
        return best, self.rows[self.index[first]]


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

    def select(
        self,
        keep: Callable[[Entry], bool],
        *,
        keep_rows: Callable[[Entry], Callable[[IntArray], BoolArray]] | None = None,
    ) -> Selection:
        """Return the rows of the live files for which `keep` is true, `MAX_COPIES` of each text.

        Args:
            keep: Called once for each live file.
            keep_rows: Called instead for a file whose table rows have attributes; what it returns
                says which of the file's chunks or windows may come back, by the characters at
                which they begin (int64). A file of which none may is left out.
        """
        copies: defaultdict[int, list[Entry]] = defaultdict(list)
        chosen_of: dict[int, Callable[[IntArray], BoolArray]] = {}

        def is_chosen(entry: Entry) -> bool:
            if keep_rows is not None and entry.store_file_id in self._apart:
                chosen_of[entry.store_file_id] = keep_rows(entry)
                if not chosen_of[entry.store_file_id](self._chunk_starts(entry)).any():
                    return False
            elif not keep(entry):
                return False
            files = copies[entry.document_id]
            files.append(entry)
            return len(files) <= MAX_COPIES

        masks = self._masks(is_chosen)
        crowded = {text: tuple(files) for text, files in copies.items() if len(files) > MAX_COPIES}
        selection = self._selection(masks, crowded)
        if not chosen_of:
            return selection
        chunks = _all_if_none(selection.chunks, self.chunk_count)
        windows = _all_if_none(selection.windows, self.window_count)
        for store_file_id, chosen in chosen_of.items():
            number, slot = self._apart[store_file_id]
            for mask, table, base in (
                (chunks, self.segments[number].chunk_table, self._chunk_base[number]),
                (windows, self.segments[number].window_table, self._window_base[number]),
            ):
                first, past = np.searchsorted(table[:, SLOT], (slot, slot + 1))
                mask[base + first : base + past] &= chosen(
                    table[first:past, START].astype(np.int64)
                )
        return Selection(chunks, windows, crowded)

    @cached_property
    def _apart(self) -> dict[int, tuple[int, int]]:
        """Segment and slot of the files whose table rows have attributes, by store file id."""
        return {
            entry.store_file_id: (number, slot)
            for number, slots in enumerate(self._slots)
            for slot, entry in enumerate(slots)
            if entry is not None and entry.row_attributes
        }

    def _chunk_starts(self, entry: Entry) -> IntArray:
        number, slot = self._apart[entry.store_file_id]
        table = self.segments[number].chunk_table
        first, past = np.searchsorted(table[:, SLOT], (slot, slot + 1))
        starts: IntArray = table[first:past, START].astype(np.int64)
        return starts

    def _selection(
        self, masks: Sequence[BoolArray | None], copies: Mapping[int, tuple[Entry, ...]]
    ) -> Selection:
        if all(slots is None for slots in masks):
            return Selection(None, None)
        chunks, windows = [], []
        for segment, slots in zip(self.segments, masks, strict=True):
            chunks.append(_expand(slots, segment.chunk_table, segment.record.chunk_count))
            windows.append(_expand(slots, segment.window_table, segment.record.window_count))
        return Selection(np.concatenate(chunks), np.concatenate(windows), copies)

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
        return self._selection(self._live, {})

    @cached_property
    def distinct(self) -> Selection:
        """All live rows but those of further copies; see `select`."""
        return self.select(lambda _entry: True)

    @cached_property
    def _scorer(self) -> KeywordScorer:
        pairs = zip(self.segments, self._live, strict=True)
        live = [None if slots is None else slots[s.chunk_table[:, SLOT]] for s, slots in pairs]
        return KeywordScorer([segment.postings for segment in self.segments], live, min_idf=MIN_IDF)

    def top_keyword(
        self, terms: Sequence[str], top_k: int, selection: Selection
    ) -> tuple[IntArray, ScoreArray]:
        """Return at most `top_k` chunk rows, int64, and their BM25 scores, float64, best first.

        All of them hold one of `terms` and score above 0; ties go by row. Statistics (document
        frequencies, mean length) are those of all live chunks, whatever is selected.
        """
        chunks = selection.chunks
        allowed = None if chunks is None else np.split(chunks, self._chunk_base[1:-1])
        hits = self._scorer.top(terms, top_k, allowed)
        return self._chunk_base[hits.parts] + hits.rows, hits.scores

    def keyword_scores_at(self, terms: Sequence[str], chunk_rows: IntArray) -> ScoreArray:
        """Return the BM25 scores of some live chunks: float64 (n_chunks,), 0 without a term."""
        scores = np.zeros(len(chunk_rows), np.float64)
        for number in range(len(self.segments)):
            mine, local = self._within(self._chunk_base, number, chunk_rows)
            scores[mine] = self._scorer.scores_at(terms, number, local)
        return scores

    def term_idf(self, terms: Sequence[str]) -> ScoreArray:
        """Return how much each term says: float64 (n_terms,), above 0, more for rarer ones."""
        return self._scorer.idf(terms)

    def term_counts(self, terms: Sequence[str], chunk_rows: IntArray) -> IntArray:
        """Return how often each term stands in each chunk: int64 (n_terms, n_chunks)."""
        found = np.zeros((len(terms), len(chunk_rows)), np.int64)
        for number in range(len(self.segments)):
            mine, local = self._within(self._chunk_base, number, chunk_rows)
            found[:, mine] = self._scorer.counts_at(terms, number, local)
        return found

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
        for number, segment in enumerate(self.segments):
            _mine, local = self._within(self._window_base, number, window_rows)
            # Both columns ascend, so the chunks that hold a window are a range of rows.
            first = np.searchsorted(segment.chunk_table[:, LAST_WINDOW], local, side="right")
            last = np.searchsorted(segment.chunk_table[:, FIRST_WINDOW], local, side="right")
            for low, high in zip(first, last, strict=True):
                found.append(np.arange(low, high, dtype=np.int64) + self._chunk_base[number])
        return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)

    def windows_of_chunks(self, chunk_rows: IntArray) -> ChunkWindows:
        """Return the windows of some chunks, at least one each; none for no chunks."""
        first = np.empty(len(chunk_rows), np.int64)
        past = np.empty(len(chunk_rows), np.int64)
        for number, segment in enumerate(self.segments):
            mine, local = self._within(self._chunk_base, number, chunk_rows)
            table = segment.chunk_table[local]
            first[mine] = table[:, FIRST_WINDOW] + self._window_base[number]
            past[mine] = table[:, LAST_WINDOW] + self._window_base[number]
        lengths = past - first
        starts = np.cumsum(lengths) - lengths
        flat = np.arange(int(lengths.sum())) + np.repeat(first - starts, lengths)
        return ChunkWindows(*np.unique(flat, return_inverse=True), starts=starts)

    def window_vectors(self, window_rows: IntArray) -> FloatMatrix:
        """Return the vectors of some windows: float32 (n, dimension)."""
        found: list[FloatMatrix] = []
        order: list[IntArray] = []
        for number, segment in enumerate(self.segments):
            mine, local = self._within(self._window_base, number, window_rows)
            if len(mine):
                found.append(segment.vectors.vectors(local))
                order.append(mine)
        if not found:
            dimension = self.segments[0].vectors.dimension if self.segments else 0
            return np.empty((0, dimension), np.float32)
        vectors = np.empty((len(window_rows), found[0].shape[1]), np.float32)
        for mine, part in zip(order, found, strict=True):
            vectors[mine] = part
        return vectors

    def window_signs(self, window_rows: IntArray) -> TokenSigns:
        """Return the token signs of some windows, whose rows ascend."""
        parts = []
        for number, segment in enumerate(self.segments):
            _mine, local = self._within(self._window_base, number, window_rows)
            parts.append(segment.signs(local))
        return TokenSigns.join(parts)

    @property
    def has_signs(self) -> bool:
        """Whether every segment keeps token signs; false without segments."""
        return bool(self.segments) and all(segment.has_signs for segment in self.segments)

    def _within(self, bases: IntArray, number: int, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return which of `rows` lie in a segment, and their numbers there."""
        mine = np.flatnonzero((rows >= bases[number]) & (rows < bases[number + 1]))
        return mine, rows[mine] - bases[number]

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


def _all_if_none(mask: BoolArray | None, count: int) -> BoolArray:
    return np.ones(count, dtype=bool) if mask is None else mask


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
