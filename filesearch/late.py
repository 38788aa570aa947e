"""Late: compare every word piece of a question with every row of a window's token signs.

question tokens + weights + TokenSigns -> a score for each window, on all cores. This is ColBERT's
MaxSim (Khattab, Zaharia 2020) with a weight for each piece of the question:

    score = sum over pieces t of weight_t * max over rows r of <q_t, s_r> / sqrt(dimension)

where s_r is +1 or -1 in each dimension. No model runs: signs were kept when windows were embedded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from filesearch.sign_product import SignProduct
from filesearch.steps import run_steps
from filesearch.types import FloatMatrix, FloatVector, IntArray, TokenSigns

# Rows of three word pieces each: about as long as a sentence (25 to 30 pieces in English prose).
STRETCH_ROWS = 10
_BLOCK_ROWS = 2048  # of which the bits, a byte each, stay in a core's cache
_STEP_ROWS = 4 * _BLOCK_ROWS  # of one thread; about 0.6 ms


@dataclass(frozen=True, slots=True, eq=False)
class LateScores:
    """Scores of n windows, in [-1, 1]; 0 for a window without signs.

    Attributes:
        window: float32 (n,): each piece's best row may be anywhere in the window.
        stretch: float32 (n,): the best that `STRETCH_ROWS` consecutive rows of it reach alone.
    """

    window: FloatVector
    stretch: FloatVector


def late_scores(
    tokens: FloatMatrix, weights: FloatVector, signs: TokenSigns, *, is_alone: bool = True
) -> LateScores:
    """Score windows for a question.

    Args:
        tokens: float32 (n_pieces, dimension), unit rows; n_pieces may be 0.
        weights: float32 (n_pieces,), at least 0, with a sum of 1.
        signs: Of the windows.
        is_alone: No other search waits: threads share the work. Handing it over takes a part of
            what that saves, which others could use.
    """
    counts = signs.counts
    says = weights > 0  # punctuation does not
    tokens, weights = tokens[says], weights[says]
    window = np.zeros(len(counts), np.float32)
    stretch = np.zeros(len(counts), np.float32)
    if len(tokens) == 0 or len(signs.bits) == 0:
        return LateScores(window, stretch)
    similarities = _similarities(tokens, signs, _STEP_ROWS if is_alone else len(signs.bits))
    has_rows = counts > 0
    starts = (np.cumsum(counts) - counts)[has_rows]
    window[has_rows] = _weighed(np.maximum.reduceat(similarities, starts, axis=0), weights)
    stretch[has_rows] = _best_stretches(similarities, weights, starts, counts[has_rows])
    # Windows shorter than a stretch have no whole one.
    stretch = np.where(counts < STRETCH_ROWS, window, stretch)
    return LateScores(window, stretch)


def _similarities(tokens: FloatMatrix, signs: TokenSigns, step_rows: int) -> FloatMatrix:
    """Return <q_t, s_r> / sqrt(dimension) for every row and piece: float32 (m, n_pieces).

    A thread takes `step_rows` at a time.
    """
    product = SignProduct(tokens)
    found = np.empty((len(signs.bits), len(tokens)), np.float32)

    def multiply(first: int) -> None:
        for start in range(first, min(first + step_rows, len(found)), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            found[block] = product.similarities(signs.bits[block])

    run_steps([partial(multiply, first) for first in range(0, len(found), step_rows)])
    return found


def _best_stretches(
    similarities: FloatMatrix, weights: FloatVector, starts: IntArray, counts: IntArray
) -> FloatVector:
    """Return the best weighted score of STRETCH_ROWS consecutive rows within each window."""
    reached, length = similarities, 1
    while length < STRETCH_ROWS:
        step = min(length, STRETCH_ROWS - length)
        further = np.empty_like(reached)
        np.maximum(reached[:-step], reached[step:], out=further[:-step])
        further[-step:] = reached[-step:]  # too near to the end for a stretch
        reached = further
        length += step
    scores = _weighed(reached, weights)
    # Of each window the rows at which a stretch begins that ends in it; of a shorter one the first.
    past = starts + np.maximum(counts - STRETCH_ROWS + 1, 1)
    edges = np.column_stack([starts, np.minimum(past, len(scores) - 1)]).reshape(-1)
    best: FloatVector = np.maximum.reduceat(scores, edges)[::2]
    return best


def _weighed(similarities: FloatMatrix, weights: FloatVector) -> FloatVector:
    """Return `similarities @ weights`, without BLAS: float32 (n,)."""
    found: FloatVector = np.einsum("ij,j->i", similarities, weights)
    return found
