"""Top k: the best rows of one segment, without looking at all that hold a common term.

terms with their weights + the score to beat -> candidate rows with their full scores. MaxScore
(Turtle and Flood 1995), term after term instead of document after document because that is what
arrays are fast at:

    1. The postings of the rarest terms, a few thousand, are added up at once. The rows that they
       rank best are scored in full: the k-th best of all reaches what the k-th best of these does.
    2. Where the other terms can bring rows there that were not met, and going through all rows of
       the segment takes less than through those that would enter, the most that these terms can
       give to each row is added up (see `ceilings`); rows that get there are scored in full.
    3. Else the other terms come in order, the rarer ones first. A row that has not been met enters
       only if what this term gives it and the most that the later ones can give reach that score: a
       comparison of one byte per posting. The rows met so far get what the term gives them, and
       leave once they cannot get there. Soon no row can enter: the longest lists are not read
       through, and the few rows that are left are scored in full.

Bounds are compared with a margin, so rounding drops no row; the scores themselves are exact, and
added up in the order of the terms whichever way a row came in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from filesearch.index.ceilings import Ceilings
from filesearch.index.postings import BoolArray
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
"""So few candidates are scored in full at once, rather than term by term to drop some."""
_OPEN_SHARE, _CLOSED_COST = 0.5, 0.1
"""Most rows of a term enter when so much of what it gives at most is enough; otherwise a posting
takes so much of the time."""
SCAN_COST, _SCAN_BASE = 0.004, 4
"""What a row takes in a scan of all, for each common term and so many more, beside a posting whose
row enters. A wide optimum: half and twice as much give the same."""
_POSITION_BITS = 24
COUNTED_ROWS = 4096
"""Of so few rows a sum for each is quicker than sorting the few thousand postings at most."""


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
) -> tuple[IntArray, ScoreArray]:
    """Return every row of a part that can be among the best of the corpus, with its score.

    Args:
        part: The segment.
        lists: The question's terms that stand in it, each with its weight (above 0), in the order
            in which they are added up: rare ones first for speed.
        top_k: How many rows are wanted, at least 1.
        floor: A score that `top_k` rows elsewhere reach; 0.0 where there are none.
        allowed: Rows that may come back: bool, shape (n_rows,), or None for any.

    Returns:
        int64 (n,) and float64 (n,), in no order: all allowed rows whose score is above 0 and among
        the `top_k` best here, those of equal score included, and not below `floor`; maybe others.
    """
    bounds = [weight * found.peak for found, weight in lists]
    if not lists or sum(bounds) < floor * _MARGIN:
        return np.empty(0, np.int64), np.empty(0)
    if allowed is not None:
        n_allowed = int(np.count_nonzero(allowed))
        if n_allowed * _SCAN_RATIO <= sum(len(found) for found, _ in lists):
            rows = np.flatnonzero(allowed)
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
        self._wanted = max(2 * top_k, _MIN_SEEDS)
        # Candidates: rows, what BM25 adds to a count of each, and what the terms so far gave it.
        self._rows = np.empty(0, np.int64)
        self._norms = np.empty(0)
        self._scores = np.empty(0)
        self._is_met = np.empty(0, np.bool_)  # of every row, once any may enter

    def run(self) -> tuple[IntArray, ScoreArray]:
        done = self._start()
        rest = sum(self._bounds[done:])
        if rest >= self._floor * _MARGIN:
            if self._is_worth_a_scan(done):
                return self._scan(done)
            self._is_met = np.zeros(self._part.n_rows, np.bool_)
            self._is_met[self._rows] = True
        self._drop(rest)
        for number in range(done, len(self._lists)):
            is_open = rest >= self._floor * _MARGIN
            if not is_open and len(self._rows) <= FEW:
                self._finish(number)
                break
            (found, weight), bound = self._lists[number], self._bounds[number]
            rest -= bound
            if len(self._rows):
                counts = self._part.counts_of(found, self._rows)
                self._scores += self._part.gains(weight, counts, self._norms)
            if is_open:
                self._enter(found, weight, self._floor * _MARGIN - rest)
                if len(self._rows) > 4 * self._top_k:
                    self._floor = max(self._floor, kth_best(self._scores, self._top_k))
            if len(self._rows) > FEW:
                self._drop(rest)
        return self._rows, self._scores

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
        if done:
            self._add_up(self._lists[:done])
            best = _where(self._scores >= kth_best(self._scores, self._wanted))
            seeds, norms = self._rows.take(best), self._norms.take(best)
            scores = self._scores.take(best)
        elif self._is_worth_a_scan(0):
            return 0
        else:
            seeds = self._heaviest_rows(self._lists[0][0], self._wanted)
            norms, scores = self._part.norms.take(seeds), np.zeros(len(seeds))
        self._part.add_gains(self._lists[done:], seeds, norms, scores)
        self._floor = kth_best(scores, self._top_k)
        return done

    def _add_up(self, lists: Sequence[tuple[TermList, float]]) -> None:
        """Make the rows that hold any of some terms candidates, with what the terms give them."""
        spans = [self._postings.rows[found.span] for found, _ in lists]
        rows: IntArray = np.concatenate(spans, dtype=np.int64)
        counts = np.concatenate([self._part.counts(found) for found, _ in lists])
        gains = self._part.gains(1.0, counts, self._part.norms.take(rows))
        past = 0
        for found, weight in lists:
            first, past = past, past + len(found)
            gains[first:past] *= weight
        if self._allowed is not None:
            kept = _where(self._allowed.take(rows))
            rows, gains = rows.take(kept), gains.take(kept)
        if len(lists) > 1:
            rows, gains = _add_equal(rows, gains, self._part.n_rows)
        self._rows, self._scores = rows, gains
        self._norms = self._part.norms.take(rows)

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

    def _is_worth_a_scan(self, done: int) -> bool:
        """Return whether going through all rows takes less than through those that would enter."""
        rest, needed, cost = sum(self._bounds[done:]), self._floor * _MARGIN, 0.0
        for (found, _), bound in zip(self._lists[done:], self._bounds[done:], strict=True):
            if rest < needed:
                break
            rest -= bound
            lets_many_in = needed - rest <= _OPEN_SHARE * bound
            cost += len(found) * (1.0 if lets_many_in else _CLOSED_COST)
        n_columns = sum(found.counts is not None for found, _ in self._lists[done:])
        return cost > self._part.n_rows * SCAN_COST * (_SCAN_BASE + n_columns)

    def _scan(self, done: int) -> tuple[IntArray, ScoreArray]:
        """Finish the candidates and all rows that the terms from one on can bring to the floor."""
        lists = self._lists[done:]
        tops = Ceilings(self._part, lists, self._allowed)
        if len(self._rows):
            most = self._scores + tops.of(self._rows)
            tops.leave_out(self._rows)
            self._keep(_where(most >= self._floor * _MARGIN - 1e-12))
            self._finish(done)
            self._floor = max(self._floor, kth_best(self._scores, self._top_k))
        rows = tops.reaching(self._floor * _MARGIN) if self._floor > 0 else None
        if rows is None or len(rows) > FEW:
            best = tops.best(self._wanted)
            self._take_in(lists, best)
            tops.leave_out(best)
            self._floor = max(self._floor, kth_best(self._scores, self._top_k))
            rows = tops.reaching(self._floor * _MARGIN)
        self._take_in(lists, rows)
        return self._rows, self._scores

    def _take_in(self, lists: Sequence[tuple[TermList, float]], rows: IntArray) -> None:
        """Return rows that were not met as well, with what some terms give them."""
        if len(rows):
            scores = self._part.scores_at(lists, rows)
            self._rows = np.concatenate([self._rows, rows])
            self._scores = np.concatenate([self._scores, scores])

    def _enter(self, found: TermList, weight: float, needed: float) -> None:
        """Make rows candidates that were not met and to which a term gives `needed` or more."""
        rows = self._postings.rows[found.span]
        at = None
        if needed > 0:
            # A number of Python's own: one of numpy would have the bytes made 64 bits.
            least = int(self._part.bounds.searchsorted(needed / weight - 1e-9))
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

    def _finish(self, number: int) -> None:
        """Give the candidates what the terms from one on give them."""
        if len(self._rows):
            self._part.add_gains(self._lists[number:], self._rows, self._norms, self._scores)

    def _drop(self, rest: float) -> None:
        """Leave out candidates that do not reach the floor with `rest` more."""
        stays = _where(self._scores >= self._floor * _MARGIN - rest - 1e-12)
        if len(stays) < len(self._rows):
            self._keep(stays)

    def _keep(self, at: IntArray) -> None:
        self._rows, self._norms = self._rows.take(at), self._norms.take(at)
        self._scores = self._scores.take(at)


def _add_equal(rows: IntArray, gains: ScoreArray, n_rows: int) -> tuple[IntArray, ScoreArray]:
    """Return each row once, ascending, and the sum of its gains, added up in their order.

    Args:
        rows: int64 (n,), below `n_rows`.
        gains: float64 (n,), above 0.
    """
    if len(rows) == 0:  # of which bincount would make whole numbers
        return rows, gains
    if n_rows <= COUNTED_ROWS:
        of_rows: npt.NDArray[Any] = np.bincount(rows, weights=gains)
        held = _where(of_rows > 0)
        return held, of_rows.take(held)
    # Sorting numbers is many times as fast as an indirect sort, and it keeps the terms' order.
    keys = np.sort((rows << _POSITION_BITS) | np.arange(len(rows)))
    gains = gains.take(keys & ((1 << _POSITION_BITS) - 1))
    keys >>= _POSITION_BITS
    is_first = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    firsts = _where(is_first)
    sums = gains.take(firsts)
    others = _where(~is_first)
    np.add.at(sums, firsts.searchsorted(others) - 1, gains.take(others))
    return keys.take(firsts), sums


def _where(mask: BoolArray) -> IntArray:
    found: IntArray = mask.nonzero()[0]  # flatnonzero costs three calls more
    return found
