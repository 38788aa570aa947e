"""Impacts: the most that a posting can add to a BM25 score, in one byte.

counts + lengths -> impacts, kept beside the postings; `top_k` reads a long list by them alone and
looks closer only where the byte says that it may pay. They are bounds, never scores.

The share of a term's weight that a row gets is tf / (tf + k1 * (1 - b + b * length / avgdl)), from
0 to 1. The mean length avgdl is that of all live rows of all segments, which changes with every
commit; the byte holds for the mean of the own segment, and `share_bounds` says what it bounds where
another mean counts.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from filesearch.types import IntArray

ByteArray: TypeAlias = npt.NDArray[np.uint8]

K1 = 1.5
B = 0.75
"""The defaults of `rank_bm25.BM25Okapi`, for which the impacts hold."""

STEPS = 255
"""An impact of i stands for a share of at most i / 255."""


def mean_length(lengths: npt.NDArray[np.integer[Any]]) -> float:
    """Return the mean of row lengths; 1.0 where all are 0, so that it can be divided by."""
    total = int(lengths.sum(dtype=np.int64))
    return total / len(lengths) if total else 1.0


def derive_impacts(
    counts: npt.NDArray[np.integer[Any]],
    row_lengths: npt.NDArray[np.integer[Any]],
    mean: float,
) -> ByteArray:
    """Return the impact of each posting, rounded up: uint8 (n,), at least 1.

    Args:
        counts: How often the term stands in the row, at least 1: shape (n,).
        row_lengths: Terms in that row: shape (n,).
        mean: Mean length of all rows of the segment.
    """
    # In float32 the share is off by less than 1e-6; a hundredth of a step covers that.
    many = counts.astype(np.float32)
    norms = row_lengths.astype(np.float32)
    norms *= np.float32(K1 * B / mean)
    norms += np.float32(K1 * (1 - B))
    shares = many / (many + norms)
    impacts: ByteArray = np.minimum(np.ceil(shares * STEPS + 0.01), STEPS).astype(np.uint8)
    return impacts


def peak_impacts(impacts: ByteArray, indptr: IntArray) -> ByteArray:
    """Return the highest impact of each term: uint8 (n_terms,).

    Args:
        impacts: Term after term.
        indptr: int64 (n_terms + 1,), where each term's begin; at least one each.
    """
    if len(indptr) == 1:
        return np.empty(0, np.uint8)
    peaks: ByteArray = np.maximum.reduceat(impacts, indptr[:-1])
    return peaks


def share_bounds(own_mean: float, mean: float) -> npt.NDArray[np.float64]:
    """Return the most that a posting can have of a term's weight, by its impact: float64 (256,).

    A share s is 1 / (1 + x), where x = k1 * (1 - b + b * length / avgdl) / tf. Where avgdl grows to
    r times as much, x falls to x / r at least, and s grows to r * s / (1 + (r - 1) * s) at most.
    Where it falls, so do the shares.

    Returns:
        Ascending from 0 to 1, and concave.
    """
    shares = np.arange(STEPS + 1) / STEPS
    ratio = max(1.0, mean / own_mean)
    bounds: npt.NDArray[np.float64] = ratio * shares / (1 + (ratio - 1) * shares)
    return bounds
