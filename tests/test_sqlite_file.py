"""SQLite file: an index that cannot be written is searched, and what would change it says so."""

from __future__ import annotations

import ctypes
import os
import shutil
import sqlite3
import sys

import pytest
from click.testing import CliRunner
from sqlalchemy import select, text

from filesearch import FileSearch, NamedDocument
from filesearch.cli import cli
from filesearch.database import Database, sqlite_url
from filesearch.errors import IndexProblem
from filesearch.paging import PageQuery
from filesearch.schema import meta
from filesearch.testing import HashingEmbedder
from filesearch.types import Document

REFUSED = "can be searched but not changed: it cannot be written; make the folder and all"
# CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: what lets root write where nobody may.
_RIGHTS = 1 << 1 | 1 << 2


@pytest.fixture
def shut():
    """Shut folders, so that nobody may write what lies in them, until the test ends."""
    capabilities = (ctypes.c_uint32 * 6)()
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3; this thread
    system = ctypes.CDLL(None)
    if os.geteuid() == 0:
        if sys.platform != "linux":
            pytest.skip("root may write everything here")
        assert system.capget(header, capabilities) == 0
        had = capabilities[0]
        capabilities[0] = had & ~_RIGHTS
        assert system.capset(header, capabilities) == 0
    folders = []

    def shut_all_of(folder):
        folders.append(folder)
        for path in (*folder.rglob("*"), folder):
            path.chmod(path.stat().st_mode & ~0o222)

    yield shut_all_of
    if os.geteuid() == 0:
        capabilities[0] = had
        assert system.capset(header, capabilities) == 0
    for folder in folders:
        open_again(folder)


def open_again(folder):
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)


@pytest.fixture
def index(tmp_path):
    """An index that another one has made and closed."""
    with FileSearch(tmp_path / "index", embedder=HashingEmbedder()) as fs:
        fs.ingest_documents([NamedDocument("a", Document("The kiln is hot."))])
    return tmp_path / "index"


@pytest.fixture
def opened():
    made = []

    def open_index(path):
        made.append(FileSearch(path, embedder=HashingEmbedder()))
        return made[-1]

    yield open_index
    for fs in made:
        fs.close()


def names(fs, query):
    return [hit.filename for hit in fs.search(query)]


def test_what_only_reads_needs_no_right_to_write(index, opened, shut):
    shut(index)
    fs = opened(index)
    assert names(fs, "kiln") == ["a"]
    assert "The kiln is hot." in fs.ask("What of the kiln?").text
    assert [record.filename for record in fs.files()] == ["a"]
    [store] = fs.stores.page(PageQuery()).items
    assert fs.stores.search([store.id], ["kiln"], top_k=1).results[0].filename == "a"
    assert (fs.verify().damages, fs.stats().files) == ((), 1)
    assert sorted(path.name for path in index.iterdir() if "catalog" in path.name) == ["catalog.db"]


@pytest.mark.parametrize(
    "change",
    [
        lambda fs: fs.ingest_documents([NamedDocument("b", Document("Boats."))]),
        lambda fs: fs.remove(["a"]),
        lambda fs: fs.compact(),
        lambda fs: fs.rebuild(),
        lambda fs: fs.verify(should_repair=True),
        lambda fs: fs.threads.create(),
        lambda fs: fs.stores.create(),
    ],
)
def test_what_changes_the_index_says_that_it_cannot_be_written(index, opened, shut, change):
    shut(index)
    with pytest.raises(IndexProblem, match=REFUSED):
        change(opened(index))


def test_a_command_that_writes_ends_in_one_sentence(tmp_path, shut):
    with FileSearch(tmp_path / "index") as fs:
        fs.open(create=True)
    shut(tmp_path / "index")
    for command in (["compact"], ["keys", "create"], ["serve", "--port", "0"]):
        done = CliRunner().invoke(cli, [*command, "--index", str(tmp_path / "index")])
        assert (done.exit_code, done.stdout) == (3, "")
        assert REFUSED in done.stderr


def test_a_catalog_alone_that_cannot_be_written_is_read_too(index, opened, shut):
    shut(index)
    index.chmod(0o755)
    assert names(opened(index), "kiln") == ["a"]
    with pytest.raises(IndexProblem, match=REFUSED):
        opened(index).remove(["a"])


def test_what_a_killed_process_left_in_its_log_is_read(index, opened, shut):
    writer = sqlite3.connect(index / "catalog.db")
    writer.execute("UPDATE files SET filename = 'b'")
    writer.commit()
    shut(index)
    assert names(opened(index), "kiln") == ["b"]
    writer.close()


def test_a_log_that_cannot_be_read_is_said_with_a_way_out(index, tmp_path, shut):
    writer = sqlite3.connect(index / "catalog.db")
    writer.execute("UPDATE files SET filename = 'b'")
    writer.commit()
    (tmp_path / "copy").mkdir()
    for name in ("catalog.db", "catalog.db-wal"):  # all but what tells what the log holds
        shutil.copy(index / name, tmp_path / "copy")
    writer.close()
    shut(tmp_path / "copy")
    with pytest.raises(IndexProblem, match=r"cannot be opened: .*; make the folder and all"):
        Database(sqlite_url(tmp_path / "copy/catalog.db"))


def test_a_reader_sees_what_others_write_and_that_they_end(index, opened, shut):
    shut(index)
    reader = opened(index)
    assert names(reader, "kiln") == ["a"]
    for name in ("b", "c"):
        open_again(index)
        with FileSearch(index, embedder=HashingEmbedder()) as writer:
            writer.ingest_documents([NamedDocument(name, Document(f"Boats of {name}."))])
            assert name in names(reader, "boats")
        shut(index)
        assert name in names(reader, "boats")


def test_a_catalog_of_an_earlier_version_says_that_it_has_to_be_written(tmp_path, shut):
    url = sqlite_url(tmp_path / "catalog.db")
    database = Database(url)
    with database.writing() as sql:
        sql.execute(text("UPDATE meta SET value = '3' WHERE key = 'schema_version'"))
    database.close()
    shut(tmp_path)
    with pytest.raises(IndexProblem, match="schema 3, of an earlier version"):
        Database(url)


def test_a_path_with_marks_of_a_url_is_opened(tmp_path, shut):
    folder = tmp_path / "a?b#c%20&d"
    folder.mkdir()
    url = sqlite_url(folder / "catalog.db")
    Database(url).close()
    shut(folder)
    database = Database(url)
    with database.reading() as sql:
        assert sql.execute(select(meta.c.key)).all()
    database.close()
