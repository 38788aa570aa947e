"""Free pages: a catalog shrinks when most of it was removed, and is left alone when it is used."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from filesearch import FileSearch, NamedDocument
from filesearch.cli import cli
from filesearch.database import Database, sqlite_url
from filesearch.free_pages import MIN_FREE_BYTES
from filesearch.testing import HashingEmbedder
from filesearch.types import Document

WORDS = " ".join(f"word{number}" for number in range(8000))


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("filesearch.free_pages._PATIENCE_MS", 50)


@pytest.fixture
def database(tmp_path):
    """A catalog of whose 4 MB nearly all is free."""
    found = Database(sqlite_url(tmp_path / "catalog.db"))
    with found.writing() as sql:
        sql.execute(text("CREATE TABLE rows (value BLOB)"))
        for _ in range(40):
            sql.execute(text("INSERT INTO rows VALUES (zeroblob(100000))"))
    with found.writing() as sql:
        sql.execute(text("DELETE FROM rows"))
    yield found
    found.close()


@pytest.fixture
def other(tmp_path, database):
    """A connection of another process."""
    with closing(sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)) as found:
        yield found


def size_of(folder, end=""):
    return (folder / f"catalog.db{end}").stat().st_size


def test_what_removed_rows_took_goes_back_to_the_disk(tmp_path, database):
    assert database.free_bytes > 3 << 20
    assert database.shrink() > 3 << 20
    assert size_of(tmp_path) < 1 << 20
    assert database.free_bytes < MIN_FREE_BYTES
    assert database.shrink() == 0


def test_little_that_is_free_stays_for_rows_to_come(tmp_path, database):
    with database.writing() as sql:
        for _ in range(34):
            sql.execute(text("INSERT INTO rows VALUES (zeroblob(100000))"))
    assert 0 < database.free_bytes < 1 << 20
    assert database.shrink() == 0
    assert size_of(tmp_path) > 3 << 20


def test_another_writer_leaves_it_for_the_next_time(tmp_path, database, other):
    other.execute("BEGIN IMMEDIATE")
    assert database.shrink() == 0
    other.execute("ROLLBACK")
    assert database.shrink() > 3 << 20


def test_a_reader_sees_what_it_saw_and_the_file_shrinks_after_it(tmp_path, database, other):
    other.execute("BEGIN")
    assert other.execute("SELECT count(*) FROM rows").fetchone() == (0,)
    assert database.shrink() > 3 << 20
    assert other.execute("SELECT count(*) FROM rows").fetchone() == (0,)
    other.execute("COMMIT")
    database.shrink()
    assert size_of(tmp_path) < 1 << 20
    assert size_of(tmp_path, "-wal") == 0


def test_a_disk_without_room_for_a_copy_leaves_it(database, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: shutil._ntuple_diskusage(9, 9, 0))
    assert database.shrink() == 0


def test_the_log_does_not_keep_the_size_of_the_longest_transaction(tmp_path, database):
    with database.writing() as sql:
        for _ in range(100):
            sql.execute(text("INSERT INTO rows VALUES (zeroblob(100000))"))
    assert size_of(tmp_path, "-wal") > 8 << 20
    for _ in range(2):  # the first one after the log was copied begins it anew
        with database.writing() as sql:
            sql.execute(text("DELETE FROM rows WHERE rowid = 1"))
    assert size_of(tmp_path, "-wal") <= 4 << 20


def test_compact_says_what_the_catalog_gave_back(tmp_path):
    index = tmp_path / "index"
    with FileSearch(index, embedder=HashingEmbedder()) as fs:
        fs.ingest_documents(
            [NamedDocument(f"{number}", Document(f"{number} {WORDS}")) for number in range(30)]
        )
        fs.remove([f"{number}" for number in range(1, 30)])
        before = fs.stats().catalog_free_bytes
    shown = CliRunner().invoke(cli, ["compact", "--index", str(index)]).stdout
    assert before > MIN_FREE_BYTES
    assert f"freed {before / (1 << 20):.1f} MiB of the catalog\n" in shown
    with FileSearch(index, embedder=HashingEmbedder()) as fs:
        assert fs.verify().damages == ()
        assert fs.search("word7999")[0].filename == "0"
        assert fs.stats().catalog_free_bytes == 0
