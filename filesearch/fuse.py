"""Fuse: two lists of scores become one.

The default is a convex combination of normalised scores (Bruch, Gai, Ingber: An Analysis of
Fusion Functions for Hybrid Retrieval, 2022); reciprocal rank fusion (Cormack, Clarke, Buettcher
2009) is the alternative. Pure numpy.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RRF_K = 60  # of the paper above


def normalise(scores: npt.NDArray[np.floating], *, floor: float = 0.0) -> npt.NDArray[np.float64]:
    """Return `scores` mapped to [0, 1]: `floor` and below become 0, the best becomes 1.

    With a floor that is the least the scorer can give, this is the theoretical min-max of the
    paper; BM25's is 0.

    Args:
        scores: Shape (n,); n may be 0.
        floor: The score that is worth nothing.
    """
    values = np.asarray(scores, dtype=np.float64) - floor
    top = values.max(initial=0.0)
    if top <= 0:
        return np.zeros(len(values))
    normalised: npt.NDArray[np.float64] = np.clip(values / top, 0.0, 1.0)
    return normalised


def convex_combination(
    keyword: npt.NDArray[np.float64], vector: npt.NDArray[np.float64], *, vector_weight: float
) -> npt.NDArray[np.float64]:
    """Return `vector_weight * vector + (1 - vector_weight) * keyword`.

    Args:
        keyword, vector: Normalised scores of the same n candidates, each in [0, 1].
        vector_weight: In [0, 1].

    Returns:
        float64 (n,), in [0, 1].
    """
    return vector_weight * vector + (1 - vector_weight) * keyword


def reciprocal_rank_fusion(
    keyword: npt.NDArray[np.float64], vector: npt.NDArray[np.float64], *, k: int = RRF_K
) -> npt.NDArray[np.float64]:
    """Return the sum of 1 / (k + rank) over both lists, scaled so that first in both gives 1.

    Args:
        keyword, vector: Scores of the same n candidates; a score of 0 means not in that list.
        k: Damps the lead of the first ranks.
    """
    fused = np.zeros(len(keyword))
    for scores in (keyword, vector):
        order = np.argsort(-scores, kind="stable")
        ranks = np.empty(len(scores))
        ranks[order] = np.arange(1, len(scores) + 1)
        fused += np.where(scores > 0, 1.0 / (k + ranks), 0.0)
    return fused * (k + 1) / 2
