"""What is new comes behind what was deleted: in every list, on each database."""

import io
from types import SimpleNamespace

import pytest
from sqlalchemy import delete

from filesearch import schema as t
from filesearch.paging import PageQuery

from .support_stores import attach


@pytest.fixture
def fs(make_fs, url):
    fs = make_fs(db=url)
    fs.open(create=True)
    return fs


def files(fs):
    return SimpleNamespace(
        add=lambda: fs.file_objects.add(io.BytesIO(b"mug"), "mug.txt", "assistants").id,
        delete=fs.file_objects.delete,
        page=fs.file_objects.page,
    )


def stores(fs):
    return SimpleNamespace(
        add=lambda: fs.stores.create().id, delete=fs.stores.delete, page=fs.stores.page
    )


def files_of_a_store(fs):
    store_id = fs.stores.create().id

    def add():
        file_id = files(fs).add()
        attach(fs, store_id, file_id)
        return file_id

    return SimpleNamespace(
        add=add,
        delete=lambda file_id: fs.stores.detach(store_id, file_id),
        page=lambda query: fs.stores.files(store_id, query),
    )


def objects(fs):
    made = fs.objects

    def add():
        with made.writing() as tx:
            return tx.insert("message", {}, parent="thread_x").id

    def remove(object_id):
        with made.writing() as tx:
            tx.delete(tx.find("message", object_id))

    return SimpleNamespace(
        add=add,
        delete=remove,
        page=lambda query: made.page("message", query, parent="thread_x"),
    )


LISTS = pytest.mark.parametrize("kind", [files, stores, files_of_a_store, objects])


def ids(page):
    return [getattr(one, "file_id", None) or one.id for one in page.items]


@LISTS
def test_what_is_new_comes_behind_the_newest_that_were_deleted(fs, kind):
    listed = kind(fs)
    made = [listed.add() for _ in range(3)]
    for one in reversed(made[1:]):
        listed.delete(one)
    new = [listed.add() for _ in range(2)]
    for gone in made[1:]:
        assert ids(listed.page(PageQuery(order="asc", after=gone))) == new
        assert ids(listed.page(PageQuery(limit=1, after=gone))) == made[:1]


@LISTS
def test_an_earlier_catalog_counts_on_behind_what_it_deleted(fs, kind):
    """It kept tombstones, but no count."""
    listed = kind(fs)
    made = [listed.add() for _ in range(2)]
    listed.delete(made[1])
    with fs.database.writing() as sql:
        sql.execute(delete(t.meta).where(t.meta.c.key.startswith("last_number:")))
    new = listed.add()
    assert ids(listed.page(PageQuery(order="asc", after=made[1]))) == [new]


def test_a_number_does_not_come_again_when_a_parent_goes_with_its_children(fs):
    with fs.objects.writing() as tx:
        thread = tx.insert("thread", {})
        message = tx.insert("message", {}, parent=thread.id)
        tx.delete_children(thread.id)
        assert tx.insert("message", {}, parent=thread.id).seq > message.seq
