"""Stretches: runs of consecutive numbers, laid end to end. Pure numpy.

Rows of a table that belong together stand one after another; where each run begins is kept, or is
worked out of their sizes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from filesearch.types import IntArray


def offsets(sizes: npt.NDArray[Any]) -> IntArray:
    """Return where each of n runs begins, and where the last one ends: int64 (n + 1,)."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def numbers_of(starts: IntArray, sizes: IntArray) -> IntArray:
    """Return the numbers start..start + size - 1 of each run, one after the other: int64."""
    ends = np.cumsum(sizes)
    return np.arange(int(sizes.sum())) + np.repeat(starts - ends + sizes, sizes)
