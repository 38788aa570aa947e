"""Ranking: chunks in order, with what they score and what gave it to them.

A search ranks some 250 chunks and shows ten of them, so they are columns, and a `Scored` only where
one of them is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filesearch.types import IntArray

ScoreArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scored:
    """A chunk with its score and the shares of it that the keyword and vector search gave.

    Attributes:
        row: Chunk row of the index.
        score: In [0, 1], higher is better.
        keyword, vector: At least 0; they add up to `score`.
        window: Row of the chunk's window that is nearest to the question; -1 without vectors.
    """

    row: int
    score: float
    keyword: float
    vector: float
    window: int


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Chunks in order, mostly best first: arrays over n chunks of what `Scored` says of one.

    Attributes:
        rows, windows: int64.
        scores, keyword, vector: float64.
    """

    rows: IntArray
    scores: ScoreArray
    keyword: ScoreArray
    vector: ScoreArray
    windows: IntArray

    @staticmethod
    def join(rankings: Sequence[Ranking]) -> Ranking:
        """Return one ranking after the other; there must be one."""
        columns = zip(*(one._columns for one in rankings), strict=True)
        return Ranking(*map(np.concatenate, columns))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def _columns(self) -> tuple[IntArray, ScoreArray, ScoreArray, ScoreArray, IntArray]:
        return self.rows, self.scores, self.keyword, self.vector, self.windows

    def some(self, at: IntArray) -> Ranking:
        """Return the chunks at some ranks, counted from 0, in the order given."""
        return Ranking(
            rows=self.rows[at],
            scores=self.scores[at],
            keyword=self.keyword[at],
            vector=self.vector[at],
            windows=self.windows[at],
        )

    def stretch(self, start: int, end: int) -> list[Scored]:
        """Return the chunks at ranks start..end - 1; fewer where the ranking ends."""
        # As lists at once: numpy hands out single numbers ten times as slowly.
        return list(map(Scored, *(column[start:end].tolist() for column in self._columns)))

    def with_scores(self, scores: ScoreArray) -> Ranking:
        """Return the chunks with other scores, their shares in the same proportion.

        Args:
            scores: float64 (n,), descending, each in [0, 1].
        """
        share = np.divide(scores, self.scores, out=np.zeros(len(self)), where=self.scores > 0)
        keyword = np.minimum(self.keyword * share, scores)  # the rest must not become negative
        return Ranking(self.rows, scores, keyword, scores - keyword, self.windows)
