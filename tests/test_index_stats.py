"""Index stats: what lies in any of the vector stores is counted."""

from __future__ import annotations

import pytest

from filesearch.errors import NotFound
from filesearch.index_stats import largest_store

from .support_stores import attach, fill, upload


@pytest.fixture
def served(fs):
    """An index of an empty default store, and two that were filled through the API."""
    fs.open(create=True)
    fs.ingest_queue.start()
    one, two = fs.stores.create(name="one"), fs.stores.create(name="two")
    fill(fs, one.id, upload(fs, "a.txt", "alpha"), upload(fs, "x.7z", b"7z\xbc\xaf\x27\x1c"))
    fill(fs, two.id, upload(fs, "b.txt", "beta"), upload(fs, "c.txt", "gamma"))
    return fs, one.id, two.id


def test_totals_are_those_of_all_stores(served):
    fs, one, two = served
    found, checked = fs.stats(), fs.verify()
    assert (found.files, found.failed, found.windows, found.characters) == (3, 1, 3, 14)
    assert (found.segments, found.files, found.chunks) == (
        checked.segments,
        checked.files,
        checked.chunks,
    )
    assert [(store.name, store.files, store.failed) for store in found.stores] == [
        ("default", 0, 0),
        ("one", 1, 1),
        ("two", 2, 0),
    ]
    assert {segment.store_id for segment in found.segment_stats} == {one, two}
    assert found.segment_bytes == sum(store.segment_bytes for store in found.stores) > 0
    assert found.late_interaction_bytes > 0


def test_a_file_in_two_stores_counts_in_each(served):
    fs, one, two = served
    file_id = upload(fs, "d.txt", "delta")
    fill(fs, one, file_id)
    fill(fs, two, file_id)
    assert fs.stats().files == 5


def test_one_store_can_be_asked_for(served):
    fs, _one, two = served
    found = fs.stats(two)
    assert (found.files, found.failed, [store.id for store in found.stores]) == (2, 0, [two])
    assert found.blob_bytes == fs.stats().blob_bytes
    with pytest.raises(NotFound):
        fs.stats("vs_none")


def test_files_that_wait_are_not_counted(fs):
    fs.open(create=True)
    store = fs.stores.create()
    attach(fs, store.id, upload(fs, "a.txt", "alpha"))
    assert (fs.stats().files, fs.stats().failed) == (0, 0)


def test_memory_is_that_of_the_largest_store_where_the_default_one_is_empty(served, docs):
    fs, _one, two = served
    assert largest_store(fs._index).id == two
    assert fs.memory("gamma").peak_bytes > 0
    fs.ingest(docs)
    assert largest_store(fs._index).name == "default"
