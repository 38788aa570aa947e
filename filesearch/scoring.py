"""Scoring: the candidates of a question -> chunks in order, with scores and what gave them.

Candidates -> fuse both scores -> Ranking; a reranker's scores -> Ranking anew; the rankings of
several queries -> one. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from filesearch.candidates import Candidates, Question
from filesearch.fuse import (
    adaptive_weight,
    convex_combination,
    merge_rankings,
    normalise,
    reciprocal_rank_fusion,
)
from filesearch.ranking import Ranking
from filesearch.types import FloatVector


def fuse_candidates(question: Question, candidates: Candidates, weight: float | None) -> Ranking:
    """Return the candidates by their fused scores.

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


def score_candidates(candidates: Candidates, *, vector_weight: float | None) -> Ranking:
    """Fuse both scores of each candidate; ties go by row, and what scores 0 is left out.

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
    fused_ranking = Ranking(candidates.rows, fused, keyword_share, vector_share, candidates.windows)
    return fused_ranking.some(order)


def by_cosine(candidates: Candidates) -> Ranking:
    """Return the candidates that have vectors by their cosine, ties by row, each with score 0."""
    at = np.flatnonzero(candidates.windows >= 0)
    at = at[np.lexsort((candidates.rows[at], -candidates.vector[at]))]
    nothing = np.zeros(len(at))
    return Ranking(candidates.rows[at], nothing, nothing, nothing, candidates.windows[at])


def fill_up(ranking: Ranking, others: Sequence[Ranking]) -> Ranking:
    """Return `ranking`, and behind it what the others hold besides, in their order, each once."""
    joined = Ranking.join(others)
    _rows, first = np.unique(joined.rows, return_index=True)
    new = first[~np.isin(joined.rows[first], ranking.rows)]
    return Ranking.join([ranking, joined.some(np.sort(new))])


def apply_rerank(fused: Ranking, scores: FloatVector) -> Ranking:
    """Return the first of `fused` by their new scores, then the rest, shrunk to fit below.

    Args:
        fused: Any number of chunks.
        scores: Of as many of them as were judged, in their order; ties stay in it.
    """
    count = len(scores)
    order = np.argsort(-scores, kind="stable")
    judged, rest = scores[order].astype(np.float64), fused.scores[count:]
    if count and len(rest):
        rest = min(judged[-1] / max(rest[0], 1e-9), 1.0) * rest
    ranked = fused.some(np.concatenate([order, np.arange(count, len(fused))]))
    return ranked.with_scores(np.concatenate([judged, rest]))


def take_turns(rankings: Sequence[Ranking]) -> Ranking:
    """Return the rankings of several queries, at least one, as one; see `merge_rankings`.

    By turns the chunks come; the scores are dealt out again, so that they still fall.
    """
    joined = Ranking.join(rankings)
    ends = np.cumsum([len(ranking) for ranking in rankings]).tolist()
    merged = merge_rankings(
        [range(end - len(ranking), end) for ranking, end in zip(rankings, ends, strict=True)],
        key=joined.rows.tolist().__getitem__,
        top_k=len(joined),
    )
    ranked = joined.some(np.array(merged, np.int64))
    return ranked.with_scores(np.sort(ranked.scores)[::-1])
