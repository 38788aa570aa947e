"""Postings: which terms stand in which chunks, in flat arrays that can be memory-mapped.

TermSequence + chunk spans -> PostingsBuilder -> Postings, written once per segment and joined with
others by `Postings.merge`; `bm25` scores from them. No statistics over the whole corpus lie in
here, so that segments can come, go and lose rows without one of them being written again.
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
from filesearch.terms import TermSequence
from filesearch.types import IntArray

BoolArray: TypeAlias = npt.NDArray[np.bool_]
RowArray: TypeAlias = npt.NDArray[np.uint32]
CountArray: TypeAlias = npt.NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Which terms stand in which rows (chunks), how often; never changed once built.

    Terms are ordered by `hashes`, then by their bytes, so the same rows give the same arrays
    whatever the order in which terms were first seen.

    Attributes:
        hashes: uint64, shape (n_terms,), BLAKE2b-64 of each term's UTF-8, ascending.
        term_offsets: int64, shape (n_terms + 1,); term i is
            `term_bytes[term_offsets[i]:term_offsets[i + 1]]`.
        term_bytes: uint8, all terms in UTF-8, one after the other.
        indptr: int64, shape (n_terms + 1,); the postings of term i are `indptr[i]:indptr[i + 1]`,
            at least one each.
        rows: uint32, shape (n_postings,), ascending within a term.
        counts: uint16 (uint32 if one exceeds 65,535), shape (n_postings,), at least 1.
        lengths: uint32, shape (n_rows,), terms in each row, repetitions counted.
    """

    hashes: npt.NDArray[np.uint64]
    term_offsets: IntArray
    term_bytes: npt.NDArray[np.uint8]
    indptr: IntArray
    rows: RowArray
    counts: CountArray
    lengths: RowArray

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

    def find(self, term: str) -> slice:
        """Return where the term's postings stand in `rows` and `counts`; empty if unknown."""
        encoded = term.encode()
        key = _hash(encoded)
        i = int(np.searchsorted(self.hashes, np.uint64(key)))
        while i < self.n_terms and int(self.hashes[i]) == key:
            if (
                self.term_bytes[self.term_offsets[i] : self.term_offsets[i + 1]].tobytes()
                == encoded
            ):
                return slice(int(self.indptr[i]), int(self.indptr[i + 1]))
            i += 1
        return slice(0, 0)

    def counts_at(self, terms: Sequence[str], rows: IntArray) -> IntArray:
        """Return how often each term stands in each of `rows`: int64 (n_terms, n_rows)."""
        found = np.zeros((len(terms), len(rows)), np.int64)
        wanted = rows.astype(np.uint32)  # of the kind that is searched, or that would be copied
        for i, term in enumerate(terms):
            span = self.find(term)
            held = self.rows[span]
            if len(held) == 0 or len(rows) == 0:
                continue
            at = np.minimum(np.searchsorted(held, wanted), len(held) - 1)
            found[i] = np.where(held[at] == wanted, self.counts[span][at], 0)
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
            np.save(paths[-1], array, allow_pickle=False)
        return paths

    @classmethod
    def open(cls, directory: Path) -> Postings:
        """Map what `write` wrote; pages are read when a query touches them.

        Raises:
            IndexDamaged: A file is missing, cut short, or the arrays do not fit each other. Only
                shapes and ends are looked at, not every number.
        """
        postings = cls(
            **{field.name: _map(directory / f"{field.name}.npy") for field in fields(cls)}
        )
        dtypes = [array.dtype for array in postings.arrays().values()]
        expected = [np.uint64, np.int64, np.uint8, np.int64, np.uint32, dtypes[5], np.uint32]
        if (
            dtypes != expected
            or dtypes[5] not in (np.uint16, np.uint32)
            or any(array.ndim != 1 for array in postings.arrays().values())
            or len(postings.term_offsets) != postings.n_terms + 1
            or len(postings.indptr) != postings.n_terms + 1
            or postings.term_offsets[-1] != len(postings.term_bytes)
            or not postings.indptr[-1] == len(postings.rows) == len(postings.counts)
        ):
            raise IndexDamaged(
                f"the keyword postings in {directory} do not fit together; "
                "run: fsearch verify --repair"
            )
        return postings

    @classmethod
    def merge(cls, parts: Sequence[tuple[Postings, BoolArray | None]]) -> Postings:
        """Join segments into one, leaving out dead rows, without reading any text again.

        Args:
            parts: Each with its rows to keep: bool, shape (n_rows,), or None for all of them.

        Returns:
            What building from the kept rows, part after part, would have given: equal arrays.
        """
        numbers: dict[bytes, int] = {}
        lengths, rows, ids, counts = [_NO_ROWS], [_NO_ROWS], [_NO_IDS], [_NO_ROWS]
        n_rows = 0
        for part, keep in parts:
            of_part = (numbers.setdefault(term, len(numbers)) for term in part.terms())
            local = np.fromiter(of_part, np.int64, part.n_terms)
            of_posting = np.repeat(local, np.diff(part.indptr))
            if keep is None:
                keep = np.ones(part.n_rows, np.bool_)
            new_row = np.cumsum(keep, dtype=np.int64) - 1 + n_rows
            kept = keep[part.rows]
            rows.append(new_row[part.rows[kept]].astype(np.uint32))
            ids.append(of_posting[kept])
            counts.append(part.counts[kept].astype(np.uint32))
            lengths.append(part.lengths[keep])
            n_rows += int(np.count_nonzero(keep))
        return _assemble(
            list(numbers),
            np.concatenate(ids),
            np.concatenate(rows),
            np.concatenate(counts),
            np.concatenate(lengths),
        )


