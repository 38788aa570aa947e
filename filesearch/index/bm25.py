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
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from filesearch.index.postings import BoolArray, Postings
from filesearch.index.postings_builder import PostingsBuilder
from filesearch.types import IntArray

__all__ = ["BoolArray", "KeywordHits", "KeywordScorer", "Postings", "PostingsBuilder"]

ScoreArray: TypeAlias = npt.NDArray[np.float64]

K1 = 1.5
B = 0.75
EPSILON = 0.25
"""The defaults of `rank_bm25.BM25Okapi`."""


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

    Never changed after it is made, so threads may share it.

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
        self._parts = tuple(parts)
        self._live = tuple(
            None if mask is None or mask.all() else mask
            for mask, _ in zip(live, self._parts, strict=True)
        )
        self._k1 = k1
        self._epsilon = epsilon
        self._min_idf = min_idf
        kept = [
            part.lengths if mask is None else part.lengths[mask]
            for part, mask in zip(self._parts, self._live, strict=True)
        ]
        self.n_live = sum(map(len, kept))
        n_terms = sum(int(lengths.sum(dtype=np.int64)) for lengths in kept)
        mean = n_terms / self.n_live if n_terms else 1.0  # without terms nothing is ever divided
        self._saturation = [k1 * (1 - b + b * part.lengths / mean) for part in self._parts]

    @cached_property
    def average_idf(self) -> float:
        """Mean idf of all live terms, negative ones included; 0.0 when there are none.

        Reads every part's vocabulary, so it is worked out when first a term needs it.
        """
        hashes = [part.hashes for part in self._parts]
        frequencies = [
            np.diff(part.indptr) if mask is None else _live_frequencies(part, mask)
            for part, mask in zip(self._parts, self._live, strict=True)
        ]
        if not hashes:
            return 0.0
        # Terms of different parts are told apart by hash alone: among 10 million of them two
        # collide once in 370,000 indexes, and then the mean moves in its eighth digit.
        _, same = np.unique(np.concatenate(hashes), return_inverse=True)
        total: ScoreArray = np.bincount(same, np.concatenate(frequencies)).astype(np.float64)
        total = total[total > 0]
        idf = np.log(self.n_live - total + 0.5) - np.log(total + 0.5)
        return float(idf.mean()) if idf.size else 0.0

    def score(self, terms: Sequence[str]) -> list[ScoreArray]:
        """Return the score of every row, part by part.

        Args:
            terms: A repeated term counts each time; unknown ones add nothing.

        Returns:
            float64, shape (n_rows,) for each part. Rows without a query term and dead rows have
            0.0. Scores are negative only where the mean idf is (one or two rows, or rows that all
            share their terms), and 0.0 for a term in exactly half of the rows.
        """
        return self._score(terms)[0]

    def idf(self, terms: Sequence[str]) -> ScoreArray:
        """Return ln(1 + (N - df + 0.5) / (df + 0.5)) for each term: float64, always above 0.

        BM25's own idf turns negative for common terms; this one (of Lucene) weighs a question's
        words against each other.
        """
        frequencies = np.array(
            [self._frequency([part.find(term) for part in self._parts]) for term in terms],
            dtype=np.float64,
        )
        weights: ScoreArray = np.log1p((self.n_live - frequencies + 0.5) / (frequencies + 0.5))
        return weights

    def _frequency(self, where: Sequence[slice]) -> int:
        """Return how many live rows hold the term whose postings stand at `where`, by part."""
        return sum(
            span.stop - span.start if mask is None else int(np.count_nonzero(mask[part.rows[span]]))
            for part, mask, span in zip(self._parts, self._live, where, strict=True)
        )

    def _score(self, terms: Sequence[str]) -> tuple[list[ScoreArray], list[BoolArray]]:
        """Return the scores and, beside them, which live rows hold a query term."""
        scores = [np.zeros(part.n_rows, np.float64) for part in self._parts]
        found: list[BoolArray] | None = None
        for term in dict.fromkeys(terms):
            where = [part.find(term) for part in self._parts]
            frequency = self._frequency(where)
            if not frequency:
                continue
            idf = math.log(self.n_live - frequency + 0.5) - math.log(frequency + 0.5)
            if idf < 0:
                idf = self._epsilon * self.average_idf
            if self._min_idf is not None:
                idf = max(idf, self._min_idf)
            if idf <= 0 and found is None:  # from here on a score of 0.0 need not mean "no term"
                found = [part_scores != 0 for part_scores in scores]
            weight = terms.count(term) * idf * (self._k1 + 1)
            for i, (part, span) in enumerate(zip(self._parts, where, strict=True)):
                if span.start == span.stop:
                    continue
                rows = part.rows[span]
                counts = part.exact_counts(span).astype(np.float64)
                scores[i][rows] += weight * counts / (counts + self._saturation[i][rows])
                if found is not None:
                    found[i][rows] = True
        if found is None:
            found = [part_scores != 0 for part_scores in scores]
        for part_scores, part_found, mask in zip(scores, found, self._live, strict=True):
            if mask is not None:
                part_scores[~mask] = 0.0
                part_found &= mask
        return scores, found

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
        scores, found = self._score(terms)
        masks = allowed if allowed is not None else [None] * len(self._parts)
        rows = [
            np.flatnonzero(part_found if mask is None else part_found & mask)
            for part_found, mask in zip(found, masks, strict=True)
        ]
        row = np.concatenate([np.empty(0, np.int64), *rows])
        part = np.repeat(np.arange(len(rows)), [len(part_rows) for part_rows in rows])
        score = np.concatenate([np.empty(0), *(s[r] for s, r in zip(scores, rows, strict=True))])
        if len(score) > top_k:
            # Everything from the k-th best score up, so that ties at the cut are settled below.
            candidates = np.flatnonzero(score >= np.partition(score, -top_k)[-top_k])
            row, part, score = row[candidates], part[candidates], score[candidates]
        best = np.argsort(-score, kind="stable")[:top_k]
        return KeywordHits(part[best], row[best], score[best])


def _live_frequencies(part: Postings, live: BoolArray) -> IntArray:
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(live[part.rows], dtype=np.int64)])
    return np.diff(before[part.indptr])
