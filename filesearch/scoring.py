"""Scoring: the candidates of a question -> chunks in order, with scores and what gave them.

Candidates -> fuse both scores -> Scored[], best first; a reranker's scores -> Scored[] anew. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from filesearch.candidates import Candidates, Question
from filesearch.fuse import (
    adaptive_weight,
    convex_combination,
    normalise,
    reciprocal_rank_fusion,
)
from filesearch.passages import Scored
from filesearch.types import FloatVector


def fuse_candidates(
    question: Question, candidates: Candidates, weight: float | None
) -> list[Scored]:
    """Return the candidates by their fused scores, best first.

    Args:
        question: The vector share falls with the share of it that the embedder does not know.
        candidates: Of the question.
        weight: Share of the vector score; None lets it follow the two lists of scores.
    """
    if weight is None:
        weight = adaptive_weight(
            normalise(candidates.keyword), candidates.vector, candidates.keyword_share
        )
    return score_candidates(candidates, vector_weight=weight * question.known)


def score_candidates(candidates: Candidates, *, vector_weight: float | None) -> list[Scored]:
    """Fuse both scores of each candidate; returns them best first, ties by row.

    Normalised scores say how candidates compare, not what they are worth: the best of a bad list
    has 1 too. So they are scaled by what the best match is worth on any store: the same combination
    of its cosine and of its share of the question's terms.

    Args:
        candidates: Any number.
        vector_weight: Share of the vector score, 0..1; None fuses by reciprocal ranks instead.
    """
    keyword = normalise(candidates.keyword)
    vector = normalise(candidates.vector)
    if vector_weight is None:
        fused = reciprocal_rank_fusion(keyword, vector)
        keyword_share = reciprocal_rank_fusion(keyword, np.zeros(len(vector)))
    else:
        best_cosine = float(np.clip(candidates.vector.max(initial=0.0), 0, 1))
        worth = vector_weight * best_cosine + (1 - vector_weight) * candidates.keyword_share
        fused = worth * convex_combination(keyword, vector, vector_weight=vector_weight)
        keyword_share = worth * (1 - vector_weight) * keyword
    order = np.lexsort((candidates.rows, -fused))
    order = order[fused[order] > 0]
    vector_share = np.maximum(fused - keyword_share, 0.0)
    # As lists at once: numpy hands out single numbers ten times as slowly.
    columns = (candidates.rows, fused, keyword_share, vector_share, candidates.windows)
    return list(map(Scored, *(column[order].tolist() for column in columns)))


def apply_rerank(
    top: Sequence[Scored], scores: FloatVector, rest: Sequence[Scored]
) -> list[Scored]:
    """Return `top` by its new scores, then the rest, whose scores shrink to fit below."""
    order = sorted(range(len(top)), key=lambda i: (-scores[i], i))
    ranked = [with_score(top[i], float(scores[i])) for i in order]
    if not rest:
        return ranked
    ceiling = min(ranked[-1].score / max(rest[0].score, 1e-9), 1.0) if ranked else 1.0
    return ranked + [with_score(scored, ceiling * scored.score) for scored in rest]


def with_score(scored: Scored, score: float) -> Scored:
    """Return the candidate with another score, its shares in the same proportion."""
    share = score / scored.score if scored.score > 0 else 0.0
    keyword = min(scored.keyword * share, score)  # rounding must not make the rest negative
    return Scored(scored.row, score, keyword, score - keyword, scored.window)
