"""Ranking: chunks with their scores, judged anew and merged, against one chunk at a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesearch.ranking import Ranking, Scored
from filesearch.scoring import apply_rerank, take_turns

UNIT = st.floats(0, 1, width=32)


def ranking(*shares, first_row=0):
    """Chunks with these keyword and vector shares, best first, in rows from `first_row` on."""
    ordered = sorted(shares, key=sum, reverse=True)
    keyword, vector = np.array(ordered, np.float64).reshape(-1, 2).T
    rows = np.arange(first_row, first_row + len(ordered))
    return Ranking(rows, keyword + vector, keyword, vector, np.full(len(rows), -1))


def every(ranked):
    return ranked.stretch(0, len(ranked))


rankings = st.lists(
    st.tuples(UNIT, UNIT).map(lambda two: (two[0] / 2, two[1] / 2)), max_size=9
).map(lambda shares: ranking(*shares))


def with_score(scored, score):
    share = score / scored.score if scored.score > 0 else 0.0
    keyword = min(scored.keyword * share, score)
    return Scored(scored.row, score, keyword, score - keyword, scored.window)


def test_a_stretch_of_a_ranking_ends_with_it():
    found = ranking((0.5, 0.25), (0.25, 0.25)).stretch(1, 9)
    assert found == [Scored(row=1, score=0.5, keyword=0.25, vector=0.25, window=-1)]


@given(rankings, st.data())
def test_shares_follow_another_score_in_their_proportion(ranked, data):
    scores = data.draw(st.lists(UNIT, min_size=len(ranked), max_size=len(ranked)))
    expected = [with_score(*pair) for pair in zip(every(ranked), scores, strict=True)]
    assert every(ranked.with_scores(np.array(scores, np.float64))) == expected


@given(rankings, st.data())
def test_what_was_judged_stands_by_its_judgement_and_the_rest_below(ranked, data):
    judged = data.draw(st.lists(UNIT, max_size=len(ranked)))
    found = every(apply_rerank(ranked, np.array(judged, np.float32)))
    top, rest = every(ranked)[: len(judged)], every(ranked)[len(judged) :]
    order = sorted(range(len(top)), key=lambda i: (-judged[i], i))
    expected = [with_score(top[i], judged[i]) for i in order]
    shrink = min(expected[-1].score / max(rest[0].score, 1e-9), 1.0) if expected and rest else 1.0
    assert found == expected + [with_score(one, shrink * one.score) for one in rest]


def test_rankings_of_several_queries_take_turns_and_name_each_chunk_once():
    """Under the shares that it had where it was named first; rows 2 and 3 are in both."""
    first = ranking((0.4, 0.4), (0.3, 0.3), (0.2, 0.2), (0.1, 0.1))
    second = ranking((0.5, 0.0), (0.25, 0.0), (0.125, 0.0), first_row=2)
    merged = every(take_turns([first, second]))
    assert [one.row for one in merged] == [0, 2, 1, 3, 4]
    assert [one.score for one in merged] == [0.8, 0.6, 0.5, 0.25, 0.125]
    assert [one.vector for one in merged] == pytest.approx([0.4, 0.0, 0.25, 0.0, 0.0])


@given(st.lists(rankings, min_size=1, max_size=4))
def test_scores_of_merged_rankings_fall_and_are_the_sum_of_their_shares(ranked):
    merged = every(take_turns(ranked))
    assert {one.row for one in merged} == {row for one in ranked for row in one.rows.tolist()}
    assert all(a.score >= b.score for a, b in pairwise(merged))
    assert all(one.keyword + one.vector == pytest.approx(one.score) for one in merged)
