"""Watch: an index that follows its folders while they change."""

import importlib.util
import threading
import time
from pathlib import Path

import pytest

from filesearch.change_signal import ChangeSignal
from filesearch.errors import DatabaseAway, InvalidSetting, NotFound
from filesearch.intake import take_in
from filesearch.lock import writer_lock
from filesearch.walk import find_root
from filesearch.watch import WatchTimes

_SPEC = importlib.util.spec_from_file_location(
    "watch_test", Path(__file__).parent.parent / "scripts" / "watch_test.py"
)
watch_test = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(watch_test)

QUICK = WatchTimes(settle_s=0.1, patience_s=2, rescan_s=1, poll_s=0.2)


class Watcher:
    """Watches in a thread; keeps what is reported."""

    def __init__(self, fs, *paths, times=QUICK):
        self.reports, self.notes, self.errors = [], [], []
        self.stop = threading.Event()
        self._run = lambda: fs.watch(
            paths,
            stop=self.stop,
            on_report=self.reports.append,
            on_note=self.notes.append,
            times=times,
        )
        self._thread = threading.Thread(target=self._guarded)

    def _guarded(self):
        try:
            self._run()
        except Exception as error:  # noqa: BLE001 - raised again by the test
            self.errors.append(error)

    def __enter__(self):
        self._thread.start()
        self.until(lambda: self.reports)
        return self

    def __exit__(self, *_exc):
        self.stop.set()
        self._thread.join()
        assert not self.errors

    def until(self, is_so, seconds=60):
        end = time.monotonic() + seconds
        while not is_so():
            assert not self.errors
            assert time.monotonic() < end, "it did not come"
            time.sleep(0.02)

    @property
    def done(self):
        return [(one.status, one.filename) for report in self.reports for one in report.outcomes]


@pytest.fixture
def held(fs):
    """The names in the index, now."""
    return lambda: sorted(record.filename for record in fs.files())


def test_thirty_random_changes_are_followed_exactly(fs, tmp_path):
    folder = tmp_path / "random"
    folder.mkdir()
    wrong, done, _statuses, _seconds = watch_test.watch_and_change(
        fs, folder, operations=30, seed=11, times=QUICK, longest_pause_s=0.15, timeout_s=120
    )
    assert wrong == []
    assert sum(done.values()) == 30


def put(path, text):
    """Give a file its text at once: between being made and written it would be taken up empty."""
    beside = path.with_name(f".{path.name}.swp")
    beside.write_text(text)
    beside.replace(path)


def test_new_changed_and_deleted_files_are_followed(fs, docs, held):
    with Watcher(fs, docs) as watcher:
        assert len(watcher.reports[0].added) == 3
        put(docs / "new.md", "A new file.")
        watcher.until(lambda: ("added", "new.md") in watcher.done)
        put(docs / "new.md", "Now it says zirconium.")
        watcher.until(lambda: ("updated", "new.md") in watcher.done)
        assert "zirconium" in fs.search("zirconium")[0].text
        (docs / "new.md").unlink()
        watcher.until(lambda: ("removed", "new.md") in watcher.done)
    assert held() == ["kiln.txt", "mugs.md", "staff.md"]


def test_attributes_beside_a_file_are_followed(fs, docs):
    def year():
        return {record.filename: record.attributes.get("year") for record in fs.files()}

    with Watcher(fs, docs) as watcher:
        sidecar = docs / "mugs.md.meta.json"
        sidecar.write_text('{"year": 2024}')
        watcher.until(lambda: year()["mugs.md"] == 2024)
        sidecar.write_text('{"year": 2025}')
        watcher.until(lambda: year()["mugs.md"] == 2025)
        sidecar.unlink()
        watcher.until(lambda: year()["mugs.md"] is None)
    assert len(year()) == 3


def test_a_folder_that_is_moved_keeps_its_files(fs, docs, held):
    (docs / "sub").mkdir()
    (docs / "sub" / "a.md").write_text("Something of its own.")
    with Watcher(fs, docs) as watcher:
        (docs / "sub").rename(docs / "moved")
        watcher.until(lambda: ("renamed", "moved/a.md") in watcher.done)
    assert "moved/a.md" in held()
    assert "sub/a.md" not in held()


