"""BM25: the same numbers as `rank_bm25.BM25Okapi`, from segments that grow, shrink and merge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from filesearch.index import top_k as top_k_module
from filesearch.index.bm25 import KeywordScorer
from filesearch.index.postings import Postings

from .support_postings import QUERIES, ROWS, SEGMENTS, Row, Segments, build, dense_from


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


def draw_segments(seed: int) -> Segments:
    """Return rows as of a language: few words in most rows, many words in a few."""
    rng = np.random.default_rng(seed)
    sizes = rng.choice([0, 1, 30, 400], rng.integers(1, 6))
    sizes[0] = 700
    return [
        [
            ([f"w{i}" for i in rng.zipf(1.3, rng.integers(0, 60)) % 997], rng.random() < 0.9)
            for _ in range(size)
        ]
        for size in sizes.tolist()
    ]


@pytest.mark.parametrize("first_postings", [0, 40, 100_000])
@pytest.mark.parametrize("seed", range(6))
def test_the_best_rows_are_found_without_looking_at_all(
    seed: int, first_postings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rare and common words together, with and without columns, dead and forbidden rows."""
    monkeypatch.setattr(top_k_module, "FIRST_POSTINGS", first_postings)
    monkeypatch.setattr(top_k_module, "FEW", 4)
    if seed < 3:
        monkeypatch.setattr(top_k_module, "COUNTED_ROWS", 0)
    # All rows are gone through wherever that may be, nowhere, or where it is quicker.
    monkeypatch.setattr(top_k_module, "SCAN_COST", [0, 1e9, top_k_module.SCAN_COST][seed % 3])
    segments = draw_segments(seed)
    rng = np.random.default_rng(seed)
    with dense_from(10_000 if seed % 2 else 100):
        parts = [build([row for row, _ in segment]) for segment in segments]
    if seed == 0:  # written before there were impacts by row
        parts[0] = replace(parts[0], dense_impacts=parts[0].dense_impacts[:0])
    live = [np.array([alive for _, alive in segment], np.bool_) for segment in segments]
    scorer = KeywordScorer(parts, live)
    corpus = [row for segment in segments for row, alive in segment if alive]
    peer = BM25Okapi(corpus)
    for top_k in (1, 2, 10, 100, len(corpus)):
        for share in (0.0, 0.01, 0.3, 1.0):
            query = [f"w{i}" for i in (rng.zipf(1.3, rng.integers(1, 9)) % 997).tolist()]
            allowed = None if share == 1 else [rng.random(len(mask)) < share for mask in live]
            hits = scorer.top(query, top_k, allowed)
            masks = zip(allowed or live, live, strict=True)
            chosen = np.concatenate([mask[alive] for mask, alive in masks])
            holds = np.array([bool(set(row) & set(query)) for row in corpus])
            scores = peer.get_scores(query)[chosen & holds]
            np.testing.assert_allclose(hits.scores, np.sort(scores)[::-1][:top_k], rtol=1e-9)
            found = list(zip(hits.parts.tolist(), hits.rows.tolist(), strict=True))
            exact = scorer.score(query)
            assert hits.scores.tolist() == [exact[part][row] for part, row in found]
            assert found == sorted(found, key=lambda at: (-exact[at[0]][at[1]], at))
            assert allowed is None or all(allowed[part][row] for part, row in found)


def test_a_score_to_beat_is_found_where_hardly_any_row_has_the_most_of_a_common_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(top_k_module, "SCAN_COST", 1e9)
    rng = np.random.default_rng(3)
    rows = [
        [word for word, share in (("a", 0.45), ("b", 0.4)) if rng.random() < share]
        + ["c"] * int(rng.integers(1, 60))
        for _ in range(90_000)
    ]
    rows[0] = ["b"] * 9  # the first of a list is always looked at
    floors = []
    start = top_k_module._Search._start

    def start_and_tell(search: top_k_module._Search) -> int:
        done = start(search)
        floors.append(search._floor)
        return done

    monkeypatch.setattr(top_k_module._Search, "_start", start_and_tell)
    hits = KeywordScorer([build(rows)], [None]).top(["a", "b"], 10)
    best = np.sort(peer_scores(rows, ["a", "b"]))[::-1][:10]
    np.testing.assert_allclose(hits.scores, best, rtol=1e-9)
    assert floors[0] > best[-1] / 2


