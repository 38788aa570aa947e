"""Centrality: sentences of a text -> those that say most of what the others say.

LexRank (Erkan and Radev, 2004): sentences are nodes, their similarity weighs the edges, and a
sentence counts as much as the sentences that resemble it. Picking is by maximal marginal
relevance (Carbonell and Goldstein, 1998), so that no two say the same. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filesearch.types import FloatMatrix

FloatArray = npt.NDArray[np.float64]

MAX_SENTENCES = 400
"""Sentences that are compared, and embedded, for one summary."""

_DAMPING = 0.85  # of PageRank (Brin and Page, 1998), as in LexRank
_MAX_ITERATIONS = 100
_TOLERANCE = 1e-6
# Weight of a sentence's rank against its likeness to those picked before.
_RELEVANCE = 0.7
# From this likeness on two sentences are one: a copy, or the same line with another number.
_SAME = 0.9
# What the first sentence is given over the last, and the terms below which a sentence says less.
_LEAD_BONUS = 0.25
_FULL_TERMS = 15
# A long text is cut into this many stretches, each of which sends its own best sentences.
_STRETCHES = 50


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence that was picked.

    Attributes:
        index: Position among the sentences given.
        score: Its rank against the best one's, in [0, 1].
    """

    index: int
    score: float


def shortlist(terms: Sequence[Sequence[str]], limit: int = MAX_SENTENCES) -> list[int]:
    """Return at most `limit` sentences, taken evenly from all of the text, in its order.

    Within each of fifty stretches the best by `keyword_centrality` are taken.

    Args:
        terms: The keyword terms of each sentence, in order of the text.
        limit: At least 1.
    """
    count = len(terms)
    if count <= limit:
        return list(range(count))
    scores = keyword_centrality(terms)
    stretches = np.array_split(np.arange(count), min(_STRETCHES, limit))
    each = limit // len(stretches)
    kept = [part[np.argsort(-scores[part], kind="stable")[:each]] for part in stretches]
    return sorted(int(i) for part in kept for i in part)


def keyword_centrality(terms: Sequence[Sequence[str]]) -> FloatArray:
    """Return how much of the text's vocabulary each sentence carries: float64 (n,), at least 0.

    The sum over its distinct terms of the share of sentences that hold the term, over the square
    root of their number. Linear in the text; cosine similarity to the mean of all sentences, but
    for constants.
    """
    found = Counter(term for sentence in terms for term in set(sentence))
    scores = [
        sum(found[term] for term in set(sentence)) / max(1.0, len(set(sentence)) ** 0.5)
        for sentence in terms
    ]
    return np.array(scores) / max(1, len(terms))


def keyword_vectors(terms: Sequence[Sequence[str]]) -> FloatMatrix:
    """Return unit TF-IDF vectors: float32 (n, distinct terms); a sentence without terms is 0."""
    found = Counter(term for sentence in terms for term in set(sentence))
    columns = {term: column for column, term in enumerate(found)}
    weights = np.zeros((len(terms), len(columns)), dtype=np.float32)
    for row, sentence in enumerate(terms):
        for term, times in Counter(sentence).items():
            weights[row, columns[term]] = times * np.log(1 + len(terms) / found[term])
    norms = np.linalg.norm(weights, axis=1, keepdims=True)
    unit: FloatMatrix = weights / np.maximum(norms, 1e-9)
    return unit


def similarities(
    terms: Sequence[Sequence[str]], known_share: float, embed: Callable[[], FloatMatrix]
) -> FloatArray:
    """Return how alike each two sentences are: float64 (n, n), in [0, 1].

    Args:
        terms: The keyword terms of each sentence.
        known_share: How far the embedder knows the language, 0 to 1: the weight of its cosines;
            the rest is that of the keyword cosines. At 0 nothing is embedded.
        embed: Gives the sentences' unit vectors.
    """
    keyword = keyword_vectors(terms)
    result = (1 - known_share) * (keyword @ keyword.T).astype(np.float64)
    if known_share > 0:
        vectors = embed()
        result += known_share * np.clip((vectors @ vectors.T).astype(np.float64), 0, 1)
    return np.clip(result, 0, 1)


def lexrank(similarity: FloatArray) -> FloatArray:
    """Return the centrality of each sentence: float64 (n,), adding up to 1; shape (0,) for none.

    Power iteration. A link weighs what a likeness has above the mean of all: any two sentences of
    one text are a little alike, the more so by embedding, and that says nothing. A sentence
    without a link is linked to all alike.

    Args:
        similarity: (n, n), symmetric, at least 0; the diagonal is not read.
    """
    count = len(similarity)
    others = ~np.eye(count, dtype=bool)
    mean = float(similarity[others].mean()) if count > 1 else 0.0
    excess = similarity - mean
    links = np.where(others & (excess > _TOLERANCE), excess, 0)
    totals = links.sum(axis=1, keepdims=True)
    links = np.where(totals > 0, links / np.maximum(totals, 1e-12), 1 / max(1, count))
    ranks: FloatArray = np.full(count, 1 / max(1, count))
    for _ in range(_MAX_ITERATIONS):
        following = (1 - _DAMPING) / count + _DAMPING * (ranks @ links) if count else ranks
        if np.abs(following - ranks).sum() < _TOLERANCE:
            return following
        ranks = following
    return ranks


def pick_central(
    similarity: FloatArray, terms: Sequence[Sequence[str]], count: int, *, is_text: bool = True
) -> list[Pick]:
    """Return up to `count` sentences that say most and do not repeat each other, best first.

    Args:
        similarity: (n, n), in [0, 1]; see `similarities`.
        terms: The keyword terms of each of the n sentences.
        count: At least 1.
        is_text: The sentences are a text in its order: earlier ones count for a little more.
    """
    total = len(terms)
    length = np.array([min(1.0, len(sentence) / _FULL_TERMS) for sentence in terms])
    lead = 1 + _LEAD_BONUS * np.linspace(1, 0, total) * is_text
    scores = lexrank(similarity) * length * lead
    scores = scores / max(float(scores.max(initial=0.0)), 1e-12)
    nearest = np.zeros(total)
    left = np.ones(total, dtype=bool)
    picked: list[Pick] = []
    while len(picked) < count and left.any():
        marginal = _RELEVANCE * scores - (1 - _RELEVANCE) * nearest
        best = int(np.argmax(np.where(left, marginal, -np.inf)))
        picked.append(Pick(best, float(scores[best])))
        left &= similarity[best] < _SAME
        left[best] = False
        nearest = np.maximum(nearest, similarity[best])
    return picked
