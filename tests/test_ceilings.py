"""Ceilings: never below a score, and their columns within a budget, whoever asks."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from filesearch.index import ceilings as ceilings_module
from filesearch.index import top_k as top_k_module
from filesearch.index.bm25 import KeywordScorer
from filesearch.index.ceilings import Ceilings, ColumnCache
from filesearch.index.impacts import K1, B, mean_length
from filesearch.index.postings import Postings
from filesearch.index.scored_part import ScoredPart, TermList

from .support_postings import Row, build, dense_from

COLUMN_BYTES = 300 + 512
"""What a column of the rows below takes, with what keeping it does."""


def draw_rows(seed: int, n_rows: int = 300) -> list[Row]:
    """Return rows of words that are more common the lower their number; some repeat one a lot."""
    rng = np.random.default_rng(seed)
    rows = [[f"w{i}" for i in rng.zipf(1.3, rng.integers(1, 60)) % 97] for _ in range(n_rows)]
    rows[7] += ["w1"] * 400
    return rows


@pytest.fixture(scope="module")
def postings() -> Postings:
    with dense_from(100):
        return build(draw_rows(1))


def part_of(postings: Postings, mean_ratio: float = 1.0) -> ScoredPart:
    mean = mean_ratio * mean_length(postings.lengths)
    return ScoredPart(postings, None, k1=K1, b=B, mean=mean)


def find(part: ScoredPart, number: int) -> TermList:
    found = part.find(f"w{number}")
    assert found is not None
    return found


def ask(cache: ColumnCache, part: ScoredPart, number: int) -> bool:
    """Return whether a common word's column is kept from now on."""
    found = find(part, number)
    assert found.column is not None
    column = cache.get(part, found.number, found.column)
    assert column is None or column.nbytes == part.n_rows
    return column is not None


@pytest.mark.parametrize("mean_ratio", [0.5, 1.0, 1.7])
@pytest.mark.parametrize("n_terms", [1, 5, 63, 64, 90])
@pytest.mark.parametrize("budget_bytes", [0, 1_000_000])
def test_no_row_scores_above_its_ceiling_nor_far_below_where_the_mean_is_the_segments(
    n_terms: int,
    mean_ratio: float,
    budget_bytes: int,
    postings: Postings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ceilings_module, "COLUMNS", ColumnCache(budget_bytes))
    monkeypatch.setattr(ceilings_module, "_BLOCK_ROWS", 128)
    part = part_of(postings, mean_ratio)
    rng = np.random.default_rng(n_terms)
    lists = [(find(part, i), rng.uniform(0.1, 9)) for i in range(1, n_terms + 1)]
    rows = np.arange(part.n_rows)
    scores = part.scores_at(lists, rows)
    ceilings = Ceilings(part, lists, None).of(rows)
    assert (ceilings >= scores).all()
    assert (ceilings[scores == 0] == 0).all()
    if mean_ratio == 1.0:
        assert (ceilings - scores).max() < 0.05 * sum(weight for _, weight in lists)


def test_rows_come_by_their_ceilings_but_those_left_out_and_not_allowed(
    postings: Postings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ceilings_module, "_STRIPES", 4)
    part = part_of(postings)
    allowed = np.arange(part.n_rows) % 3 > 0
    tops = Ceilings(part, [(find(part, i), 1.0) for i in (2, 3)], allowed)
    ceilings = np.where(allowed, tops.of(np.arange(part.n_rows)), 0)
    fifth = np.sort(ceilings)[-5]
    assert tops.reaching(fifth).tolist() == np.flatnonzero(ceilings >= fifth).tolist()
    best = tops.best(5)
    assert set(tops.reaching(fifth)) <= set(best)
    tops.leave_out(best)
    others = set(np.flatnonzero(ceilings)) - set(best)
    assert set(tops.reaching(0.0)) == others


def test_columns_stay_within_the_budget(postings: Postings) -> None:
    cache, part = ColumnCache(3 * COLUMN_BYTES), part_of(postings)
    for number in (1, 2, 3, 4, 5, 4, 4, 3, 5, 1):
        ask(cache, part, number)
        assert len(part.columns) * COLUMN_BYTES == cache.size_bytes <= 3 * COLUMN_BYTES


def test_a_column_larger_than_the_budget_is_not_kept(postings: Postings) -> None:
    cache, part = ColumnCache(COLUMN_BYTES - 1), part_of(postings)
    assert not ask(cache, part, 1)
    assert cache.size_bytes == 0


def test_a_term_asked_for_more_often_takes_the_place_of_another(postings: Postings) -> None:
    cache, part = ColumnCache(COLUMN_BYTES), part_of(postings)
    assert ask(cache, part, 1)
    assert ask(cache, part, 1)
    assert [ask(cache, part, 2) for _ in range(2)] == [False, True]
    assert list(part.columns) == [find(part, 2).number]


def test_columns_go_with_their_part(postings: Postings) -> None:
    cache, part = ColumnCache(2 * COLUMN_BYTES), part_of(postings)
    assert all(ask(cache, part, number) for number in (1, 2, 1, 2, 1, 2))
    del part
    gc.collect()
    later = part_of(postings)
    assert ask(cache, later, 3)
    assert ask(cache, later, 4)
    assert cache.size_bytes == 2 * COLUMN_BYTES


def test_threads_find_what_one_finds_while_columns_come_and_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(top_k_module, "SCAN_COST", 0)
    cache = ColumnCache(5_000)
    monkeypatch.setattr(ceilings_module, "COLUMNS", cache)
    with dense_from(100):
        parts = [build(draw_rows(seed)) for seed in (1, 2)]
    rng = np.random.default_rng(0)
    queries = [[f"w{i}" for i in rng.integers(1, 12, 4)] for _ in range(300)]

    def search(scorer: KeywordScorer, query: Row) -> list[float]:
        return scorer.top(query, 10).scores.tolist()

    one = KeywordScorer(parts, [None, None])
    expected = [search(one, query) for query in queries]
    scorer = KeywordScorer(parts, [None, None])
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda query: search(scorer, query), queries)) == expected
    kept = sum(len(part.columns) for part in (*scorer._parts, *one._parts))
    assert kept * COLUMN_BYTES <= cache.size_bytes <= 5_000
