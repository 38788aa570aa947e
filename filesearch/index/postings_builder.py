"""Postings builder: the terms of chunks, row after row, sorted once into Postings.

TermSequence + chunk spans -> PostingsBuilder -> Postings, written once per segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from filesearch.index.postings import Postings, RowArray, derived_arrays, term_hash
from filesearch.index.stretches import offsets
from filesearch.terms import TermSequence
from filesearch.types import IntArray

_NO_IDS = np.empty(0, np.int64)


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


def _assemble(
    terms: list[bytes],
    ids: IntArray,
    rows: RowArray,
    counts: RowArray,
    lengths: RowArray,
) -> Postings:
    """Sort triples (id, row, count), rows ascending for each id, into Postings.

    Args:
        terms: The term of each id; those without a triple are left out.
    """
    frequencies = np.bincount(ids, minlength=len(terms))
    used = np.flatnonzero(frequencies)
    hashes = np.array([term_hash(terms[i]) for i in used], np.uint64)
    order = np.argsort(hashes, kind="stable")
    if np.any(hashes[order[1:]] == hashes[order[:-1]]):  # one pair in 5e9 terms, but then it counts
        order = np.array(sorted(order, key=lambda i: (hashes[i], terms[used[i]])), np.int64)
    used = used[order]
    in_order = [terms[i] for i in used]

    rank = np.zeros(len(terms), np.int64)
    rank[used] = np.arange(len(used))
    by_term = np.argsort(rank[ids], kind="stable")
    arrays: dict[str, Any] = {
        "hashes": hashes[order],
        "term_offsets": offsets(np.fromiter(map(len, in_order), np.int64, len(in_order))),
        "term_bytes": np.frombuffer(b"".join(in_order), np.uint8),
        "indptr": offsets(frequencies[used]),
        "rows": rows[by_term],
        "counts": counts[by_term],
        "lengths": lengths,
    }
    return Postings(**arrays | derived_arrays(**arrays))
