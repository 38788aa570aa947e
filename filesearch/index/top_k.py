"""Top k: the best rows of one segment, without looking at all that hold a common term.

terms with their weights + the score to beat -> candidate rows with their full scores. MaxScore
(Turtle and Flood 1995), term after term instead of document after document because that is what
arrays are fast at:

    1. The postings of the rarest terms, a few thousand, are added up at once. The rows that they
       rank best are scored in full: the k-th best of all reaches what the k-th best of these does.
    2. The other terms come in order, the rarer ones first. A row that has not been met enters only
       if what this term gives it and the most that the later ones can give reach that score: a
       comparison of one byte per posting. Soon no row can: the longest lists are not read through.
    3. The rows met so far get what the term gives them, and leave once they cannot get there.
    4. Where most of the many rows that hold a term would enter, all rows of the segment are scored
       at once with this term and the later ones, in float32; those that reach the score to beat
       are then scored as the others are.

Bounds are compared with a margin, so rounding drops no row; the scores themselves are exact, and
added up in the order of the terms whichever way a row came in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from filesearch.index.impacts import ByteArray
from filesearch.index.postings import BoolArray, RowArray
from filesearch.index.scored_part import ScoreArray, ScoredPart, TermList
from filesearch.types import IntArray

_MARGIN = 1 - 1e-9
FIRST_POSTINGS = 4096
"""Postings of the rarest terms that are added up at once: fewer leave a lower score to beat, more
take longer."""
_MIN_SEEDS = 64
_SAMPLE = 1024
_MIN_SAMPLED = 8
"""Of the postings looked at, so many of the heaviest: one alone may have no equal, and then there
are too few rows for a score to beat."""
_SCAN_RATIO = 8
"""Postings that are passed over in the time of one binary search."""
FEW = 256
"""So few candidates are not worth dropping any."""
_OPEN_SHARE, _COMMON_RATIO = 0.5, 16
"""Many rows enter with a term that one row in so many holds, when so much of what it gives at most
is enough."""
_BLOCK_ROWS = 32_768
"""Rows that are scored at once in float32: their scratch stays in a core's cache, and small enough
for its memory to be used again."""
_ROUGH_MARGIN = 1 - 1e-5  # for scores in float32
_POSITION_BITS = 24


def kth_best(scores: npt.NDArray[np.floating[Any]], k: int) -> float:
    """Return the k-th highest score; 0.0 where there are fewer."""
    if len(scores) < k:
        return 0.0
    return float(np.partition(scores, len(scores) - k)[len(scores) - k])


def best_rows(
    part: ScoredPart,
    lists: Sequence[tuple[TermList, float]],
    *,
    top_k: int,
    floor: float,
    allowed: BoolArray | None,
) -> tuple[RowArray, ScoreArray]:
    """Return every row of a part that can be among the best of the corpus, with its score.

    Args:
        part: The segment.
        lists: The question's terms that stand in it, each with its weight (above 0), in the order
            in which they are added up: rare ones first for speed.
        top_k: How many rows are wanted, at least 1.
        floor: A score that `top_k` rows elsewhere reach; 0.0 where there are none.
        allowed: Rows that may come back: bool, shape (n_rows,), or None for any.

    Returns:
        uint32 (n,) and float64 (n,), in no order: all allowed rows whose score is above 0 and among
        the `top_k` best here, those of equal score included, and not below `floor`; maybe others.
    """
    bounds = [weight * found.peak for found, weight in lists]
    if not lists or sum(bounds) < floor * _MARGIN:
        return np.empty(0, np.uint32), np.empty(0, np.float64)
    if allowed is not None:
        n_allowed = int(np.count_nonzero(allowed))
        if n_allowed * _SCAN_RATIO <= sum(len(found) for found, _ in lists):
            rows = np.flatnonzero(allowed).astype(np.uint32)
            scores = part.scores_at(lists, rows)
            held = scores > 0
            return rows[held], scores[held]
    return _Search(part, lists, bounds, top_k, floor, allowed).run()


class _Search:
    def __init__(
        self,
        part: ScoredPart,
        lists: Sequence[tuple[TermList, float]],
        bounds: Sequence[float],
        top_k: int,
        floor: float,
        allowed: BoolArray | None,
    ) -> None:
        self._part = part
        self._postings = part.postings
        self._lists = lists
        self._bounds = bounds
        self._top_k = top_k
        self._floor = floor
        self._allowed = allowed
        self._is_met = np.zeros(part.n_rows, np.bool_)
        # Candidates: rows, what BM25 adds to a count of each, and what the terms so far gave it.
        self._rows = np.empty(0, np.int64)
        self._norms = np.empty(0)
        self._scores = np.empty(0)
        self._finished: list[tuple[IntArray, ScoreArray]] = []

    def run(self) -> tuple[RowArray, ScoreArray]:
        done = self._start()
        rest = sum(self._bounds[done:])
        self._drop(rest)
        is_settled = False
        for number in range(done, len(self._lists)):
            (found, weight), bound = self._lists[number], self._bounds[number]
            rest -= bound
            if len(self._rows):
                self._scores += self._gains(found, weight, self._rows, self._norms)
            needed = self._floor * _MARGIN - rest
            is_open = needed <= bound and not is_settled
            if is_open and self._lets_many_in(found, needed, bound):
                self._score_all(self._lists[number:])
                is_settled = True
            elif is_open:
                self._enter(found, weight, needed)
                if len(self._rows) > 4 * self._top_k:
                    self._floor = max(self._floor, kth_best(self._scores, self._top_k))
            if len(self._rows) > FEW:
                self._drop(rest)
        rows, scores = zip(*self._finished, (self._rows, self._scores), strict=True)
        return np.concatenate(rows).astype(np.uint32), np.concatenate(scores)

    def _start(self) -> int:
        """Add up the rarest terms and raise the floor by the best rows; returns how many terms."""
        size = done = 0
        for found, _ in self._lists:
            size += len(found)
            if size > FIRST_POSTINGS:
                break
            done += 1
        if self._floor > 0:  # other parts have set it: no seeds, and only terms that let rows enter
            while done and self._bounds[done - 1] < self._floor * _MARGIN - sum(
                self._bounds[done:]
            ):
                done -= 1
            if done:
                self._add_up(self._lists[:done])
            return done
        wanted = max(2 * self._top_k, _MIN_SEEDS)
        if done:
            self._add_up(self._lists[:done])
            seeds, norms, scores = self._take_best(wanted)
        else:
            seeds = self._heaviest_rows(self._lists[0][0], wanted)
            norms, scores = self._part.norms.take(seeds), np.zeros(len(seeds))
            self._is_met[seeds] = True
        self._part.add_gains(self._lists[done:], seeds, norms, scores)
        self._floor = max(self._floor, kth_best(scores, self._top_k))
        self._finished.append((seeds, scores))
        return done

    def _add_up(self, lists: Sequence[tuple[TermList, float]]) -> None:
        """Make the rows that hold any of some terms candidates, with what the terms give them."""
        postings = self._postings
        sizes = [len(found) for found, _ in lists]
        rows = np.concatenate([postings.rows[found.span] for found, _ in lists]).astype(np.int64)
        counts = np.concatenate([self._part.counts(found) for found, _ in lists])
        weights = np.repeat([weight for _, weight in lists], sizes)
        if self._allowed is not None:
            kept = _where(self._allowed.take(rows))
            rows, counts, weights = rows.take(kept), counts.take(kept), weights.take(kept)
        norms = self._part.norms.take(rows)
        gains = self._part.gains(weights, counts, norms)
        # Sorting numbers is many times as fast as an indirect sort, and it keeps the terms' order.
        keys = np.sort((rows << _POSITION_BITS) | np.arange(len(rows)))
        order = keys & ((1 << _POSITION_BITS) - 1)
        keys >>= _POSITION_BITS
        is_first = np.ones(len(keys), np.bool_)
        np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
        firsts = _where(is_first)
        self._rows = keys.take(firsts)
        self._norms = norms.take(order.take(firsts))
        scores: ScoreArray = np.zeros(len(firsts))
        np.add.at(scores, np.cumsum(is_first) - 1, gains.take(order))
        self._scores = scores
        self._is_met[self._rows] = True

    def _take_best(self, count: int) -> tuple[IntArray, ScoreArray, ScoreArray]:
        """Take the best candidates out; returns their rows, norms and scores so far."""
        is_best = self._scores >= kth_best(self._scores, count)
        best = _where(is_best)
        taken = self._rows.take(best), self._norms.take(best), self._scores.take(best)
        self._keep(_where(~is_best))
        return taken

    def _heaviest_rows(self, found: TermList, count: int) -> IntArray:
        """Return up to `count` allowed rows to which a term gives much, by a sample of its list."""
        impacts = self._postings.impacts[found.span]
        sample = impacts[:: max(1, len(impacts) // _SAMPLE)]
        place = max(0, len(sample) - max(_MIN_SAMPLED, len(sample) * count // len(impacts)))
        at = _where(impacts >= np.partition(sample, place)[place])
        rows: IntArray = self._postings.rows[found.span].take(at).astype(np.int64)
        if self._allowed is not None:
            kept = _where(self._allowed.take(rows))
            at, rows = at.take(kept), rows.take(kept)
        if len(rows) > count:
            rows = rows.take(np.argpartition(impacts.take(at), len(rows) - count)[-count:])
        return rows

    def _enter(self, found: TermList, weight: float, needed: float) -> None:
        """Make rows candidates that were not met and to which a term gives `needed` or more."""
        rows = self._postings.rows[found.span]
        at = None
        if needed > 0:
            least = math.ceil(needed / (weight * self._part.step) - 1e-6)
            at = _where(self._postings.impacts[found.span] >= least)
            rows = rows.take(at)
        rows = rows.astype(np.int64)
        is_met = self._is_met.take(rows)
        is_new = ~is_met if self._allowed is None else self._allowed.take(rows) > is_met
        new = _where(is_new)
        rows = rows.take(new)
        counts = self._part.counts(found, new if at is None else at.take(new))
        self._is_met[rows] = True
        norms = self._part.norms.take(rows)
        gains = self._part.gains(weight, counts, norms)
        self._rows = np.concatenate([self._rows, rows])
        self._norms = np.concatenate([self._norms, norms])
        self._scores = np.concatenate([self._scores, gains])

    def _lets_many_in(self, found: TermList, needed: float, bound: float) -> bool:
        """Return whether a large part of the rows would enter with a term."""
        is_common = len(found) * _COMMON_RATIO >= self._part.n_rows
        return is_common and self._floor > 0 and needed <= _OPEN_SHARE * bound

    def _score_all(self, lists: Sequence[tuple[TermList, float]]) -> None:
        """Finish all rows that were not met and that some terms bring to the floor."""
        rough = self._rough_scores(lists)
        rough[self._is_met] = -1
        if self._allowed is not None:
            rough[~self._allowed] = -1
        rows = _where(rough >= self._floor * _ROUGH_MARGIN)
        if len(rows) > 4 * self._top_k:
            rough = rough.take(rows)
            self._floor = max(self._floor, kth_best(rough, self._top_k) * _ROUGH_MARGIN)
            rows = rows.take(_where(rough >= self._floor * _ROUGH_MARGIN))
        self._finished.append((rows, self._part.scores_at(lists, rows)))

    def _rough_scores(self, lists: Sequence[tuple[TermList, float]]) -> npt.NDArray[np.float32]:
        """Return what some terms give to every row, in float32 (n_rows,)."""
        norms = self._part.rough_norms
        rough = np.zeros(len(norms), np.float32)
        columns: list[tuple[ByteArray, np.float32]] = []
        for found, weight in lists:
            if found.column is not None and not found.has_large:
                columns.append((found.column, np.float32(weight)))
                continue
            held, counts = self._postings.rows[found.span], self._part.counts(found)
            rough[held] += np.float32(weight) * counts / (counts + norms.take(held))
        gains, divisors = np.empty((2, min(_BLOCK_ROWS, len(norms))), np.float32)
        for first in range(0, len(norms), _BLOCK_ROWS):
            of_block = norms[first : first + _BLOCK_ROWS]
            scores_of_block = rough[first : first + _BLOCK_ROWS]
            some, divide = gains[: len(of_block)], divisors[: len(of_block)]
            for column, share in columns:
                np.copyto(some, column[first : first + _BLOCK_ROWS])
                np.add(some, of_block, out=divide)
                some /= divide
                some *= share
                scores_of_block += some
        return rough

    def _gains(
        self, found: TermList, weight: float, rows: IntArray, norms: ScoreArray
    ) -> ScoreArray:
        """Return what a term gives to some rows that were met."""
        return self._part.gains(weight, self._counts(found, rows), norms)

    def _counts(self, found: TermList, rows: IntArray) -> npt.NDArray[Any]:
        if found.column is not None or len(found) > len(rows) * _SCAN_RATIO:
            return self._part.counts_of(found, rows)
        held = self._postings.rows[found.span]
        at = _where(self._is_met.take(held))
        counts = self._part.counts(found, at)
        by_row = np.zeros(self._part.n_rows, counts.dtype)
        by_row[held.take(at)] = counts
        return by_row.take(rows)

    def _drop(self, rest: float) -> None:
        """Leave out candidates that do not reach the floor with `rest` more."""
        stays = _where(self._scores >= self._floor * _MARGIN - rest - 1e-12)
        if len(stays) < len(self._rows):
            self._keep(stays)

    def _keep(self, at: IntArray) -> None:
        self._rows, self._norms = self._rows.take(at), self._norms.take(at)
        self._scores = self._scores.take(at)


def _where(mask: BoolArray) -> IntArray:
    found: IntArray = mask.nonzero()[0]  # flatnonzero costs three calls more
    return found
