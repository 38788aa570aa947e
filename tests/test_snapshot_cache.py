"""Snapshot cache: stores stay open while they are used, and are opened again when they change."""

from __future__ import annotations

import math
import threading
import time
import weakref
from types import SimpleNamespace

import pytest

from filesearch import snapshot_cache as module
from filesearch.snapshot_cache import SnapshotCache

from .support_stores import fill, upload


def cache_of(fs, max_stores=9, **more):
    index = fs._index
    return SnapshotCache(
        index.segments, index.catalog.roster, index._generations, max_stores, **more
    )


def stores_of_one_segment(fs, count):
    """Make stores with a file each; returns their records."""
    fs.open(create=True)
    ids = [fs.stores.create().id for _ in range(count)]
    for store_id in ids:
        fill(fs, store_id, upload(fs, "kiln.txt", f"The kiln of {store_id} is hot."))
    return [fs._index.catalog.store(store_id) for store_id in ids]


def test_a_store_that_did_not_change_stays_open(fs, docs):
    fs.ingest(docs)
    cache = cache_of(fs)
    first = cache.get(fs._index.open_store())
    assert cache.get(fs._index.open_store()) is first


def test_a_change_keeps_the_segments_that_are_still_there(fs, docs):
    fs.ingest(docs / "kiln.txt")
    cache = cache_of(fs)
    before = cache.get(fs._index.open_store())
    with fs._index.merging():  # else both would become one
        fs.ingest(docs / "mugs.md")
    after = cache.get(fs._index.open_store())
    assert after.generation > before.generation
    assert after.segments[0] is before.segments[0]
    assert len(after.segments) == 2


def test_who_read_the_catalog_earlier_gets_what_is_open_by_now(fs, docs):
    fs.ingest(docs / "kiln.txt")
    earlier = fs._index.open_store()
    fs.ingest(docs / "mugs.md")
    cache = cache_of(fs)
    later = cache.get(fs._index.open_store())
    assert cache.get(earlier) is later


def test_the_store_that_was_used_longest_ago_is_closed(fs, docs):
    fs.ingest(docs)
    cache, default = cache_of(fs, max_stores=2), fs._index.open_store()
    others = [fs._index.catalog.store(fs.stores.create().id) for _ in range(2)]
    first, second = cache.get(default), cache.get(others[0])
    assert cache.get(default) is first
    cache.get(others[1])
    assert cache.get(default) is first
    assert cache.get(others[0]) is not second


def test_a_store_that_is_slow_to_open_keeps_nobody_from_the_others(fs, docs):
    fs.ingest(docs)
    is_opening, may_open = threading.Event(), threading.Event()
    slow, quick = fs._index.open_store(), fs._index.catalog.store(fs.stores.create().id)

    def roster(store_id, last):
        if store_id == slow.id:
            is_opening.set()
            assert may_open.wait(30)
        return fs._index.catalog.roster(store_id, last)

    cache = SnapshotCache(fs._index.segments, roster, fs._index._generations)
    thread = threading.Thread(target=cache.get, args=(slow,))
    thread.start()
    assert is_opening.wait(30)
    assert cache.get(quick).segments == []
    may_open.set()
    thread.join()


def test_the_stores_used_longest_ago_are_closed_where_too_many_segments_are_open(fs):
    one, two, three = stores_of_one_segment(fs, 3)
    cache = cache_of(fs, max_segments=2)
    first, second = cache.get(one), cache.get(two)
    assert cache.get(one) is first
    cache.get(three)
    assert cache.get(one) is first
    assert cache.get(two) is not second


def test_a_store_of_too_many_segments_stays_open_alone(fs):
    (store,) = stores_of_one_segment(fs, 1)
    cache = cache_of(fs, max_segments=0)
    assert cache.get(store) is cache.get(store)


@pytest.fixture
def later(monkeypatch):
    """Lets time pass for the cache."""
    passed = [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed[0])
    monkeypatch.setattr(module, "time", clock)

    def pass_s(seconds):
        passed[0] += seconds

    return pass_s


def is_open(cache, store):
    return store.id in cache._opened


def test_a_deleted_store_is_closed_where_it_was_deleted(fs):
    gone, stays = stores_of_one_segment(fs, 2)
    for store in (gone, stays):
        fs.stores.search([store.id], ["kiln"], top_k=3)
    held = weakref.ref(fs._index.snapshot(gone).segments[0])
    fs.stores.delete(gone.id)
    assert held() is None
    assert is_open(fs._index._snapshots, stays)


def test_a_store_that_another_process_deleted_is_closed_with_a_later_search(fs, later):
    gone, stays = stores_of_one_segment(fs, 2)
    cache = cache_of(fs)
    cache.get(gone)
    fs.stores.delete(gone.id)
    later(59)
    cache.get(stays)
    assert is_open(cache, gone)
    later(2)
    cache.get(stays)
    assert not is_open(cache, gone)
    assert is_open(cache, stays)


def test_a_store_that_has_changed_is_closed_once_nobody_searches_it(fs, later):
    changed, unchanged = stores_of_one_segment(fs, 2)
    cache = cache_of(fs)
    cache.get(changed), cache.get(unchanged)
    fill(fs, changed.id, upload(fs, "mug.txt", "A mug."))
    later(30)
    cache.let_go()
    assert is_open(cache, changed)
    later(31)
    cache.let_go()
    assert not is_open(cache, changed)
    assert is_open(cache, unchanged)


def test_what_a_search_opened_meanwhile_stays(fs, later):
    (store,) = stores_of_one_segment(fs, 1)
    fill(fs, store.id, upload(fs, "mug.txt", "A mug."))
    cache = cache_of(fs)

    def generations(ids):
        found = fs._index._generations(ids)
        later(61)
        cache.get(fs._index.catalog.store(store.id))
        return found

    cache._generations, cache._looked_at = generations, math.inf
    cache.get(fs._index.catalog.store(store.id))
    fill(fs, store.id, upload(fs, "jug.txt", "A jug."))
    cache.let_go()
    assert is_open(cache, store)
