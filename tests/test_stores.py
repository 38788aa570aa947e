"""Vector stores: one contract, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, update

from filesearch import schema as t
from filesearch.errors import (
    IndexMismatch,
    InvalidFilter,
    InvalidSetting,
    NotFound,
    StoreExpired,
)
from filesearch.paging import PageQuery
from filesearch.store_expiry import KEPT_DAYS
from filesearch.store_records import FileCounts, NewAttachment
from filesearch.testing import HashingEmbedder
from filesearch.types import ChunkSettings

from .support_stores import attach, fill, upload

ALL = PageQuery(limit=None, order="asc")
DAY_S = 86_400


@pytest.fixture
def fs(make_fs, url):
    """The test's index, once on each database."""
    fs = make_fs(db=url)
    fs.open(create=True)
    return fs


@pytest.fixture
def store(fs):
    return fs.stores.create(name="handbook")


def age(fs, store_id, seconds):
    """Let a store have been used last so long ago."""
    c = t.vector_stores.c
    with fs.database.writing() as sql:
        sql.execute(
            update(t.vector_stores)
            .where(c.id == store_id)
            .values(last_active_at=int(time.time()) - seconds)
        )


def names(outcome):
    return {result.filename for result in outcome.results}


# Stores


def test_a_store_is_as_it_was_made(fs):
    made = fs.stores.create(
        name="n", description="d", metadata={"a": "1"}, expires_after_days=3, owner="key"
    )
    assert fs.stores.get(made.id) == made
    assert (made.name, made.description, made.metadata) == ("n", "d", {"a": "1"})
    assert (made.status, made.counts, made.usage_bytes) == ("completed", FileCounts(), 0)
    assert made.expires_at == made.last_active_at + 3 * DAY_S
    assert made.id.startswith("vs_")


def test_a_store_that_does_not_exist_is_not_found_by_any_method(fs):
    for call in (
        lambda: fs.stores.get("vs_none"),
        lambda: fs.stores.update("vs_none", name="x"),
        lambda: fs.stores.touch("vs_none"),
        lambda: fs.stores.delete("vs_none"),
        lambda: fs.stores.attach("vs_none", []),
        lambda: fs.stores.create_batch("vs_none", []),
        lambda: fs.stores.files("vs_none", ALL),
        lambda: fs.stores.search(["vs_none"], ["x"], top_k=3),
    ):
        with pytest.raises(NotFound, match="'vs_none' not found"):
            call()


def test_an_owner_sees_only_its_own_stores(fs):
    mine, _other = fs.stores.create(owner="me"), fs.stores.create(owner="you")
    assert [one.id for one in fs.stores.page(ALL, owner="me").items] == [mine.id]
    with pytest.raises(NotFound):
        fs.stores.get(mine.id, owner="you")


def test_the_list_goes_on_behind_a_store_that_was_deleted(fs):
    made = [fs.stores.create(name=str(number)) for number in range(4)]
    first = fs.stores.page(PageQuery(limit=2))
    assert [one.id for one in first.items] == [made[3].id, made[2].id]
    fs.stores.delete(made[2].id)
    rest = fs.stores.page(PageQuery(limit=2, after=made[2].id))
    assert [one.id for one in rest.items] == [made[1].id, made[0].id]


def test_an_update_changes_what_is_given_and_counts_as_a_use(fs, store):
    age(fs, store.id, 100)
    changed = fs.stores.update(store.id, metadata={"k": "v"}, expires_after_days=1)
    assert (changed.name, changed.metadata, changed.expires_after_days) == (
        "handbook", {"k": "v"}, 1,
    )  # fmt: skip
    assert changed.last_active_at >= store.last_active_at
    assert fs.stores.update(store.id, expires_after_days=None).expires_at is None


@pytest.mark.parametrize("days", [0, 366, -1])
def test_an_expiry_out_of_bounds_is_refused(fs, days):
    with pytest.raises(InvalidSetting, match=f"is {days}; choose 1 to 365"):
        fs.stores.create(expires_after_days=days)


