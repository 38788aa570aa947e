"""ONNX session: how sequences are put into batches."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filesearch.onnx_session import BATCH_TOKENS, batches


@given(st.lists(st.integers(0, 600), max_size=80))
def test_each_row_is_in_one_batch_and_batches_keep_the_budget(lengths):
    found = list(batches(np.array(lengths, np.int64)))
    assert sorted(row for rows in found for row in rows) == list(range(len(lengths)))
    for rows in found:
        assert len(rows) * max(lengths[row] for row in rows) <= BATCH_TOKENS


def test_a_sequence_over_the_budget_runs_alone():
    found = list(batches(np.array([10, BATCH_TOKENS + 1, 10])))
    assert [list(rows) for rows in found] == [[1], [0, 2]]


def test_batches_hold_like_lengths():
    lengths = np.array([512, 8] * 40)
    spread = [np.ptp(lengths[rows]) for rows in batches(lengths)]
    assert sorted(spread)[:-1] == [0] * (len(spread) - 1)
