"""BM25: score chunks by the words they share with a question, as `rank_bm25.BM25Okapi` does.

query terms + Postings of every segment -> rows with scores. Several segments, some of their rows
dead, score exactly as one corpus of the live rows would in a single `BM25Okapi`.

Okapi BM25 as `rank_bm25` has it (Robertson et al. 1994; Trotman, Puurula, Burgess 2014), over
N live rows of mean length avgdl, for a term in df of them:

    idf   = ln(N - df + 0.5) - ln(df + 0.5); where that is negative,
            epsilon * (mean idf of all live terms, negative ones as they are)
    score = sum over query terms of idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / avgdl))
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count

import msgspec
import numpy as np

from filesearch.index.impacts import K1, B
from filesearch.index.postings import BoolArray, Postings, count_frequencies
from filesearch.index.preload import preload
from filesearch.index.scored_part import ScoreArray, ScoredPart, TermList
from filesearch.index.top_k import best_rows, kth_best
from filesearch.types import IntArray

__all__ = ["EPSILON", "K1", "B", "KeywordHits", "KeywordScorer", "ScoreArray"]

EPSILON = 0.25
"""The default of `rank_bm25.BM25Okapi`, as `K1` and `B` are."""

_CACHED_TERMS = 1 << 14
"""Terms of which is remembered where they stand; then all are forgotten."""


class _Term(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A term in the corpus; see TermList for why the garbage collector is not told of it.

    Attributes:
        lists: Where it stands, for each part; None where it does not.
        frequency: How many live rows hold it.
    """

    lists: tuple[TermList | None, ...]
    frequency: int


@dataclass(frozen=True, slots=True, eq=False)
class KeywordHits:
    """Rows that were found, best first; three arrays of one length, empty when nothing was.

    Attributes:
        parts: int64, which of the scorer's parts.
        rows: int64, the row within that part.
        scores: float64, BM25, descending; ties go by part, then row.
    """

    parts: IntArray
    rows: IntArray
    scores: ScoreArray


