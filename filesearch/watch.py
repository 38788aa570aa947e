"""Watch: keep an index in step with folders, until told to stop.

    change signal, clock -> look -> what is settled -> intake -> report

Every look walks all the folders and compares sizes and stamps: 8,000 files take a tenth of a
second. That makes moved folders, new ignore files, lost events and editors that save in two steps
one and the same case, and the index exactly what the folders are. A signal of the operating system
only says when to look; without one, and to be safe, there is a look from time to time. The index
is locked only while something is ingested.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from filesearch.change_signal import ChangeSignal
from filesearch.errors import DatabaseAway, IndexBusy, IndexReplaced, InvalidSetting
from filesearch.fetch import is_url
from filesearch.file_attributes import AttributeRules
from filesearch.index_directory import IndexDirectory
from filesearch.intake import take_in
from filesearch.protocols import Embedder
from filesearch.reports import IngestProgress, IngestReport
from filesearch.settling import Changes, Settling
from filesearch.walk import Found, Root, find_files, list_files

_WAKE_S = 0.1
# Walking takes at most this share of the time, however large the folders and busy their writers.
_WALK_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class WatchTimes:
    """When a watch looks, in seconds.

    Attributes:
        settle_s: A changed file must stay as it is for so long.
        patience_s: One that never does, such as a log, is ingested this often.
        rescan_s: Between looks that nothing calls for.
        poll_s: The same where the system does not tell of changes.
    """

    settle_s: float = 0.5
    patience_s: float = 30.0
    rescan_s: float = 30.0
    poll_s: float = 2.0


class Watch:
    """Keeps the index in step with what paths and patterns stand for.

    Args:
        index, embedder: As for intake.take_in.
        given: Paths and patterns; see walk.find_files.
        rules: Where the attributes of files come from.
        stop: Ends the watch when it is set.
        on_report: Called with what was done: first for all that was there, then for each change.
            Once the index was removed or made anew, all that is there is ingested again.
        on_note: Told in a sentence what people should know: folders that are gone, waiting.
        on_progress: As for intake.take_in.
        times: When to look.

    Raises:
        NotFound: A path does not exist.
        InvalidSetting: A URL is given.
    """

    def __init__(
        self,
        index: IndexDirectory,
        given: Sequence[str],
        *,
        embedder: Embedder,
        rules: AttributeRules,
        stop: threading.Event,
        on_report: Callable[[IngestReport], None],
        on_note: Callable[[str], None],
        on_progress: Callable[[IngestProgress], None] | None = None,
        times: WatchTimes | None = None,
    ) -> None:
        url = next((name for name in given if is_url(name)), None)
        if url is not None:
            raise InvalidSetting(f"'{url}' cannot be watched; ingest it again from time to time")
        self._index = index
        self._embedder = embedder
        self._rules = rules
        self._stop = stop
        self._on_report = on_report
        self._on_note = on_note
        self._on_progress = on_progress
        self._times = times or WatchTimes()
        self._settling = Settling(settle_s=self._times.settle_s, patience_s=self._times.patience_s)
        self._missing: set[Root] = set()
        self._look_seconds = 0.0
        self._is_pending = False
        self._roots = find_files(given).roots

    def run(self) -> None:
        """Ingest what is there, then what changes, until told to stop.

        Raises:
            IndexMismatch: The index was made with another embedder or other chunk settings.
            IndexBusy: Another process kept writing when the watch began; later it is waited for.
        """
        self._signal = self._watch_roots()  # before the first look, so that nothing is missed
        try:
            self._take_all()
            while self._wait(self._pause()):
                self._signal.changed.clear()
                self._step()
        finally:
            self._signal.close()

    def _watch_roots(self) -> ChangeSignal:
        signal = ChangeSignal(self._roots, self._index.path)
        if signal.failure:
            self._on_note(
                f"the system does not tell of changes ({signal.failure}); "
                f"looking every {self._times.poll_s:g} s"
            )
        return signal

    def _take_all(self) -> None:
        started, now_ns = time.monotonic(), time.time_ns()
        found = self._list()
        outcomes = take_in(
            self._index,
            found.files,
            embedder=self._embedder,
            rules=self._rules,
            prune=found.roots,
            unreadable=found.unreadable,
            on_progress=self._on_progress,
            on_wait=self._on_note,
        )
        self._database = self._index.catalog.database
        self._settling.take(found.files, (), now_ns)
        self._is_pending = True  # a file may have changed meanwhile
        self._on_report(IngestReport(tuple(outcomes), time.monotonic() - started))

    def _pause(self) -> float:
        """Return how long to wait for a signal before looking without one."""
        shortest = max(self._times.settle_s, self._look_seconds / _WALK_SHARE)
        if self._is_pending:
            return shortest
        return self._times.poll_s if self._signal.failure else self._times.rescan_s

    def _wait(self, seconds: float) -> bool:
        """Return after `seconds`, or some time after a change; False when it is time to stop."""
        until = time.monotonic() + seconds
        is_called = False
        while not self._stop.is_set():
            left = until - time.monotonic()
            if left <= 0:
                return True
            if is_called:
                self._stop.wait(min(left, _WAKE_S))
            elif self._signal.changed.wait(min(left, _WAKE_S)):
                # What changes in a moment is looked at together.
                is_called = True
                shortest = max(self._times.settle_s, self._look_seconds / _WALK_SHARE)
                until = min(until, time.monotonic() + shortest)
        return False

    def _step(self) -> None:
        """Look, and ingest what is ready, or all where the index is not the one that held it."""
        try:
            if self._database.is_current:
                self._take_changed()
            else:
                self._on_note(f"index '{self._index.path}' is gone or made anew; ingesting all")
                self._take_all()
        except (DatabaseAway, IndexBusy, IndexReplaced) as error:
            self._on_note(f"{error}; trying again")
            self._is_pending = True

    def _take_changed(self) -> None:
        started, now_ns = time.monotonic(), time.time_ns()
        found = self._list()
        changes = self._settling.look(found, started, now_ns)
        self._is_pending = changes.is_pending
        if changes.ready or changes.gone:
            self._take(changes, now_ns)
            self._is_pending = True  # one more look, for what changed meanwhile

    def _take(self, changes: Changes, now_ns: int) -> None:
        started = time.monotonic()
        outcomes = take_in(
            self._index,
            changes.ready,
            embedder=self._embedder,
            rules=self._rules,
            gone=changes.gone,
            on_progress=self._on_progress,
            on_wait=self._on_note,
        )
        self._settling.take(changes.ready, changes.gone, now_ns)
        done = tuple(outcome for outcome in outcomes if outcome.status != "unchanged")
        if done:
            self._on_report(IngestReport(done, time.monotonic() - started))

    def _list(self) -> Found:
        """Return what lies there now; says so when a root has gone or come back."""
        started = time.monotonic()
        found = list_files(self._roots)
        self._look_seconds = time.monotonic() - started
        missing = {root for root in self._roots if root.is_missing}
        for root in missing - self._missing:
            self._on_note(
                f"'{root.path}' is gone; what the index holds of it is kept until it is back"
            )
        returned = self._missing - missing
        self._missing = missing
        if returned:
            for root in returned:
                self._on_note(f"'{root.path}' is back")
            self._signal.close()
            self._signal = self._watch_roots()
        return found
