"""Commits: what was read of a database is kept until somebody commits to it, and no longer."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading

import pytest
from sqlalchemy import event, text

from filesearch.commits import CommitWatch, UntilCommit
from filesearch.database import Database, sqlite_url
from filesearch.errors import IndexReplaced

BUMP = "UPDATE meta SET value = value + 1 WHERE key = 'n'"


@pytest.fixture
def database(tmp_path):
    found = Database(sqlite_url(tmp_path / "catalog.db"))
    with found.writing() as sql:
        sql.execute(text("INSERT INTO meta VALUES ('n', '0')"))
    yield found
    found.close()


def read(database):
    with database.reading() as sql:
        return int(sql.scalar(text("SELECT value FROM meta WHERE key = 'n'")))


def write(database):
    with database.writing() as sql:
        sql.execute(text(BUMP))


def write_elsewhere(database):
    code = f"import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute({BUMP!r}); "
    code += "db.commit()"
    subprocess.run([sys.executable, "-c", code, str(database._path)], check=True)


def test_what_was_read_is_not_read_again(database):
    kept, reads = UntilCommit(database.commit_mark), []

    def count():
        reads.append(1)
        return read(database)

    assert [kept.get("n", count) for _ in range(3)] == [0, 0, 0]
    assert len(reads) == 1


@pytest.mark.parametrize("commit", [write, write_elsewhere])
def test_a_commit_of_any_process_is_seen_at_once(database, commit):
    kept = UntilCommit(database.commit_mark)
    assert kept.get("n", lambda: read(database)) == 0
    commit(database)
    assert kept.get("n", lambda: read(database)) == 1


def test_what_changes_while_it_is_read_is_not_kept(database):
    kept = UntilCommit(database.commit_mark)

    def read_late():
        found = read(database)
        write(database)
        return found

    assert kept.get("n", read_late) == 0
    assert kept.get("n", lambda: read(database)) == 1


def test_no_thread_ever_gets_what_was_before_a_commit(database):
    kept = UntilCommit(database.commit_mark)
    committed, is_over, stale = [0], threading.Event(), []

    def look():
        while not is_over.is_set():
            least = committed[0]
            found = kept.get("n", lambda: read(database))
            if found < least:
                stale.append((found, least))

    readers = [threading.Thread(target=look) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(1, 60):
        write(database)
        committed[0] = number
    is_over.set()
    for reader in readers:
        reader.join()
    assert stale == []


def test_marks_of_two_connections_differ_though_they_count_alike(database):
    """A new connection begins to count anew: it knows nothing of what came before."""
    before = database.commit_mark()
    database.close()
    assert database.commit_mark() != before


def test_an_interrupted_question_leaves_no_transaction_open(database):
    """It would see the database as it was then for good."""
    asked = []

    class Interrupted(sqlite3.Connection):
        def execute(self, statement):
            asked.append(super().execute(statement))  # as a traceback holds it
            if len(asked) == 2:
                raise KeyboardInterrupt
            return asked[-1]

    watch = CommitWatch(lambda: sqlite3.connect(database._path, factory=Interrupted))
    watch.mark()
    with pytest.raises(KeyboardInterrupt):
        watch.mark()
    before = watch.mark()
    write(database)
    assert watch.mark() != before
    watch.close()


def test_nothing_is_kept_where_nothing_tells_of_commits(database):
    class Broken(sqlite3.Connection):
        def execute(self, statement):
            raise sqlite3.OperationalError(statement)

    watch = CommitWatch(lambda: sqlite3.connect(database._path, factory=Broken))
    kept = UntilCommit(watch.mark)
    assert kept.get("n", lambda: read(database)) == 0
    write(database)
    assert kept.get("n", lambda: read(database)) == 1


def test_nothing_is_kept_where_no_connection_can_be_had(database):
    """What reads the database itself says why, in an error that is known everywhere."""

    def refuse():
        raise sqlite3.OperationalError("unable to open database file")

    watch = CommitWatch(refuse)
    kept = UntilCommit(watch.mark)
    assert kept.get("n", lambda: read(database)) == 0
    write(database)
    assert kept.get("n", lambda: read(database)) == 1


def test_one_thread_alone_waits_for_a_connection(database):
    """A database that is locked lets each wait for half a minute."""
    begun, go_on = threading.Event(), threading.Event()

    def connect():
        begun.set()
        assert go_on.wait(30)
        return sqlite3.connect(database._path, check_same_thread=False)

    watch = CommitWatch(connect)
    waiting = threading.Thread(target=watch.mark)
    waiting.start()
    assert begun.wait(30)
    assert watch.mark() is None
    go_on.set()
    waiting.join(30)
    assert watch.mark() is not None
    watch.close()


def test_threads_that_ask_at_once_share_one_connection(database):
    """Another one would give another mark, and all that was kept would be read anew."""
    asking, go_on = threading.Event(), threading.Event()
    connected, marks = [], []

    class Slow(sqlite3.Connection):
        def execute(self, statement):
            asking.set()
            assert go_on.wait(30)
            return super().execute(statement)

    def connect():
        connected.append(sqlite3.connect(database._path, factory=Slow, check_same_thread=False))
        return connected[-1]

    watch = CommitWatch(connect)
    threads = [threading.Thread(target=lambda: marks.append(watch.mark())) for _ in range(3)]
    threads[0].start()
    assert asking.wait(30)
    for thread in threads[1:]:
        thread.start()
    for thread in threads[1:]:
        thread.join(0.2)  # they wait for the first one, which asks
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert len(connected) == 1
    assert len(marks) == 3
    assert len(set(marks)) == 1
    watch.close()


def test_a_child_asks_on_a_connection_of_its_own(database):
    before = database.commit_mark()
    database.begin_anew()  # as in a forked child
    connection, _ = database.commit_mark()
    assert connection != before[0]


def test_a_server_has_no_mark(postgres_url):
    database = Database(postgres_url)
    assert database.commit_mark() is None
    database.close()


def test_what_was_read_of_a_removed_file_is_not_given(database):
    kept = UntilCommit(database.commit_mark)
    kept.get("n", lambda: read(database))
    database._path.unlink()
    with pytest.raises(IndexReplaced):
        kept.get("n", lambda: read(database))


def test_a_search_asks_the_catalog_nothing_that_the_last_one_did(fs, docs):
    fs.ingest(docs)
    fs.search("kiln")
    asked = []
    event.listen(
        fs.database._engine, "before_cursor_execute", lambda *given: asked.append(given[2])
    )
    assert fs.search("kiln")
    assert asked == []
    fs.remove(["kiln.txt"])
    assert all(hit.filename != "kiln.txt" for hit in fs.search("kiln"))