def test_a_use_moves_the_expiry(fs):
    store = fs.stores.create(expires_after_days=1)
    age(fs, store.id, 1000)
    before = fs.stores.get(store.id).expires_at
    fs.stores.touch(store.id)
    assert fs.stores.get(store.id).expires_at >= before + 1000


def test_an_expired_store_is_neither_searched_nor_filled_nor_brought_back_by_a_use(fs):
    store = fs.stores.create(expires_after_days=1)
    file_id = upload(fs, "a.txt", "The kiln is hot.")
    age(fs, store.id, DAY_S)
    fs.stores.touch(store.id)
    assert fs.stores.get(store.id).status == "expired"
    for call in (
        lambda: fs.stores.search([store.id], ["kiln"], top_k=3),
        lambda: attach(fs, store.id, file_id),
        lambda: fs.stores.create_batch(store.id, [NewAttachment(file_id)]),
    ):
        with pytest.raises(StoreExpired, match=store.id):
            call()
    assert fs.stores.update(store.id, expires_after_days=7).status == "completed"


def test_names_come_twice_and_none_is_taken_for_the_store_of_the_command_line(make_fs, url, docs):
    fs = make_fs(db=url)
    made = fs.stores.create(name="default")
    fs.ingest(docs)
    assert fs.stores.get(made.id).counts.total == 0
    [filled] = [one for one in fs.stores.page(ALL).items if one.id != made.id]
    assert (filled.name, filled.counts.completed) == ("default", 3)


@pytest.mark.parametrize("is_noted", [True, False], ids=["now", "of an earlier version"])
def test_the_store_of_the_command_line_keeps_its_place_under_another_name(fs, docs, is_noted):
    fs.ingest(docs)
    if not is_noted:
        with fs.database.writing() as sql:
            sql.execute(delete(t.meta).where(t.meta.c.key == "store:default"))
    [default] = fs.stores.page(ALL).items
    fs.stores.update(default.id, name="renamed")
    fs.stores.create(name="default")
    assert len(fs.ingest(docs).unchanged) == 3
    assert fs.search("kiln degrees")[0].filename == "kiln.txt"
    assert names(fs.stores.search([default.id], ["kiln degrees"], top_k=1)) == {"kiln.txt"}


def test_the_store_of_the_command_line_is_made_anew_after_it_was_deleted(fs, docs):
    fs.ingest(docs)
    [default] = fs.stores.page(ALL).items
    other = fs.stores.create(name="default")
    fs.stores.delete(default.id)
    with pytest.raises(NotFound, match="is empty"):
        fs.search("kiln")
    assert len(fs.ingest(docs).added) == 3
    assert fs.stores.get(other.id).counts.total == 0


# Files


def test_an_attached_file_waits_until_it_is_read_and_is_then_found(fs, store):
    file_id = upload(fs, "kiln.txt", "The kiln reaches 1280 degrees.")
    [waiting] = attach(fs, store.id, file_id, attributes={"year": 2025})
    assert (waiting.status, waiting.usage_bytes) == ("in_progress", 0)
    found = fs.stores.get(store.id)
    assert (found.status, found.counts) == ("in_progress", FileCounts(in_progress=1))
    assert fs.stores.search([store.id], ["kiln"], top_k=3).results == ()
    assert fs.stores.text(store.id, file_id) == ()
    fill(fs, store.id)
    done, found = fs.stores.file(store.id, file_id), fs.stores.get(store.id)
    assert (done.status, done.usage_bytes, done.attributes) == ("completed", 30, {"year": 2025})
    assert (found.status, found.counts) == ("completed", FileCounts(completed=1))
    assert found.usage_bytes > 0
    assert names(fs.stores.search([store.id], ["kiln"], top_k=3)) == {"kiln.txt"}
    assert fs.stores.text(store.id, file_id) == ("The kiln reaches 1280 degrees.",)


def test_files_that_do_not_exist_are_refused_and_nothing_is_attached(fs, store):
    good = upload(fs, "a.txt", "alpha")
    for bad in ("file-none", upload(fs, "b.txt", "beta", expires_at=int(time.time()) - 1)):
        with pytest.raises(NotFound, match=f"No such File object: {bad}"):
            attach(fs, store.id, good, bad)
    assert fs.stores.get(store.id).counts.total == 0


