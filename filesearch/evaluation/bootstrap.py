"""Bootstrap: is the difference between two rankings more than the choice of queries explains?

Paired bootstrap over queries: the queries are drawn again, with replacement, as many as there are,
10,000 times. The interval holds the middle 95% of the mean differences (Efron and Tibshirani, An
Introduction to the Bootstrap, 1993, chapter 13). p is the share of draws that deviate from the
mean difference by at least as much as that differs from 0, which is how often chance would give
such a difference if there were none (the same, chapter 16; for rankings: Sakai, SIGIR 2006). Pure
numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]

RESAMPLES = 10_000
SEED = 0
_DRAWN_AT_ONCE = 2_000_000  # indices, 16 MB
# With figures such as 0 and 1 many draws deviate by exactly as much; rounding must not lose them.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much one mean is above another.

    Attributes:
        mean: Second minus first.
        low, high: Ends of the 95% interval of `mean`.
        p: In (0, 1]; small when a difference of 0 is unlikely. 1 when the means are equal.
    """

    mean: float
    low: float
    high: float
    p: float


def compare(
    first: FloatArray, second: FloatArray, *, resamples: int = RESAMPLES, seed: int = SEED
) -> Difference:
    """Return how the mean of `second` differs from that of `first`.

    Args:
        first, second: float64 (n,), one figure per query, in the same order; n at least 1.
        resamples: How often the queries are drawn again.
        seed: The same seed and n draw the same queries, whatever the figures.
    """
    differences = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    return difference_of(draw_means(differences, resamples=resamples, seed=seed), differences)


def draw_means(values: FloatArray, *, resamples: int = RESAMPLES, seed: int = SEED) -> FloatArray:
    """Return the mean of `values` (n,) in each draw of n of them: float64 (resamples,)."""
    generator = np.random.default_rng(seed)
    count = len(values)
    rows = max(1, _DRAWN_AT_ONCE // count)
    means = [
        values[generator.integers(0, count, size=(min(rows, resamples - done), count))].mean(axis=1)
        for done in range(0, resamples, rows)
    ]
    return np.concatenate(means)


def difference_of(drawn: FloatArray, values: FloatArray) -> Difference:
    """Return what the means of the draws say of the mean of `values`."""
    mean = float(values.mean())
    low, high = np.percentile(drawn, [2.5, 97.5])
    beyond = int(np.count_nonzero(np.abs(drawn - mean) >= abs(mean) - _ROUNDING))
    return Difference(mean, float(low), float(high), (beyond + 1) / (len(drawn) + 1))
