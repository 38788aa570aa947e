"""What others do to an index while an ingest, a rebuild or a worker is at it."""

import io
import threading
import time

import pytest

from filesearch import FileSearch
from filesearch.ingest_worker import IngestWorker
from filesearch.paging import PageQuery
from filesearch.store_records import NewAttachment
from filesearch.testing import HashingEmbedder


class OtherEmbedder(HashingEmbedder):
    def __init__(self):
        super().__init__(128)
        self.fingerprint = "other-128"


def write_notes(docs, count):
    for number in range(count):
        (docs / f"note{number}.md").write_text(f"Note {number} is about subject{number}.")


def blobs_of(fs):
    return {path.read_bytes() for path in (fs.directory / "blobs").glob("??/*")}


def once(act, when=lambda *_: True):
    """A progress callback that acts the first time that it may."""
    done = []

    def on_progress(*told):
        if not done and when(*told):
            done.append(True)
            act()

    return on_progress


def is_after(name):
    return lambda progress: progress.outcome is not None and progress.outcome.filename == name


def test_the_bytes_of_replaced_versions_go(fs, docs):
    fs.ingest(docs)
    before = len(blobs_of(fs))
    for number in range(3):
        (docs / "kiln.txt").write_text(f"version {number} of the kiln's secret")
        fs.ingest(docs)
    assert len(blobs_of(fs)) == before
    assert b"version 2 of the kiln's secret" in blobs_of(fs)
    (docs / "kiln.txt").unlink()
    fs.ingest(docs, prune=True)
    assert not any(b"secret" in blob for blob in blobs_of(fs))


def test_bytes_that_another_file_has_stay(fs, docs):
    (docs / "copy.txt").write_bytes((docs / "kiln.txt").read_bytes())
    fs.ingest(docs)
    before = (docs / "kiln.txt").read_bytes()
    (docs / "kiln.txt").write_text("another kiln")
    fs.ingest(docs)
    assert before in blobs_of(fs)


def test_an_ingest_that_ends_early_leaves_no_bytes_behind(fs, docs):
    write_notes(docs, 5)

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fs.ingest(docs, on_progress=once(stop, is_after("kiln.txt")))
    named = {record.content_hash for record in fs._index.catalog.files(fs._index.open_store().id)}
    assert {path.name for path in (fs.directory / "blobs").glob("??/*")} == named
    assert not list((fs.directory / "blobs").glob("incoming-*"))


def test_repair_deletes_bytes_that_no_file_has(fs, docs):
    fs.ingest(docs)
    kept = blobs_of(fs)
    fs._index.blobs.put(io.BytesIO(b"left by a killed process"))
    fs.verify(should_repair=True)
    assert blobs_of(fs) == kept


def test_an_upload_deleted_while_its_copy_is_ingested_leaves_the_copy_its_bytes(make_fs, docs):
    fs, other = make_fs(), make_fs()
    fs.ingest(docs / "mugs.md")
    upload = fs.file_objects.add(
        io.BytesIO((docs / "kiln.txt").read_bytes()), "up.txt", "assistants"
    )
    other.open()
    fs.ingest(
        docs, on_progress=once(lambda: other.file_objects.delete(upload.id), is_after("kiln.txt"))
    )
    [kiln] = [record for record in fs.files() if record.filename == "kiln.txt"]
    with fs.file_objects.open(kiln.id) as stream:
        assert stream.read() == (docs / "kiln.txt").read_bytes()


def test_a_file_deleted_while_it_is_noticed_as_moved_is_added(make_fs, docs):
    write_notes(docs, 3)
    fs, other = make_fs(), make_fs()
    fs.ingest(docs)
    ids = {record.filename: record.id for record in fs.files()}
    other.open()
    (docs / "note0.md").rename(docs / "zz.md")
    (docs / "new.md").write_text("fresh new kiln words")
    fs.ingest(
        docs,
        on_progress=once(
            lambda: other.file_objects.delete(ids["note0.md"]), lambda told: told.files_done == 1
        ),
    )
    names = {record.filename for record in fs.files()}
    assert {"zz.md", "new.md"} <= names
    assert fs.search("subject0")[0].filename == "zz.md"
    assert fs.verify().damages == ()


@pytest.mark.parametrize("number", [1, 4])
def test_a_rebuild_leaves_out_what_was_deleted_meanwhile(make_fs, docs, number):
    for path in docs.iterdir():
        path.unlink()
    write_notes(docs, 5)
    fs, other = make_fs(), make_fs()
    fs.ingest(docs)
    ids = {record.filename: record.id for record in fs.files()}
    other.open()
    fs.rebuild(on_progress=once(lambda: other.file_objects.delete(ids[f"note{number}.md"])))
    assert len(fs.files()) == 4
    assert fs.verify().damages == ()
    assert fs.search("subject2")[0].filename == "note2.md"


def test_attributes_given_with_an_attachment_outlast_the_next_ingest(fs, docs):
    fs.ingest(docs, attributes={"team": "x"})
    store = fs._index.open_store()
    [kiln] = [record for record in fs.files() if record.filename == "kiln.txt"]
    fs.stores.attach(store.id, [NewAttachment(kiln.id, attributes={"year": 2025})])
    fs.ingest(docs)
    [kiln] = [record for record in fs.files() if record.filename == "kiln.txt"]
    assert kiln.attributes == {"year": 2025}
    found = fs.search("kiln", filters={"type": "eq", "key": "year", "value": 2025})
    assert {hit.filename for hit in found} == {"kiln.txt"}


def test_an_upload_beside_a_rebuild_with_another_embedder_fails_alone(make_fs, docs):
    server = make_fs()
    server.ingest(docs)
    store_id = server._index.open_store().id
    stop, wake = threading.Event(), threading.Event()
    worker = IngestWorker(server._index, server._embedder)
    thread = threading.Thread(target=worker.run, kwargs={"wake": wake, "stop": stop})

    def upload():
        file = server.file_objects.add(io.BytesIO(b"uploaded wheel"), "up.txt", "assistants")
        server.stores.attach(store_id, [NewAttachment(file.id)])
        wake.set()
        deadline = time.monotonic() + 20
        while not worker._ready:  # embedded, and waiting for the lock that the rebuild holds
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def count_waiting():
        return sum(
            file.status == "in_progress"
            for file in server.stores.files(store_id, PageQuery()).items
        )

    with FileSearch(server.directory, embedder=OtherEmbedder()) as rebuilt:
        thread.start()
        try:
            rebuilt.rebuild(on_progress=once(upload))
            deadline = time.monotonic() + 20
            while count_waiting():
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            stop.set()
            wake.set()
            thread.join()
        states = {
            file.filename: file.status for file in server.stores.files(store_id, PageQuery()).items
        }
        assert states["up.txt"] == "failed"
        assert rebuilt.verify().damages == ()
        assert rebuilt.search("kiln degrees")[0].filename == "kiln.txt"