def test_another_owners_file_cannot_be_attached(fs, store):
    file_id = upload(fs, "a.txt", "alpha", owner="you")
    with pytest.raises(NotFound, match=file_id):
        fs.stores.attach(store.id, [NewAttachment(file_id)], owner="me")


def test_a_file_may_be_in_several_stores_cut_up_differently(fs, store):
    other = fs.stores.create()
    file_id = upload(fs, "long.txt", "The kiln is hot and the mug is cold. " * 100)
    fill(fs, store.id, file_id)
    fill(fs, other.id, file_id, chunk_settings=ChunkSettings(100, 50))
    assert fs.stores.file(store.id, file_id).chunk_settings == ChunkSettings()
    assert fs.stores.file(other.id, file_id).chunk_settings == ChunkSettings(100, 50)
    pictures = [fs._index.catalog.picture(one) for one in (store.id, other.id)]
    assert len({picture.entries[0].document_id for picture in pictures}) == 1  # text kept once
    chunks = [len(fs._index.catalog.chunks(p.entries[0].store_file_id)) for p in pictures]
    assert chunks[0] < chunks[1]


def test_attaching_again_reads_again_only_what_is_cut_up_otherwise(fs, store):
    file_id = upload(fs, "a.txt", "alpha beta")
    fill(fs, store.id, file_id, attributes={"a": 1})
    [same] = attach(fs, store.id, file_id, attributes={"a": 2})
    assert (same.status, same.attributes) == ("completed", {"a": 2})
    fs.ingest_queue.stop()
    [again] = attach(fs, store.id, file_id, chunk_settings=ChunkSettings(200, 0))
    assert again.status == "in_progress"
    fill(fs, store.id)
    assert fs.stores.file(store.id, file_id).status == "completed"
    assert len(fs.stores.search([store.id], ["alpha"], top_k=9).results) == 1
    assert fs.stores.get(store.id).counts.total == 1


def test_a_file_that_is_present_can_be_attached_as_it_is(fs, store):
    file_id = upload(fs, "a.txt", "alpha beta")
    as_it_is = {"attributes": {"a": 1}, "chunk_settings": ChunkSettings(200, 0)}
    fill(fs, store.id, file_id, **as_it_is)
    held = fs.stores.file(store.id, file_id)
    [same] = attach(fs, store.id, file_id, keeps_present=True)
    assert same == held
    with fs.database.writing() as sql:
        sql.execute(update(t.store_files).values(status="failed"))
    fs.ingest_queue.stop()
    [again] = attach(fs, store.id, file_id, keeps_present=True)
    assert (again.status, again.attributes) == ("in_progress", {"a": 1})
    assert again.chunk_settings == ChunkSettings(200, 0)


def test_new_attributes_hold_for_one_store_and_for_the_next_search(fs, store):
    other = fs.stores.create()
    file_id = upload(fs, "a.txt", "alpha beta")
    for one in (store, other):
        fill(fs, one.id, file_id, attributes={"year": 1})
    fs.stores.set_attributes(store.id, file_id, {"year": 2})
    wanted = {"type": "eq", "key": "year", "value": 2}
    found = [
        fs.stores.search([one.id], ["alpha"], top_k=3, filters=wanted) for one in (store, other)
    ]
    assert [len(one.results) for one in found] == [1, 0]
    with pytest.raises(InvalidSetting, match="attribute 'bad'"):
        fs.stores.set_attributes(store.id, file_id, {"bad": [1]})


def test_a_detached_file_is_not_found_any_more_but_stays_an_object(fs, store):
    other = fs.stores.create()
    file_id = upload(fs, "a.txt", "alpha beta")
    fill(fs, store.id, file_id)
    fill(fs, other.id, file_id)
    fs.stores.detach(store.id, file_id)
    assert fs.stores.search([store.id], ["alpha"], top_k=3).results == ()
    assert len(fs.stores.search([other.id], ["alpha"], top_k=3).results) == 1
    with pytest.raises(NotFound, match=file_id):
        fs.stores.file(store.id, file_id)
    fs.stores.detach(other.id, file_id)
    fill(fs, store.id, file_id)  # it is still there to be attached
    assert len(fs.stores.search([store.id], ["alpha"], top_k=3).results) == 1


