"""Rows of terms for the tests of keyword search, and what is built from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import strategies as st

from filesearch.index import postings as postings_module
from filesearch.index.postings import Postings
from filesearch.index.postings_builder import PostingsBuilder

Row = list[str]
Segments = list[list[tuple[Row, bool]]]
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


def assert_equal(left: Postings, right: Postings) -> None:
    for (name, a), b in zip(left.arrays().items(), right.arrays().values(), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)
        assert a.dtype == b.dtype, name


@contextmanager
def dense_from(min_rows: int) -> Iterator[None]:
    """Give common terms their columns in segments as small as this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings_module, "DENSE_MIN_ROWS", min_rows)
        yield
