"""Top k: the best rows of one segment, without looking at all that hold a common term.

terms with their weights + the score to beat -> candidate rows with their full scores. MaxScore
(Turtle and Flood 1995), term after term instead of document after document because that is what
arrays are fast at:

    1. Seeds: rows in which the rarest terms weigh most are scored in full; the k-th best of them
       is a score that the k-th best of all reaches at least.
    2. The terms come in order, rare ones first. A row that has not been met enters only if what
       this term gives it and the most that the later ones can give reach that score: a comparison
       of one byte per posting. Soon no row can, and the longest lists are not read at all.
    3. The rows met so far get what the term gives them, and leave once they cannot get there.

Bounds are compared with a margin, so rounding drops no row; the scores themselves are exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from filesearch.index.postings import BoolArray, RowArray
from filesearch.index.scored_part import ScoreArray, ScoredPart, TermList

_MARGIN = 1 - 1e-9
_MIN_SEEDS = 64
_SAMPLE = 1024
_SCAN_RATIO = 40
"""Postings that are passed over in the time of one binary search."""


def kth_best(scores: ScoreArray, k: int) -> float:
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
        self._lists = lists
        self._bounds = bounds
        self._top_k = top_k
        self._floor = floor
        self._allowed = allowed
        self._is_met = np.zeros(part.n_rows, np.bool_)
        self._gains: ScoreArray | None = None

    def run(self) -> tuple[RowArray, ScoreArray]:
        seeds, seed_scores = self._seed()
        rows, scores = np.empty(0, np.uint32), np.empty(0, np.float64)
        rest = sum(self._bounds)
        for (found, weight), bound in zip(self._lists, self._bounds, strict=True):
            needed = self._floor * _MARGIN - (rest - bound)
            rest -= bound
            if len(rows):
                scores += weight * self._shares_of_met(found, rows)
            if needed <= bound:
                new, gains = self._enter(found, weight, needed)
                rows, scores = np.concatenate([rows, new]), np.concatenate([scores, gains])
            if len(rows) > self._top_k:
                self._floor = max(self._floor, kth_best(scores, self._top_k))
            if len(rows):
                stays = scores >= self._floor * _MARGIN - rest - 1e-12
                if not stays.all():
                    rows, scores = rows[stays], scores[stays]
        return np.concatenate([seeds, rows]), np.concatenate([seed_scores, scores])

    def _seed(self) -> tuple[RowArray, ScoreArray]:
        """Score in full some rows that promise much; the floor rises to their k-th best."""
        wanted = max(2 * self._top_k, _MIN_SEEDS)
        picked, missing = [], wanted
        for found, _ in self._lists:
            rows = self._part.postings.rows[found.span]
            if len(found) > missing:
                impacts = self._part.postings.impacts[found.span]
                sample = impacts[:: max(1, len(found) // _SAMPLE)]
                place = len(sample) - max(1, len(sample) * missing // len(found))
                enough = np.partition(sample, place)[place]
                rows = rows[np.flatnonzero(impacts >= enough)]
            if self._allowed is not None:
                rows = rows[self._allowed[rows]]
            picked.append(rows[: 2 * wanted])
            missing -= len(rows)
            if missing <= 0:
                break
        seeds = np.unique(np.concatenate(picked))
        scores = self._part.scores_at(self._lists, seeds)
        self._floor = max(self._floor, kth_best(scores, self._top_k))
        self._is_met[seeds] = True
        stays = scores >= self._floor * _MARGIN
        return seeds[stays], scores[stays]

    def _enter(self, found: TermList, weight: float, needed: float) -> tuple[RowArray, ScoreArray]:
        """Return rows not met before to which a term gives `needed` or more, and what it gives."""
        postings = self._part.postings
        if needed <= 0:
            rows, at = postings.rows[found.span], None
        else:
            least = math.ceil(needed / (weight * self._part.step) - 1e-6)
            at = np.flatnonzero(postings.impacts[found.span] >= least)
            rows = postings.rows[found.span][at]
        is_new = ~self._is_met[rows]
        if self._allowed is not None:
            is_new &= self._allowed[rows]
        rows = rows[is_new]
        places = np.flatnonzero(is_new) if at is None else at[is_new]
        self._is_met[rows] = True
        counts = postings.exact_counts(places + found.span.start)
        return rows, weight * self._part.shares(rows, counts)

    def _shares_of_met(self, found: TermList, rows: RowArray) -> ScoreArray:
        """Return the share that each of the rows met so far gets of a term's weight."""
        if found.column is not None or len(found) > len(rows) * _SCAN_RATIO:
            return self._part.shares_at(found, rows)
        postings = self._part.postings
        held = postings.rows[found.span]
        at = np.flatnonzero(self._is_met[held])
        held = held[at]
        if self._gains is None:
            self._gains = np.zeros(self._part.n_rows, np.float64)
        self._gains[held] = self._part.shares(held, postings.exact_counts(at + found.span.start))
        shares: ScoreArray = self._gains[rows]
        self._gains[held] = 0.0
        return shares