def test_an_ingested_file_that_is_detached_becomes_an_object_of_its_own(fs, docs):
    fs.ingest(docs)
    [default] = fs.stores.page(ALL).items
    file_id = fs.files()[0].id
    fs.stores.detach(default.id, file_id)
    assert len(fs.files()) == 2
    other = fs.stores.create()
    fill(fs, other.id, file_id)
    assert len(fs.stores.search([other.id], ["kiln mug studio"], top_k=3).results) == 1


def test_a_file_without_bytes_can_be_put_into_another_store(fs, store):
    from filesearch import Document, NamedDocument

    fs.ingest_documents([NamedDocument("ticket-7", Document("The kiln door sticks."))])
    fill(fs, store.id, fs.files()[0].id)
    assert names(fs.stores.search([store.id], ["kiln door"], top_k=3)) == {"ticket-7"}


def test_removing_from_the_command_line_keeps_what_others_use(fs, store):
    [default] = [one for one in fs.stores.page(ALL).items if one.name == "default"]
    shared, single = upload(fs, "a.txt", "alpha"), upload(fs, "b.txt", "beta")
    fill(fs, default.id, shared, single)
    fill(fs, store.id, shared)
    fs.remove(["a.txt", "b.txt"])
    assert len(fs.stores.search([store.id], ["alpha"], top_k=3).results) == 1
    attach(fs, store.id, single)  # an upload is nobody's but its owner's to delete


def test_a_deleted_store_leaves_its_files_and_nothing_else(fs, store):
    file_id = upload(fs, "a.txt", "alpha beta")
    fill(fs, store.id, file_id)
    batch = fs.stores.create_batch(store.id, [NewAttachment(file_id)])
    fs.stores.delete(store.id)
    with pytest.raises(NotFound):
        fs.stores.batch(store.id, batch.id)
    assert fs._index.catalog.segments() == []
    assert list(fs._index.segments.iterdir()) == []
    fill(fs, fs.stores.create().id, file_id)


def test_files_are_listed_by_state_and_from_a_cursor_that_is_in_another(fs, store):
    good = [upload(fs, f"{number}.txt", f"text {number}") for number in range(3)]
    bad = upload(fs, "x.bin", b"\x00\x01\x02")
    fill(fs, store.id, *good, bad)

    def ids(query, **more):
        return [file.file_id for file in fs.stores.files(store.id, query, **more).items]

    assert ids(ALL) == [*good, bad]
    assert ids(ALL, status="failed") == [bad]
    assert ids(PageQuery(limit=9, after=bad), status="completed") == good[::-1]
    fs.stores.detach(store.id, good[1])
    assert ids(PageQuery(limit=9, order="asc", after=good[1])) == [good[2], bad]
    assert ids(PageQuery(limit=9, after=good[2], before=None)) == [good[0]]


def test_a_files_failure_has_a_code_and_a_reason(fs, store):
    unknown, empty = upload(fs, "x.7z", b"7z\xbc\xaf\x27\x1c"), upload(fs, "e.txt", "")
    fill(fs, store.id, unknown, empty)
    found = [fs.stores.file(store.id, file_id) for file_id in (unknown, empty)]
    assert [file.status for file in found] == ["failed", "failed"]
    assert [file.error_code for file in found] == ["unsupported_file", "invalid_file"]
    assert all(file.error for file in found)
    assert fs.stores.get(store.id).counts == FileCounts(failed=2)
    assert fs.stores.get(store.id).status == "completed"


def test_files_that_wait_in_the_default_store_do_not_count_as_failed(fs):
    [default] = fs.stores.page(ALL).items
    attach(fs, default.id, upload(fs, "a.txt", "alpha"))
    assert (fs.stats().files, fs.stats().failed) == (0, 0)
    assert [record.status for record in fs.files()] == ["in_progress"]


