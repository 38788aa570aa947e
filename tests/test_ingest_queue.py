"""Background ingest: what waits is read, once, whatever happens meanwhile and whoever dies."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import time

import pytest
from filelock import FileLock
from sqlalchemy import update
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from filesearch import queue_rows, reader_pool
from filesearch.index_directory import DEFAULT_STORE
from filesearch.ingest_queue import LOCK_FILE
from filesearch.lock import writer_lock
from filesearch.maintain import verify
from filesearch.merge_policy import MERGE_FACTOR
from filesearch.paging import PageQuery
from filesearch.reader_pool import ReaderPool
from filesearch.schema import vector_stores
from filesearch.store_records import FileCounts, NewAttachment
from filesearch.testing import HashingEmbedder
from filesearch.types import ChunkSettings
from filesearch.writer import IndexWriter

from .support_stores import attach, fill, upload

# Works on the queue of an index until it is killed, in commits of a few files.
WORK = """
import sys, time
import filesearch.ingest_worker as worker
from filesearch import FileSearch
from filesearch.testing import HashingEmbedder
worker.EMBED_WINDOWS = worker.COMMIT_WINDOWS = 3
with FileSearch(sys.argv[1], embedder=HashingEmbedder()) as fs:
    fs.ingest_queue.on_done = lambda done: print(done.file_id, flush=True)
    fs.ingest_queue.start()
    time.sleep(60)
