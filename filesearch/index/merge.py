"""Merge: some segments -> one without their dead slots; nothing is embedded or tokenized again.

Every file is written block by block from mapped ones. Beside what indexing the vectors takes, the
memory is that of one block of windows, and some 50 bytes for each window of the largest segment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from filesearch.index.array_file import ArrayFile
from filesearch.index.postings_merge import merge_postings
from filesearch.index.segment import (
    CHUNKS_FILE,
    FIRST_WINDOW,
    LAST_WINDOW,
    SIGN_OFFSETS_FILE,
    SIGNS_FILE,
    SLOT,
    WINDOWS_FILE,
    Segment,
    SegmentDraft,
)
from filesearch.index.vectors import BoolArray, write_vectors
from filesearch.records import SegmentRecord
from filesearch.types import FloatMatrix, IntArray

# Of 384 dimensions, 12 MB of vectors and about 25 MB of token signs.
BLOCK_WINDOWS = 1 << 13


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A segment to merge, and what stays of it.

    Attributes:
        live, windows, chunks: bool (n_slots,), (n_windows,), (n_chunks,): what stays.
        sign_rows: Rows of token signs that stay.
    """

    segment: Segment
    live: BoolArray
    windows: BoolArray
    chunks: BoolArray
    sign_rows: int


def merge_segments(
    draft: SegmentDraft,
    segments: Sequence[tuple[Segment, BoolArray]],
    *,
    on_block: Callable[[], None] = lambda: None,
) -> SegmentRecord:
    """Write into `draft` what the live slots of some segments hold, and publish it.

    It is what building one segment from those documents would have given.

    Args:
        draft: Of the new segment. Its slots are the live slots of the segments in order.
        segments: At least one, of one embedder, each with a mask of its live slots, bool
            (n_slots,). Token signs are kept if every segment has them.
        on_block: Called again and again; an exception ends the merge.

    Raises:
        IndexDamaged: One of the segments cannot be read.
    """
    keeps_signs = all(segment.has_signs for segment, _live in segments)
    parts = [_make_part(segment, live, keeps_signs) for segment, live in segments]
    window_count = sum(int(np.count_nonzero(part.windows)) for part in parts)
    chunk_count = sum(int(np.count_nonzero(part.chunks)) for part in parts)
    _write_tables(draft, parts, window_count, chunk_count)
    on_block()
    if keeps_signs:
        _write_signs(draft, parts, window_count, on_block)
    merge_postings(
        [(part.segment.reopened().postings, part.chunks) for part in parts], draft.directory
    )
    on_block()
    manifest = parts[0].segment.manifest
    vectors = write_vectors(
        draft.directory,
        _vector_blocks(parts, on_block),
        count=window_count,
        dimension=manifest.dimension,
    )
    on_block()
    return draft.publish(
        embedder=manifest.embedder,
        slot_count=sum(int(np.count_nonzero(part.live)) for part in parts),
        chunk_count=chunk_count,
        window_count=window_count,
        dimension=manifest.dimension,
        vectors=vectors,
    )


def _make_part(segment: Segment, live: BoolArray, keeps_signs: bool) -> _Part:
    opened = segment.reopened()
    windows: BoolArray = live[opened.window_table[:, SLOT]]
    chunks: BoolArray = live[opened.chunk_table[:, SLOT]]
    sign_rows = int(opened.sign_counts[windows].sum()) if keeps_signs else 0
    return _Part(segment, live, windows, chunks, sign_rows)


def _write_tables(
    draft: SegmentDraft, parts: Sequence[_Part], window_count: int, chunk_count: int
) -> None:
    """Write both tables, with slots and windows as they are numbered in the new segment."""
    slot_base = window_base = 0
    with (
        ArrayFile(draft.directory / WINDOWS_FILE, (window_count, 3), np.int32) as window_file,
        ArrayFile(draft.directory / CHUNKS_FILE, (chunk_count, 5), np.int32) as chunk_file,
    ):
        for part in parts:
            opened = part.segment.reopened()
            new_slots = np.cumsum(part.live) - 1 + slot_base
            new_windows = np.cumsum(part.windows) - 1 + window_base
            windows = np.asarray(opened.window_table)[part.windows]
            windows[:, SLOT] = new_slots[windows[:, SLOT]]
            window_file.append(windows)
            chunks = np.asarray(opened.chunk_table)[part.chunks]
            chunks[:, SLOT] = new_slots[chunks[:, SLOT]]
            chunks[:, FIRST_WINDOW] = new_windows[chunks[:, FIRST_WINDOW]]
            chunks[:, LAST_WINDOW] = new_windows[chunks[:, LAST_WINDOW] - 1] + 1
            chunk_file.append(chunks)
            slot_base += int(np.count_nonzero(part.live))
            window_base += len(windows)


def _write_signs(
    draft: SegmentDraft, parts: Sequence[_Part], window_count: int, on_block: Callable[[], None]
) -> None:
    total = sum(part.sign_rows for part in parts)
    width = parts[0].segment.manifest.dimension // 8
    offset = 0
    with (
        ArrayFile(draft.directory / SIGNS_FILE, (total, width), np.uint8) as sign_file,
        ArrayFile(
            draft.directory / SIGN_OFFSETS_FILE, (window_count + 1,), np.int64
        ) as offset_file,
    ):
        offset_file.append(np.zeros(1, np.int64))
        for opened, rows in _blocks(parts):
            signs = opened.signs(rows)
            ends = np.cumsum(signs.counts) + offset
            sign_file.append(signs.bits)
            offset_file.append(ends)
            offset = int(ends[-1])
            on_block()


def _vector_blocks(parts: Sequence[_Part], on_block: Callable[[], None]) -> Iterator[FloatMatrix]:
    for opened, rows in _blocks(parts):
        yield opened.vectors.vectors(rows)
        on_block()


def _blocks(parts: Sequence[_Part]) -> Iterator[tuple[Segment, IntArray]]:
    """Yield the windows that stay, in order; no more than one segment is mapped at a time."""
    for part in parts:
        opened = part.segment.reopened()
        kept = np.flatnonzero(part.windows)
        for start in range(0, len(kept), BLOCK_WINDOWS):
            yield opened, kept[start : start + BLOCK_WINDOWS]
