"""Ceilings: the most that some terms can give to each row of a segment, all rows at once.

impacts of the terms + their weights -> one small whole number per row. `top_k` asks for them where
many rows might be among the best, and scores exactly only those rows whose ceiling is high enough.

The impacts of a common term lie by row in a column of one byte each, 0 where it does not stand.
Columns are multiplied by whole-number weights and added up in 16 bits: 8 µs a term for 100,000
rows. Working a column out takes 50 to 100 µs, so that those of the terms asked for most are kept,
by `COLUMNS` for the whole process.
"""

from __future__ import annotations

import math
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from filesearch.index.impacts import STEPS, ByteArray
from filesearch.index.postings import BoolArray
from filesearch.index.scored_part import ScoreArray, ScoredPart, TermList
from filesearch.types import IntArray

BUDGET_BYTES = 64 << 20
"""What kept columns may take in a process: 660 of 100,000 rows."""
_OVERHEAD_BYTES = 512
"""What keeping a column takes beside its bytes, about."""
_MOST_ASKS = 16
"""A term asked for more often counts no more, so that what was common once does not stay."""
_BLOCK_ROWS = 1 << 17
"""Rows that are added up at once: their scratch stays in a core's cache, and small enough for its
memory to be used again."""
_MANY_TERMS = 64
"""From so many on a step of 16 bits is more than 1% of what all terms together can give."""
_STRIPES = 32
"""Of so many rows only the highest counts in finding how high the best are."""


class ColumnCache:
    """Which columns are kept: those of the terms that were asked for most, roughly.

    The oldest has to leave for one asked for more often than it was; each time that it stays it
    counts one less and becomes the youngest (GCLOCK, Smith 1978). A part keeps its columns itself,
    so that they go with it; what belonged to a part that is gone counts until it is the oldest.
    Threads may share a cache.

    Args:
        budget_bytes: What all columns together may take.
    """

    def __init__(self, budget_bytes: int) -> None:
        self.size_bytes = 0
        self._budget_bytes = budget_bytes
        self._sizes: OrderedDict[tuple[weakref.ref[ScoredPart], int], int] = OrderedDict()
        self._lock = Lock()

    def get(self, part: ScoredPart, number: int, counts: ByteArray) -> ByteArray | None:
        """Return a term's impacts by row: uint8 (n_rows,); None where none are kept.

        Args:
            part: The segment.
            number: Which of its terms.
            counts: Of the term by row, from which its impacts are worked out if they are to be
                kept from now on.
        """
        # An ask that another thread counts at this instant may be lost; nothing depends on it.
        part.asks[number] = min(part.asks.get(number, 0) + 1, _MOST_ASKS)
        column = part.columns.get(number)
        if column is None and self._admits(part, number, part.n_rows + _OVERHEAD_BYTES):
            column = part.impacts_of(counts, 0)
            with self._lock:
                if (weakref.ref(part), number) in self._sizes:
                    part.columns[number] = column
        return column

    def _admits(self, part: ScoredPart, number: int, size: int) -> bool:
        """Make room for a column where one may be kept, and count it; returns whether it may."""
        if size > self._budget_bytes:
            return False
        with self._lock:
            while self.size_bytes + size > self._budget_bytes:
                (owner, oldest), freed = next(iter(self._sizes.items()))
                its_part = owner()
                if its_part is not None:
                    if its_part.asks[oldest] >= part.asks[number]:
                        its_part.asks[oldest] -= 1
                        self._sizes.move_to_end((owner, oldest))
                        return False
                    its_part.columns.pop(oldest, None)
                del self._sizes[owner, oldest]
                self.size_bytes -= freed
            key = (weakref.ref(part), number)
            self.size_bytes += size - self._sizes.get(key, 0)
            self._sizes[key] = size
            return True


COLUMNS = ColumnCache(BUDGET_BYTES)


class Ceilings:
    """What each row of a part can get at most from some terms. For one thread.

    Args:
        part: The segment.
        lists: The terms, each with its weight (above 0): at least one.
        allowed: Rows of which to tell: bool, shape (n_rows,), or None for all.
    """

    def __init__(
        self,
        part: ScoredPart,
        lists: Sequence[tuple[TermList, float]],
        allowed: BoolArray | None,
    ) -> None:
        dtype = np.uint16 if len(lists) < _MANY_TERMS else np.uint32
        # Weights are rounded up, by less than 1 each; all of them at 255 must fit.
        levels = int(np.iinfo(dtype).max) // STEPS
        unit = sum(weight for _, weight in lists) / (levels - len(lists))
        shares = [dtype(math.ceil(weight / unit)) for _, weight in lists]
        self._unit = unit * part.step
        self._values: npt.NDArray[Any] = np.zeros(part.n_rows, dtype)
        kept, others = [], []
        for (found, _), share in zip(lists, shares, strict=True):
            if found.column is None:
                rows = part.postings.rows[found.span].astype(np.int64)
                impacts = part.postings.impacts[found.span]
                self._values[rows] += np.multiply(impacts, share, dtype=dtype)
                continue
            column = COLUMNS.get(part, found.number, found.column)
            if column is None:
                others.append((found.column, share))
            else:
                kept.append((column, share))
        n_rows = part.n_rows if kept or others else 0
        scratch = np.empty(min(_BLOCK_ROWS, n_rows), dtype)
        for first in range(0, n_rows, _BLOCK_ROWS):
            of_block = self._values[first : first + _BLOCK_ROWS]
            gains = scratch[: len(of_block)]
            for column, share in kept:
                np.multiply(column[first : first + _BLOCK_ROWS], share, out=gains, dtype=dtype)
                of_block += gains
            for counts, share in others:
                impacts = part.impacts_of(counts[first : first + _BLOCK_ROWS], first)
                np.multiply(impacts, share, out=gains, dtype=dtype)
                of_block += gains
        if allowed is not None:
            self._values *= allowed

    def leave_out(self, rows: IntArray) -> None:
        """Tell of some rows no more."""
        self._values[rows] = 0

    def reaching(self, score: float) -> IntArray:
        """Return the rows that hold a term and whose ceiling is at least `score`, ascending."""
        least = max(1, math.ceil(score / self._unit - 1e-6))
        rows: IntArray = (self._values >= least).nonzero()[0]
        return rows

    def best(self, count: int) -> IntArray:
        """Return about `count` rows of the highest ceilings, more where many are equal."""
        tallest, size = self._values, len(self._values) // _STRIPES
        if size > count:  # the highest of every few rows: as good, and quickly sorted
            tallest = self._values[: _STRIPES * size].reshape(_STRIPES, size).max(axis=0)
        tallest = np.sort(tallest)  # np.partition takes a millisecond where many are equal
        return self.reaching(int(tallest[max(0, len(tallest) - count)]) * self._unit)

    def of(self, rows: IntArray) -> ScoreArray:
        """Return the ceilings of some rows that are not left out: float64 (n,)."""
        ceilings: ScoreArray = self._values.take(rows) * self._unit
        return ceilings