# Batches


def test_a_batch_counts_its_files_and_those_that_do_not_exist(fs, store):
    good, bad = upload(fs, "a.txt", "alpha"), upload(fs, "x.bin", b"\x00\x01")
    made = fs.stores.create_batch(store.id, [NewAttachment(one) for one in (good, bad, "file-no")])
    assert (made.status, made.counts) == ("in_progress", FileCounts(in_progress=2, failed=1))
    fill(fs, store.id)
    done = fs.stores.batch(store.id, made.id)
    assert (done.status, done.counts) == ("completed", FileCounts(completed=1, failed=2))
    listed = fs.stores.files(store.id, ALL, batch_id=made.id, status="completed")
    assert [file.file_id for file in listed.items] == [good]


def test_a_batch_of_nothing_but_failures_has_failed(fs, store):
    made = fs.stores.create_batch(store.id, [NewAttachment("file-no")])
    assert (made.status, made.counts.failed) == ("failed", 1)


def test_a_cancelled_batch_gives_up_on_what_was_not_read(fs, store):
    files = [upload(fs, f"{number}.txt", f"text {number}") for number in range(2)]
    made = fs.stores.create_batch(store.id, [NewAttachment(one) for one in files])
    cancelled = fs.stores.cancel_batch(store.id, made.id)
    assert (cancelled.status, cancelled.counts) == ("cancelled", FileCounts(cancelled=2))
    fill(fs, store.id, upload(fs, "later.txt", "later"))  # what waits before it is read before it
    assert fs.stores.batch(store.id, made.id) == cancelled
    [again] = attach(fs, store.id, files[0])
    assert again.status == "in_progress"


def test_cancelling_a_batch_that_has_ended_changes_nothing(fs, store):
    made = fs.stores.create_batch(store.id, [NewAttachment(upload(fs, "a.txt", "alpha"))])
    fill(fs, store.id)
    assert fs.stores.cancel_batch(store.id, made.id).status == "completed"


def test_a_file_may_be_of_several_batches(fs, store):
    files = [NewAttachment(upload(fs, f"{number}.txt", f"text {number}")) for number in range(2)]
    first, second = (fs.stores.create_batch(store.id, files) for _ in range(2))
    attach(fs, store.id, files[0].file_id)
    for made in (first, second):
        assert fs.stores.batch(store.id, made.id).counts == FileCounts(in_progress=2)
    fill(fs, store.id)
    for made in (first, second):
        done = fs.stores.batch(store.id, made.id)
        assert (done.status, done.counts) == ("completed", FileCounts(completed=2))
        listed = fs.stores.files(store.id, PageQuery(limit=1, order="asc"), batch_id=made.id)
        assert [file.file_id for file in listed.items] == [files[0].file_id]
        assert listed.has_more


def test_what_a_batch_has_come_to_stays(fs, store):
    file_id = upload(fs, "a.txt", "alpha")
    both = [NewAttachment(file_id), NewAttachment("file-no")]
    made = fs.stores.create_batch(store.id, both)
    fill(fs, store.id)
    fs.ingest_queue.stop()
    ended = fs.stores.batch(store.id, made.id)
    assert (ended.status, ended.counts) == ("completed", FileCounts(completed=1, failed=1))
    later = fs.stores.create_batch(
        store.id, [NewAttachment(file_id, chunk_settings=ChunkSettings(200, 0))]
    )
    assert fs.stores.batch(store.id, made.id) == ended
    fs.stores.cancel_batch(store.id, later.id)
    assert fs.stores.batch(store.id, made.id) == ended
    fs.stores.detach(store.id, file_id)
    assert fs.stores.batch(store.id, made.id) == ended
    assert fs.stores.files(store.id, ALL, batch_id=made.id).items == ()


