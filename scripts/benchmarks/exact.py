"""Exact: which windows really are nearest, found by looking at all of them.

questions -> top windows by brute force (the truth) and by the index -> recall. Windows are told
apart by their keys (drawn stores) or their rows (any store).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from benchmarks.drawn_text import number_of
from benchmarks.drawn_vectors import Keys, VectorDrawer
from filesearch.adapters import make_blob_store
from filesearch.config import load_settings
from filesearch.embed.onnx import OnnxEmbedder
from filesearch.index.segment import SLOT
from filesearch.index_directory import IndexDirectory
from filesearch.index_rows import Selection
from filesearch.types import FloatMatrix, FloatVector, IntArray

BoolArray = npt.NDArray[np.bool_]
_BLOCK = 1 << 15
_KEY_BITS = np.uint64(20)


class OpenStore:
    """An index, opened to ask its vectors alone.

    Args:
        directory: Of the index.

    Raises:
        NotFound: It has no store.
    """

    def __init__(self, directory: Path) -> None:
        index = IndexDirectory(
            load_settings({"index": str(directory)}),
            embedder=OnnxEmbedder,
            make_blobs=make_blob_store,
        )
        store = index.open_store(check=False)
        self._picture = index.catalog.picture(store.id)
        self.snapshot = index.snapshot(store)
        index.close()
        self.window_count = self.snapshot.window_count
        self._selections: dict[int | None, Selection] = {}

    def nearest(self, question: FloatVector, top_k: int, part: int | None) -> IntArray:
        """Return the rows that the index finds, of files whose attribute `part` it is."""
        rows, _scores = self.snapshot.nearest_windows(
            question, top_k=top_k, selection=self.selection(part)
        )
        return rows

    def selection(self, part: int | None) -> Selection:
        """Return the rows of the files whose attribute `part` it is; all for None."""
        if part not in self._selections:
            everything = self.snapshot.everything
            chosen = everything if part is None else Selection(None, self._windows_of(part))
            self._selections[part] = chosen
        return self._selections[part]

    def _windows_of(self, part: int) -> BoolArray:
        """Return the windows of those files, looked up file by file: bool (n_windows,)."""
        kept = {
            (entry.segment_id, entry.slot)
            for entry in self._picture.entries
            if entry.attributes.get("part") == part
        }
        masks = [np.empty(0, bool)]
        for segment in self.snapshot.segments:
            record = segment.record
            of_slot = np.array([(record.id, slot) in kept for slot in range(record.slot_count)])
            masks.append(of_slot[np.asarray(segment.window_table[:, SLOT])])
        return np.concatenate(masks)

    def allowed(self, part: int | None) -> BoolArray:
        """Return which rows those are: bool (n_windows,)."""
        windows = self.selection(part).windows
        return np.ones(self.window_count, bool) if windows is None else np.asarray(windows)

    def allowed_count(self, part: int | None) -> int:
        """Return how many rows those are."""
        return int(np.count_nonzero(self.allowed(part)))

    def keys(self) -> Keys:
        """Return the key of each row of a drawn store: uint64 (n_windows,)."""
        numbers: dict[tuple[int, int], int] = {
            (entry.segment_id, entry.slot): number_of(entry.filename)
            for entry in self._picture.entries
        }
        keys = [np.empty(0, np.uint64)]
        for segment in self.snapshot.segments:
            record = segment.record
            slots = np.asarray(segment.window_table[:, SLOT])
            of_slot = np.array(
                [numbers[record.id, slot] for slot in range(record.slot_count)], np.uint64
            )
            first = np.searchsorted(slots, slots)
            ordinal = (np.arange(len(slots)) - first).astype(np.uint64)
            keys.append((of_slot[slots] << _KEY_BITS) + ordinal)
        return np.concatenate(keys)


class Truth(Protocol):
    """Says which windows are nearest."""

    def top(self, questions: FloatMatrix, top_k: int, part: int | None) -> list[IntArray]:
        """Return the rows of the `top_k` nearest windows of each question, of a part or all."""


class DrawnTruth:
    """Brute force over the vectors as they were drawn, whatever the index made of them."""

    def __init__(self, store: OpenStore, drawer: VectorDrawer) -> None:
        self._store, self._drawer = store, drawer

    @cached_property
    def _keys(self) -> Keys:
        return self._store.keys()

    def top(self, questions: FloatMatrix, top_k: int, part: int | None) -> list[IntArray]:
        """As `Truth.top`."""
        rows = np.flatnonzero(self._store.allowed(part))
        blocks = (
            (
                rows[start : start + _BLOCK],
                self._drawer.draw(self._keys[rows[start : start + _BLOCK]]),
            )
            for start in range(0, len(rows), _BLOCK)
        )
        return top_rows(questions, blocks, top_k)


class StoredTruth:
    """Brute force over the vectors that the segments give back: exact where they are."""

    def __init__(self, store: OpenStore) -> None:
        self._store = store

    def top(self, questions: FloatMatrix, top_k: int, part: int | None) -> list[IntArray]:
        """As `Truth.top`."""
        return top_rows(questions, self._blocks(self._store.allowed(part)), top_k)

    def _blocks(self, allowed: BoolArray) -> Iterator[tuple[IntArray, FloatMatrix]]:
        base = 0
        for segment in self._store.snapshot.segments:
            past = base + segment.record.window_count
            rows = np.flatnonzero(allowed[base:past])
            for start in range(0, len(rows), _BLOCK):
                block = rows[start : start + _BLOCK]
                yield block + base, segment.vectors.vectors(block)
            base = past


def top_rows(
    questions: FloatMatrix, blocks: Iterator[tuple[IntArray, FloatMatrix]], top_k: int
) -> list[IntArray]:
    """Return the rows with the greatest inner products for each question, best first.

    Args:
        questions: float32 (n, dimension).
        blocks: Row numbers with their vectors, block by block.
        top_k: At least 1; fewer come back where there are fewer rows.
    """
    scores = np.empty((len(questions), 0), np.float32)
    rows = np.empty((len(questions), 0), np.int64)
    for numbers, vectors in blocks:
        scores = np.concatenate([scores, questions @ vectors.T], axis=1)
        rows = np.concatenate([rows, np.broadcast_to(numbers, (len(questions), len(numbers)))], 1)
        if scores.shape[1] > top_k:
            best = np.argpartition(-scores, top_k - 1, axis=1)[:, :top_k]
            scores = np.take_along_axis(scores, best, axis=1)
            rows = np.take_along_axis(rows, best, axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")
    return list(np.take_along_axis(rows, order, axis=1))


def recall(found: Sequence[IntArray], expected: Sequence[IntArray]) -> float:
    """Return the mean share of the expected rows that were found; 1.0 where none are expected."""
    shares = [
        len(np.intersect1d(mine, truth)) / len(truth)
        for mine, truth in zip(found, expected, strict=True)
        if len(truth)
    ]
    return float(np.mean(shares)) if shares else 1.0