def test_a_new_ignore_file_takes_out_what_it_names(fs, docs, held):
    with Watcher(fs, docs) as watcher:
        (docs / ".fsearchignore").write_text("*.txt\n")
        watcher.until(lambda: ("removed", "kiln.txt") in watcher.done)
    assert held() == ["mugs.md", "staff.md"]


def test_a_file_that_failed_is_tried_again_when_it_changes(fs, docs):
    (docs / "late.md").write_text("")
    with Watcher(fs, docs) as watcher:
        assert ("failed", "late.md") in watcher.done
        put(docs / "late.md", "Now it says something.")
        watcher.until(lambda: ("updated", "late.md") in watcher.done)
        assert watcher.done.count(("failed", "late.md")) == 1


def test_what_the_index_holds_of_a_folder_that_is_gone_is_kept(fs, docs, held):
    with Watcher(fs, docs) as watcher:
        docs.rename(docs.with_name("away"))
        watcher.until(lambda: any("is gone" in note for note in watcher.notes))
        time.sleep(0.5)
        assert len(held()) == 3
        docs.with_name("away").rename(docs)
        watcher.until(lambda: any("is back" in note for note in watcher.notes))
        (docs / "new.md").write_text("A new file.")
        watcher.until(lambda: "new.md" in held())


def test_without_word_from_the_system_it_looks_by_itself(fs, docs, held, monkeypatch):
    def refuse(*_args, **_options):
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr("watchdog.observers.api.BaseObserver.start", refuse)
    with Watcher(fs, docs) as watcher:
        (docs / "new.md").write_text("A new file.")
        watcher.until(lambda: "new.md" in held())
    assert "inotify watch limit reached" in watcher.notes[0]


def test_others_can_write_while_it_waits(fs, make_fs, docs, tmp_path):
    other = tmp_path / "other.md"
    other.write_text("From somebody else.")
    with Watcher(fs, docs), writer_lock(tmp_path / "index", timeout_s=30):
        pass
    assert len(make_fs().ingest(other).added) == 1


def test_it_tries_again_when_the_index_was_busy_for_too_long(make_fs, docs, tmp_path):
    fs = make_fs(lock_timeout_s=0.1)
    with Watcher(fs, docs) as watcher:
        with writer_lock(tmp_path / "index", timeout_s=30):
            put(docs / "new.md", "A new file.")
            watcher.until(lambda: any("trying again" in note for note in watcher.notes))
        watcher.until(lambda: ("added", "new.md") in watcher.done)


def test_a_single_file_can_be_watched(fs, docs, held):
    with Watcher(fs, docs / "kiln.txt") as watcher:
        put(docs / "kiln.txt", "The kiln is sold.")
        watcher.until(lambda: ("updated", "kiln.txt") in watcher.done)
        (docs / "kiln.txt").unlink()
        watcher.until(lambda: ("removed", "kiln.txt") in watcher.done)
    assert held() == []


def test_its_own_index_below_the_folder_does_not_keep_it_busy(make_fs, docs, tmp_path):
    fs = make_fs()
    fs.ingest(docs)
    signal = ChangeSignal([find_root(str(tmp_path))], tmp_path / "index")
    try:
        fs.rebuild()
        assert not signal.changed.wait(0.5)
        (docs / "new.md").write_text("x")
        assert signal.changed.wait(30)
    finally:
        signal.close()


def test_what_cannot_be_watched_is_refused(fs, docs):
    with pytest.raises(NotFound, match="nowhere"):
        fs.watch(docs / "nowhere")
    with pytest.raises(InvalidSetting, match="cannot be watched"):
        fs.watch("https://example.com/")


def test_a_database_that_is_away_for_a_while_is_waited_for(fs, tmp_path, monkeypatch):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("The kiln reaches 1280 degrees.")
    with Watcher(fs, docs) as watcher:
        away, real = [DatabaseAway("the database is away"), DatabaseAway("still away")], take_in

        def take_in_later(*args, **options):
            if away:
                raise away.pop(0)
            return real(*args, **options)

        monkeypatch.setattr("filesearch.watch.take_in", take_in_later)
        (docs / "b.md").write_text("A mug may be returned.")
        watcher.until(lambda: len(watcher.reports) == 2)
    assert watcher.notes == ["the database is away; trying again", "still away; trying again"]
    assert [done.filename for done in watcher.reports[1].outcomes] == ["b.md"]