def test_a_file_that_leaves_the_store_before_its_batch_has_ended_counts_as_cancelled(fs, store):
    files = [upload(fs, f"{number}.txt", f"text {number}") for number in range(2)]
    made = fs.stores.create_batch(store.id, [NewAttachment(one) for one in files])
    fs.stores.detach(store.id, files[0])
    left = fs.stores.batch(store.id, made.id)
    assert (left.status, left.counts) == ("in_progress", FileCounts(in_progress=1, cancelled=1))
    fs.file_objects.delete(files[1])
    gone = fs.stores.batch(store.id, made.id)
    assert (gone.status, gone.counts) == ("cancelled", FileCounts(cancelled=2))


def test_a_batch_of_an_earlier_version_is_counted_by_what_its_files_name(fs, store):
    good, other = upload(fs, "a.txt", "alpha"), upload(fs, "b.txt", "beta")
    made = fs.stores.create_batch(store.id, [NewAttachment(good)])
    fs.stores.create_batch(store.id, [NewAttachment(other)])
    with fs.database.writing() as sql:
        sql.execute(update(t.objects).where(t.objects.c.id == made.id).values(body='{"missing":1}'))
        sql.execute(
            update(t.store_files).where(t.store_files.c.file_id == good).values(batch_id=made.id)
        )
    assert fs.stores.batch(store.id, made.id).counts == FileCounts(in_progress=1, failed=1)
    fill(fs, store.id, good)
    ended = fs.stores.batch(store.id, made.id)
    assert (ended.status, ended.counts) == ("completed", FileCounts(completed=1, failed=1))
    listed = fs.stores.files(store.id, ALL, batch_id=made.id)
    assert [file.file_id for file in listed.items] == [good]
    fs.stores.detach(store.id, good)
    assert fs.stores.batch(store.id, made.id) == ended


def test_a_batch_is_known_only_to_its_store(fs, store):
    made = fs.stores.create_batch(store.id, [])
    with pytest.raises(NotFound, match=made.id):
        fs.stores.batch(fs.stores.create().id, made.id)


# Search


@pytest.fixture
def two(fs):
    """Two stores: one about kilns, one about mugs, and a file that is in both."""
    kilns, mugs = fs.stores.create(), fs.stores.create()
    both = upload(fs, "both.txt", "Kiln and mug belong together.")
    fill(fs, kilns.id, both, upload(fs, "kiln.txt", "The kiln reaches 1280 degrees in nine hours."))
    fill(fs, mugs.id, both, upload(fs, "mug.txt", "A mug may go back within 30 days."))
    return [kilns.id, mugs.id]


def test_several_stores_are_searched_as_one_without_repeats(fs, two):
    found = fs.stores.search(two, ["kiln degrees", "mug days"], top_k=9)
    assert [result.filename for result in found.results].count("both.txt") == 1
    assert names(found) == {"both.txt", "kiln.txt", "mug.txt"}
    assert found.queries == ("kiln degrees", "mug days")
    scores = [result.score for result in found.results]
    assert scores == sorted(scores, reverse=True)


def test_a_copy_in_another_store_is_named_and_takes_no_place(fs, two):
    copy = upload(fs, "copy.txt", "The kiln reaches 1280 degrees in nine hours.")
    fill(fs, two[1], copy)
    results = fs.stores.search(two, ["kiln degrees"], top_k=5).results
    told = [(one.filename, *one.also_in) for one in results if "1280" in one.text]
    assert [sorted(files) for files in told] == [["copy.txt", "kiln.txt"]]


def test_every_store_has_its_share_of_few_results(fs, two):
    found = fs.stores.search(two, ["degrees in nine hours, days"], top_k=2)
    assert names(found) == {"kiln.txt", "mug.txt"}


def test_a_query_is_rewritten_only_where_that_is_asked_for(fs, two):
    question = "What is a kiln? And how many days does a mug have?"
    assert fs.stores.search(two, [question], top_k=3).queries == (question,)
    rewritten = fs.stores.search(two, [question], top_k=3, rewrite_query=True)
    assert rewritten.queries != (question,)


def test_nothing_to_look_for_or_in_finds_nothing(fs, two):
    assert fs.stores.search(two, [" "], top_k=3).results == ()
    assert fs.stores.search([], ["kiln"], top_k=3).results == ()
    assert fs.stores.search([fs.stores.create().id], ["kiln"], top_k=3).results == ()


