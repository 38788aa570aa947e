import threading

import pytest
from sqlalchemy import event, select

from filesearch import schema as t
from filesearch.database import Database, sqlite_url
from filesearch.errors import NotFound
from filesearch.objects import Objects
from filesearch.paging import PageQuery


@pytest.fixture
def objects(url):
    database = Database(url)
    yield Objects(database)
    database.close()


def filled(objects, count, parent=""):
    with objects.writing() as tx:
        return [tx.insert("assistant", {"n": n}, parent=parent).id for n in range(count)]


def numbers(page):
    return [record.body["n"] for record in page.items]


def test_an_object_comes_back_as_it_was_put_in(objects):
    with objects.writing() as tx:
        made = tx.insert("run", {"a": ["ä", 1]}, parent="thread_x", status="queued", expires_at=9)
    assert made.id.startswith("run_")
    assert objects.find("run", made.id, parent="thread_x") == made


def test_another_kind_parent_or_owner_does_not_have_it(objects):
    with objects.writing() as tx:
        made = tx.insert("assistant", {}, owner="key_a")
    assert objects.find("thread", made.id) is None
    assert objects.find("assistant", made.id, parent="x") is None
    assert objects.find("assistant", made.id, owner="key_b") is None
    assert objects.find("assistant", made.id, owner="key_a") is not None


def test_an_update_leaves_what_is_not_given(objects):
    with objects.writing() as tx:
        made = tx.insert("run", {"n": 1}, status="queued", expires_at=9)
        tx.update(made, status="in_progress", worker="w")
    found = objects.find("run", made.id)
    assert (found.status, found.worker, found.body, found.expires_at) == (
        "in_progress",
        "w",
        {"n": 1},
        9,
    )


def test_a_list_is_paged_both_ways(objects):
    ids = filled(objects, 5)
    assert numbers(objects.page("assistant", PageQuery(2))) == [4, 3]
    page = objects.page("assistant", PageQuery(2, after=ids[3]))
    assert (numbers(page), page.has_more) == ([2, 1], True)
    assert numbers(objects.page("assistant", PageQuery(2, before=ids[0]))) == [2, 1]
    assert numbers(objects.page("assistant", PageQuery(2, "asc", after=ids[3]))) == [4]


def test_a_cursor_may_name_what_was_deleted(objects):
    ids = filled(objects, 5)
    with objects.writing() as tx:
        tx.delete(tx.find("assistant", ids[3]))
    assert numbers(objects.page("assistant", PageQuery(after=ids[3]))) == [2, 1, 0]


def test_a_cursor_of_another_list_is_not_found(objects):
    filled(objects, 2)
    other = filled(objects, 1, parent="x")[0]
    with pytest.raises(NotFound, match=other):
        objects.page("assistant", PageQuery(after=other))


def test_children_go_with_their_children(objects):
    with objects.writing() as tx:
        thread = tx.insert("thread", {})
        run = tx.insert("run", {}, parent=thread.id)
        step = tx.insert("step", {}, parent=run.id)
        tx.delete_children(thread.id)
    assert objects.find("step", step.id) is None
    assert objects.find("run", run.id) is None
    assert objects.find("thread", thread.id) is not None


def test_the_lists_below_an_object_are_forgotten_with_it(objects):
    with objects.writing() as tx:
        threads = [tx.insert("thread", {}, object_id=one) for one in ("thread_a", "thread-a")]
        for thread in threads:
            run = tx.insert("run", {}, parent=thread.id)
            for parent, kind in ((thread, "message"), (run, "step")):
                tx.delete(tx.insert(kind, {}, parent=parent.id))
        tx.delete_children("thread_a")
        places = set(tx.sql.scalars(select(t.tombstones.c.place)))
    assert places == {"message:thread-a", f"step:{run.id}"}


def test_deleting_children_looks_through_no_other_tombstones(tmp_path):
    """They are kept for good, and the writer's turn lasts as long as this."""
    database = Database(sqlite_url(tmp_path / "catalog.db"))
    plans = []

    def explain(_connection, cursor, statement, parameters, *_):
        plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plans.extend(step for *_, step in plan if "tombstones" in step)

    with Objects(database).writing() as tx:
        thread = tx.insert("thread", {})
        tx.insert("message", {}, parent=thread.id)
        event.listen(tx.sql, "before_cursor_execute", explain)
        tx.delete_children(thread.id)
    database.close()
    assert plans
    assert all(step.startswith("SEARCH tombstones USING") for step in plans)


def test_deleting_many_children_takes_few_statements(objects):
    with objects.writing() as tx:
        ids = [tx.insert("run", {}, parent="thread_x").id for _ in range(250)]
        statements = []
        event.listen(tx.sql, "before_cursor_execute", lambda *call: statements.append(call[2]))
        tx.delete_children("thread_x")
        assert not tx.select("run")
    assert len(statements) < len(ids) / 10


def test_what_a_writer_reads_stays_true_until_it_ends(objects):
    """Two at once would both find none and both insert."""

    def insert_if_alone():
        for _ in range(10):
            with objects.writing() as tx:
                if len(tx.select("run")) % 2 == 0:
                    tx.insert("run", {})
                    tx.insert("run", {})

    threads = [threading.Thread(target=insert_if_alone) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with objects.reading() as tx:
        assert len(tx.select("run")) == 80
