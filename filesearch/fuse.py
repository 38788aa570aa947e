"""Fuse: two lists of scores become one, and so do the rankings of several queries.

The default is a convex combination of normalised scores (Bruch, Gai, Ingber: An Analysis of
Fusion Functions for Hybrid Retrieval, 2022); reciprocal rank fusion (Cormack, Clarke, Buettcher
2009) is the alternative. Rankings of different queries hold different things, so they are not
added up but take turns. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

RRF_K = 60  # of the paper above

# For `fusion_signals`, in their order; fitted by scripts/train_reranker.py.
FUSION_WEIGHTS = np.array([0.06, 1.404, 0.078, -0.916, -0.627])
T = TypeVar("T")


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
    normalised: npt.NDArray[np.float64] = np.maximum(values / top, 0.0)
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


def fusion_signals(
    keyword: npt.NDArray[np.float64], vector: npt.NDArray[np.floating], keyword_share: float
) -> npt.NDArray[np.float64]:
    """Return what tells which of two lists to trust: float64 (5,), each in [-1, 1].

    1; the best cosine similarity; the lead of the ten best over the ten after them in cosine; how
    much of the question the best keyword match holds; the share of the ten best of either list
    that both have.

    Args:
        keyword: Normalised scores of n candidates.
        vector: Cosine similarities of the same.
        keyword_share: What the best BM25 score is of the most there could be.
    """
    nearest = np.sort(vector)[::-1]
    lead = nearest[:10].mean() - nearest[10:20].mean() if len(nearest) > 10 else 0.0
    depth = min(10, len(keyword))
    by_keyword, by_vector = np.argsort(-keyword)[:depth], np.argsort(-vector)[:depth]
    both = {*by_keyword.tolist()} & {*by_vector.tolist()}
    overlap = len(both) / max(depth, 1)
    return np.array([1.0, nearest.max(initial=0.0), lead, keyword_share, overlap])


def adaptive_weight(
    keyword: npt.NDArray[np.float64], vector: npt.NDArray[np.floating], keyword_share: float
) -> float:
    """Return the share of the vector score in fusion, in (0, 1); see `fusion_signals`."""
    z = FUSION_WEIGHTS @ fusion_signals(keyword, vector, keyword_share)
    return float(1 / (1 + np.exp(-z)))


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
        fused += np.where(scores > 0, 1.0 / (k + ranks(scores)), 0.0)
    return fused * (k + 1) / 2


def ranks(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return the rank of each score, 1 for the best, ties by position: float64 (n,)."""
    found = np.empty(len(scores))
    found[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return found


def merge_rankings(
    rankings: Sequence[Sequence[T]], *, key: Callable[[T], Hashable], top_k: int
) -> list[T]:
    """Return one ranking of several: the first holds every other place, the rest take turns.

    Turn by turn, the first ranking names its next item, then one of the others does, each in its
    turn. An item that is there already is passed over, and whoever named it has had its turn. So
    the item at rank r of the first ranking stands at place 2r - 1 or better, that of the j-th of m
    others at place 2(m(r - 1) + j) or better. (Places by the sum of reciprocal ranks instead put
    first what each query half matches: scripts/measure_plan.py prints both.)

    Args:
        rankings: Best first; the first is that of the whole question. None, or empty ones, are
            fine.
        key: What makes two items the same; the first one named is kept.
        top_k: At least 0.

    Returns:
        Items with different keys, at most `top_k`; every item when there is room.
    """
    found: dict[Hashable, T] = {}
    for item in _take_turns(rankings):
        if len(found) >= top_k:
            break
        found.setdefault(key(item), item)
    return list(found.values())


def _take_turns(rankings: Sequence[Sequence[T]]) -> Iterator[T]:
    if not rankings:
        return
    lead, others = rankings[0], rankings[1:]
    depth = max((len(other) for other in others), default=0) * len(others)
    for turn in range(max(len(lead), depth)):
        if turn < len(lead):
            yield lead[turn]
        if others:
            rank, which = divmod(turn, len(others))
            if rank < len(others[which]):
                yield others[which][rank]