@pytest.mark.parametrize("top_k", [0, 51])
def test_a_search_returns_1_to_50(fs, two, top_k):
    with pytest.raises(InvalidSetting, match=f"is {top_k}; choose 1 to 50"):
        fs.stores.search(two, ["kiln"], top_k=top_k)


@pytest.mark.parametrize(
    "options",
    [
        {"ranker": "none"},
        {"ranker": "auto", "score_threshold": 0.0},
        {"hybrid_search": {"embedding_weight": 0, "text_weight": 1}},
        {"hybrid_search": {"embedding_weight": 1, "text_weight": 0}},
    ],
    ids=str,
)
def test_ranking_options_hold_for_every_store(fs, two, options):
    found = fs.stores.search(two, ["kiln degrees"], top_k=1, ranking_options=options)
    assert len(found.results) == 1
    assert 0 <= found.results[0].score <= 1


def test_bad_options_are_refused_even_without_a_store(fs):
    with pytest.raises(InvalidSetting, match="ranking_options"):
        fs.stores.search([], ["x"], top_k=3, ranking_options={"ranker": "nosuch"})
    with pytest.raises(InvalidFilter):
        fs.stores.search([], ["x"], top_k=3, filters={"type": "nosuch"})


def test_a_score_threshold_leaves_out_what_scores_less(fs, two):
    assert fs.stores.search(two, ["kiln"], top_k=9, ranking_options={"score_threshold": 1.0}) == (
        fs.stores.search(two, ["kiln"], top_k=9, filters={"type": "eq", "key": "no", "value": 1})
    )


def test_a_threshold_holds_in_every_store_for_what_is_left_of_chunks_that_overlap(fs):
    stores = []
    for name, every in (("a", 97), ("b", 61)):
        text = " ".join(f"{'kiln ' if i % every == 0 else ''}{name}{i}" for i in range(3000))
        stores.append(fs.stores.create().id)
        fill(fs, stores[-1], upload(fs, f"{name}.txt", text))
    for result in fs.stores.search(stores, ["kiln"], top_k=50).results:
        options = {"score_threshold": result.score}
        kept = fs.stores.search(stores, ["kiln"], top_k=50, ranking_options=options).results
        assert min(one.score for one in kept) >= result.score


def test_a_store_of_another_embedder_is_refused_unless_it_is_empty(make_fs, fs, two, url):
    empty = fs.stores.create()
    fs.close()
    other = make_fs(db=url, embedder=HashingEmbedder(32))
    with pytest.raises(IndexMismatch, match=rf"vector store '{two[0]}' holds 64-d"):
        other.stores.search(two, ["kiln"], top_k=3)
    file_id = upload(other, "a.txt", "The kiln is hot.")
    fill(other, empty.id, file_id)
    assert names(other.stores.search([empty.id], ["kiln"], top_k=3)) == {"a.txt"}
    fill(other, two[0], file_id)
    failed = other.stores.file(two[0], file_id)
    assert (failed.status, failed.error_code) == ("failed", "server_error")
    assert "new store" in failed.error


def test_deleted_stores_are_left_out_of_those_that_exist(fs, two):
    fs.stores.delete(two[0])
    assert fs.stores.existing([*two, two[1], "vs_none"]) == [two[1]]


# Many at once


def test_clients_that_come_all_at_once_do_not_get_in_each_others_way(fs):
    fs.ingest_queue.start()

    def work(number):
        for turn in range(3):
            store = fs.stores.create()
            files = [upload(fs, f"{number}-{turn}-{n}.txt", f"subject {number}") for n in range(3)]
            batch = fs.stores.create_batch(store.id, [NewAttachment(one) for one in files])
            if number % 2:
                fs.stores.detach(store.id, files[0])
            assert fs.stores.wait_until_ready([store.id], 60)
            counts = fs.stores.batch(store.id, batch.id).counts
            assert counts.completed + counts.cancelled == counts.total == 3
            assert counts.cancelled <= number % 2
            assert fs.stores.search([store.id], ["subject"], top_k=9).results
            if number % 3 == 0:
                fs.stores.delete(store.id)
        return number

    with ThreadPoolExecutor(6) as clients:
        assert list(clients.map(work, range(6))) == list(range(6))
    assert fs.verify().damages == ()


