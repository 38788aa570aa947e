"""Preload: what is mapped is in the process before a question needs it, from the second one on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from filesearch.index import bm25
from filesearch.index import preload as module
from filesearch.index.array_file import map_array
from filesearch.index.bm25 import KeywordScorer
from filesearch.index.preload import preload

from .support_postings import build

SMAPS = Path("/proc/self/smaps")


def mapped_kb(path):
    """How much of a file's mapping is in this process."""
    _, _, rest = SMAPS.read_text().partition(f"{path}\n")
    return int(rest.partition("Rss:")[2].split()[0])


@pytest.mark.skipif(not SMAPS.exists(), reason="no /proc/self/smaps: Linux alone has it")
def test_every_page_is_looked_at(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((1000, 1024), np.uint32))
    array = map_array(tmp_path / "a.npy")
    assert mapped_kb(tmp_path / "a.npy") < 1000
    preload([array, np.empty(0)]).join(30)
    assert mapped_kb(tmp_path / "a.npy") >= 4000


def test_what_is_too_large_together_is_left_alone(monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 2 * 8 * 10)
    assert preload([np.ones(10), np.ones(10)]) is not None
    assert preload([np.ones(10), np.ones(11)]) is None
    assert preload([]) is None


def test_the_second_question_of_a_process_begins_it_and_no_other_does(monkeypatch):
    asked = []
    monkeypatch.setattr(bm25, "preload", lambda arrays: asked.append(list(arrays)))
    parts = [build([["a"], ["b"]]), build([["a", "c"]])]
    scorer = KeywordScorer(parts, [None, None])
    scorer.top(["a"], 1)
    assert asked == []
    for _ in range(3):
        scorer.top(["a"], 1)
    [arrays] = asked
    assert {id(array) for array in arrays} == {
        id(array) for part in parts for array in part.arrays().values()
    }
