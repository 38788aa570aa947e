"""Ingest queue: reads in the background what vector stores wait for.

The rows of `store_files` that are in_progress are the queue. Any number of processes may share an
index directory: one at a time holds `ingest.lock` and works; when it ends, however that happens,
another takes over and goes on with what still waits.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from filelock import FileLock, Timeout

from filesearch import queue_rows
from filesearch.index_directory import IndexDirectory
from filesearch.ingest_worker import FileDone, IngestWorker
from filesearch.protocols import Embedder

__all__ = ["FileDone", "IngestQueue"]

LOCK_FILE = "ingest.lock"
# How often a process that does not lead looks whether it could.
_CANDIDATE_S = 0.5
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_log = logging.getLogger("filesearch.ingest")


class IngestQueue:
    """The background ingest of one index, in this process.

    Args:
        index: The index; its directory exists.
        embedder: Returns what vectors are made with.
        readers: How many files are read at once; None goes by the machine.

    Attributes:
        on_done: Called for each file that this process has read, from its own thread.
    """

    def __init__(
        self,
        index: IndexDirectory,
        *,
        embedder: Callable[[], Embedder],
        readers: int | None = None,
    ) -> None:
        self.on_done: Callable[[FileDone], None] = lambda _done: None
        self._index = index
        self._embedder = embedder
        self._readers = readers
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to work, or to stand by; what an earlier process left is taken up."""
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="filesearch-ingest", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Commit what is embedded, leave the rest waiting, and end. Stopping twice is fine."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stop.set()
            self._wake.set()
            thread.join()

    def wake(self) -> None:
        """Look for files now; nothing happens in a process that does not lead."""
        self._wake.set()

    def count_waiting(self) -> int:
        """Return how many files wait, in all stores, whichever process will read them."""
        with self._index.catalog.database.reading() as sql:
            return queue_rows.count_waiting(sql)

    def _run(self) -> None:
        lock = FileLock(self._index.path / LOCK_FILE)
        pause_s = _FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                # Of an index that was removed, taking the lock would make the directory again.
                self._index.catalog.database.check_current()
                with lock.acquire(timeout=0):
                    self._lead()
            except Timeout:
                self._stop.wait(_CANDIDATE_S)
            # The worker loop: the disk is full, the database away, or we made a mistake; files go
            # on waiting and are tried again.
            except Exception:  # noqa: BLE001 - as said above
                _log.exception("background ingest failed; trying again in %g s", pause_s)
                self._stop.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                pause_s = _FIRST_PAUSE_S

    def _lead(self) -> None:
        self._index.sweep()
        worker = IngestWorker(
            self._index,
            self._embedder(),
            readers=self._readers,
            on_done=lambda done: self.on_done(done),
        )
        worker.run(wake=self._wake, stop=self._stop)