class KeywordScorer:
    """BM25 over the live rows of several Postings, as one corpus.

    Threads may share it: what it remembers of terms does not change once known.

    Args:
        parts: Segments, in a fixed order.
        live: For each part its live rows: bool, shape (n_rows,), or None when all are.
        k1: Saturation of repeated terms, at least 0.
        b: Share of length normalisation, 0 to 1.
        epsilon: What a term in more than half of the rows weighs, as a share of the mean idf.
        min_idf: Least weight of a term; None leaves BM25Okapi's, which may be 0 or negative where
            there are very few rows.
    """

    def __init__(
        self,
        parts: Sequence[Postings],
        live: Sequence[BoolArray | None],
        *,
        k1: float = K1,
        b: float = B,
        epsilon: float = EPSILON,
        min_idf: float | None = None,
    ) -> None:
        masks = [
            None if mask is None or mask.all() else mask
            for mask, _ in zip(live, parts, strict=True)
        ]
        kept = [
            part.lengths if mask is None else part.lengths[mask]
            for part, mask in zip(parts, masks, strict=True)
        ]
        self.n_live = sum(map(len, kept))
        n_terms = sum(int(lengths.sum(dtype=np.int64)) for lengths in kept)
        mean = n_terms / self.n_live if n_terms else 1.0  # without terms nothing is ever divided
        self._parts = [
            ScoredPart(part, mask, k1=k1, b=b, mean=mean)
            for part, mask in zip(parts, masks, strict=True)
        ]
        self._k1 = k1
        self._epsilon = epsilon
        self._min_idf = min_idf
        self._has_bounds = (k1, b) == (K1, B)  # for which the impacts hold
        self._terms: dict[str, _Term] = {}
        self._questions = count()  # a step of it is atomic

    @cached_property
    def average_idf(self) -> float:
        """Mean idf of all live terms, negative ones included; 0.0 when there are none.

        Worked out when first a term in more than half of the rows needs it. A single segment
        without dead rows has the figures ready; otherwise all vocabularies are read, and of
        segments with dead rows all row numbers.
        """
        frequencies, numbers = self._frequency_table()
        idf = np.log(self.n_live - frequencies + 0.5) - np.log(frequencies + 0.5)
        return float((idf * numbers).sum() / numbers.sum()) if len(numbers) else 0.0

    def _frequency_table(self) -> IntArray:
        """Return in how many live rows (at least 1) how many terms stand: int64 (2, n)."""
        if len(self._parts) == 1 and self._parts[0].live is None:
            return self._parts[0].postings.frequencies
        if not self._parts:
            return np.empty((2, 0), np.int64)
        # Terms of different parts are told apart by hash alone: among 10 million of them two
        # collide once in 370,000 indexes, and then the mean moves in its eighth digit.
        hashes = np.concatenate([part.postings.hashes for part in self._parts])
        frequencies = np.concatenate([part.live_frequencies() for part in self._parts])
        if len(self._parts) > 1 and len(hashes):
            order = np.argsort(hashes, kind="stable")  # of runs in order: merges them
            ordered = hashes[order]
            firsts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
            frequencies = np.add.reduceat(frequencies[order], firsts)
        return count_frequencies(frequencies[frequencies > 0])

    def idf(self, terms: Sequence[str]) -> ScoreArray:
        """Return ln(1 + (N - df + 0.5) / (df + 0.5)) for each term: float64, always above 0.

        BM25's own idf turns negative for common terms; this one (of Lucene) weighs a question's
        words against each other.
        """
        frequencies = np.array([self._find(term).frequency for term in terms], np.float64)
        weights: ScoreArray = np.log1p((self.n_live - frequencies + 0.5) / (frequencies + 0.5))
        return weights

    def _find(self, term: str) -> _Term:
        found = self._terms.get(term)
        if found is None:
            lists, frequency = [], 0
            for part in self._parts:
                where = part.find(term)
                lists.append(where)
                frequency += 0 if where is None else part.frequency(where)
            found = _Term(tuple(lists), frequency)
            if len(self._terms) >= _CACHED_TERMS:
                self._terms = {}
            self._terms[term] = found
        return found

    def _weigh(self, terms: Sequence[str]) -> list[tuple[_Term, float]]:
        """Return the distinct terms that stand in live rows and what each weighs, rare ones first.

        In this order they are added up, everywhere: so that equal rows have equal scores.
        """
        counts: dict[str, int] = {}
        for text in terms:
            counts[text] = counts.get(text, 0) + 1
        found = []
        for text in counts:
            term = self._find(text)
            if term.frequency:
                found.append((term.frequency, text, term))
        weighed = []
        for frequency, text, term in sorted(found):  # no two texts are the same
            idf = math.log(self.n_live - frequency + 0.5) - math.log(frequency + 0.5)
            if idf < 0:
                idf = self._epsilon * self.average_idf
            if self._min_idf is not None:
                idf = max(idf, self._min_idf)
            weighed.append((term, counts[text] * idf * (self._k1 + 1)))
        return weighed

    def score(self, terms: Sequence[str]) -> list[ScoreArray]:
        """Return the score of every row, part by part.

        Args:
            terms: A repeated term counts each time; unknown ones add nothing.

        Returns:
            float64, shape (n_rows,) for each part. Rows without a query term and dead rows have
            0.0. Scores are negative only where the mean idf is (one or two rows, or rows that all
            share their terms), and 0.0 for a term in exactly half of the rows.
        """
        weighed = self._weigh(terms)
        scores = [np.zeros(part.n_rows, np.float64) for part in self._parts]
        for i, part in enumerate(self._parts):
            for found, weight in _lists(weighed, i):
                rows, shares = part.all_shares(found)
                scores[i][rows] += weight * shares
            if part.live is not None:
                scores[i][~part.live] = 0.0
        return scores

    def scores_at(self, terms: Sequence[str], part: int, rows: IntArray) -> ScoreArray:
        """Return what `score` gives for some live rows of one part: float64 (n_rows,)."""
        return self._parts[part].scores_at(_lists(self._weigh(terms), part), rows)

    def counts_at(self, terms: Sequence[str], part: int, rows: IntArray) -> IntArray:
        """Return how often each term stands in some rows of one part: int64 (n_terms, n_rows)."""
        counts = np.zeros((len(terms), len(rows)), np.int64)
        for i, term in enumerate(terms):
            found = self._find(term).lists[part]
            if found is not None:
                counts[i] = self._parts[part].counts_of(found, rows)
        return counts

    def top(
        self, terms: Sequence[str], top_k: int, allowed: Sequence[BoolArray | None] | None = None
    ) -> KeywordHits:
        """Return the `top_k` best rows that hold at least one of `terms`.

        Args:
            terms: As for `score`.
            top_k: At least 1; fewer rows come back when fewer hold a term.
            allowed: For each part the rows that may come back: bool, shape (n_rows,), or None for
                any. It takes rows away from the result and changes no score.
        """
        if next(self._questions) == 1:  # the second: more will come
            preload(a for part in self._parts for a in part.postings.arrays().values())
        weighed = self._weigh(terms)
        is_bounded = self._has_bounds and all(weight > 0 for _, weight in weighed)
        found = KeywordHits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        # The largest part first: its k-th best score spares the others most of their rows.
        for i in sorted(range(len(self._parts)), key=lambda i: -self._parts[i].n_rows):
            part, lists = self._parts[i], _lists(weighed, i)
            mask = _both(part.live, None if allowed is None else allowed[i])
            if is_bounded:
                floor = kth_best(found.scores, top_k)
                rows, scores = best_rows(part, lists, top_k=top_k, floor=floor, allowed=mask)
            else:
                rows, scores = _every_row(part, lists, mask)
            found = _join(found, i, rows, scores, top_k)
        best = np.lexsort((found.rows, found.parts, -found.scores))[:top_k]
        return KeywordHits(found.parts.take(best), found.rows.take(best), found.scores.take(best))


