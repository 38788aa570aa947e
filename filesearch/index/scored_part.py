"""Scored part: the postings of one segment, with what BM25 needs to turn them into scores.

Postings + mean length of the whole corpus -> the share of a term's weight that each row gets.
`bm25` holds one for every segment, `top_k` searches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from filesearch.index.impacts import ByteArray, mean_length, share_bounds
from filesearch.index.postings import DENSE_SHARE, BoolArray, Postings, RowArray
from filesearch.types import IntArray

ScoreArray: TypeAlias = npt.NDArray[np.float64]

_BLOCK_POSTINGS = 1 << 22
_BLOCK_COUNTS = 1 << 14
"""Counts of terms in rows that are turned into scores at once: few calls where rows are few, and
scratch that stays in a core's cache where they are many."""


class TermList(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One term of a question in one part.

    Thousands of them are remembered, and refer to nothing that refers to them: the collector of
    cyclic garbage, which would stop a search for 30 ms to look at them, is not told of them.

    Attributes:
        number: Which term of the part's postings it is.
        first, past: Where its postings stand.
        counts, impacts: By row, where it is common; see `Postings.dense_columns`.
        peak: No row gets a larger share of its weight than this.
        has_large: Whether any of its counts does not fit a byte.
    """

    number: int
    first: int
    past: int
    counts: ByteArray | None
    impacts: ByteArray | None
    peak: float
    has_large: bool

    def __len__(self) -> int:
        return self.past - self.first

    @property
    def span(self) -> slice:
        """Where its postings stand."""
        return slice(self.first, self.past)


class ScoredPart:
    """The postings of one segment under the statistics of a corpus. Threads may share it.

    Args:
        postings: Of the segment.
        live: Its live rows: bool, shape (n_rows,); None when all are.
        k1, b: As in `bm25`.
        mean: Mean length of all live rows of the corpus.
    """

    def __init__(
        self, postings: Postings, live: BoolArray | None, *, k1: float, b: float, mean: float
    ) -> None:
        self.postings = postings
        self.live = live
        self.n_rows = postings.n_rows
        self._floor = k1 * (1 - b)
        self._slope = k1 * b / mean
        self.bounds = share_bounds(mean_length(postings.lengths), mean)
        """The most of a term's weight that a row can get, by its impact: float64 (256,)."""
        self._dead = None if live is None else ~live
        self._dead_rows = None if live is None else np.flatnonzero(~live).astype(np.uint32)

    def find(self, term: str) -> TermList | None:
        """Return where a term stands; None if it does not."""
        number = self.postings.number(term)
        if number is None:
            return None
        postings = self.postings
        span = postings.span(number)
        is_common = (span.stop - span.start) * DENSE_SHARE > self.n_rows
        has_large = False
        if len(postings.large_at):
            first_large, past_large = postings.large_at.searchsorted((span.start, span.stop))
            has_large = bool(past_large > first_large)
        counts, impacts = postings.dense_columns(number) if is_common else (None, None)
        return TermList(
            number,
            span.start,
            span.stop,
            counts,
            impacts,
            float(self.bounds[postings.peaks[number]]),
            has_large,
        )

    def frequency(self, found: TermList) -> int:
        """Return how many live rows hold a term."""
        if self._dead is None or self._dead_rows is None:
            return len(found)
        rows = self.postings.rows[found.span]
        if len(self._dead_rows) * 16 > len(found):
            return len(found) - int(np.count_nonzero(self._dead[rows]))
        at = rows.searchsorted(self._dead_rows)
        np.minimum(at, len(rows) - 1, out=at)
        return len(found) - int(np.count_nonzero(rows[at] == self._dead_rows))

    def live_frequencies(self) -> IntArray:
        """Return how many live rows hold each term: int64 (n_terms,). Reads every row number."""
        frequencies = np.diff(self.postings.indptr)
        if self._dead is None:
            return frequencies
        for first in range(0, len(self.postings.rows), _BLOCK_POSTINGS):
            block = self.postings.rows[first : first + _BLOCK_POSTINGS]
            at = np.flatnonzero(self._dead[block]) + first
            terms, dead = np.unique(
                self.postings.indptr.searchsorted(at, side="right") - 1, return_counts=True
            )
            frequencies[terms] -= dead
        return frequencies

    @cached_property
    def norms(self) -> ScoreArray:
        """What is added to a count to divide it by, for each row: float64 (n_rows,)."""
        norms: ScoreArray = np.multiply(self.postings.lengths, self._slope, dtype=np.float64)
        norms += self._floor
        return norms

    def shares(self, rows: npt.NDArray[Any], counts: npt.NDArray[Any]) -> ScoreArray:
        """Return the share of a term's weight that each row gets: float64 (n,), in [0, 1).

        Args:
            rows: Unsigned or int64 (n,).
            counts: Unsigned (n,), how often the term stands in each; 0 gives 0 (but where k1 is 0
                or b is 1, a row must hold the term).
        """
        norms = self.norms.take(rows)
        many = counts.astype(np.float64)
        norms += many
        many /= norms
        return many

    def counts(self, found: TermList, at: IntArray | None = None) -> npt.NDArray[Any]:
        """Return how often a term stands in its rows: unsigned (n,).

        Args:
            found: The term.
            at: int64 (n,), which of its postings, from 0 on; None for all.
        """
        if not found.has_large:
            counts = self.postings.counts[found.span]
            return counts if at is None else counts.take(at)
        return self.postings.exact_counts(found.span if at is None else at + found.first)

    def counts_of(self, found: TermList, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return how often a term stands in some rows: unsigned (n,), 0 where it does not."""
        if found.counts is not None and not found.has_large:
            return found.counts.take(rows)
        return self.postings.counts_of(found.number, rows)

    def all_shares(self, found: TermList) -> tuple[RowArray, ScoreArray]:
        """Return the rows that hold a term, dead ones included, and their shares."""
        rows = self.postings.rows[found.span]
        return rows, self.shares(rows, self.counts(found))

    @staticmethod
    def gains(
        weight: float | ScoreArray, counts: npt.NDArray[Any], norms: ScoreArray
    ) -> ScoreArray:
        """Return what a term gives to rows that hold it so often: float64 (n,)."""
        gains: ScoreArray = counts / (counts + norms)
        gains *= weight
        return gains

    def scores_at(
        self, lists: Sequence[tuple[TermList, float]], rows: npt.NDArray[Any]
    ) -> ScoreArray:
        """Return the scores of some rows: float64 (n,).

        Args:
            lists: Terms, each with its weight, in the order in which they are added up.
            rows: Unsigned or int64 (n,).
        """
        scores = np.zeros(len(rows), np.float64)
        self.add_gains(lists, rows, self.norms.take(rows), scores)
        return scores

    def add_gains(
        self,
        lists: Sequence[tuple[TermList, float]],
        rows: npt.NDArray[Any],
        norms: ScoreArray,
        scores: ScoreArray,
    ) -> None:
        """Add what some terms give to the scores of some rows.

        Args:
            lists, rows: As for `scores_at`.
            norms: Of the rows: float64 (n,).
            scores: What they have so far: float64 (n,); it is changed.
        """
        at_once = max(1, _BLOCK_COUNTS // max(1, len(rows)))
        for first in range(0, len(lists), at_once):
            some = lists[first : first + at_once]
            counts = np.empty((len(some), len(rows)))
            for of_term, (found, _) in zip(counts, some, strict=True):
                of_term[:] = self.counts_of(found, rows)
            if self._floor > 0:
                gains = counts + norms
                np.divide(counts, gains, out=gains)
            else:  # 0 / 0 for an empty row
                gains = np.zeros_like(counts)
                np.divide(counts, counts + norms, out=gains, where=counts > 0)
            gains *= np.array([[weight] for _, weight in some])
            for of_term in gains:  # one after the other: the order decides how a sum is rounded
                scores += of_term