# Upkeep


def test_upkeep_covers_every_store(fs, two):
    for path in fs._index.segments.iterdir():
        (path / "postings.npz").unlink(missing_ok=True)
        next(path.glob("*.npy")).unlink()
    assert len(fs.verify().damages) == 2
    found = fs.verify(should_repair=True)
    assert (found.damages, found.files, found.repaired) == ((), 4, 2)
    assert names(fs.stores.search(two, ["kiln degrees"], top_k=1)) == {"kiln.txt"}


def test_a_rebuild_takes_every_store_to_another_embedder_and_keeps_how_it_is_cut(
    make_fs, fs, store, url, docs
):
    fs.ingest(docs)
    usual, own = (upload(fs, f"{n}.txt", "The kiln is hot and here. " * 200) for n in "ab")
    fill(fs, store.id, usual)
    fill(fs, store.id, own, chunk_settings=ChunkSettings(100, 50))
    fs.close()
    other = make_fs(db=url, embedder=HashingEmbedder(32), chunk_size=400)
    assert other.rebuild() == 5
    assert names(other.stores.search([store.id], ["kiln"], top_k=9)) >= {"a.txt"}
    assert other.search("kiln degrees")[0].filename == "kiln.txt"
    assert {record.chunk_settings for record in other.files()} == {ChunkSettings(400, 200)}
    found = [other.stores.file(store.id, one).chunk_settings for one in (usual, own)]
    assert found == [ChunkSettings(), ChunkSettings(100, 50)]
    assert other.verify().damages == ()


# Waiting


def test_waiting_ends_when_time_is_up_or_somebody_gives_up(fs, store):
    attach(fs, store.id, upload(fs, "a.txt", "alpha"))
    assert not fs.stores.wait_until_ready([store.id], 0.1)
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    started = time.monotonic()
    assert not fs.stores.wait_until_ready([store.id], 90, cancel)
    assert time.monotonic() - started < 30
    assert fs.stores.wait_until_ready([], 0)


def later(monkeypatch, days):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + days * 86_400)


def test_a_store_that_expired_a_week_ago_gives_its_bytes_back_and_stays_listed(fs, monkeypatch):
    file_id = upload(fs, "a.txt", "The heron eats frogs.")
    expiring, kept = fs.stores.create(expires_after_days=1), fs.stores.create()
    for store in (expiring, kept):
        fill(fs, store.id, file_id)
    batch = fs.stores.create_batch(expiring.id, [NewAttachment(file_id)])
    fs.ingest_queue.stop()
    later(monkeypatch, 1 + KEPT_DAYS - 0.1)
    fs.stores.purge()
    assert fs.stores.get(expiring.id).usage_bytes > 0
    later(monkeypatch, 0.2)
    fs.stores.purge()
    found = fs.stores.get(expiring.id)
    assert (found.status, found.usage_bytes, found.counts.total) == ("expired", 0, 0)
    assert fs.stores.batch(expiring.id, batch.id).counts.completed == 1
    assert len(list((fs.directory / "segments").iterdir())) == 1
    assert fs.file_objects.get(file_id).filename == "a.txt"
    assert len(list(fs._index.blobs.digests())) == 1
    assert fs.stores.search([kept.id], ["heron"], top_k=1).results
    assert fs.verify().damages == ()
    assert fs.stores.update(expiring.id, expires_after_days=2).status == "completed"
    fill(fs, expiring.id, file_id)
    assert fs.stores.search([expiring.id], ["heron"], top_k=1).results


def test_what_was_ingested_from_folders_stays_when_its_store_expires(fs, docs, monkeypatch):
    fs.ingest(docs)
    store = next(one for one in fs.stores.page(PageQuery()).items if one.name == "default")
    fs.stores.update(store.id, expires_after_days=1)
    later(monkeypatch, 100)
    fs.stores.purge()
    assert fs.stores.get(store.id).counts.completed == 3
    assert fs.search("kiln")
