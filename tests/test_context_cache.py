"""Context cache: a chunk's context is made once, and is the one that its document gives."""

from __future__ import annotations

from filesearch.context import find_contexts
from filesearch.context_cache import ContextCache
from filesearch.index_rows import Place
from filesearch.records import Entry
from filesearch.terms import extract_terms
from filesearch.types import ChunkSettings, Document

from .test_context import SPANS

STARTS = [60, 0, 25, 12, 25, 35]


class CountedSpans(tuple):
    """Spans, and how often they were gone through."""

    times = 0

    def __iter__(self):
        self.times += 1
        return super().__iter__()


def place(start, *, filename="shop.md", load_key="k", document_id=1):
    entry = Entry(
        1, 1, 0, "f", filename, document_id, {}, ChunkSettings(), False, load_key=load_key
    )
    return Place(entry, start, start + 5, 0)


def test_each_chunk_has_the_context_that_its_document_gives():
    cache, document = ContextCache(), Document("x" * 100, SPANS, title="Shop")
    for _ in range(2):
        found = cache.of([place(start) for start in STARTS], {1: document})
        lines = [find_contexts("shop.md", "Shop", SPANS, [start])[0] for start in STARTS]
        assert [one.line for one in found] == lines
        assert [one.terms for one in found] == [set(extract_terms(line)) for line in lines]


def test_the_spans_of_a_document_are_gone_through_once_for_all_chunks_and_not_again():
    spans = CountedSpans(SPANS)
    cache, document = ContextCache(), Document("x" * 100, spans)
    for _ in range(3):
        cache.of([place(start) for start in STARTS], {1: document})
    assert spans.times == 1
    cache.of([place(60), place(61)], {1: document})  # one of them is new
    assert spans.times == 2


def test_where_nothing_names_a_document_it_is_read_again():
    cache = ContextCache()
    for title in ("Old shop", "New shop"):
        [found] = cache.of([place(0, load_key="", filename="id")], {1: Document("x", title=title)})
        assert found.line == title


def test_a_document_under_another_name_has_another_context():
    cache, document = ContextCache(), Document("x" * 100, SPANS)
    found = [cache.of([place(60, filename=name)], {1: document})[0] for name in ("a.md", "b.md")]
    assert [one.line for one in found] == ["a › Handbook › Delivery", "b › Handbook › Delivery"]


def test_a_chunk_of_a_document_that_is_gone_has_none():
    cache = ContextCache()
    assert [one.line for one in cache.of([None, place(0)], {})] == ["", ""]


def test_what_is_forgotten_for_want_of_room_is_made_again():
    spans = CountedSpans(SPANS)
    cache, document = ContextCache(max_kept=10), Document("x" * 100, spans)
    for _ in range(3):
        [found] = cache.of([place(25)], {1: document})
        assert found.line == "shop › Handbook › Returns › Mugs"
        cache.of([place(start, load_key=f"{start}") for start in range(20)], {1: Document("x")})
    assert spans.times == 3
