"""Index rows: how an index names chunks and windows by number, and what it says of them.

Chunks are numbered from 0 through a whole store, and so are windows. What ranks them reads rows
and scores; where they lie only the index knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from filesearch.records import Entry
from filesearch.types import FloatVector, IntArray


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows may come back from a search; None allows every live row.

    Attributes:
        chunks: bool (n_chunks,).
        windows: bool (n_windows,).
        copies: Document id -> store file ids of all files with its text that were selected, of
            texts of which some were left out.
    """

    chunks: npt.NDArray[np.bool_] | None
    windows: npt.NDArray[np.bool_] | None
    copies: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """What the masks take."""
        return sum(mask.nbytes for mask in (self.chunks, self.windows) if mask is not None)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk stands: the searchable file and the characters in its document."""

    entry: Entry
    start: int
    end: int
    ordinal: int


@dataclass(frozen=True, slots=True, eq=False)
class ChunkWindows:
    """The windows of n chunks; chunks that overlap share some.

    Attributes:
        rows: int64 (m,), window rows, each once, ascending.
        index: int64 (k,), positions in `rows`, chunk after chunk.
        starts: int64 (n,), where each chunk's stretch of `index` begins.
    """

    rows: IntArray
    index: IntArray
    starts: IntArray

    @property
    def lengths(self) -> IntArray:
        """How many windows each chunk has: int64 (n,), at least 1."""
        return np.diff(np.append(self.starts, len(self.index)))

    def some(self, at: IntArray) -> ChunkWindows:
        """Return those of some of the chunks, in the order given; `rows` stays as it is."""
        lengths = self.lengths[at]
        starts = np.cumsum(lengths) - lengths
        within = np.arange(int(lengths.sum())) + np.repeat(self.starts[at] - starts, lengths)
        return ChunkWindows(rows=self.rows, index=self.index[within], starts=starts)

    def best(self, scores: FloatVector) -> tuple[FloatVector, IntArray]:
        """Return each chunk's best score and the row of the window that has it (the first).

        Args:
            scores: float32 (m,), of `rows`.

        Returns:
            float32 (n,) and int64 (n,).
        """
        spread = scores[self.index]
        if len(self.starts) == 0:
            return spread, self.rows
        best = np.maximum.reduceat(spread, self.starts)
        is_best = np.flatnonzero(spread == np.repeat(best, self.lengths))
        first = is_best[np.searchsorted(is_best, self.starts)]
        return best, self.rows[self.index[first]]
