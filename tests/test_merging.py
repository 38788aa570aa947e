"""Merging beside writers: what comes, goes or dies while a segment is being written."""

from __future__ import annotations

import itertools
import shutil
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from filesearch import Document, NamedDocument, maintain, merging
from filesearch.background_merges import BackgroundMerges
from filesearch.errors import IndexBusy, IndexReplaced
from filesearch.index import merge
from filesearch.lock import merge_lock
from filesearch.merge_policy import MERGE_FACTOR, MergePolicy

N_NOTES = 6
KILLED_BEFORE_THE_CATALOG_NAMES_IT = """
import os, signal, sys
from filesearch import FileSearch
from filesearch.testing import HashingEmbedder
with FileSearch(sys.argv[1], embedder=HashingEmbedder()) as fs:
    store = fs._index.open_store()
    group = fs._index.catalog.picture(store.id).segments
    with fs._index.merger().write_merged(store.id, group):
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def notes(fs, docs):
    """Some files, each in a segment of its own."""
    paths = [docs / f"note{number}.md" for number in range(N_NOTES)]
    with fs._index.merging():  # so that nobody else merges
        for number, path in enumerate(paths):
            path.write_text(f"Note {number} is about subject{number}.")
            fs.ingest(path)
    return paths


@pytest.fixture
def store(fs, notes):
    return fs._index.open_store()


def segments_of(fs, store):
    return fs._index.catalog.picture(store.id).segments


def found(fs):
    """Which file is about which subject."""
    names = {}
    for number in range(N_NOTES):
        hits = [hit for hit in fs.search(f"subject{number}") if f"subject{number}" in hit.text]
        names[number] = [hit.filename for hit in hits]
    return names


def on_disk(fs):
    return {path.name for path in (fs.directory / "segments").iterdir()}


def test_files_that_go_or_change_while_a_merge_writes_stay_so(fs, notes, store):
    merger, group = fs._index.merger(), segments_of(fs, store)
    with fs._index.merging(), merger.write_merged(store.id, group) as made:
        notes[1].unlink()
        notes[2].write_text("Note 2 is about something else now.")
        notes[3].rename(notes[3].with_name("renamed.md"))
        fs.ingest(notes[2].parent, prune=True)
        assert merger.take_over(store.id, made) == N_NOTES - 3
    expected = {number: [path.name] for number, path in enumerate(notes)}
    assert found(fs) == expected | {1: [], 2: [], 3: ["renamed.md"]}
    verified = fs.verify()
    assert (verified.damages, verified.orphans) == ((), 0)
    assert made.record.name in on_disk(fs)
    assert not on_disk(fs) & {record.name for record in group}


def test_a_merge_of_which_every_file_is_gone_changes_nothing(fs, notes, store):
    merger, group = fs._index.merger(), segments_of(fs, store)
    with merger.write_merged(store.id, group) as made:
        fs.remove(["note*.md"])
        generation = fs.stats().generation
        assert merger.take_over(store.id, made) == 0
    assert fs.stats().generation == generation
    assert made.record.name not in on_disk(fs)


def test_a_segment_that_got_the_id_of_an_old_one_is_not_taken_for_it(fs, notes, store):
    """SQLite gives a new row the number of the last one that was deleted."""
    merger = fs._index.merger()
    last = segments_of(fs, store)[-1]
    with fs._index.merging(), merger.write_merged(store.id, [last]) as made:
        fs.remove([f"note{N_NOTES - 1}.md"])
        notes[0].write_text("Note 0 is about subject0 again.")
        fs.ingest(notes[0])
        assert segments_of(fs, store)[-1].id == last.id
        assert merger.take_over(store.id, made) == 0
    assert found(fs)[0] == ["note0.md"]
    assert fs.verify().damages == ()


@pytest.mark.parametrize("is_at_rest", [True, False])
def test_a_rebuild_leaves_small_segments_merged(fs, docs, monkeypatch, is_at_rest):
    fs.ingest(docs)
    monkeypatch.setattr(maintain, "REBUILD_WINDOWS", 1)  # a segment for every file
    if not is_at_rest:
        monkeypatch.setattr(MergePolicy, "choose_at_rest", MergePolicy.choose)
    fs.rebuild()
    assert (fs.stats().segments == 1) is is_at_rest


def test_many_stretches_of_removed_files_are_left_out(fs, docs):
    for number in range(80):
        (docs / f"{number}.txt").write_text(f"Text {number} is about subject{number}.")
    fs.ingest(docs)
    store = fs._index.open_store()
    doomed = [f"{number}.txt" for number in range(1, 80, 4)]
    fs.remove(doomed)
    fs.compact()
    assert len(fs.files()) == 3 + 80 - len(doomed)
    assert fs.verify().damages == ()
    assert segments_of(fs, store)[0].slot_count == 3 + 80 - len(doomed)
    assert fs.search("subject78")[0].filename == "78.txt"


def test_a_process_killed_before_the_catalog_names_a_merge_leaves_the_old_in_use(make_fs, tmp_path):
    fs = make_fs()
    with fs._index.merging():
        for number in range(3):
            (tmp_path / f"{number}.md").write_text(f"Note {number} is about subject{number}.")
            fs.ingest(tmp_path / f"{number}.md")
    code = [sys.executable, "-c", KILLED_BEFORE_THE_CATALOG_NAMES_IT, str(fs.directory)]
    assert subprocess.run(code, check=False).returncode == -signal.SIGKILL
    verified = fs.verify()
    assert (verified.damages, verified.segments, verified.orphans) == ((), 3, 1)
    assert fs.search("subject1")[0].filename == "1.md"
    fs.ingest(tmp_path / "1.md")
    assert fs.verify().orphans == 0


def test_what_a_merge_writes_is_not_swept_by_other_writers(fs, notes, store):
    merger = fs._index.merger()
    with fs._index.merging(), merger.write_merged(store.id, segments_of(fs, store)) as made:
        fs.ingest(notes)  # sweeps before and after
        fs._index.sweep()
        assert made.record.name in on_disk(fs)
        assert merger.take_over(store.id, made) == N_NOTES
    assert fs.stats().segments == 1
    assert len(found(fs)) == N_NOTES


def test_one_merge_at_a_time(fs, notes, store):
    with merge_lock(fs.directory, timeout_s=0):
        assert fs._index.merger().merge_due(store.id) == 0
        with pytest.raises(IndexBusy, match="still merging"):
            fs._index.merger().compact(store.id, timeout_s=0)


def test_a_merge_waits_for_no_writer(fs, notes):
    with fs._index.writing():
        assert fs.compact() == N_NOTES


def test_a_store_that_is_deleted_while_it_is_merged_is_fine(fs, notes, store):
    merger = fs._index.merger()
    with merger.write_merged(store.id, segments_of(fs, store)) as made:
        fs.stores.delete(store.id)
        assert merger.take_over(store.id, made) == 0
    fs._index.sweep()
    assert on_disk(fs) == set()


# Beside an ingest


class StubMerger:
    """Says what it was asked for; merging takes until it is let go on, or fails."""

    def __init__(self, error=None):
        self.error = error
        self.calls = []
        self.go_on = threading.Event()
        self.begun = threading.Event()

    def has_tier(self, store_id):
        return True

    def merge_due(self, store_id, *, on_block):
        return self.merge(store_id, on_block)

    def merge_at_rest(self, store_id, *, on_block):
        return self.merge(f"{store_id} at rest", on_block)

    def merge(self, call, on_block):
        self.calls.append(call)
        self.begun.set()
        if self.error is not None:
            raise self.error
        while not self.go_on.wait(0.001):
            on_block()
        return 0


def test_merges_run_while_the_block_goes_on_and_are_finished_at_its_end():
    merger = StubMerger()
    with BackgroundMerges(merger, finish=True) as merges:
        merges.note("a")
        merges.note("b")
        assert merger.begun.wait(30)
        assert merger.calls == ["a"]
        merger.go_on.set()
    assert merger.calls == ["a", "b", "a at rest", "b at rest"]


@pytest.mark.parametrize(("finish", "error"), [(False, None), (True, KeyboardInterrupt)])
def test_a_merge_under_way_is_ended_with_an_ingest_that_does_not_wait(finish, error):
    merger = StubMerger()
    merges = BackgroundMerges(merger, finish=finish)
    with merges:
        merges.note("a")
        assert merger.begun.wait(30)
        merges.note("b")
        merges.__exit__(error, None, None)
        assert not merges._thread.is_alive()
        assert merger.calls == ["a"]
        merger.go_on.set()


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_store_is_merged_at_rest_once_no_commit_comes_and_again_after_the_next():
    merger = StubMerger()
    merger.go_on.set()
    with BackgroundMerges(merger, finish=False, rest_s=0.02) as merges:
        merges.note("a")
        wait_for(lambda: "a at rest" in merger.calls)
        assert merges._seconds_to_rest() > 60
        merges.note("a")
        wait_for(lambda: merger.calls.count("a at rest") == 2)


def test_each_commit_puts_off_the_rest_of_its_store(monkeypatch):
    merger = StubMerger()
    merger.go_on.set()
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr("filesearch.background_merges.time", clock)
    with BackgroundMerges(merger, finish=False, rest_s=100) as merges:
        for store_id in "aba":
            merges.note(store_id)
            clock.now += 1
        assert merges._seconds_to_rest() == 100 - 2  # "b", noted at 1, comes first now
    assert "a at rest" not in merger.calls


def test_no_store_is_at_rest_while_commits_come_unless_told_when():
    merger = StubMerger()
    merger.go_on.set()
    with BackgroundMerges(merger, finish=False) as merges:
        merges.note("a")
        wait_for(lambda: merger.calls)
        assert merges._seconds_to_rest() > 60
    assert merger.calls == ["a"]


def test_a_merge_at_rest_is_given_up_at_once_at_the_end():
    merger = StubMerger()
    with BackgroundMerges(merger, finish=False, rest_s=0) as merges:
        merger.has_tier = lambda _store_id: False
        merges.note("a")
        assert merger.begun.wait(30)
    assert not merges._thread.is_alive()
    assert merger.calls == ["a at rest"]


def test_a_store_that_another_process_merges_is_looked_at_again():
    merger, left = StubMerger(), [None, None, 0]

    def merge_at_rest(store_id, *, on_block):
        merger.calls.append(store_id)
        return left.pop(0)

    merger.go_on.set()
    merger.merge_at_rest = merge_at_rest
    with BackgroundMerges(merger, finish=False, rest_s=0.02) as merges:
        merges.note("a")
        wait_for(lambda: not left)
        wait_for(lambda: merges._seconds_to_rest() > 60)  # nothing is left to do
    # At the end nobody waits for the other process.
    left += [None]
    with BackgroundMerges(merger, finish=True) as merges:
        merges.note("a")
    assert not left


def test_a_merge_that_fails_is_told_of_and_ends_nothing(caplog):
    merger = StubMerger(error=OSError(28, "No space left on device"))
    merges = BackgroundMerges(merger, finish=True)
    with merges:
        merges.note("a")
        assert merger.begun.wait(30)
    assert merger.calls == ["a"]  # not once more at the end
    assert "store a could not be merged (OSError: [Errno 28] No space left" in caplog.text


def test_an_ingested_folder_lies_in_one_segment(fs, docs, monkeypatch):
    monkeypatch.setattr("filesearch.ingest.COMMIT_WINDOWS", 1)
    monkeypatch.setattr("filesearch.ingest.EMBED_WINDOWS", 1)
    fs.ingest(docs)
    assert fs.stats().generation > 2  # several commits, and a merge of what they wrote
    assert fs.stats().segments == 1
    assert fs.search("kiln degrees")[0].filename == "kiln.txt"


def test_an_ingest_that_is_broken_off_merges_nothing_at_rest(fs, docs, store, monkeypatch):
    monkeypatch.setattr("filesearch.ingest.COMMIT_WINDOWS", 1)
    monkeypatch.setattr("filesearch.ingest.EMBED_WINDOWS", 1)
    before = [record.name for record in segments_of(fs, store)]
    assert len(before) == N_NOTES

    def stop(_progress):
        if len(segments_of(fs, store)) > N_NOTES:  # something was committed, and noted
            raise KeyboardInterrupt

    (docs / "new.md").write_text("Something new.")
    with pytest.raises(KeyboardInterrupt):
        fs.ingest(docs, on_progress=stop)
    assert [record.name for record in segments_of(fs, store)][:N_NOTES] == before


def test_merging_does_not_make_the_folder_of_an_index_that_was_removed(fs, store):
    merger = fs._index.merger()
    shutil.rmtree(fs.directory)
    with pytest.raises(IndexReplaced):
        merger.merge_at_rest(store.id)
    assert not fs.directory.exists()


def test_an_ingest_goes_on_when_a_segment_cannot_be_merged(fs, caplog):
    for number in range(MERGE_FACTOR):
        document = NamedDocument(f"{number}.txt", Document(f"It is about subject{number}."))
        assert len(fs.ingest_documents([document]).added) == 1
        if number == 0:
            [name] = on_disk(fs)
            (fs.directory / "segments" / name / "windows.npy").write_bytes(b"")
    assert "could not be merged (IndexDamaged" in caplog.text
    assert fs.verify(should_repair=True).damages == ()
    assert fs.search("subject0")[0].filename == "0.txt"


def damage_the_segments(fs):
    for name in on_disk(fs):
        (fs.directory / "segments" / name / "windows.npy").write_bytes(b"")


def test_what_was_removed_is_told_of_when_a_segment_cannot_be_merged(fs, docs, caplog):
    fs.ingest(docs)
    damage_the_segments(fs)
    assert [record.filename for record in fs.remove(["kiln.txt"])] == ["kiln.txt"]
    assert "could not be merged (IndexDamaged" in caplog.text
    assert [record.filename for record in fs.files()] == ["mugs.md", "staff.md"]


def test_a_rebuild_is_done_when_its_segments_cannot_be_merged(fs, docs, monkeypatch, caplog):
    fs.ingest(docs)
    monkeypatch.setattr(maintain, "REBUILD_WINDOWS", 1)  # a segment for every file
    rebuild = maintain.rebuild

    def rebuild_and_damage(*args, **more):
        rebuild(*args, **more)
        damage_the_segments(fs)

    monkeypatch.setattr("filesearch.upkeep.rebuild", rebuild_and_damage)
    assert fs.rebuild() == 3
    assert "could not be merged (IndexDamaged" in caplog.text


@pytest.mark.parametrize(("comes", "went", "left"), [("a file", 6, 2), ("a removal", 5, 1)])
def test_compacting_ends_however_much_is_written_meanwhile(
    fs, make_fs, notes, monkeypatch, comes, went, left
):
    other, count = make_fs(), itertools.count()
    merge_segments = merging.merge_segments

    def merge_while_others_write(*args, **more):
        number = next(count)
        assert number < N_NOTES
        made = merge_segments(*args, **more)
        if comes == "a removal":
            other.remove([f"note{number}.md"])
        else:
            text = f"It came as number {number}."
            other.ingest_documents([NamedDocument(f"new{number}.txt", Document(text))])
        return made

    monkeypatch.setattr(merging, "merge_segments", merge_while_others_write)
    assert fs.compact() == went
    assert next(count) == 1
    assert fs.stats().segments == left
    assert fs.verify().damages == ()


def test_what_is_removed_with_its_segment_while_that_is_merged_is_no_damage(
    fs, make_fs, notes, monkeypatch
):
    other, gone = make_fs(), ["note2.md"]
    make_part = merge._make_part

    def make_part_of_the_rest(*args):
        if gone:
            other.remove([gone.pop()])
        return make_part(*args)

    monkeypatch.setattr(merge, "_make_part", make_part_of_the_rest)
    assert fs.compact() == N_NOTES - 1
    assert found(fs)[2] == []
    assert fs.verify().damages == ()
