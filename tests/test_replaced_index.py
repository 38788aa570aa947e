"""Replaced index: it is removed, made anew or put back while it is open."""

from __future__ import annotations

import shutil
import threading

import pytest

from filesearch.errors import IndexReplaced, NotFound
from filesearch.ingest_worker import IngestWorker
from filesearch.store_records import NewAttachment
from filesearch.testing import HashingEmbedder
from filesearch.watch import WatchTimes


@pytest.fixture
def index(tmp_path):
    """The directory of the test's index."""
    return tmp_path / "index"


def names(fs):
    return sorted(record.filename for record in fs.files())


def assert_whole(make_fs, *filenames):
    """Whoever opens the index now finds these files, and nothing that is wrong."""
    with make_fs() as fresh:
        assert names(fresh) == sorted(filenames)
        assert fresh.verify().damages == ()
        assert {hit.filename for hit in fresh.search("kiln mug studio")} == set(filenames)


def test_an_ingest_makes_an_index_that_was_removed_anew(fs, make_fs, docs, index):
    fs.ingest(docs / "kiln.txt")
    shutil.rmtree(index)
    assert len(fs.ingest(docs / "mugs.md").added) == 1
    assert_whole(make_fs, "mugs.md")


def test_an_ingest_adds_to_the_index_that_another_one_made_anew(fs, make_fs, docs, index):
    fs.ingest(docs / "kiln.txt")
    shutil.rmtree(index)
    make_fs().ingest(docs / "mugs.md")
    fs.ingest(docs / "staff.md")
    assert_whole(make_fs, "mugs.md", "staff.md")


def test_a_search_answers_from_the_index_that_lies_there(fs, make_fs, docs, index):
    fs.ingest(docs / "kiln.txt")
    assert fs.search("kiln")
    shutil.rmtree(index)
    with pytest.raises(NotFound, match="no index at"):
        fs.search("kiln")
    make_fs().ingest(docs / "mugs.md")
    assert {hit.filename for hit in fs.search("kiln mug")} == {"mugs.md"}


def test_a_backup_that_was_put_back_is_searched(fs, docs, index, tmp_path):
    fs.ingest(docs / "kiln.txt")
    shutil.copytree(index, tmp_path / "backup")
    fs.ingest(docs / "mugs.md")
    assert len(fs.search("kiln mug")) > 1
    shutil.rmtree(index)
    (tmp_path / "backup").rename(index)
    assert {hit.filename for hit in fs.search("kiln mug")} == {"kiln.txt"}


def test_a_conversation_begins_in_the_index_that_lies_there(fs, make_fs, docs, index):
    fs.ingest(docs)
    threads = fs.threads
    shutil.rmtree(index)
    make_fs().ingest(docs)
    with pytest.raises(IndexReplaced, match=r"catalog\.db' was removed or replaced"):
        threads.create()
    thread = fs.threads.create()
    assert make_fs().threads.get(thread.id).id == thread.id


def test_vector_stores_are_those_of_the_index_that_lies_there(fs, make_fs, index):
    fs.open(create=True)
    stores = fs.stores
    shutil.rmtree(index)
    with pytest.raises(IndexReplaced):
        stores.create()
    fs.open(create=True)
    store = stores.create()
    assert make_fs().stores.get(store.id).id == store.id


def test_an_ingest_under_way_leaves_an_index_that_was_made_anew_alone(fs, make_fs, docs, index):
    fs.ingest(docs / "kiln.txt")

    def replace(progress):
        if progress.files_done == 0 and not (index / "made anew").exists():
            shutil.rmtree(index)
            make_fs().ingest(docs / "mugs.md")
            (index / "made anew").touch()

    with pytest.raises(IndexReplaced):
        fs.ingest(docs / "staff.md", on_progress=replace)
    assert_whole(make_fs, "mugs.md")


def test_what_is_committed_while_the_index_is_removed_is_not_said_to_be_kept(fs, docs, index):
    fs.ingest(docs)
    database = fs.database
    with pytest.raises(IndexReplaced), database.writing():
        shutil.rmtree(index)


def test_a_writer_whose_lock_was_removed_neither_commits_nor_sweeps(make_fs, docs, index, url):
    """Another process holds the lock of what lies there now; so it is with any database."""
    fs = make_fs(db=url)
    fs.ingest(docs)
    with fs._index.writing():
        writer = fs._index.writer(fs._index.open_store())
        shutil.rmtree(index)
        make_fs(db=url).verify(should_repair=True)
        with pytest.raises(IndexReplaced, match=r"writer\.lock"):
            writer.sweep()
        writer.remove(fs.files()[0].id)
        with pytest.raises(IndexReplaced, match=r"writer\.lock"):
            writer.commit()
    assert len(fs.files()) == 3


def test_segments_that_are_gone_are_made_again_of_a_catalog_that_stayed(make_fs, docs, index, url):
    fs = make_fs(db=url)
    fs.ingest(docs)
    shutil.rmtree(index)
    fs.verify(should_repair=True)
    with make_fs(db=url) as fresh:
        assert fresh.verify().damages == ()
        assert fresh.search("kiln")[0].filename == "kiln.txt"


def test_the_background_ingest_leaves_an_index_that_was_removed(fs, index, tmp_path):
    fs.open(create=True)
    note = tmp_path / "note.md"
    note.write_text("The kiln is hot.")
    with note.open("rb") as stream:
        file = fs.file_objects.add(stream, "note.md", "assistants")
    fs.stores.attach(fs.stores.create().id, [NewAttachment(file.id)])
    stop = threading.Event()
    worker = IngestWorker(fs._index, HashingEmbedder(), readers=1, on_done=lambda _done: stop.set())
    shutil.rmtree(index)
    with pytest.raises(IndexReplaced):
        worker.run(wake=threading.Event(), stop=stop)
    with pytest.raises(IndexReplaced):
        fs._index.sweep()
    assert not index.exists()


def test_a_watch_takes_everything_into_an_index_that_was_removed(fs, make_fs, docs, index):
    reports, stop = [], threading.Event()

    def note(report):
        reports.append(report)
        if len(reports) == 1:
            shutil.rmtree(index)
            (docs / "glaze.md").write_text("The glaze of the kiln is green.")
        else:
            stop.set()

    times = WatchTimes(settle_s=0, rescan_s=0, poll_s=0)
    fs.watch(docs, stop=stop, on_report=note, times=times)
    assert [len(report.added) for report in reports] == [3, 4]
    assert_whole(make_fs, "glaze.md", "kiln.txt", "mugs.md", "staff.md")
