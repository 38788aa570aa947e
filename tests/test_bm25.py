"""BM25: the same numbers as `rank_bm25.BM25Okapi`, from segments that grow, shrink and merge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from filesearch.errors import IndexDamaged
from filesearch.index import postings as module
from filesearch.index.bm25 import KeywordScorer
from filesearch.index.postings import Postings, PostingsBuilder
from filesearch.terms import term_spans

Row = list[str]
TERMS = st.sampled_from(["a", "b", "c", "d", "资本", "é"])
ROWS = st.lists(st.lists(TERMS, max_size=8), max_size=7)
QUERIES = st.lists(st.one_of(TERMS, st.just("unknown")), max_size=6)
# Segments of (row, is it live?).
SEGMENTS = st.lists(
    st.lists(st.tuples(st.lists(TERMS, max_size=6), st.booleans()), max_size=6), max_size=4
)


def build(rows: list[Row]) -> Postings:
    builder = PostingsBuilder()
    for row in rows:
        builder.add(row)
    return builder.build()


def peer_scores(rows: list[Row], query: Row) -> np.ndarray:
    if not any(rows):
        return np.zeros(len(rows))  # rank_bm25 divides by zero there
    return BM25Okapi(rows).get_scores(query)


def assert_equal(left: Postings, right: Postings) -> None:
    for (name, a), b in zip(left.arrays().items(), right.arrays().values(), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)
        assert a.dtype == b.dtype, name


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
    segments: list[list[tuple[Row, bool]]], query: Row
) -> None:
    parts = [build([row for row, _ in segment]) for segment in segments]
    live = [np.array([alive for _, alive in segment], np.bool_) for segment in segments]
    scores = KeywordScorer(parts, live).score(query)
    of_live = [s for part, mask in zip(scores, live, strict=True) for s in part[mask]]
    rows = [row for segment in segments for row, alive in segment if alive]
    np.testing.assert_allclose(of_live, peer_scores(rows, query), rtol=1e-9, atol=1e-9)
    assert all((part[~mask] == 0).all() for part, mask in zip(scores, live, strict=True))


@given(SEGMENTS)
def test_merging_equals_building_from_the_kept_rows(
    segments: list[list[tuple[Row, bool]]],
) -> None:
    parts = [
        (build([row for row, _ in s]), np.array([keep for _, keep in s], np.bool_))
        for s in segments
    ]
    kept = [row for segment in segments for row, keep in segment if keep]
    assert_equal(Postings.merge(parts), build(kept))


@given(SEGMENTS, QUERIES, st.integers(1, 5), st.data())
def test_top_is_the_sorted_scores_of_allowed_live_rows_that_hold_a_term(
    segments: list[list[tuple[Row, bool]]], query: Row, top_k: int, data: st.DataObject
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


@given(ROWS)
def test_row_order_alone_decides_the_arrays(rows: list[Row]) -> None:
    """Whatever terms the builder saw first, and in rows that never came to be."""
    builder = PostingsBuilder()
    builder.add_chunks(term_spans("zebra c b a"), [])
    for row in rows:
        builder.add(row)
    assert_equal(builder.build(), build(rows))


def test_chunks_count_the_terms_fully_inside_them() -> None:
    text = "alpha beta gamma alpha"
    builder = PostingsBuilder()
    assert builder.add_chunks(term_spans(text), [(0, 10), (3, 22), (11, 11)]) == range(3)
    assert_equal(builder.build(), build([["alpha", "beta"], ["beta", "gamma", "alpha"], []]))


def test_find_gives_rows_and_counts_of_a_term() -> None:
    part = build([["a", "b", "a"], ["b"], ["a"]])
    span = part.find("a")
    assert (part.rows[span].tolist(), part.counts[span].tolist()) == ([0, 2], [2, 1])
    assert part.rows[part.find("nowhere")].size == 0
    assert part.lengths.tolist() == [3, 1, 1]


def test_terms_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_hash", lambda _: 7)
    part = build([["b", "a"], ["c"], ["a", "a"]])
    assert list(part.terms()) == [b"a", b"b", b"c"]
    assert [part.rows[part.find(t)].tolist() for t in "abcd"] == [[0, 2], [0], [1], []]
    assert_equal(
        Postings.merge([(build([["b", "a"]]), None), (build([["c"], ["a", "a"]]), None)]), part
    )


def test_counts_above_65535_are_kept() -> None:
    part = build([["a"] * 70_000])
    assert part.counts.tolist() == [70_000]
    assert part.counts.dtype == np.uint32


@pytest.mark.parametrize("rows", [[], [[]], [["a", "b"], ["资本", "a", "a"]]])
def test_opening_gives_what_was_written(tmp_path: Path, rows: list[Row]) -> None:
    part = build(rows)
    paths = part.write(tmp_path)
    assert sorted(paths) == sorted(tmp_path.iterdir())
    assert_equal(Postings.open(tmp_path), part)


def test_opened_postings_are_mapped_not_read(tmp_path: Path) -> None:
    build([["a"]]).write(tmp_path)
    assert not Postings.open(tmp_path).rows.flags.owndata
    assert not Postings.open(tmp_path).rows.flags.writeable


@pytest.mark.parametrize("name", ["hashes", "indptr", "rows", "counts", "lengths", "term_bytes"])
def test_a_missing_or_cut_file_is_damage(tmp_path: Path, name: str) -> None:
    build([["a", "b"], ["b"]]).write(tmp_path)
    path = tmp_path / f"{name}.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IndexDamaged, match="fsearch verify --repair"):
        Postings.open(tmp_path)
    path.unlink()
    with pytest.raises(IndexDamaged, match=name):
        Postings.open(tmp_path)


@pytest.mark.parametrize("name", ["term_offsets", "indptr", "rows", "counts", "term_bytes"])
def test_arrays_of_different_segments_are_damage(tmp_path: Path, name: str) -> None:
    build([["a", "b"], ["b"]]).write(tmp_path)
    other = build([["a", "bc", "c"], ["b", "a"]]).arrays()[name]
    np.save(tmp_path / f"{name}.npy", other)
    with pytest.raises(IndexDamaged, match="do not fit together"):
        Postings.open(tmp_path)
