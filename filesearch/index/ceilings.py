"""Ceilings: the most that some terms can give to each row of a segment, all rows at once.

impacts of the terms + their weights -> one small whole number per row. `top_k` asks for them where
many rows might be among the best, and scores exactly only those rows whose ceiling is high enough.

The impacts of a common term lie by row in a column of one byte each, 0 where it does not stand.
Columns are multiplied by whole-number weights and added up in 16 bits: 8 µs a term for 100,000
rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from filesearch.index.impacts import STEPS
from filesearch.index.postings import BoolArray
from filesearch.index.scored_part import ScoreArray, ScoredPart, TermList
from filesearch.types import IntArray

_BLOCK_ROWS = 1 << 17
"""Rows that are added up at once: their scratch stays in a core's cache."""
_STEEP = 1.5
"""Where chunks are shorter than those of the corpus, what small impacts bound grows most. Up to so
many times all are taken to grow as much; from there on a look-up for each row pays, 50 µs a term
for 100,000."""
_MANY_TERMS = 64
"""From so many on a step of 16 bits is more than 1% of what all terms together can give."""
_STRIPES = 32
"""Of so many rows only the highest counts in finding how high the best are."""


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
        step, table = float(part.bounds[1]), None  # of all steps the first is the largest
        if step * STEPS > _STEEP:
            step, table = 1 / STEPS, np.ceil(part.bounds * STEPS - 1e-9).astype(np.uint8)
        self._unit = unit * step
        # One array: glibc keeps what is freed up to twice the largest so far, which two may pass.
        size = part.n_rows + min(_BLOCK_ROWS, part.n_rows)
        memory: npt.NDArray[Any] = np.empty(size, dtype)
        self._values, scratch = memory[: part.n_rows], memory[part.n_rows :]
        self._values.fill(0)
        columns = []
        for (found, _), share in zip(lists, shares, strict=True):
            if found.impacts is not None:
                columns.append((found.impacts, share))
                continue
            rows = part.postings.rows[found.span].astype(np.int64)
            impacts = part.postings.impacts[found.span]
            if table is not None:
                impacts = table.take(impacts)
            self._values[rows] += np.multiply(impacts, share, dtype=dtype)
        for first in range(0, part.n_rows, _BLOCK_ROWS):
            of_block = self._values[first : first + _BLOCK_ROWS]
            gains = scratch[: len(of_block)]
            for column, share in columns:
                impacts = column[first : first + _BLOCK_ROWS]
                if table is not None:
                    impacts = table.take(impacts)
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
