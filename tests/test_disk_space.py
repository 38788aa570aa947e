"""A full disk: it is said to be full, whoever notices, and what was kept before stays whole."""

from __future__ import annotations

import errno
import io
import os
import resource
import sqlite3
from contextlib import contextmanager

import numpy as np
import pytest
from click.testing import CliRunner
from sqlalchemy.exc import OperationalError

from filesearch import Document, FileSearch, NamedDocument
from filesearch.blobs import FolderBlobStore
from filesearch.cli import cli
from filesearch.database import Database, sqlite_url, without_password
from filesearch.database_errors import telling_errors
from filesearch.disk_space import has_space, needing_space
from filesearch.errors import DiskFull
from filesearch.index.array_file import save_array
from filesearch.lock import writer_lock
from filesearch.testing import HashingEmbedder

from .support_stores import attach, upload


@contextmanager
def files_of_at_most(size_bytes):
    """Let no file become larger, which is what a full disk is to whoever writes one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def note(number, words=400):
    text = " ".join(f"word{number}x{word}" for word in range(words))
    return NamedDocument(f"{number}.txt", Document(text))


@pytest.mark.parametrize("size_bytes", [10, 300, 20_000])
def test_bytes_that_have_no_room_leave_nothing_behind(tmp_path, size_bytes):
    blobs = FolderBlobStore(tmp_path / "blobs")
    with files_of_at_most(5), pytest.raises(DiskFull):
        blobs.put(io.BytesIO(bytes(size_bytes)))
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("size_bytes", [10_000, 100_000, 160_000, 200_000])
def test_an_ingest_without_room_says_so_and_leaves_the_index_whole(fs, size_bytes):
    fs.ingest_documents([note(0, words=20)])
    with files_of_at_most(size_bytes), pytest.raises(DiskFull, match=r"no space left in .*free"):
        fs.ingest_documents([note(number, words=4000) for number in range(1, 9)])
    assert fs.verify(should_repair=True).damages == ()
    assert fs.search("word0x7")[0].filename == "0.txt"
    assert len(fs.ingest_documents([note(number, words=4000) for number in range(1, 9)]).added) == 8


def test_an_index_that_cannot_be_made_for_want_of_room_says_so(tmp_path):
    with files_of_at_most(1000), pytest.raises(DiskFull):
        FileSearch(tmp_path / "new", embedder=HashingEmbedder()).ingest_documents([note(0)])


def test_bytes_that_have_no_room_are_not_kept(tmp_path):
    blobs = FolderBlobStore(tmp_path / "blobs")
    with files_of_at_most(1000), pytest.raises(DiskFull, match="File too large"):
        blobs.put(io.BytesIO(bytes(100_000)))
    assert list(blobs.digests()) == []
    assert [path for path in (tmp_path / "blobs").iterdir() if path.is_file()] == []


def test_a_file_that_waits_is_read_once_there_is_room(fs):
    fs.open(create=True)
    store = fs.stores.create()
    attach(fs, store.id, upload(fs, "a.txt", note(0, words=4000).document.text))
    with files_of_at_most(10_000):
        fs.ingest_queue.start()
        assert not fs.stores.wait_until_ready([store.id], 1.0)
    assert fs.stores.wait_until_ready([store.id], 30)
    assert fs.stores.get(store.id).counts.completed == 1


def test_the_lock_of_a_writer_needs_no_room_where_it_was_held_before(tmp_path):
    for size_bytes in (1000, 0):
        with files_of_at_most(size_bytes), writer_lock(tmp_path, timeout_s=0):
            pass


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("words", ["", "write error in x: 3 != 5 ({})"])  # ours, and that of FAISS
def test_what_the_system_calls_no_room_is_a_full_disk(tmp_path, code, words):
    reason = os.strerror(code)
    error = RuntimeError(words.format(reason)) if words else OSError(code, reason)
    expected = f"no space left in '{tmp_path}' .{reason}."
    with pytest.raises(DiskFull, match=expected), needing_space(tmp_path):
        raise error


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "no"), RuntimeError("No space left")])
def test_other_errors_stay_what_they_are(tmp_path, error):
    with pytest.raises(type(error)) as raised, needing_space(tmp_path):
        raise error
    assert raised.value is error


def test_a_failed_read_of_sqlite_is_a_full_disk_only_where_there_is_no_room(tmp_path):
    database = Database(sqlite_url(tmp_path / "catalog.db"))

    def fail(code):
        found = sqlite3.OperationalError("disk I/O error")
        found.sqlite_errorcode = code
        with database.reading():
            raise OperationalError("SELECT secret", {}, found)

    with pytest.raises(OperationalError):
        fail(sqlite3.SQLITE_IOERR_READ)
    with files_of_at_most(1000), pytest.raises(DiskFull, match="disk I/O error"):
        fail(sqlite3.SQLITE_IOERR_READ)
    with pytest.raises(DiskFull):
        fail(sqlite3.SQLITE_FULL)
    with files_of_at_most(1000), pytest.raises(OperationalError):
        fail(sqlite3.SQLITE_BUSY)
    database.close()


def test_a_full_disk_of_postgresql_is_told_without_its_password():
    found = Exception("could not extend file: No space left on device")
    found.sqlstate = "53100"
    url = without_password("postgresql://me:secret@host/db")
    with pytest.raises(DiskFull) as raised, telling_errors(url, None):
        raise OperationalError("INSERT", {}, found)
    assert "no space left in 'postgresql://me:***@host/db'" in str(raised.value)


def test_room_is_asked_for_where_a_file_ends(tmp_path):
    with files_of_at_most(2 << 20):
        assert has_space(tmp_path)
        assert not has_space(tmp_path, file_bytes=2 << 20)
    assert has_space(tmp_path / "nowhere")  # that is not for want of space


@pytest.mark.parametrize("shape", [(0,), (3,), (0, 4), (2, 3), (3, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_is_saved_as_numpy_does(tmp_path, shape, order):
    array = np.arange(np.prod(shape), dtype=np.int32).reshape(shape, order=order)
    save_array(tmp_path / "a.npy", array)
    assert np.array_equal(np.load(tmp_path / "a.npy"), array)


def test_an_array_that_has_no_room_says_why(tmp_path):
    with files_of_at_most(1000), pytest.raises(OSError, match="File too large") as failed:
        save_array(tmp_path / "a.npy", np.zeros(5000))
    assert failed.value.errno == errno.EFBIG


@pytest.mark.parametrize("error", [DiskFull("no space left in 'x' (full)"), OSError(28, "full")])
def test_the_command_line_ends_with_the_code_of_a_problem_with_the_index(monkeypatch, error):
    def fail(_self, _store_id):
        raise error

    monkeypatch.setattr("filesearch.engine.FileSearch.stats", fail)
    done = CliRunner().invoke(cli, ["stats"])
    assert done.exit_code == 3
    assert done.stderr.startswith("Error: no space left")
    assert "please report" not in done.stderr
