"""Postings: which terms stand in which chunks, in flat arrays that can be memory-mapped.

`postings_builder` makes them, `postings_merge` joins those of several segments on disk, `bm25`
scores from them. No statistics over the whole corpus lie in here, so that segments can come, go and
lose rows without one of them being written again.

About 6 bytes a posting on disk: the row (4), how often the term stands there (1), and the most that
BM25 can give for it (1, see `impacts`), by which a search passes over most of a long list unread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from filesearch.errors import IndexDamaged
from filesearch.index.array_file import map_array, save_array
from filesearch.index.impacts import ByteArray, derive_impacts, mean_length, peak_impacts
from filesearch.open_files import check_handles
from filesearch.types import IntArray

BoolArray: TypeAlias = npt.NDArray[np.bool_]
RowArray: TypeAlias = npt.NDArray[np.uint32]

LARGE = 255
"""A count that does not fit a byte, or just does: `large_counts` has it."""

DENSE_SHARE = 8
DENSE_MIN_ROWS = 1024
"""Terms in more than one of 8 rows have their counts in a column with a byte for every row as well:
one look-up instead of a binary search; and their impacts in another, which are added up for all
rows at once. In English text some 20% more on disk each, 5% of an index with its vectors."""


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Which terms stand in which rows (chunks), how often; never changed once built.

    Terms are ordered by `hashes`, then by their bytes, so the same rows give the same arrays
    whatever the order in which terms were first seen. What stands after `lengths` follows from what
    stands before it; see `derived_arrays`.

    Attributes:
        hashes: uint64, shape (n_terms,), BLAKE2b-64 of each term's UTF-8, ascending.
        term_offsets: int64, shape (n_terms + 1,); term i is
            `term_bytes[term_offsets[i]:term_offsets[i + 1]]`.
        term_bytes: uint8, all terms in UTF-8, one after the other.
        indptr: int64, shape (n_terms + 1,); the postings of term i are `indptr[i]:indptr[i + 1]`,
            at least one each.
        rows: uint32, shape (n_postings,), ascending within a term.
        counts: uint8, shape (n_postings,), at least 1; `LARGE` where it is that or more.
        large_at: int64, ascending, which postings have `LARGE` for a count.
        large_counts: uint32, of the same shape, their counts.
        lengths: uint32, shape (n_rows,), terms in each row, repetitions counted.
        impacts: uint8, shape (n_postings,), see `impacts.derive_impacts`.
        peaks: uint8, shape (n_terms,), the highest impact of each term.
        frequencies: int64, shape (2, n); in how many rows (ascending) how many terms stand.
        dense_terms: int64, ascending, which terms have their counts and impacts by row as well.
        dense_counts: uint8, shape (n_dense, n_rows), `counts` of such a term in every row, 0 where
            it does not stand.
        dense_impacts: uint8, of the same shape, `impacts` likewise; of shape (0, n_rows) where the
            files were written before there were any.
    """

    hashes: npt.NDArray[np.uint64]
    term_offsets: IntArray
    term_bytes: ByteArray
    indptr: IntArray
    rows: RowArray
    counts: ByteArray
    large_at: IntArray
    large_counts: RowArray
    lengths: RowArray
    impacts: ByteArray
    peaks: ByteArray
    frequencies: IntArray
    dense_terms: IntArray
    dense_counts: ByteArray
    dense_impacts: ByteArray

    @property
    def n_terms(self) -> int:
        """Distinct terms."""
        return len(self.hashes)

    @property
    def n_rows(self) -> int:
        """Rows, those without any term included."""
        return len(self.lengths)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return every array by its name, in the order of the attributes."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def terms(self) -> Iterator[bytes]:
        """Yield each term's UTF-8 in the order of the arrays."""
        joined = self.term_bytes.tobytes()
        offsets = self.term_offsets.tolist()
        for start, end in pairwise(offsets):
            yield joined[start:end]

    def term(self, number: int) -> bytes:
        """Return the UTF-8 of one term."""
        return self.term_bytes[self.term_offsets[number] : self.term_offsets[number + 1]].tobytes()

    def number(self, term: str) -> int | None:
        """Return which term this is; None if it stands nowhere."""
        encoded = term.encode()
        key = term_hash(encoded)
        i = int(self.hashes.searchsorted(np.uint64(key)))
        while i < self.n_terms and int(self.hashes[i]) == key:
            if self.term(i) == encoded:
                return i
            i += 1
        return None

    def span(self, number: int) -> slice:
        """Return where a term's postings stand in `rows`, `counts` and `impacts`."""
        return slice(int(self.indptr[number]), int(self.indptr[number + 1]))

    def find(self, term: str) -> slice:
        """Return where the term's postings stand in `rows` and `counts`; empty if unknown."""
        number = self.number(term)
        return slice(0, 0) if number is None else self.span(number)

    def dense_columns(self, number: int) -> tuple[ByteArray | None, ByteArray | None]:
        """Return a common term's rows of `dense_counts` and `dense_impacts`, None without one."""
        at = int(self.dense_terms.searchsorted(number))
        if at == len(self.dense_terms) or self.dense_terms[at] != number:
            return None, None
        return self.dense_counts[at], self.dense_impacts[at] if len(self.dense_impacts) else None

    def exact_counts(self, at: IntArray | slice) -> npt.NDArray[Any]:
        """Return the counts of some postings, those of `LARGE` and more as well.

        Args:
            at: A stretch of postings, or int64 (n,), which ones.

        Returns:
            Unsigned, shape (n,).
        """
        counts = self.counts[at]
        if len(self.large_at) == 0:
            return counts
        large = np.flatnonzero(counts == LARGE)
        if len(large) == 0:
            return counts
        wide: npt.NDArray[Any] = counts.astype(np.uint32)
        places = large + at.start if isinstance(at, slice) else at[large]
        wide[large] = self.large_counts[self.large_at.searchsorted(places)]
        return wide

    def counts_of(self, number: int, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[Any]:
        """Return how often one term stands in each of `rows`: unsigned, shape (n,)."""
        column, _ = self.dense_columns(number)
        if column is not None:
            counts: npt.NDArray[Any] = column[rows]
            if len(self.large_at) == 0 or not (counts == LARGE).any():
                return counts
        span = self.span(number)
        held = self.rows[span]
        wanted = rows.astype(np.uint32, copy=False)  # as `held`, or all of that would be converted
        at = held.searchsorted(wanted)
        np.minimum(at, len(held) - 1, out=at)
        missing = held[at] != wanted
        counts = self.exact_counts(at + span.start)
        counts[missing] = 0
        return counts

    def counts_at(self, terms: Sequence[str], rows: IntArray) -> IntArray:
        """Return how often each term stands in each of `rows`: int64 (n_terms, n_rows)."""
        found = np.zeros((len(terms), len(rows)), np.int64)
        for i, term in enumerate(terms):
            number = self.number(term)
            if number is not None:
                found[i] = self.counts_of(number, rows)
        return found

    def write(self, directory: Path) -> list[Path]:
        """Write one `.npy` file per array into `directory`, which must exist.

        Nothing is fsynced: whoever names the segment in the catalog does that first.

        Returns:
            The files, in the order of the attributes.
        """
        paths = []
        for name, array in self.arrays().items():
            paths.append(directory / f"{name}.npy")
            save_array(paths[-1], array)
        return paths

    @classmethod
    def open(cls, directory: Path) -> Postings:
        """Map what `write` wrote; pages are read when a query touches them.

        Segments of format 1 (filesearch 0.1) have no derived arrays and wider counts: what they
        lack is worked out in memory, 2 bytes a posting, until they are merged. Those of later
        versions may lack `dense_impacts` alone, and are searched without.

        Raises:
            IndexDamaged: A file is missing, cut short, or the arrays do not fit each other. Only
                shapes and ends are looked at, not every number.
        """
        if not (directory / "impacts.npy").exists() and (directory / "counts.npy").exists():
            names = ("hashes", "term_offsets", "term_bytes", "indptr", "rows", "counts", "lengths")
            arrays = {name: _map(directory / f"{name}.npy") for name in names}
            if arrays["counts"].dtype in (np.uint16, np.uint32):
                return cls._of_first_format(directory, arrays)
        paths = {field.name: directory / f"{field.name}.npy" for field in fields(cls)}
        if not paths["dense_impacts"].exists():
            del paths["dense_impacts"]
        arrays = {name: _map(path) for name, path in paths.items()}
        arrays.setdefault("dense_impacts", np.empty((0, len(arrays["lengths"])), np.uint8))
        postings = cls(**arrays)
        postings._check(directory)
        return postings

    @classmethod
    def _of_first_format(cls, directory: Path, arrays: dict[str, npt.NDArray[Any]]) -> Postings:
        try:
            postings = cls(**arrays | derived_arrays(**arrays))
        except (ValueError, IndexError) as error:
            raise _misfit(directory) from error
        postings._check(directory)
        return postings

    def _check(self, directory: Path) -> None:
        n_postings = len(self.rows)
        shapes = {
            "hashes": (np.uint64, (self.n_terms,)),
            "term_offsets": (np.int64, (self.n_terms + 1,)),
            "term_bytes": (np.uint8, (len(self.term_bytes),)),
            "indptr": (np.int64, (self.n_terms + 1,)),
            "rows": (np.uint32, (n_postings,)),
            "counts": (np.uint8, (n_postings,)),
            "large_at": (np.int64, (len(self.large_at),)),
            "large_counts": (np.uint32, (len(self.large_at),)),
            "lengths": (np.uint32, (self.n_rows,)),
            "impacts": (np.uint8, (n_postings,)),
            "peaks": (np.uint8, (self.n_terms,)),
            "frequencies": (np.int64, (2, self.frequencies.shape[-1])),
            "dense_terms": (np.int64, (len(self.dense_terms),)),
            "dense_counts": (np.uint8, (len(self.dense_terms), self.n_rows)),
            "dense_impacts": (
                np.uint8,
                (len(self.dense_terms) if len(self.dense_impacts) else 0, self.n_rows),
            ),
        }
        if (
            any(
                (array.dtype.type, array.shape) != shapes[name]
                for name, array in self.arrays().items()
            )
            or self.term_offsets[-1] != len(self.term_bytes)
            or self.indptr[-1] != n_postings
            or self.frequencies[1].sum() != self.n_terms
            or self.frequencies.prod(axis=0).sum() != n_postings
        ):
            raise _misfit(directory)


def term_hash(term: bytes) -> int:
    """Return the first 64 bits of a term's BLAKE2b."""
    return int.from_bytes(hashlib.blake2b(term, digest_size=8).digest(), "little")


def _map(path: Path) -> npt.NDArray[Any]:
    try:
        return map_array(path)
    except (OSError, ValueError) as error:
        check_handles(error)
        raise IndexDamaged(
            f"keyword postings cannot be read from {path}: {error}; run: fsearch verify --repair"
        ) from error


def _misfit(directory: Path) -> IndexDamaged:
    return IndexDamaged(
        f"the keyword postings in {directory} do not fit together; run: fsearch verify --repair"
    )


def clip_counts(counts: npt.NDArray[np.integer[Any]], first: int = 0) -> dict[str, Any]:
    """Return counts as bytes, and apart those that do not fit.

    Args:
        counts: Of some postings, at least 1.
        first: The number of the first of them.

    Returns:
        The arrays `counts`, `large_at` and `large_counts` of `Postings`.
    """
    large = np.flatnonzero(counts >= LARGE)
    return {
        "counts": np.minimum(counts, LARGE).astype(np.uint8),
        "large_at": large + first,
        "large_counts": counts[large].astype(np.uint32),
    }


def count_frequencies(frequencies: IntArray) -> IntArray:
    """Return in how many rows (ascending) how many terms stand: int64 (2, n)."""
    return np.stack(np.unique(frequencies, return_counts=True)).astype(np.int64)


def is_dense(frequencies: IntArray, n_rows: int) -> BoolArray:
    """Return which terms get columns of counts and impacts by row: bool, shape (n_terms,)."""
    return frequencies > (n_rows // DENSE_SHARE if n_rows >= DENSE_MIN_ROWS else n_rows)


def derived_arrays(
    *,
    indptr: IntArray,
    rows: RowArray,
    counts: npt.NDArray[np.integer[Any]],
    lengths: RowArray,
    **_other: npt.NDArray[Any],
) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of `Postings` that follow from others.

    Args:
        indptr, rows, lengths: As in `Postings`.
        counts: Of every posting, as wide as it takes.

    Returns:
        `counts` as `Postings` has them, and every other derived array, by name.
    """
    found = clip_counts(counts)
    found["impacts"] = derive_impacts(counts, lengths[rows], mean_length(lengths))
    found["peaks"] = peak_impacts(found["impacts"], indptr)
    found["frequencies"] = count_frequencies(np.diff(indptr))
    found["dense_terms"] = np.flatnonzero(is_dense(np.diff(indptr), len(lengths)))
    for name in ("counts", "impacts"):
        columns = np.zeros((len(found["dense_terms"]), len(lengths)), np.uint8)
        for column, term in zip(columns, found["dense_terms"], strict=True):
            span = slice(indptr[term], indptr[term + 1])
            column[rows[span]] = found[name][span]
        found[f"dense_{name}"] = columns
    return found