def _hash(term: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(term, digest_size=8).digest(), "little")


def _map(path: Path) -> npt.NDArray[Any]:
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise IndexDamaged(
            f"keyword postings cannot be read from {path}: {error}; run: fsearch verify --repair"
        ) from error
    # A plain view: slicing np.memmap itself costs several times as much.
    return np.asarray(mapped)


_NO_ROWS = np.empty(0, np.uint32)
_NO_IDS = np.empty(0, np.int64)


def _assemble(
    terms: list[bytes],
    ids: IntArray,
    rows: RowArray,
    counts: CountArray,
    lengths: RowArray,
) -> Postings:
    """Sort triples (id, row, count), rows ascending for each id, into Postings.

    Args:
        terms: The term of each id; those without a triple are left out.
    """
    frequencies = np.bincount(ids, minlength=len(terms))
    used = np.flatnonzero(frequencies)
    hashes = np.array([_hash(terms[i]) for i in used], np.uint64)
    order = np.argsort(hashes, kind="stable")
    if np.any(hashes[order[1:]] == hashes[order[:-1]]):  # one pair in 5e9 terms, but then it counts
        order = np.array(sorted(order, key=lambda i: (hashes[i], terms[used[i]])), np.int64)
    used = used[order]
    in_order = [terms[i] for i in used]

    rank = np.zeros(len(terms), np.int64)
    rank[used] = np.arange(len(used))
    by_term = np.argsort(rank[ids], kind="stable")
    is_wide = counts.size > 0 and int(counts.max()) > np.iinfo(np.uint16).max
    return Postings(
        hashes=hashes[order],
        term_offsets=_offsets(np.fromiter(map(len, in_order), np.int64, len(in_order))),
        term_bytes=np.frombuffer(b"".join(in_order), np.uint8),
        indptr=_offsets(frequencies[used]),
        rows=rows[by_term],
        counts=counts[by_term].astype(np.uint32 if is_wide else np.uint16),
        lengths=lengths.astype(np.uint32),
    )


def _offsets(sizes: IntArray) -> IntArray:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


class PostingsBuilder:
    """Collects rows in order and sorts them into Postings once, at the end.

    One thread at a time. Holds 16 bytes per (term, row) pair and the distinct terms until `build`.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._ids: list[IntArray] = [_NO_IDS]
        self._counts: list[IntArray] = [_NO_IDS]
        self._lengths: list[int] = []

    @property
    def n_rows(self) -> int:
        """Rows added so far, which is the number of the next one."""
        return len(self._lengths)

    def add(self, terms: Sequence[str]) -> int:
        """Add a row with these terms (none is allowed) and return its number."""
        return self._add_ids(self._intern(terms))

    def add_chunks(
        self,
        sequence: TermSequence,
        spans: Sequence[tuple[int, int]],
        further: Sequence[Sequence[str]] | None = None,
    ) -> range:
        """Add one row for each chunk of a document that was cut into terms once.

        Args:
            sequence: The terms of the whole document.
            spans: Start and end character of each chunk; they may overlap. A term counts for the
                chunks that it lies fully inside.
            further: For each chunk terms that count for it as well; None for none.

        Returns:
            The numbers of the rows, in the order of `spans`.
        """
        first = self.n_rows
        ids = self._intern(sequence.terms)
        for number, (start, end) in enumerate(spans):
            own = ids[sequence.positions_within(start, end)]
            if further is not None and further[number]:
                own = np.concatenate([own, self._intern(further[number])])
            self._add_ids(own)
        return range(first, self.n_rows)

    def _intern(self, terms: Sequence[str]) -> IntArray:
        numbers = self._numbers
        known = len(numbers)
        for term in terms:
            if term not in numbers:
                numbers[term] = known
                known += 1
        return np.fromiter(map(numbers.__getitem__, terms), np.int64, len(terms))

    def _add_ids(self, ids: IntArray) -> int:
        unique, counts = np.unique(ids, return_counts=True)
        self._ids.append(unique)
        self._counts.append(counts)
        self._lengths.append(len(ids))
        return len(self._lengths) - 1

    def build(self) -> Postings:
        """Return the rows added so far as Postings; the builder can go on being filled."""
        sizes = [len(ids) for ids in self._ids[1:]]
        return _assemble(
            [term.encode() for term in self._numbers],
            np.concatenate(self._ids),
            np.repeat(np.arange(self.n_rows, dtype=np.uint32), sizes),
            np.concatenate(self._counts).astype(np.uint32),
            np.array(self._lengths, np.uint32),
        )
