"""Fuse: normalised scores and their combination."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesearch.fuse import convex_combination, normalise, reciprocal_rank_fusion

scores = st.lists(st.floats(-5, 50, allow_subnormal=False), max_size=20).map(np.array)


@given(scores)
def test_normalised_scores_keep_their_order_within_0_and_1(values):
    result = normalise(values)
    assert ((result >= 0) & (result <= 1)).all()
    positive = values > 0
    assert (np.diff(result[positive][np.argsort(values[positive])]) >= 0).all()
    assert not len(values) or values.max() <= 0 or result.max() == 1


def test_nothing_above_the_floor_gives_zeros():
    assert normalise(np.array([0.0, -1.0])).tolist() == [0, 0]
    assert normalise(np.array([])).tolist() == []


def test_the_weight_moves_between_the_two_lists():
    keyword, vector = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert convex_combination(keyword, vector, vector_weight=0).tolist() == [1, 0]
    assert convex_combination(keyword, vector, vector_weight=0.25).tolist() == [0.75, 0.25]


def test_rrf_is_the_sum_of_reciprocal_ranks():
    keyword, vector = np.array([3.0, 2.0, 0.0]), np.array([0.1, 0.9, 0.5])
    expected = np.array([1 / 61 + 1 / 63, 1 / 62 + 1 / 61, 1 / 62]) * 61 / 2
    assert reciprocal_rank_fusion(keyword, vector) == pytest.approx(expected)


def test_rrf_of_first_in_both_is_one():
    assert reciprocal_rank_fusion(np.array([2.0, 1]), np.array([9.0, 1]))[0] == 1
