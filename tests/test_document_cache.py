"""Document cache: a document's text is read once, and never a stale one is given."""

from __future__ import annotations

from filesearch.document_cache import DocumentCache
from filesearch.types import Document


class Shelf:
    """Documents by id, and which were read."""

    def __init__(self, **texts):
        self.texts = {int(k[1:]): v for k, v in texts.items()}
        self.read = []

    def fetch(self, ids):
        self.read += sorted(ids)
        return {i: Document(self.texts[i]) for i in ids if i in self.texts}


def test_a_document_is_read_once():
    shelf, cache = Shelf(d1="kiln", d2="mug"), DocumentCache()
    for _ in range(3):
        found = cache.get({1: "a", 2: "b"}, shelf.fetch)
        assert {i: d.text for i, d in found.items()} == {1: "kiln", 2: "mug"}
    assert shelf.read == [1, 2]


def test_another_document_under_a_used_id_is_not_mistaken_for_the_old_one():
    shelf, cache = Shelf(d1="kiln"), DocumentCache()
    cache.get({1: "a"}, shelf.fetch)
    shelf.texts[1] = "new"
    assert cache.get({1: "b"}, shelf.fetch)[1].text == "new"


def test_what_is_gone_is_left_out():
    assert DocumentCache().get({9: "z"}, Shelf().fetch) == {}


def test_the_oldest_go_when_there_is_too_much_text():
    shelf, cache = Shelf(d1="x" * 60, d2="y" * 60, d3="z" * 500), DocumentCache(100)
    cache.get({1: "a"}, shelf.fetch)
    cache.get({2: "b"}, shelf.fetch)
    cache.get({2: "b"}, shelf.fetch)
    cache.get({1: "a"}, shelf.fetch)
    assert shelf.read == [1, 2, 1]
    assert cache.get({3: "c"}, shelf.fetch)[3].text == "z" * 500