"""


class GatedEmbedder(HashingEmbedder):
    """Embeds no window while the gate is closed; tells when it is asked to."""

    def __init__(self):
        super().__init__()
        self.gate, self.is_asked = threading.Event(), threading.Event()
        self.batches = []
        self.before_batch = lambda _number: None

    def embed_windows(self, texts):
        self.is_asked.set()
        assert self.gate.wait(30)
        self.before_batch(len(self.batches))
        self.batches.append(list(texts))
        if any("poison" in text for text in texts):
            raise RuntimeError("poison")
        return super().embed_windows(texts)


@pytest.fixture
def embedder():
    return GatedEmbedder()


@pytest.fixture
def fs(make_fs, embedder):
    fs = make_fs(embedder=embedder)
    fs.open(create=True)
    yield fs
    embedder.gate.set()


@pytest.fixture
def store(fs):
    return fs.stores.create()


def ready(fs, store):
    assert fs.stores.wait_until_ready([store.id], 30)
    return fs.stores.get(store.id).counts


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def begin(fs, embedder):
    """Start the queue and return when the first windows are at the embedder."""
    fs.ingest_queue.start()
    assert embedder.is_asked.wait(30)


def assert_in_order(fs, store, count):
    record = fs._index.catalog.store(store.id)
    found = verify(fs._index.segments, fs._index.catalog, record)
    assert (found.files, found.damages) == (count, ())


def test_a_file_that_comes_alone_does_not_wait_for_others(fs, store, embedder, monkeypatch):
    for pause in ("POLL_S", "COMMIT_SECONDS"):
        monkeypatch.setattr(f"filesearch.ingest_worker.{pause}", 90)
    embedder.gate.set()
    for number in range(5):
        started = time.monotonic()
        fill(fs, store.id, upload(fs, f"{number}.txt", f"The kiln number {number}."))
        assert time.monotonic() - started < 60


AWAY = [
    OperationalError("SELECT secret", {}, Exception("the connection is closed")),
    InterfaceError("SELECT secret", {}, Exception("the connection is closed")),
    PoolTimeout("QueuePool limit of size 8 overflow 0 reached"),
]


def fail_once(monkeypatch, place, name, error):
    """Let a function raise an error at its first call, and do its work from then on."""
    errors, work = [error], getattr(place, name)

    def fail_at_first(*args, **options):
        if errors:
            raise errors.pop()
        return work(*args, **options)

    monkeypatch.setattr(place, name, fail_at_first)
    return errors


@pytest.mark.parametrize(
    ("place", "name"), [(reader_pool, "extract"), (IndexWriter, "commit_settled")]
)
@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_a_database_that_is_away_fails_no_file(
    fs, store, embedder, monkeypatch, error, place, name
):
    monkeypatch.setattr("filesearch.ingest_queue._FIRST_PAUSE_S", 0.01)
    errors = fail_once(monkeypatch, place, name, error)
    embedder.gate.set()
    attach(fs, store.id, upload(fs, "a.txt", "The kiln is hot."))
    fs.ingest_queue.start()
    assert ready(fs, store) == FileCounts(completed=1)
    assert not errors


def test_a_file_that_cannot_be_kept_is_told_of_without_statements(fs, store, embedder, monkeypatch):
    error = DataError("INSERT secret", {}, Exception("value too long"))
    fail_once(monkeypatch, IndexWriter, "commit_settled", error)
    embedder.gate.set()
    file_id = upload(fs, "a.txt", "The kiln is hot.")
    fill(fs, store.id, file_id)
    assert fs.stores.file(store.id, file_id).error == "DataError: value too long"


def test_bad_files_do_not_keep_good_ones_out(fs, store, embedder):
    embedder.gate.set()
    good = [upload(fs, f"{number}.txt", f"text {number}") for number in range(3)]
    bad = [
        upload(fs, "a.7z", b"7z\xbc\xaf\x27\x1c"),
        upload(fs, "b.pdf", b"%PDF-1.7 broken"),
        upload(fs, "c.docx", b"PK\x03\x04 broken"),
        upload(fs, "d.txt", "poison"),
        upload(fs, "e.txt", "its bytes are gone"),
    ]
    fs._index.blobs.delete(hashlib.sha256(b"its bytes are gone").hexdigest())
    fill(fs, store.id, *bad[:3], *good, *bad[3:])
    files = {file.file_id: file for file in all_files(fs, store)}
    assert {files[one].status for one in good} == {"completed"}
    assert {files[one].status for one in bad} == {"failed"}
    codes = [files[one].error_code for one in bad]
    assert codes == [
        "unsupported_file", "invalid_file", "invalid_file", "server_error", "server_error",
    ]  # fmt: skip
    assert all(files[one].error for one in bad)


def all_files(fs, store):
    return fs.stores.files(store.id, PageQuery(limit=None)).items


def test_a_file_that_is_detached_while_it_is_read_does_not_come_back(fs, store, embedder):
    gone, stays = upload(fs, "a.txt", "alpha"), upload(fs, "b.txt", "beta")
    attach(fs, store.id, gone, stays)
    begin(fs, embedder)
    fs.stores.detach(store.id, gone)
    embedder.gate.set()
    assert ready(fs, store) == FileCounts(completed=1)
    found = fs.stores.search([store.id], ["alpha beta"], top_k=3)
    assert [result.text for result in found.results] == ["beta"]
    fs.ingest_queue.stop()
    assert [file.file_id for file in all_files(fs, store)] == [stays]
    assert_in_order(fs, store, 1)


def test_a_batch_that_is_cancelled_while_it_is_read_stays_so(fs, store, embedder):
    files = [upload(fs, f"{number}.txt", f"text {number}") for number in range(3)]
    batch = fs.stores.create_batch(store.id, [NewAttachment(one) for one in files])
    begin(fs, embedder)
    fs.stores.cancel_batch(store.id, batch.id)
    embedder.gate.set()
    fs.ingest_queue.stop()
    assert fs.stores.batch(store.id, batch.id).counts == FileCounts(cancelled=3)
    assert fs.stores.search([store.id], ["text"], top_k=3).results == ()
    assert fs._index.catalog.segments() == []


def test_a_store_that_is_deleted_while_its_files_are_read_stays_so(fs, store, embedder, caplog):
    other = fs.stores.create()
    attach(fs, store.id, upload(fs, "a.txt", "alpha"))
    attach(fs, other.id, upload(fs, "b.txt", "beta"))
    begin(fs, embedder)
    fs.stores.delete(store.id)
    embedder.gate.set()
    assert ready(fs, other) == FileCounts(completed=1)
    fs.ingest_queue.stop()
    assert len(fs._index.catalog.segments()) == 1
    assert not caplog.records  # nothing had to be tried again


def test_a_file_that_is_attached_otherwise_while_it_is_read_is_read_again(fs, store, embedder):
    file_id = upload(fs, "a.txt", "The kiln is hot and the mug is cold. " * 100)
    attach(fs, store.id, file_id)
    begin(fs, embedder)
    attach(fs, store.id, file_id, chunk_settings=ChunkSettings(100, 0))
    embedder.gate.set()
    assert ready(fs, store) == FileCounts(completed=1)
    [entry] = fs._index.catalog.picture(store.id).entries
    assert entry.chunk_settings == ChunkSettings(100, 0)
    assert len(fs._index.catalog.chunks(entry.store_file_id)) > 5
    assert_in_order(fs, store, 1)


def test_stopping_leaves_the_rest_waiting_and_a_start_goes_on(make_fs, fs, store, embedder):
    files = [upload(fs, f"{number}.txt", f"text {number}") for number in range(40)]
    attach(fs, store.id, *files)
    begin(fs, embedder)
    threading.Timer(0.1, embedder.gate.set).start()
    fs.ingest_queue.stop()
    counts = fs.stores.get(store.id).counts
    assert counts.completed + counts.in_progress == 40
    fs.close()
    again = make_fs()
    again.ingest_queue.start()
    assert ready(again, store) == FileCounts(completed=40)
    assert_in_order(again, store, 40)


def test_small_files_get_in_between_the_windows_of_a_large_one(fs, store, embedder, monkeypatch):
    read = []

    class Telling(ReaderPool):
        def __init__(self, *, on_done, **more):
            super().__init__(on_done=lambda: (on_done(), read.append(1)), **more)

    monkeypatch.setattr("filesearch.ingest_worker.ReaderPool", Telling)
    # The small one is taken up after the first batch; the second one lasts until it is read.
    embedder.before_batch = lambda number: number == 1 and wait_for(lambda: len(read) == 2)
    other = fs.stores.create()
    large = upload(fs, "large.txt", "The kiln is hot and the mug is cold. " * 30_000)
    attach(fs, store.id, large)
    begin(fs, embedder)
    attach(fs, other.id, upload(fs, "small.txt", "A small one."))
    wait_for(lambda: fs.ingest_queue.count_waiting() == 2)
    embedder.gate.set()
    assert ready(fs, other) == FileCounts(completed=1)
    at = next(n for n, texts in enumerate(embedder.batches) if any("small" in t for t in texts))
    assert at <= 2
    assert ready(fs, store) == FileCounts(completed=1)
    assert len(embedder.batches) > 4


def test_stores_take_turns(fs, store):
    other = fs.stores.create()
    first = [upload(fs, f"{number}.txt", f"text {number}") for number in range(5)]
    attach(fs, store.id, *first)
    late = upload(fs, "late.txt", "late")
    attach(fs, other.id, late)
    with fs.database.reading() as sql:
        found = queue_rows.find_waiting(sql, limit=3, but=())
        rest = queue_rows.find_waiting(sql, limit=9, but=[one.store_file_id for one in found])
    assert [one.file_id for one in found] == [first[0], late, first[1]]
    assert [one.file_id for one in rest] == first[2:]


def test_whoever_writes_meanwhile_is_waited_for(fs, store, embedder):
    embedder.gate.set()
    with writer_lock(fs.directory, timeout_s=5):
        attach(fs, store.id, upload(fs, "a.txt", "alpha"))
        fs.ingest_queue.start()
        assert not fs.stores.wait_until_ready([store.id], 1.5)
    assert ready(fs, store) == FileCounts(completed=1)


def test_a_queue_can_be_stopped_while_another_writes(fs, store, embedder):
    embedder.gate.set()
    with writer_lock(fs.directory, timeout_s=5):
        attach(fs, store.id, upload(fs, "a.txt", "alpha"))
        begin(fs, embedder)
        started = time.monotonic()
        fs.ingest_queue.stop()
        assert time.monotonic() - started < 25
    assert fs.stores.get(store.id).counts == FileCounts(in_progress=1)


def test_what_is_done_is_told(fs, store, embedder):
    embedder.gate.set()
    told = []
    fs.ingest_queue.on_done = told.append
    good, bad = upload(fs, "a.txt", "alpha"), upload(fs, "e.txt", "")
    attach(fs, store.id, good, bad)
    assert fs.ingest_queue.count_waiting() == 2
    fs.ingest_queue.start()
    ready(fs, store)
    wait_for(lambda: len(told) == 2)
    assert {done.file_id: done.is_failed for done in told} == {good: False, bad: True}
    assert all(done.store_id == store.id and 0 <= done.seconds < 30 for done in told)
    assert fs.ingest_queue.count_waiting() == 0


def test_segments_are_merged_when_they_become_many(fs, store, embedder):
    embedder.gate.set()
    for number in range(3 * MERGE_FACTOR):
        fill(fs, store.id, upload(fs, f"{number}.txt", f"text {number}"))
    fs.ingest_queue.stop()
    assert len(fs._index.catalog.picture(store.id).segments) <= 2 * MERGE_FACTOR
    assert_in_order(fs, store, 3 * MERGE_FACTOR)


def test_small_segments_are_merged_once_no_file_comes(fs, store, embedder, monkeypatch):
    monkeypatch.setattr("filesearch.ingest_worker.REST_S", 0.02)
    embedder.gate.set()
    for number in range(3):
        fill(fs, store.id, upload(fs, f"{number}.txt", f"text {number}"))
    wait_for(lambda: len(fs._index.catalog.picture(store.id).segments) == 1)
    fs.ingest_queue.stop()
    assert_in_order(fs, store, 3)


def test_an_error_of_the_machine_is_tried_again(fs, store, embedder, tmp_path):
    embedder.gate.set()
    (tmp_path / "index" / "segments").write_text("a file where the folder of segments should be")
    attach(fs, store.id, upload(fs, "a.txt", "alpha"))
    fs.ingest_queue.start()
    assert not fs.stores.wait_until_ready([store.id], 0.3)
    (tmp_path / "index" / "segments").unlink()
    assert ready(fs, store) == FileCounts(completed=1)


def start_worker(index):
    return subprocess.Popen(
        [sys.executable, "-c", WORK, str(index)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_killed_workers_lose_and_double_nothing(make_fs, tmp_path):
    fs = make_fs()
    fs.open(create=True)
    default, other = fs._index.open_store(), fs.stores.create()
    files = [upload(fs, f"{number:03}.md", f"It is about subject{number}.") for number in range(40)]
    attach(fs, default.id, *files)
    attach(fs, other.id, *files)
    for count in (1, 13, 25):
        worker = start_worker(tmp_path / "index")
        for _ in range(count):
            assert worker.stdout.readline()
        time.sleep(0.001 * count)  # not always right after a commit
        worker.kill()
        worker.communicate()
        for store in (default, other):
            counts = fs.stores.get(store.id).counts
            assert (counts.total, counts.failed) == (40, 0)
            assert_in_order(fs, store, counts.completed)
    fs.ingest_queue.start()
    for store in (default, other):
        assert ready(fs, store) == FileCounts(completed=40)
        assert_in_order(fs, store, 40)
        hits = fs.stores.search([store.id], ["subject17"], top_k=3).results
        assert hits[0].filename == "017.md"
    fs.ingest_queue.stop()
    assert fs._index.catalog.find_store(DEFAULT_STORE).id == default.id
    assert fs.verify().orphans == 0


def test_one_process_works_and_another_takes_over_when_it_dies(make_fs, tmp_path):
    fs = make_fs()
    fs.open(create=True)
    store = fs.stores.create()
    worker = start_worker(tmp_path / "index")
    fill_first = upload(fs, "a.txt", "alpha")
    attach(fs, store.id, fill_first)
    assert worker.stdout.readline().strip() == fill_first
    told = []
    fs.ingest_queue.on_done = told.append
    fs.ingest_queue.start()
    second = upload(fs, "b.txt", "beta")
    attach(fs, store.id, second)
    assert worker.stdout.readline().strip() == second
    assert told == []
    worker.kill()
    worker.communicate()
    third = upload(fs, "c.txt", "gamma")
    attach(fs, store.id, third)
    assert ready(fs, store) == FileCounts(completed=3)
    wait_for(lambda: told)
    assert [done.file_id for done in told] == [third]


def test_a_process_that_does_not_lead_stops_at_once(fs):
    with FileLock(fs.directory / LOCK_FILE):
        fs.ingest_queue.start()
        started = time.monotonic()
        fs.ingest_queue.stop()
        assert time.monotonic() - started < 30


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_what_could_not_be_embedded_anew_at_first_is_whole_in_the_end(
    fs, store, embedder, monkeypatch, fails_at
):
    monkeypatch.setattr("filesearch.ingest_worker.EMBED_WINDOWS", 1)
    calls = []

    def fail_once():
        calls.append(len(calls) + 1)
        if calls[-1] == fails_at:
            raise RuntimeError("out of memory")

    def set_late_interaction(value):
        with fs.database.writing() as sql:
            sql.execute(update(vector_stores).values(late_interaction=value))

    set_late_interaction(value=False)
    long = "delta epsilon zeta. " * 400
    attach(fs, store.id, upload(fs, "a.txt", "alpha"), upload(fs, "b.txt", long))
    with writer_lock(fs.directory, timeout_s=5):
        fs.ingest_queue.start()
        embedder.gate.set()
        assert not fs.stores.wait_until_ready([store.id], 1.5)
        set_late_interaction(value=True)
        make = embedder.embed_windows
        monkeypatch.setattr(embedder, "embed_windows", lambda texts: (fail_once(), make(texts))[1])
    assert ready(fs, store) == FileCounts(completed=2)
    fs.ingest_queue.stop()
    assert max(calls) >= fails_at
    assert fs.verify().damages == ()


@pytest.mark.parametrize("wanted", [True, False])
def test_what_a_rebuild_changes_while_the_lock_is_awaited_is_embedded_anew(
    fs, store, embedder, wanted
):
    def set_late_interaction(value):
        with fs.database.writing() as sql:
            sql.execute(update(vector_stores).values(late_interaction=value))

    set_late_interaction(not wanted)
    attach(fs, store.id, upload(fs, "a.txt", "alpha"), upload(fs, "b.txt", "beta"))
    with writer_lock(fs.directory, timeout_s=5):
        fs.ingest_queue.start()
        embedder.gate.set()
        assert not fs.stores.wait_until_ready([store.id], 1.5)
        set_late_interaction(wanted)
    assert ready(fs, store) == FileCounts(completed=2)
    fs.ingest_queue.stop()
    segments = fs._index.snapshot(fs._index.catalog.store(store.id)).segments
    assert [segment.has_signs for segment in segments] == [wanted] * len(segments)
    assert fs.verify().damages == ()
