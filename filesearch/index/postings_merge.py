"""Postings merge: join the postings of several segments on disk, in bounded memory.

Postings + rows to keep, of each segment -> the files of one Postings. No text is read again. Every
vocabulary is ordered by hash, so a range of hashes is one stretch of terms, and of postings, in
each part: the ranges are taken one after the other, joined in memory and appended to the files.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from filesearch.index.array_file import ArrayFile, save_array
from filesearch.index.impacts import ByteArray, derive_impacts, mean_length, peak_impacts
from filesearch.index.postings import (
    BoolArray,
    Postings,
    RowArray,
    clip_counts,
    is_dense,
    term_hash,
)
from filesearch.index.stretches import numbers_of, offsets
from filesearch.types import IntArray

BLOCK_POSTINGS = 1 << 19
"""Postings joined at a time; each takes some 60 bytes until it is written."""

_LAST_HASH = (1 << 64) - 1


def merge_postings(parts: Sequence[tuple[Postings, BoolArray | None]], directory: Path) -> None:
    """Write the postings of several segments as those of one, without the rows that are dead.

    Memory is bounded but for some 12 bytes for every row (not posting) of the parts.

    Args:
        parts: Each with its rows to keep: bool, shape (n_rows,), or None for all of them.
        directory: Where the files go; it must exist. They are what building from the kept rows,
            part after part, would have written, and as little fsynced as those of
            `Postings.write`.
    """
    sources: list[_Source] = []
    lengths = np.empty(0, np.uint32)
    for postings, keep in parts:
        sources.append(_Source(postings, keep, len(lengths)))
        kept = postings.lengths if keep is None else postings.lengths[keep]
        lengths = np.concatenate([lengths, kept])
    with _Output(directory, lengths) as output:
        for spans in _ranges([postings for postings, _ in parts]):
            if sum(map(_size, sources, spans)) <= BLOCK_POSTINGS:
                _join_terms(sources, spans, output)
            else:
                _join_hash(sources, spans, output)
    output.write_columns()


class _Source:
    """One part; the rows of it that are kept are numbered from `first_row` in what is written."""

    def __init__(self, postings: Postings, keep: BoolArray | None, first_row: int) -> None:
        self.postings = postings
        self._keep = keep
        self._first_row = np.uint32(first_row)
        self._numbers = None
        if keep is not None:
            self._numbers = np.cumsum(keep, dtype=np.uint32) + self._first_row - np.uint32(1)

    def take(self, span: slice) -> tuple[RowArray, npt.NDArray[Any], BoolArray | None]:
        """Return new row numbers and counts of those postings that are kept, and which those are.

        The last is bool, one for each posting of the span; None where all are kept.
        """
        rows, counts = self.postings.rows[span], self.postings.exact_counts(span)
        if self._keep is None or self._numbers is None:
            return rows + self._first_row, counts, None
        kept = self._keep[rows]
        return self._numbers[rows[kept]], counts[kept], kept


def _size(source: _Source, terms: slice) -> int:
    """Return how many postings a stretch of terms has."""
    indptr = source.postings.indptr
    return int(indptr[terms.stop] - indptr[terms.start])


def _ranges(parts: Sequence[Postings]) -> Iterator[list[slice]]:
    """Yield ranges of hashes in order, each as one stretch of terms for every part.

    All postings of a range are `BLOCK_POSTINGS` at most, or it holds a single hash.
    """

    def stops(last: int) -> list[int]:
        return [int(part.hashes.searchsorted(np.uint64(last), side="right")) for part in parts]

    def fits(last: int) -> bool:
        sizes = [
            int(part.indptr[stop] - part.indptr[start])
            for part, start, stop in zip(parts, starts, stops(last), strict=True)
        ]
        return sum(sizes) <= BLOCK_POSTINGS

    starts = [0] * len(parts)
    while ahead := [
        int(part.hashes[start])
        for part, start in zip(parts, starts, strict=True)
        if start < part.n_terms
    ]:
        low, high = min(ahead), _LAST_HASH
        if fits(high):
            low = high
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(middle) else (low, middle - 1)
        ends = stops(low)
        yield list(map(slice, starts, ends))
        starts = ends


def _join_terms(sources: Sequence[_Source], spans: Sequence[slice], output: _Output) -> None:
    """Join stretches of terms whose postings fit into memory."""
    hashes, texts, text_sizes, rows, counts, sizes = [], [], [], [], [], []
    for source, terms in zip(sources, spans, strict=True):
        part = source.postings
        ends = part.indptr[terms.start : terms.stop + 1]
        part_rows, part_counts, kept = source.take(slice(int(ends[0]), int(ends[-1])))
        if kept is not None:
            ends = offsets(kept)[ends - ends[0]]
        text_ends = part.term_offsets[terms.start : terms.stop + 1]
        hashes.append(part.hashes[terms])
        texts.append(part.term_bytes[text_ends[0] : text_ends[-1]])
        text_sizes.append(np.diff(text_ends))
        rows.append(part_rows)
        counts.append(part_counts)
        sizes.append(np.diff(ends))
    terms_of = _Terms(np.concatenate(hashes), np.concatenate(texts), np.concatenate(text_sizes))
    order, firsts = terms_of.order()
    size = np.concatenate(sizes)
    postings = numbers_of((np.cumsum(size) - size)[order], size[order])
    frequencies = np.add.reduceat(size[order], firsts)
    used = frequencies > 0
    if used.any():
        output.add_terms(terms_of.take(order[firsts[used]]), frequencies[used])
        impacts = output.add_postings(
            np.concatenate(rows)[postings], np.concatenate(counts)[postings]
        )
        output.add_peaks(peak_impacts(impacts, offsets(frequencies[used])))


def _join_hash(sources: Sequence[_Source], spans: Sequence[slice], output: _Output) -> None:
    """Join the terms of one hash, almost always a single one, that have too many postings."""
    holders: defaultdict[bytes, list[tuple[_Source, slice]]] = defaultdict(list)
    for source, terms in zip(sources, spans, strict=True):
        for number in range(terms.start, terms.stop):
            found = source.postings.span(number)
            holders[source.postings.term(number)] += [
                (source, slice(start, min(start + BLOCK_POSTINGS, found.stop)))
                for start in range(found.start, found.stop, BLOCK_POSTINGS)
            ]
    for text in sorted(holders):
        frequency = peak = 0
        for source, piece in holders[text]:
            rows, counts, _ = source.take(piece)
            impacts = output.add_postings(rows, counts)
            frequency += len(rows)
            peak = max(peak, int(impacts.max(initial=0)))
        if frequency:
            one = _Terms(
                np.array([term_hash(text)], np.uint64),
                np.frombuffer(text, np.uint8),
                np.array([len(text)], np.int64),
            )
            output.add_terms(one, np.array([frequency], np.int64))
            output.add_peaks(np.array([peak], np.uint8))


class _Terms:
    """Terms that are joined: those of one part after those of another.

    Args:
        hashes: uint64 (n,).
        text: uint8, their UTF-8, one after the other.
        sizes: int64 (n,), bytes of each.
    """

    def __init__(self, hashes: npt.NDArray[np.uint64], text: ByteArray, sizes: IntArray) -> None:
        self.hashes = hashes
        self.text = text
        self.sizes = sizes
        self._starts = np.cumsum(sizes) - sizes

    def order(self) -> tuple[IntArray, IntArray]:
        """Return the terms by hash, then bytes, then as they stand, and where each new one begins.

        Both int64; the second holds positions in the first.
        """
        order = np.argsort(self.hashes, kind="stable")
        ordered = self.hashes[order]
        is_same = ordered[1:] == ordered[:-1]
        left, right = order[:-1][is_same], order[1:][is_same]
        if not (
            np.array_equal(self.sizes[left], self.sizes[right])
            and np.array_equal(self._bytes(left), self._bytes(right))
        ):  # two terms of one hash: once in 5e9 pairs
            keys = [
                (int(self.hashes[i]), self._bytes(np.array([i])).tobytes())
                for i in range(len(self.hashes))
            ]
            order = np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)
            is_same = np.array(
                [keys[a] == keys[b] for a, b in itertools.pairwise(order.tolist())], np.bool_
            )
        return order, np.flatnonzero(np.concatenate([[True], ~is_same]))

    def _bytes(self, numbers: IntArray) -> ByteArray:
        return self.text[numbers_of(self._starts[numbers], self.sizes[numbers])]

    def take(self, numbers: IntArray) -> _Terms:
        """Return some of the terms."""
        return _Terms(self.hashes[numbers], self._bytes(numbers), self.sizes[numbers])


_DTYPES: dict[str, npt.DTypeLike] = {
    "hashes": np.uint64,
    "term_offsets": np.int64,
    "term_bytes": np.uint8,
    "indptr": np.int64,
    "rows": np.uint32,
    "counts": np.uint8,
    "large_at": np.int64,
    "large_counts": np.uint32,
    "impacts": np.uint8,
    "peaks": np.uint8,
}


class _Output:
    """The files of the joined postings, appended to term after term."""

    def __init__(self, directory: Path, lengths: RowArray) -> None:
        self._directory = directory
        self._lengths = lengths
        self._mean = mean_length(lengths)
        self._n_terms = self._n_postings = self._last_end = self._text_size = 0
        self._frequencies: Counter[int] = Counter()
        self._dense: list[tuple[int, slice]] = []
        self._files: dict[str, ArrayFile] = {}

    def __enter__(self) -> _Output:
        self._files = {
            name: ArrayFile(self._directory / f"{name}.npy", (None,), dtype)
            for name, dtype in _DTYPES.items()
        }
        self._files["term_offsets"].append(np.zeros(1))
        self._files["indptr"].append(np.zeros(1))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._files.values():
            file.__exit__(kind, error, trace)

    def add_terms(self, terms: _Terms, frequencies: IntArray) -> None:
        """Append terms, each with its number of postings."""
        ends = self._last_end + np.cumsum(frequencies)
        for i in np.flatnonzero(is_dense(frequencies, len(self._lengths))):
            end = int(ends[i])
            self._dense.append((self._n_terms + int(i), slice(end - int(frequencies[i]), end)))
        values, numbers = np.unique(frequencies, return_counts=True)
        self._frequencies.update(dict(zip(values.tolist(), numbers.tolist(), strict=True)))
        self._files["hashes"].append(terms.hashes)
        self._files["term_bytes"].append(terms.text)
        self._files["term_offsets"].append(self._text_size + np.cumsum(terms.sizes))
        self._files["indptr"].append(ends)
        self._n_terms += len(frequencies)
        self._text_size += len(terms.text)
        self._last_end = int(ends[-1])

    def add_postings(self, rows: RowArray, counts: npt.NDArray[Any]) -> ByteArray:
        """Append postings, as many as their terms were or will be said to have.

        Returns:
            Their impacts.
        """
        impacts = derive_impacts(counts, self._lengths[rows], self._mean)
        self._files["rows"].append(rows)
        self._files["impacts"].append(impacts)
        for name, array in clip_counts(counts, self._n_postings).items():
            self._files[name].append(array)
        self._n_postings += len(rows)
        return impacts

    def add_peaks(self, peaks: ByteArray) -> None:
        """Append the highest impact of each term."""
        self._files["peaks"].append(peaks)

    def write_columns(self) -> None:
        """Write what follows from the other files, once those are closed."""
        n_rows = len(self._lengths)
        table = np.array(sorted(self._frequencies.items()), np.int64).reshape(-1, 2).T
        dense_terms = np.array([number for number, _span in self._dense], np.int64)
        save_array(self._directory / "frequencies.npy", table)
        save_array(self._directory / "lengths.npy", self._lengths)
        save_array(self._directory / "dense_terms.npy", dense_terms)
        rows = np.load(self._directory / "rows.npy", mmap_mode="r")
        shape = (len(self._dense), n_rows)
        for name in ("counts", "impacts"):
            values = np.load(self._directory / f"{name}.npy", mmap_mode="r")
            with ArrayFile(self._directory / f"dense_{name}.npy", shape, np.uint8) as columns:
                for _number, span in self._dense:
                    column = np.zeros(n_rows, np.uint8)
                    column[rows[span]] = values[span]
                    columns.append(column[np.newaxis])
