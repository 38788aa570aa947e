"""Snapshot: every segment of a store as it stood at one commit, searched as one index.

Chunks and windows are numbered through all segments ("rows"), so that what ranks them need not
know where they lie. A file that was removed or replaced leaves its rows behind until a merge;
they are masked here and never come back from a search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from filesearch.filters import Predicate
from filesearch.index.bm25 import K1, KeywordScorer
from filesearch.index.found import Found, best_of
from filesearch.index.segment import END, START, Segment
from filesearch.index.slots import Slots
from filesearch.index.stretches import numbers_of
from filesearch.index.vectors import STRETCH_ROWS, BoolArray
from filesearch.index_rows import ChunkWindows, Place, Selection
from filesearch.records import Entry, SnapshotMemory
from filesearch.roster import REMOVED, Roster
from filesearch.steps import run_steps
from filesearch.types import FloatVector, IntArray, TokenSigns

ScoreArray: TypeAlias = npt.NDArray[np.float64]

# In a store of one or two chunks BM25Okapi gives words a weight of 0 or less; a word that matches
# must still count for something. Elsewhere weights lie above this.
MIN_IDF = 1e-3

# Entries that stay in memory, and what one takes, roughly.
MAX_KEPT_ENTRIES = 20_000
ENTRY_BYTES = 400


class Snapshot:
    """A store as of one commit. Safe to search from several threads.

    Names and attributes of files are read when they are asked for; a file that was removed since
    the commit is then left out, as are its rows.

    Args:
        root: Directory of the segments.
        roster: Which files there were at that commit.
        opened: Segments of an older snapshot by name, to be used again instead of reopened.

    Raises:
        IndexDamaged: A segment that the catalog names cannot be opened.

    Attributes:
        load_keys: Load keys of the documents whose files were asked for so far.
    """

    def __init__(
        self, root: Path, roster: Roster, opened: Mapping[str, Segment] | None = None
    ) -> None:
        self.roster = roster
        self.generation = roster.generation
        self.segments = [
            (opened or {}).get(record.name) or Segment(root, record) for record in roster.segments
        ]
        for segment in self.segments:
            segment.map_all()
        self._chunk_base = _bases([segment.record.chunk_count for segment in self.segments])
        self._window_base = _bases([segment.record.window_count for segment in self.segments])
        self._slots = Slots(roster, self.segments)
        self._entries: dict[int, Entry | None] = {}
        self.load_keys: dict[int, str] = {}

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

    def memory(self) -> SnapshotMemory:
        """Return what the snapshot holds in memory."""
        selections = [self.__dict__.get(name) for name in ("everything", "distinct")]
        return SnapshotMemory(
            slots=self._slots.size_bytes,
            columns=sum(segment.column_bytes for segment in self.segments),
            masks=sum(one.size_bytes for one in selections if one is not None),
            entries=ENTRY_BYTES * len(self._entries),
            mapped=sum(segment.record.size_bytes for segment in self.segments),
        )

    def select(
        self,
        keep: Predicate,
        *,
        keep_rows: Callable[[Entry], Callable[[IntArray], BoolArray]] | None = None,
    ) -> Selection:
        """Return the rows of the live files that pass, `MAX_COPIES` of each text.

        Args:
            keep: Tells by its attributes whether a file passes; asked about every set of
                attributes once, and not at all if `compile_filter` made it.
            keep_rows: Called instead for a file whose table rows have attributes; what it returns
                says which of the file's chunks or windows may come back, by the characters at
                which they begin (int64). A file of which none may is left out.
        """
        return self._slots.select(keep, keep_rows=keep_rows, read_entries=self.entries)

    @cached_property
    def everything(self) -> Selection:
        """All live rows."""
        return self._slots.rows_of(self._slots.is_live, {})

    @cached_property
    def distinct(self) -> Selection:
        """All live rows but those of further copies; see `select`."""
        return self._slots.distinct()

    @cached_property
    def _scorer(self) -> KeywordScorer:
        live: list[BoolArray | None] = [None] * len(self.segments)
        if self.everything.chunks is not None:
            parts = np.split(self.everything.chunks, self._chunk_base[1:-1])
            live = [None if part.all() else part for part in parts]
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
        for number, mine, local in _by_segment(self._chunk_base, chunk_rows):
            scores[mine] = self._scorer.scores_at(terms, number, local)
        return scores

    def term_idf(self, terms: Sequence[str]) -> ScoreArray:
        """Return how much each term says: float64 (n_terms,), above 0, more for rarer ones."""
        return self._scorer.idf(terms)

    def keyword_ceiling(self, terms: Sequence[str]) -> float:
        """Return the score of a chunk that repeats each of `terms` without end.

        A term of a question counts as often as it is asked. Terms in more than half of the chunks
        weigh a little more in scores than here, so that a chunk may come above it.
        """
        return float(self._scorer.idf(terms).sum()) * (K1 + 1)

    def term_counts(self, terms: Sequence[str], chunk_rows: IntArray) -> IntArray:
        """Return how often each term stands in each chunk: int64 (n_terms, n_chunks)."""
        found = np.zeros((len(terms), len(chunk_rows)), np.int64)
        for number, mine, local in _by_segment(self._chunk_base, chunk_rows):
            found[:, mine] = self._scorer.counts_at(terms, number, local)
        return found

    def nearest_windows(
        self, query: FloatVector, *, top_k: int, selection: Selection
    ) -> tuple[IntArray, FloatVector]:
        """Return the window rows nearest to `query` and their cosine similarities, best first."""
        # Another thread is worth waking for a stretch, not for each of a few small segments.
        groups: list[list[tuple[int, Callable[[], Found]]]] = [[]]
        room = STRETCH_ROWS
        for segment, base in zip(self.segments, self._window_base.tolist(), strict=False):
            count = segment.record.window_count
            allowed = None if selection.windows is None else selection.windows[base : base + count]
            for step in segment.vectors.steps(query, top_k=top_k, allowed=allowed):
                if groups[-1] and count > room:
                    groups.append([])
                    room = STRETCH_ROWS
                groups[-1].append((base, step))
                room -= count
        found = run_steps([partial(_run_group, group) for group in groups])
        return best_of([one for group in found for one in group], top_k)

    def chunks_of_windows(self, window_rows: IntArray) -> IntArray:
        """Return the chunk rows that hold any of these windows: unique, ascending."""
        found = [np.empty(0, np.int64)]
        for number, _mine, local in _by_segment(self._window_base, window_rows):
            first_windows, last_windows = self.segments[number].window_bounds
            local = local.astype(np.int32)  # another type would make numpy copy the column
            # Both columns ascend, so the chunks that hold a window are a range of rows.
            first = np.searchsorted(last_windows, local, side="right")
            past = np.searchsorted(first_windows, local, side="right")
            found.append(numbers_of(first, past - first) + self._chunk_base[number])
        return np.unique(np.concatenate(found))

    def windows_of_chunks(self, chunk_rows: IntArray) -> ChunkWindows:
        """Return the windows of some chunks, at least one each; none for no chunks."""
        first = np.empty(len(chunk_rows), np.int64)
        past = np.empty(len(chunk_rows), np.int64)
        for number, mine, local in _by_segment(self._chunk_base, chunk_rows):
            bounds = self.segments[number].window_bounds[:, local] + self._window_base[number]
            first[mine], past[mine] = bounds
        lengths = past - first
        starts = np.cumsum(lengths) - lengths
        rows, index = np.unique(numbers_of(first, lengths), return_inverse=True)
        return ChunkWindows(rows=rows, index=index, starts=starts)

    def similarities(self, window_rows: IntArray, query: FloatVector) -> FloatVector:
        """Return the cosine similarities of some windows to `query`: float32 (n,), in [-1, 1].

        Args:
            window_rows: int64 (n,), each once, ascending; n may be 0.
            query: float32, shape (dimension,), unit length.
        """
        found = np.empty(len(window_rows), np.float32)
        for number, mine, local in _by_segment(self._window_base, window_rows):
            found[mine] = self.segments[number].vectors.similarities(local, query)
        return found

    def window_signs(self, window_rows: IntArray) -> TokenSigns:
        """Return the token signs of some windows, whose rows ascend."""
        if len(window_rows) == 0:
            return self.segments[0].signs(window_rows)
        return TokenSigns.join(
            [
                self.segments[number].signs(local)
                for number, _mine, local in _by_segment(self._window_base, window_rows)
            ]
        )

    @property
    def has_signs(self) -> bool:
        """Whether every segment keeps token signs; false without segments."""
        return bool(self.segments) and all(segment.has_signs for segment in self.segments)

    def place(self, chunk_row: int) -> Place:
        """Return the file and the characters of a live chunk.

        Raises:
            LookupError: Its file was removed.
        """
        found = self.places([chunk_row])[0]
        if found is None:
            raise LookupError(f"chunk row {chunk_row} belongs to a removed file")
        return found

    def places(self, chunk_rows: Sequence[int]) -> list[Place | None]:
        """Return the file and the characters of each chunk; None where the file was removed."""
        rows = np.asarray(chunk_rows, dtype=np.int64)
        slots = np.searchsorted(self._slots.chunk_rows, rows, side="right") - 1
        ordinals = (rows - self._slots.chunk_rows[slots]).tolist()
        stretches = np.empty((len(rows), 2), np.int64)
        for number, mine, local in _by_segment(self._chunk_base, rows):
            stretches[mine] = self.segments[number].chunk_table[local, START : END + 1]
        files = self._slots.store_files[slots].tolist()
        documents = self._slots.documents[slots].tolist()
        entries = map(self.entries(files).get, files)
        # The id of a removed file may have gone to another one since.
        return [
            Place(entry, start, end, ordinal)
            if entry is not None and entry.document_id == document
            else None
            for entry, document, (start, end), ordinal in zip(
                entries, documents, stretches.tolist(), ordinals, strict=True
            )
        ]

    def entries(self, store_file_ids: Sequence[int]) -> dict[int, Entry]:
        """Return files by store file id; those that were removed are left out."""
        wanted = dict.fromkeys(store_file_ids)
        kept = self._entries
        missing = [one for one in wanted if one not in kept and one != REMOVED]
        if missing:
            if len(kept) + len(missing) > MAX_KEPT_ENTRIES:
                kept = self._entries = {}
                self.load_keys = {}
                missing = [one for one in wanted if one != REMOVED]
            read = self.roster.read_entries(missing)
            kept.update((one, read.get(one)) for one in missing)
            keys = {one.document_id: one.load_key for one in read.values() if one.load_key}
            self.load_keys.update(keys)
        return {one: entry for one in wanted if (entry := kept.get(one)) is not None}

    def window_spans(self, window_rows: IntArray) -> IntArray:
        """Return start and end character of windows in their documents: int64 (n, 2)."""
        found = np.empty((len(window_rows), 2), np.int64)
        for number, mine, local in _by_segment(self._window_base, window_rows):
            found[mine] = self.segments[number].window_table[local, START : END + 1]
        return found


def _run_group(group: Sequence[tuple[int, Callable[[], Found]]]) -> list[Found]:
    """Return what the steps of some segments find, by the rows of the snapshot."""
    found = [(base, step()) for base, step in group]
    return [(rows + base, scores) for base, (rows, scores) in found]


def _bases(counts: list[int]) -> IntArray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _by_segment(
    bases: IntArray, rows: IntArray
) -> Iterator[tuple[int, IntArray | slice, IntArray]]:
    """Yield the number of each segment that has some of `rows`, which they are, and theirs there.

    The first array says where in `rows` they stand, the second which rows of the segment they are.
    """
    if len(bases) == 2:  # a store at rest is one segment: nothing to tell apart
        if len(rows):
            yield 0, slice(None), rows
        return
    numbers = np.searchsorted(bases, rows, side="right") - 1
    for number in np.unique(numbers).tolist():
        mine = np.flatnonzero(numbers == number)
        yield number, mine, rows[mine] - bases[number]
