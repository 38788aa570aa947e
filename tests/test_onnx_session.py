"""ONNX session: how sequences are put into batches, and that nothing is collected."""

import os
import subprocess
import sys

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


def test_embedding_leaves_no_telemetry_behind(tmp_path):
    code = (
        "from filesearch.embed.onnx import OnnxEmbedder\n"
        "OnnxEmbedder(threads=1).embed_query('kiln')\n"
        "from filesearch.embed.threads import describe_machine\n"
        "describe_machine('model', 1)"
    )
    places = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=os.environ | places, check=True)
    assert list(tmp_path.rglob("*")) == []
