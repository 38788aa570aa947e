"""Too many open files: it is said so, whoever notices, and nothing is called damaged for it."""

from __future__ import annotations

import errno
import os
import resource
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from filesearch.cli import cli
from filesearch.database import Database, sqlite_url
from filesearch.disk_space import needing_space
from filesearch.errors import TooManyOpenFiles
from filesearch.index.segment import Segment
from filesearch.index.sweep import sweep_segments
from filesearch.lock import make_index_directory
from filesearch.open_files import check_handles, missing_handle, needing_handles

from .support_stores import attach, upload


@contextmanager
def no_more_files():
    """Let this process open no file beside those it has open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def filled(fs, docs):
    fs.ingest(docs)
    return fs


def segment_of(fs):
    (record,) = fs._index.catalog.picture(fs._index.open_store().id).segments
    return Segment(fs._index.segments, record)


def test_a_store_that_cannot_be_opened_now_is_searched_later(filled):
    with no_more_files(), pytest.raises(TooManyOpenFiles, match=r"may have 3 files .*ulimit -n"):
        filled.search("kiln")
    assert filled.search("kiln")


@pytest.mark.parametrize("should_repair", [False, True])
def test_what_cannot_be_opened_to_verify_it_is_not_damaged(filled, should_repair):
    filled.verify(should_repair=should_repair)  # its modules are loaded, which takes handles
    before = segment_of(filled).record
    with no_more_files(), pytest.raises(TooManyOpenFiles):
        filled.verify(should_repair=should_repair)
    assert filled.verify().damages == ()
    assert segment_of(filled).record == before


@pytest.mark.parametrize("part", ["chunk_table", "vectors", "postings"])
def test_no_part_of_a_segment_is_damaged_for_that(filled, part):
    segment = segment_of(filled)
    with no_more_files(), pytest.raises(TooManyOpenFiles):
        getattr(segment, part)
    with no_more_files(), pytest.raises(TooManyOpenFiles):
        segment.damages()
    assert segment.damages() == []


def test_a_merge_says_so(filled):
    store, merger = filled._index.open_store(), filled._index.merger()
    with no_more_files(), pytest.raises(TooManyOpenFiles):
        merger.compact(store.id, timeout_s=0)
    group = [segment_of(filled).record]
    with (
        no_more_files(),
        pytest.raises(TooManyOpenFiles),
        merger.write_merged(store.id, group),
    ):
        pass


def test_a_sweep_says_so(filled):
    with no_more_files(), pytest.raises(TooManyOpenFiles):
        sweep_segments(filled._index.segments, set)
    assert filled.search("kiln")


def test_a_directory_that_cannot_be_marked_for_that_is_no_wrong_setting(tmp_path):
    with no_more_files(), pytest.raises(TooManyOpenFiles):
        make_index_directory(tmp_path)


def test_a_database_that_cannot_be_opened_says_so(tmp_path):
    with no_more_files(), pytest.raises(TooManyOpenFiles):
        Database(sqlite_url(tmp_path / "catalog.db"))


def test_a_file_that_waits_is_read_once_there_are_handles(fs, monkeypatch):
    fs.open(create=True)
    store = fs.stores.create()
    attach(fs, store.id, upload(fs, "kiln.txt", "The kiln is hot."))
    left = [OSError(errno.EMFILE, os.strerror(errno.EMFILE))]
    blobs = fs._index.blobs
    open_blob = blobs.open

    def fail_once(digest):
        if left:
            raise left.pop()
        return open_blob(digest)

    monkeypatch.setattr(blobs, "open", fail_once)
    fs.ingest_queue.start()
    assert fs.stores.wait_until_ready([store.id], 30)
    assert fs.stores.get(store.id).counts.completed == 1


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE])
@pytest.mark.parametrize("words", ["", "could not open x for reading: {}"])  # ours, and FAISS's
@pytest.mark.parametrize("block", [needing_handles, lambda: needing_space("/srv/x")])
def test_what_the_system_calls_too_many_is_so(code, words, block):
    said = os.strerror(code)
    error = RuntimeError(words.format(said)) if words else OSError(code, said)
    way_out = "ulimit -n" if code == errno.EMFILE else "fs.file-max"
    with pytest.raises(TooManyOpenFiles, match=rf"\({said}\).*{way_out}"), block():
        raise error


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "no"), RuntimeError("no"), ValueError()])
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as found, needing_handles():
        raise error
    assert found.value is error
    check_handles(error)


def test_what_is_missing_is_told(tmp_path):
    assert missing_handle() == 0
    with no_more_files():
        assert missing_handle() == errno.EMFILE


@pytest.mark.parametrize("error", [TooManyOpenFiles("ulimit -n"), OSError(errno.EMFILE, "many")])
def test_the_command_line_ends_with_the_code_of_a_problem_with_the_index(monkeypatch, error):
    def fail(*_given, **_named):
        raise error

    monkeypatch.setattr("filesearch.engine.FileSearch.stats", fail)
    done = CliRunner().invoke(cli, ["stats"])
    assert done.exit_code == 3
    assert "ulimit -n" in done.stderr
    assert "please report" not in done.stderr
