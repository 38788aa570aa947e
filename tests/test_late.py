"""Late: MaxSim over one-bit token signs agrees with its slow twin."""

from __future__ import annotations

import numpy as np
import pytest

from filesearch import late
from filesearch.late import STRETCH_ROWS, late_scores
from filesearch.signs import PIECES_PER_ROW, join_signs, token_signs
from filesearch.types import TokenSigns

DIMENSION = 32


def slow_twin(tokens, weights, signs):
    """The formula, number by number: (window, stretch) of each window."""
    found, row = [], 0
    for count in signs.counts.tolist():
        bits = np.unpackbits(signs.bits[row : row + count], axis=1)
        row += count
        if count == 0:
            found.append((0.0, 0.0))
            continue
        similar = [
            [
                sum(float(x) * (1 if b else -1) for x, b in zip(t, r, strict=True)) / DIMENSION**0.5
                for r in bits
            ]
            for t in tokens
        ]

        def score(first, past, similar=similar):
            return sum(w * max(s[first:past]) for w, s in zip(weights, similar, strict=True))

        stretches = range(max(1, count - STRETCH_ROWS + 1))
        best = max(score(first, min(count, first + STRETCH_ROWS)) for first in stretches)
        found.append((score(0, count), best))
    return np.array(found).T


def draw(seed, counts):
    rng = np.random.default_rng(seed)
    tokens = rng.normal(size=(5, DIMENSION)).astype(np.float32)
    tokens /= np.linalg.norm(tokens, axis=1, keepdims=True)
    weights = rng.random(5).astype(np.float32)
    bits = rng.integers(0, 256, size=(sum(counts), DIMENSION // 8), dtype=np.uint8)
    return tokens, weights / weights.sum(), TokenSigns(bits, np.array(counts, np.int64))


@pytest.mark.parametrize("counts", [[1], [3, 25, 10], [0, 11, 0, 9, 40], [10, 10], [0]])
def test_scores_equal_the_slow_twin(counts):
    given = draw(sum(counts), counts)
    scores = late_scores(*given)
    window, stretch = slow_twin(*given)
    np.testing.assert_allclose(scores.window, window, atol=1e-5)
    np.testing.assert_allclose(scores.stretch, stretch, atol=1e-5)


def test_a_stretch_never_beats_its_window_and_all_lies_within_one():
    scores = late_scores(*draw(7, [30, 12, 50]))
    assert (scores.stretch <= scores.window + 1e-6).all()
    assert (np.abs(scores.window) <= 1).all()


def test_scores_are_the_same_however_many_threads_share_the_work(monkeypatch):
    monkeypatch.setattr(late, "_STEP_ROWS", late._BLOCK_ROWS)
    given = draw(3, [40] * 200)
    shared, alone = late_scores(*given), late_scores(*given, is_alone=False)
    np.testing.assert_array_equal(shared.window, alone.window)
    np.testing.assert_array_equal(shared.stretch, alone.stretch)


def test_a_question_without_pieces_scores_nothing():
    _, _, signs = draw(0, [4, 5])
    scores = late_scores(np.empty((0, DIMENSION), np.float32), np.empty(0, np.float32), signs)
    assert scores.window.tolist() == scores.stretch.tolist() == [0, 0]


@pytest.mark.parametrize("length", [2, 3, 4, 5, 7, 9])
def test_signs_are_those_of_sums_of_three_pieces_without_the_special_tokens(length):
    rng = np.random.default_rng(length)
    tokens = rng.normal(size=(1, 9, DIMENSION)).astype(np.float32)
    [bits] = token_signs(tokens, np.array([length]))
    inner = tokens[0, 1 : length - 1]
    groups = [inner[i : i + PIECES_PER_ROW].sum(axis=0) for i in range(0, len(inner), 3)]
    expected = np.array(groups).reshape(-1, DIMENSION) > 0
    np.testing.assert_array_equal(np.unpackbits(bits, axis=1), expected)


def test_parts_of_joined_signs_are_what_was_joined():
    parts = [np.full((n, 4), n, np.uint8) for n in (2, 0, 3)]
    joined = join_signs(parts, DIMENSION)
    assert joined.counts.tolist() == [2, 0, 3]
    for i, part in enumerate(parts):
        np.testing.assert_array_equal(joined.part(i, i + 1).bits, part)
    assert TokenSigns.join([joined, joined]).counts.tolist() == [2, 0, 3, 2, 0, 3]
