"""Fuse: normalised scores and their combination."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesearch.fuse import (
    adaptive_weight,
    convex_combination,
    fusion_signals,
    merge_rankings,
    normalise,
    reciprocal_rank_fusion,
)

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


rankings = st.lists(st.lists(st.integers(0, 9), max_size=8, unique=True), max_size=4)


def merge(lists, top_k=100):
    return merge_rankings(lists, key=lambda item: item, top_k=top_k)


def test_the_first_ranking_holds_every_other_place():
    assert merge(["abcd", "wx", "yz"]) == list("awbycxdz")


def test_an_item_that_is_there_already_costs_its_ranking_the_turn():
    assert merge(["abc", "axy"]) == list("abxcy")


def test_the_first_of_two_equal_items_is_kept():
    assert merge_rankings([["a"], ["A", "b"]], key=str.lower, top_k=9) == ["a", "b"]


def test_nothing_is_merged_into_nothing():
    assert merge([]) == []
    assert merge([[], []]) == []
    assert merge(["abc"], top_k=0) == []


@given(rankings, st.integers(0, 12))
def test_merged_items_are_different_and_no_more_than_asked(lists, top_k):
    merged = merge(lists, top_k)
    everything = {item for ranking in lists for item in ranking}
    assert len(set(merged)) == len(merged) == min(top_k, len(everything))


@given(rankings)
def test_every_item_stands_where_it_was_promised_or_better(lists):
    merged = merge(lists)
    for j, ranking in enumerate(lists):
        for rank, item in enumerate(ranking, start=1):
            place = 2 * rank - 1 if j == 0 else 2 * ((len(lists) - 1) * (rank - 1) + j)
            assert merged.index(item) + 1 <= place


@given(rankings)
def test_the_first_ranking_keeps_its_order_among_its_own(lists):
    assert merge(lists[:1]) == (lists[0] if lists else [])


def test_the_vector_share_grows_with_the_nearest_vector_and_stays_a_share():
    keyword = np.linspace(1, 0, 30)
    shares = [adaptive_weight(keyword, np.linspace(top, 0, 30), 0.3) for top in (0.2, 0.5, 0.8)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1


def test_lists_without_candidates_have_signals_too():
    assert fusion_signals(np.empty(0), np.empty(0), 0.0).tolist() == [1, 0, 0, 0, 0]