def _lists(weighed: Sequence[tuple[_Term, float]], part: int) -> list[tuple[TermList, float]]:
    """Return those terms that stand in one part."""
    return [(found, weight) for term, weight in weighed if (found := term.lists[part]) is not None]


def _both(left: BoolArray | None, right: BoolArray | None) -> BoolArray | None:
    if left is None or right is None:
        return left if right is None else right
    return left & right


def _every_row(
    part: ScoredPart, lists: Sequence[tuple[TermList, float]], allowed: BoolArray | None
) -> tuple[IntArray, ScoreArray]:
    """Return all allowed rows that hold a term, whatever they score."""
    if not lists:
        return np.empty(0, np.int64), np.empty(0)
    of_terms = [part.postings.rows[found.span] for found, _ in lists]
    rows = np.unique(np.concatenate(of_terms, dtype=np.int64))
    if allowed is not None:
        rows = rows[allowed[rows]]
    return rows, part.scores_at(lists, rows)


def _join(
    found: KeywordHits, part: int, rows: IntArray, scores: ScoreArray, top_k: int
) -> KeywordHits:
    """Return what was found so far and in one more part, in no order.

    Everything from the k-th best score up, so that ties at the cut can be settled in the end.
    """
    if len(rows) == 0:
        return found
    parts = np.full(len(rows), part)
    if len(found.rows):
        parts = np.concatenate([found.parts, parts])
        rows = np.concatenate([found.rows, rows])
        scores = np.concatenate([found.scores, scores])
    if len(scores) > top_k:
        kept = (scores >= kth_best(scores, top_k)).nonzero()[0]
        parts, rows, scores = parts.take(kept), rows.take(kept), scores.take(kept)
    return KeywordHits(parts, rows, scores)