@pytest.mark.parametrize("hidden", ["forbidden", "dead"])
@pytest.mark.parametrize("counted_rows", [0, 4096])
def test_rare_words_that_stand_in_hidden_rows_alone_are_passed_over(
    hidden: str, counted_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(top_k_module, "FIRST_POSTINGS", 12)
    monkeypatch.setattr(top_k_module, "COUNTED_ROWS", counted_rows)
    parts = [build([["p", "q"]] * 5 + [["c"]] * 91), build([["p", "q", "c"]] * 5)]
    shown = np.arange(96) >= 5
    live = [shown if hidden == "dead" else None, None]
    allowed = [shown, np.ones(5, np.bool_)] if hidden == "forbidden" else None
    scorer = KeywordScorer(parts, live, min_idf=1e-6)
    hits = scorer.top(["p", "q", "c"], 10, allowed)
    assert hits.parts.tolist() == [1] * 5 + [0] * 5
    assert hits.rows.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert hits.scores.tolist() == [
        float(scorer.score(["p", "q", "c"])[part][row])
        for part, row in zip(hits.parts.tolist(), hits.rows.tolist(), strict=True)
    ]


def test_sums_by_row_are_the_same_counted_or_sorted() -> None:
    """To the last bit: both add up the gains of a row in the order in which they come."""
    rng = np.random.default_rng(0)
    rows, gains = rng.integers(0, 50, 400), rng.random(400)
    counted = top_k_module._add_equal(rows, gains, top_k_module.COUNTED_ROWS)
    sorted_up = top_k_module._add_equal(rows, gains, top_k_module.COUNTED_ROWS + 1)
    for left, right in zip(counted, sorted_up, strict=True):
        assert left.tolist() == right.tolist()


@pytest.mark.parametrize("top_k", [1, 70, 199, 200])
def test_ties_at_the_cut_are_settled_in_a_long_list_too(top_k: int) -> None:
    part = build([["x", "y"] if i % 3 else ["y", "x"] for i in range(100)])
    more = build([["z"]] * 300)
    hits = KeywordScorer([part, more, part], [None] * 3).top(["x"], top_k)
    rows = [(p, row) for p in (0, 2) for row in range(100)]
    assert list(zip(hits.parts.tolist(), hits.rows.tolist(), strict=True)) == rows[:top_k]


@given(SEGMENTS, QUERIES)
def test_scores_and_counts_of_some_rows_are_those_of_all(segments: Segments, query: Row) -> None:
    parts = [build([row for row, _ in segment]) for segment in segments]
    scorer = KeywordScorer(parts, [None] * len(parts))
    terms = list(dict.fromkeys(query))
    for i, (segment, scores) in enumerate(zip(segments, scorer.score(query), strict=True)):
        rows = np.arange(len(segment))[::-1]
        assert scorer.scores_at(query, i, rows).tolist() == scores[rows].tolist()
        expected = [[segment[row][0].count(term) for row in rows] for term in terms]
        np.testing.assert_array_equal(
            scorer.counts_at(terms, i, rows), np.reshape(expected, (len(terms), len(rows)))
        )


@given(SEGMENTS)
def test_the_mean_idf_is_that_of_the_live_terms(segments: Segments) -> None:
    live = [np.array([alive for _, alive in segment], np.bool_) for segment in segments]
    parts = [build([row for row, _ in segment]) for segment in segments]
    rows = [row for segment in segments for row, alive in segment if alive]
    expected = BM25Okapi(rows).average_idf if any(rows) else 0.0
    np.testing.assert_allclose(KeywordScorer(parts, live).average_idf, expected, atol=1e-12)


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


class _Word(str):
    """A term that counts how often one is compared with another."""

    comparisons = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        _Word.comparisons += 1
        return str.__eq__(self, other)


def test_a_long_question_is_not_read_once_for_each_of_its_words() -> None:
    words = [f"w{number}" for number in range(500)]
    scorer = KeywordScorer([build([words, words[:9]])], [None])
    expected = scorer.top(words * 2, 2)
    _Word.comparisons = 0
    found = scorer.top([_Word(word) for word in words * 2], 2)
    assert found.scores.tolist() == expected.scores.tolist()
    assert _Word.comparisons < 10 * len(words)
