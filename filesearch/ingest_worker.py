"""Ingest worker: waiting files -> segments, as long as it is let; the one that leads uses it.

    rows in_progress -> [readers: read, load, chunk] -> [here: embed by turns, commit per store]

What is under way is kept in memory only: whatever ends before its commit still waits in the
catalog. Files that are small get in between the windows of large ones.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from filesearch import queue_rows
from filesearch.background_merges import BackgroundMerges
from filesearch.database_errors import UNAVAILABLE
from filesearch.errors import IndexBusy, IndexMismatch, IndexReplaced, NotFound
from filesearch.index_directory import IndexDirectory
from filesearch.ingest import COMMIT_WINDOWS, EMBED_WINDOWS
from filesearch.load.process.isolation import make_loader
from filesearch.loader_threads import count_readers
from filesearch.lock import writer_lock
from filesearch.pieces import WindowText
from filesearch.prepare import embed_windows
from filesearch.priority import step_back
from filesearch.protocols import Embedder
from filesearch.reader_pool import Prepared, ReaderPool
from filesearch.records import ReadFile, StoreRecord, WaitingFile
from filesearch.types import ErrorCode, WindowEmbeddings
from filesearch.work_sharing import submit

# How often the catalog is asked for files that other processes attached.
POLL_S = 0.2
# How long a file that is done may wait for others, to be committed with them.
COMMIT_SECONDS = 1.0
# What may be under way at once: enough for full batches of files with one window each, and the
# text of one file of the largest size (load.compose.MAX_CHARACTERS) beside it.
MAX_FILES = 2 * EMBED_WINDOWS
MAX_CHARACTERS = 60_000_000
# What readers are given ahead: so many files, fewer once they are so large together.
AHEAD_FILES, AHEAD_BYTES = 64, 1 << 20
# Of files larger than this, one is read at a time: parsing takes several times their size.
LARGE_BYTES = 32 << 20
# How long after its last commit a store is taken to be at rest, and its small segments are merged.
REST_S = 2.0
_LOCK_S = 1.0
_log = logging.getLogger("filesearch.ingest")


@dataclass(frozen=True, slots=True)
class FileDone:
    """A file that is no longer waiting.

    Attributes:
        is_failed: Whether it could not be read; otherwise it is searchable.
        seconds: Since it was taken up.
    """

    store_id: str
    file_id: str
    is_failed: bool
    seconds: float


@dataclass(slots=True, eq=False)
class _Held:
    """A file that was taken up and is not settled.

    Attributes:
        wants_signs: Whether its windows are embedded with token signs, as its store had them when
            the file was read.
    """

    prepared: Prepared
    wants_signs: bool = False
    blocks: list[WindowEmbeddings] = field(default_factory=list)
    window_done: int = 0
    ready_at: float = 0.0

    @property
    def store_id(self) -> str:
        return self.prepared.waiting.store_id

    @property
    def windows_left(self) -> int:
        text = self.prepared.text
        return 0 if text is None else len(text.windows) - self.window_done

    @property
    def characters(self) -> int:
        document = self.prepared.read.document
        return 0 if document is None else len(document.text)

    def fail(self, code: ErrorCode, error: str) -> None:
        read = ReadFile(self.prepared.waiting, error_code=code, error=error)
        self.prepared, self.blocks = Prepared(read, None), []


class IngestWorker:
    """Reads, embeds and commits what stores wait for; the caller is the only one who does.

    Args:
        index: Where to.
        embedder: What vectors are made with.
        readers: How many files are read at once; None goes by the machine.
        on_done: Called for each file after its commit.
    """

    def __init__(
        self,
        index: IndexDirectory,
        embedder: Embedder,
        *,
        readers: int | None = None,
        on_done: Callable[[FileDone], None] = lambda _done: None,
    ) -> None:
        self._index = index
        self._catalog = index.catalog
        self._embedder = embedder
        self._readers = readers or count_readers()
        self._on_done = on_done
        self._started: dict[int, float] = {}  # store file id -> when it was taken up
        self._reading: dict[int, WaitingFile] = {}  # by store file id
        self._stores: dict[str, StoreRecord] = {}
        self._pending: list[_Held] = []
        self._ready: list[_Held] = []
        self._turn = 0
        self._merges = BackgroundMerges(index.merger(), finish=False, rest_s=REST_S)
        # Files can wait; whoever searches meanwhile waits for an answer. The thread that commits
        # keeps its priority: others wait for the lock that it holds.
        self._embedding = ThreadPoolExecutor(1, "filesearch-ingest-embed", step_back)

    def run(self, *, wake: threading.Event, stop: threading.Event) -> None:
        """Work until `stop` is set; what has been embedded by then is committed.

        Args:
            wake: Set by whoever attaches files.
            stop: Ends the work.

        Raises:
            OSError, UNAVAILABLE: The disk (DiskFull, where it is full) or the database; nothing is
                lost, run again later.
            IndexReplaced: What was under way belonged to an index that is gone.
        """
        settings = self._index.settings
        pool = ReaderPool(
            catalog=self._catalog,
            blobs=self._index.blobs,
            embedder=self._embedder,
            make_loader=lambda: make_loader(settings),
            size=self._readers,
            on_done=wake.set,
        )
        with self._merges, self._embedding:
            with pool:
                asked_at, has_more = 0.0, True
                while not stop.is_set():
                    if has_more or time.monotonic() - asked_at >= POLL_S or wake.is_set():
                        wake.clear()
                        asked_at = time.monotonic()
                        has_more = self._take_up(pool)
                    self._collect(pool)
                    if self._pending:
                        self._embed()
                    self._commit_due(stop)
                    if not self._pending and not has_more:
                        wake.wait(POLL_S)
            self._commit_due(stop, everything=True)

    def _take_up(self, pool: ReaderPool) -> bool:
        """Give waiting files to the readers; returns whether more could be given at once."""
        held = sum(one.characters for one in self._pending + self._ready)
        # Readers have little ahead of them, so that a file of another store soon has its turn.
        ahead = sum(file.size_bytes for file in self._reading.values())
        most = AHEAD_FILES if ahead < AHEAD_BYTES else 2 * self._readers
        room = min(MAX_FILES - len(self._started), most - len(self._reading))
        if room <= 0 or held >= MAX_CHARACTERS:
            return False
        with self._catalog.database.reading() as sql:
            found = queue_rows.find_waiting(sql, limit=room, but=self._started.keys())
        is_large = any(one.size_bytes > LARGE_BYTES for one in self._reading.values())
        given = 0
        for file in found:
            if file.size_bytes > LARGE_BYTES:
                if is_large:
                    continue
                is_large = True
            given += 1
            self._started[file.store_file_id] = time.monotonic()
            self._reading[file.store_file_id] = file
            pool.give(file)
        return given == room

    def _collect(self, pool: ReaderPool) -> None:
        for prepared in pool.take():
            del self._reading[prepared.waiting.store_file_id]
            held = _Held(prepared, ready_at=time.monotonic())
            if prepared.text is not None:
                self._check_store(held)
            if held.windows_left:
                held.wants_signs = self._stores[held.store_id].late_interaction
            (self._pending if held.windows_left else self._ready).append(held)

    def _check_store(self, held: _Held) -> None:
        """Fail a file whose store cannot take the vectors of this embedder."""
        fingerprint, dimension = self._embedder.fingerprint, self._embedder.dimension
        try:
            store = self._catalog.store(held.store_id)
            if store.embedder != fingerprint:
                with self._catalog.database.writing() as sql:
                    queue_rows.adopt_embedder(sql, store, fingerprint, dimension)
                store = self._catalog.store(held.store_id)
            self._index.check_embedder(
                store, f"vector store '{store.id}'", "put the file into a new store"
            )
            self._stores[store.id] = store
        except NotFound as error:  # deleted meanwhile; its row is gone as well
            held.fail("server_error", str(error))
        except IndexMismatch as error:
            held.fail("server_error", str(error))

    # Embed

    def _embed(self) -> None:
        """Embed about one batch of windows, of the oldest files and of the shortest by turns."""
        self._turn += 1
        if self._turn % 2:
            order = sorted(self._pending, key=lambda held: held.windows_left)
        else:
            order = list(self._pending)
        wants_signs = order[0].wants_signs
        chosen: list[tuple[_Held, int]] = []
        room = EMBED_WINDOWS
        for held in order:
            if room and held.wants_signs == wants_signs:
                chosen.append((held, min(room, held.windows_left)))
                room -= chosen[-1][1]
        # The worker loop: a text that breaks the embedder must not keep the others out.
        try:
            self._embed_windows(chosen, wants_signs)
        except Exception:  # noqa: BLE001 - as said above
            _log.exception("a batch of windows cannot be embedded; trying file by file")
            self._embed_one_by_one(chosen, wants_signs)
        self._ready += [held for held in self._pending if not held.windows_left]
        self._pending = [held for held in self._pending if held.windows_left]

    def _embed_one_by_one(self, chosen: Sequence[tuple[_Held, int]], wants_signs: bool) -> None:
        for held, count in chosen:
            try:
                self._embed_windows([(held, count)], wants_signs)
            except Exception as error:  # noqa: BLE001 - as in `_embed`
                _log.exception("file %s cannot be embedded", held.prepared.waiting.file_id)
                held.fail("server_error", f"the embedder failed: {type(error).__name__}: {error}")

    def _embed_windows(self, chosen: Sequence[tuple[_Held, int]], wants_signs: bool) -> None:
        windows: list[WindowText] = []
        for held, count in chosen:
            if held.prepared.text is not None:
                first = held.window_done
                windows += held.prepared.text.window_texts[first : first + count]
        made = submit(
            self._embedding,
            embed_windows,
            self._embedder,
            windows,
            late_interaction=wants_signs,
        ).result()
        start = 0
        for held, count in chosen:
            held.blocks.append(made.part(start, start + count))
            held.window_done += count
            held.ready_at = time.monotonic()
            start += count

    # Commit

    def _commit_due(self, stop: threading.Event, *, everything: bool = False) -> None:
        """Commit the files that are ready, store by store, where waiting gains nothing."""
        if not self._ready:
            return
        busy = {held.store_id for held in self._pending}
        busy |= {file.store_id for file in self._reading.values()}
        with self._catalog.database.reading() as sql:
            busy |= queue_rows.waiting_stores(sql, but=self._started.keys())
        by_store: dict[str, list[_Held]] = {}
        for held in self._ready:
            by_store.setdefault(held.store_id, []).append(held)
        now = time.monotonic()
        for store_id, held_files in by_store.items():
            windows = sum(sum(len(b.vectors) for b in held.blocks) for held in held_files)
            is_due = (
                everything
                or store_id not in busy
                or windows >= COMMIT_WINDOWS
                or now - min(held.ready_at for held in held_files) >= COMMIT_SECONDS
            )
            if is_due and self._commit_store(store_id, held_files, stop):
                self._ready = [held for held in self._ready if held.store_id != store_id]
                for held in held_files:
                    self._started.pop(held.prepared.waiting.store_file_id, None)

    def _commit_store(
        self, store_id: str, held_files: Sequence[_Held], stop: threading.Event
    ) -> bool:
        """Commit files of one store; returns false when the work was stopped before."""
        # The worker loop: what cannot be kept of one file must not keep the others out.
        try:
            return self._commit(store_id, held_files, stop)
        except (OSError, *UNAVAILABLE, IndexReplaced):
            raise
        except Exception as error:  # noqa: BLE001 - as said above
            _log.exception("files of store %s cannot be committed", store_id)
            if len(held_files) > 1:
                return all(self._commit_store(store_id, [one], stop) for one in held_files)
            # Clients read this: what the database said, without its statement.
            reason = getattr(error, "orig", error)
            held_files[0].fail("server_error", f"{type(error).__name__}: {reason}")
            return self._commit(store_id, held_files, stop)

    def _commit(self, store_id: str, held_files: Sequence[_Held], stop: threading.Event) -> bool:
        while True:
            try:
                with writer_lock(self._index.path, timeout_s=_LOCK_S):
                    settled = self._write(store_id, held_files)
                break
            except IndexBusy:  # an `fsearch ingest` may go on for hours
                if stop.is_set():
                    return False
        now = time.monotonic()
        for read in settled:
            waiting = read.waiting
            seconds = now - self._started.get(waiting.store_file_id, now)
            self._on_done(FileDone(store_id, waiting.file_id, read.document is None, seconds))
        return True

    def _write(self, store_id: str, held_files: Sequence[_Held]) -> list[ReadFile]:
        # The store may have been rebuilt while the lock was awaited, with another embedder or
        # without what late interaction needs, or now with it.
        for held in held_files:
            if held.prepared.text is not None:
                self._check_store(held)
        try:
            store = self._catalog.store(store_id)
        except NotFound:
            return []  # deleted meanwhile, its files with it
        writer = self._index.writer(store, on_commit=self._merges.note)
        for held in held_files:
            # Windows are left where that broke off the last time.
            is_whole = not held.windows_left and held.wants_signs == store.late_interaction
            if held.prepared.text is not None and not is_whole:
                self._embed_anew(held, wants_signs=store.late_interaction)
            made = WindowEmbeddings.join(held.blocks) if held.blocks else None
            writer.settle(held.prepared.read, held.prepared.text, made)
        settled = writer.commit_settled()
        writer.sweep()  # whoever removes files leaves that to us while we hold the lock
        return settled

    def _embed_anew(self, held: _Held, *, wants_signs: bool) -> None:
        held.blocks, held.window_done, held.wants_signs = [], 0, wants_signs
        while held.windows_left:
            self._embed_windows([(held, min(EMBED_WINDOWS, held.windows_left))], wants_signs)
