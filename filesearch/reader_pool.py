"""Reader pool: waiting files -> prepared texts, several at a time, each parsed in its own process.

Threads take files up in the order given; what became of them comes out in the order it was done.
Whatever is wrong with a file becomes a part of its result: a reader never stops. A database that is
away says nothing about the file, and is told to whoever takes the results.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from filesearch.catalog import Catalog
from filesearch.database_errors import UNAVAILABLE
from filesearch.errors import DiskFull, InvalidFile, NotFound, TooManyOpenFiles, UnsupportedFile
from filesearch.extract import Extracted, extract, find_given
from filesearch.load.process.isolation import Loader
from filesearch.loader_threads import LoaderThreads
from filesearch.open_files import check_handles
from filesearch.prepare import PreparedText, prepare_document
from filesearch.protocols import BlobStore, Embedder
from filesearch.records import ReadFile, WaitingFile
from filesearch.types import ErrorCode

_log = logging.getLogger("filesearch.ingest")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that was read: its text cut up, or None where it failed."""

    read: ReadFile
    text: PreparedText | None

    @property
    def waiting(self) -> WaitingFile:
        """The file."""
        return self.read.waiting


class ReaderPool:
    """Threads that read files, each with a parser process of its own. A context manager.

    Args:
        catalog, blobs, embedder: Of the index.
        make_loader: Returns a loader for one thread.
        size: How many threads.
        on_done: Called from a thread after each file that `take` will return.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        blobs: BlobStore,
        embedder: Embedder,
        make_loader: Callable[[], Loader],
        size: int,
        on_done: Callable[[], None],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._embedder = embedder
        self._on_done = on_done
        self._given: queue.SimpleQueue[WaitingFile | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Prepared | Exception] = queue.SimpleQueue()
        self._is_stopped = threading.Event()
        self._size = size
        self._threads = LoaderThreads(self._run, make_loader, size)

    def __enter__(self) -> ReaderPool:
        self._threads.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._is_stopped.set()
        for _ in range(self._size):
            self._given.put(None)
        self._threads.join()

    def give(self, file: WaitingFile) -> None:
        """Let a file be read."""
        self._given.put(file)

    def take(self) -> list[Prepared]:
        """Return what was done since the last call; does not wait.

        Raises:
            UNAVAILABLE, DiskFull, TooManyOpenFiles: The database was away, or has no room, or no
                file could be opened; the file is to be read again.
        """
        found = []
        while not self._done.empty():
            done = self._done.get()
            if isinstance(done, Exception):
                raise done
            found.append(done)
        return found

    def _run(self, loader: Loader) -> None:
        while (file := self._given.get()) is not None and not self._is_stopped.is_set():
            done: Prepared | Exception
            try:
                done = self._read(file, loader)
            except (*UNAVAILABLE, DiskFull, TooManyOpenFiles) as error:
                done = error
            # A parser that was interrupted says nothing about its file.
            if not self._is_stopped.is_set():
                self._done.put(done)
                self._on_done()

    def _read(self, file: WaitingFile, loader: Loader) -> Prepared:
        try:
            found = self._extract(file, loader)
            text = prepare_document(
                found.document, file.filename, file.chunk_settings, self._embedder
            )
        except UnsupportedFile as error:
            return _failed(file, "unsupported_file", str(error))
        except InvalidFile as error:
            return _failed(file, "invalid_file", str(error))
        except NotFound as error:
            return _failed(file, "server_error", f"{error}; upload the file again")
        except (*UNAVAILABLE, DiskFull):
            raise
        # The worker loop: a file that breaks our code must not keep the others from being read.
        except Exception as error:  # noqa: BLE001 - as said above
            check_handles(error)
            _log.exception("file %s cannot be read", file.file_id)
            return _failed(file, "server_error", f"{type(error).__name__}: {error}")
        read = ReadFile(
            file, found.load_key, found.document, text.chunks, window_count=len(text.windows)
        )
        return Prepared(read, text)

    def _extract(self, file: WaitingFile, loader: Loader) -> Extracted:
        try:
            with self._blobs.open(file.content_hash) as stream:
                data = stream.read()
        except NotFound:
            given = find_given(file.content_hash, self._catalog)
            if given is None:
                raise
            return given
        return extract(
            data, file.filename, digest=file.content_hash, catalog=self._catalog, loader=loader
        )


def _failed(file: WaitingFile, code: ErrorCode, error: str) -> Prepared:
    return Prepared(ReadFile(file, error_code=code, error=error), None)
