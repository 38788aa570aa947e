"""BM25: the same numbers as `rank_bm25.BM25Okapi`, from segments that grow, shrink and merge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from filesearch.index.bm25 import KeywordScorer
from filesearch.index.postings import Postings

from .support_postings import QUERIES, ROWS, SEGMENTS, Row, Segments, build


def peer_scores(rows: list[Row], query: Row) -> np.ndarray:
    if not any(rows):
        return np.zeros(len(rows))  # rank_bm25 divides by zero there
    return BM25Okapi(rows).get_scores(query)


@given(ROWS, QUERIES)
def test_scores_equal_rank_bm25(rows: list[Row], query: Row) -> None:
    [scores] = KeywordScorer([build(rows)], [None]).score(query)
    np.testing.assert_allclose(scores, peer_scores(rows, query), rtol=1e-9, atol=1e-9)


# At k1 = 0 and at b = 1 rank_bm25 itself divides zero by zero for empty rows.
@given(ROWS, QUERIES, st.floats(0.1, 3), st.floats(0, 0.9), st.floats(0, 1))
def test_other_parameters_equal_rank_bm25(
    rows: list[Row], query: Row, k1: float, b: float, epsilon: float
) -> None:
    [scores] = KeywordScorer([build(rows)], [None], k1=k1, b=b, epsilon=epsilon).score(query)
    if any(rows):
        peer = BM25Okapi(rows, k1=k1, b=b, epsilon=epsilon)
        np.testing.assert_allclose(scores, peer.get_scores(query), rtol=1e-9, atol=1e-9)


@given(SEGMENTS, QUERIES)
def test_segments_with_dead_rows_score_as_one_corpus_of_the_live(
    segments: Segments, query: Row
) -> None:
    parts = [build([row for row, _ in segment]) for segment in segments]
    live = [np.array([alive for _, alive in segment], np.bool_) for segment in segments]
    scores = KeywordScorer(parts, live).score(query)
    of_live = [s for part, mask in zip(scores, live, strict=True) for s in part[mask]]
    rows = [row for segment in segments for row, alive in segment if alive]
    np.testing.assert_allclose(of_live, peer_scores(rows, query), rtol=1e-9, atol=1e-9)
    assert all((part[~mask] == 0).all() for part, mask in zip(scores, live, strict=True))


@given(SEGMENTS, QUERIES, st.integers(1, 5), st.data())
def test_top_is_the_sorted_scores_of_allowed_live_rows_that_hold_a_term(
    segments: Segments, query: Row, top_k: int, data: st.DataObject
) -> None:
    parts = [build([row for row, _ in s]) for s in segments]
    live = [np.array([alive for _, alive in s], np.bool_) for s in segments]
    allowed = [
        np.array(data.draw(st.lists(st.booleans(), min_size=len(s), max_size=len(s))), np.bool_)
        for s in segments
    ]
    scorer = KeywordScorer(parts, live)
    scores = scorer.score(query)
    expected = sorted(
        (-float(scores[p][r]), p, r)
        for p, segment in enumerate(segments)
        for r, (row, alive) in enumerate(segment)
        if alive and allowed[p][r] and set(row) & set(query)
    )[:top_k]
    hits = scorer.top(query, top_k, allowed)
    found = zip((-hits.scores).tolist(), hits.parts.tolist(), hits.rows.tolist(), strict=True)
    assert list(found) == expected


def test_terms_in_more_than_half_of_the_rows_weigh_epsilon_of_the_mean_idf() -> None:
    rows = [["all", f"w{i}"] for i in range(9)]
    [scores] = KeywordScorer([build(rows)], [None]).score(["all"])
    assert scores[0] > 0
    np.testing.assert_allclose(scores, BM25Okapi(rows).get_scores(["all"]), rtol=1e-12)


def test_a_term_of_weight_zero_still_finds_its_row() -> None:
    hits = KeywordScorer([build([["a"], ["b"]])], [None]).top(["a"], 5)
    assert hits.rows.tolist() == [0]
    assert hits.scores.tolist() == [0.0]


def test_ties_at_the_cut_go_by_part_then_row() -> None:
    part = build([["x"], ["y"], ["x"], ["z"], ["w"]])
    hits = KeywordScorer([part, part], [None, None]).top(["x"], 3)
    assert list(zip(hits.parts.tolist(), hits.rows.tolist(), strict=True)) == [
        (0, 0),
        (0, 2),
        (1, 0),
    ]


@pytest.mark.parametrize("parts", [[], [build([])], [build([[], []])]])
def test_an_empty_index_finds_nothing(parts: list[Postings]) -> None:
    scorer = KeywordScorer(parts, [None] * len(parts))
    assert [scores.tolist() for scores in scorer.score(["a"])] == [[0.0] * p.n_rows for p in parts]
    assert scorer.top(["a"], 3).rows.tolist() == []
    assert scorer.average_idf == 0.0
