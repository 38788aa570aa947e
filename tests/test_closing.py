"""Closing: what becomes of searches under way, and of the threads that made them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from filesearch.plan import QueryPlan
from filesearch.testing import HashingEmbedder


class WaitingEmbedder(HashingEmbedder):
    """Embeds questions only once it may."""

    def __init__(self):
        super().__init__()
        self.is_asked, self.may_answer = threading.Event(), threading.Event()

    def embed_question(self, text):
        self.is_asked.set()
        assert self.may_answer.wait(60)
        return super().embed_question(text)


def search_threads():
    return [one for one in threading.enumerate() if one.name.startswith("filesearch-")]


def test_a_search_under_way_ends_as_if_nothing_was_closed(make_fs, docs):
    embedder = WaitingEmbedder()
    fs = make_fs(embedder=embedder)
    fs.ingest(docs)
    # More queries than are computed at once: some have not begun when it is closed.
    queries = tuple(f"kiln {number}" for number in range(6))
    with ThreadPoolExecutor(1) as other:
        found = other.submit(fs.search, QueryPlan("kiln", queries))
        assert embedder.is_asked.wait(60)
        fs.close()
        embedder.may_answer.set()
        assert found.result()[0].filename == "kiln.txt"
    assert fs.search("kiln")[0].filename == "kiln.txt"


def test_closing_ends_the_search_threads(fs, docs):
    fs.ingest(docs)
    before = search_threads()
    fs.search(QueryPlan("kiln", ("kiln", "mug")))
    begun = [one for one in search_threads() if one not in before]
    assert {one.name.rsplit("_", 1)[0] for one in begun} >= {
        "filesearch-question",
        "filesearch-query",
    }
    fs.close()
    for thread in begun:
        if not thread.name.startswith("filesearch-step"):  # those are the process's
            thread.join(60)
            assert not thread.is_alive()
