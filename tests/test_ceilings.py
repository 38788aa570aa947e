"""Ceilings: never below a score, and not far above one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filesearch.index import ceilings as ceilings_module
from filesearch.index.ceilings import Ceilings
from filesearch.index.impacts import K1, B, mean_length
from filesearch.index.postings import Postings
from filesearch.index.scored_part import ScoredPart, TermList

from .support_postings import Row, build, dense_from


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


@pytest.mark.parametrize("mean_ratio", [0.5, 1.0, 1.3, 6.0])
@pytest.mark.parametrize("n_terms", [1, 5, 63, 64, 90])
@pytest.mark.parametrize("has_columns", [True, False])
def test_no_row_scores_above_its_ceiling_nor_far_below_where_the_mean_is_the_segments(
    n_terms: int,
    mean_ratio: float,
    has_columns: bool,
    postings: Postings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ceilings_module, "_BLOCK_ROWS", 128)
    if not has_columns:
        postings = replace(postings, dense_impacts=postings.dense_impacts[:0])
    part = part_of(postings, mean_ratio)
    rng = np.random.default_rng(n_terms)
    lists = [(find(part, i), rng.uniform(0.1, 9)) for i in range(1, n_terms + 1)]
    rows = np.arange(part.n_rows)
    scores = part.scores_at(lists, rows)
    ceilings = Ceilings(part, lists, None).of(rows)
    assert (ceilings >= scores).all()
    assert (ceilings[scores == 0] == 0).all()
    assert ceilings.max() < 1.3 * sum(weight for _, weight in lists)
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
