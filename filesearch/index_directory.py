"""Index directory: what lies in the folder of an index, opened when first needed.

catalog.db      the truth (unless a database URL is set)
segments/       vectors and postings
blobs/          the bytes of the files
uploads/        parts of files that are not complete yet
index.id        which catalog is its; see index_id.py
writer.lock     held by whoever writes
merge.lock      held by whoever merges segments
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from filesearch import store_rows
from filesearch.catalog import Catalog
from filesearch.config import Settings
from filesearch.database import sqlite_url
from filesearch.errors import IndexBusy, IndexMismatch, IndexProblem, NotFound
from filesearch.forked import tell_in_child
from filesearch.index.snapshot import Snapshot
from filesearch.index_id import IndexId
from filesearch.protocols import BlobStore, Embedder
from filesearch.records import StoreRecord
from filesearch.snapshot_cache import SnapshotCache
from filesearch.types import ChunkSettings

if TYPE_CHECKING:
    from filesearch.merging import Merger
    from filesearch.writer import IndexWriter

DEFAULT_STORE = "default"
CATALOG_FILE = "catalog.db"


class IndexDirectory:
    """The parts of one index. Safe to use from several threads.

    Args:
        settings: Name the directory, and what it must have been made with.
        embedder: Returns the embedder of now.
        make_blobs: Directory -> the store of its blobs.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        embedder: Callable[[], Embedder],
        make_blobs: Callable[[Path], BlobStore],
    ) -> None:
        self.path = Path(settings.index)
        self.segments = self.path / "segments"
        self.blobs_path = self.path / "blobs"
        self.settings = settings
        self._embedder = embedder
        self._make_blobs = make_blobs
        self._lock = threading.RLock()
        self._catalog: Catalog | None = None
        self._url = settings.db or sqlite_url(self.path / CATALOG_FILE)
        self._id = IndexId(self.path, self.path / CATALOG_FILE, self._url, blobs=lambda: self.blobs)
        self._is_checked = False  # that the catalog is the one of this folder
        self._snapshots = SnapshotCache(
            self.segments,
            lambda store_id, last: self.catalog.roster(store_id, last),
            self._generations,
        )
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Wait for no thread of the parent in a forked child; see forked.py."""
        self._lock = threading.RLock()

    def close(self) -> None:
        """Give files and database connections back; a later call opens them again."""
        with self._lock:
            if self._catalog is not None:
                self._catalog.close()
            self._catalog = None
            self._is_checked = False
            self._snapshots.clear()

    @cached_property
    def blobs(self) -> BlobStore:
        """The bytes of the files."""
        return self._make_blobs(self.blobs_path)

    @property
    def catalog(self) -> Catalog:
        """The catalog that lies there now; made when it is missing, so ask `open_store` first.

        Take it once for what belongs together: one that was removed or replaced meanwhile raises
        IndexReplaced.

        Raises:
            IndexProblem: It cannot be opened, or is that of another folder.
        """
        with self._lock:
            if self._catalog is not None and self._catalog.database.is_replaced:
                self.close()
            catalog = self._opened()
            if not self._is_checked:
                self._check_id(catalog)
            return catalog

    def _opened(self) -> Catalog:
        if self._catalog is None:
            self._id.check_folder()
            self._catalog = Catalog(self._url)
        return self._catalog

    def _check_id(self, catalog: Catalog, *, may_take_over: bool = False) -> None:
        try:
            self._is_checked = self._id.check(catalog.database, may_take_over=may_take_over)
        except IndexProblem:
            self.close()
            raise

    def take_over(self) -> None:
        """Let this folder have the catalog of one that is lost; see index_id.IndexId.check.

        Raises:
            IndexProblem: It is the index of yet another catalog.
        """
        if not self.settings.db:  # it lies in the folder
            return
        with self._lock:
            self._check_id(self._opened(), may_take_over=True)

    def _give_up_removed(self) -> None:
        """Let the next use of the catalog make a new one, where the one that is open is gone."""
        with self._lock:
            if self._catalog is not None and not self._catalog.database.is_current:
                self.close()

    def make(self) -> None:
        """Make the directory where it is missing, so that the catalog can be opened."""
        from filesearch.lock import make_index_directory

        make_index_directory(self.path)

    def open_store(self, *, create: bool = False, check: bool = True) -> StoreRecord:
        """Return the record of the store that `fsearch ingest` fills.

        Args:
            create: Make it when it is missing.
            check: Refuse a store that was made with another embedder or other chunk settings.

        Raises:
            NotFound: There is none and `create` is false; nothing is made then.
            IndexMismatch: See `check`.
        """
        way_out = f"fsearch ingest PATH --index {self.path}"
        if not create and not self.settings.db and not (self.path / CATALOG_FILE).exists():
            self._id.check_folder()
            raise NotFound(f"no index at '{self.path}'; make one: {way_out}")
        if create:
            self._give_up_removed()
        catalog = self.catalog
        store = catalog.find_store(DEFAULT_STORE)
        if store is None and create:
            embedder = self._embedder()
            store = catalog.create_store(
                DEFAULT_STORE,
                embedder=embedder.fingerprint,
                dimension=embedder.dimension,
                chunk_settings=self.settings.chunk_settings(ChunkSettings()),
                late_interaction=self.settings.late_interaction is not False,
            )
        if store is None:
            raise NotFound(f"index '{self.path}' is empty; fill it: {way_out}")
        if check:
            self._check(store)
        return store

    def open_stores(self) -> list[StoreRecord]:
        """Return all stores, the one that `fsearch ingest` fills first.

        Raises:
            NotFound: There is no such one.
        """
        default = self.open_store(check=False)
        return [default, *(one for one in self.catalog.stores() if one.id != default.id)]

    def _check(self, store: StoreRecord) -> None:
        way_out = f"run: fsearch ingest --rebuild --index {self.path}"
        self.check_embedder(store, f"index '{self.path}'", way_out)
        found, asked = store.chunk_settings, self.settings.chunk_settings(store.chunk_settings)
        if asked != found:
            raise IndexMismatch(
                f"index '{self.path}' holds chunks of {found.size} tokens with {found.overlap} "
                f"overlap, asked for are {asked.size} with {asked.overlap}; {way_out}"
            )
        if self.late_interaction(store) != store.late_interaction:
            kept = "keeps" if store.late_interaction else "does not keep"
            raise IndexMismatch(
                f"index '{self.path}' {kept} what late interaction needs, asked for is "
                f"late_interaction={self.settings.late_interaction}; {way_out}"
            )

    def check_embedder(self, store: StoreRecord, name: str, way_out: str) -> None:
        """Refuse a store that was made with another embedder.

        Raises:
            IndexMismatch: It was; `name` and `way_out` stand in the message.
        """
        embedder = self._embedder()
        if store.embedder != embedder.fingerprint:
            raise IndexMismatch(
                f"{name} holds {store.dimension}-d vectors of '{store.embedder}', "
                f"embedder '{embedder.fingerprint}' makes {embedder.dimension}-d; {way_out}"
            )

    def as_asked(self, store: StoreRecord) -> StoreRecord:
        """Return the store as the settings of now would make it."""
        embedder = self._embedder()
        return replace(
            store,
            embedder=embedder.fingerprint,
            dimension=embedder.dimension,
            chunk_settings=self.settings.chunk_settings(store.chunk_settings),
            late_interaction=self.late_interaction(store),
        )

    def late_interaction(self, store: StoreRecord) -> bool:
        """Return what is asked for, or what the store has where nothing is."""
        asked = self.settings.late_interaction
        return store.late_interaction if asked is None else asked

    def snapshot(self, store: StoreRecord) -> Snapshot:
        """Return the store as of its last commit; reopened only when that has changed.

        Raises:
            IndexDamaged: A segment that the catalog names cannot be opened.
        """
        return self._snapshots.get(store)

    def _generations(self, store_ids: Collection[str]) -> dict[str, int]:
        with self.catalog.database.reading() as sql:
            return store_rows.generations(sql, store_ids)

    def let_go(self) -> None:
        """Close the stores that are open, but gone, or changed since and not searched lately."""
        self._snapshots.let_go()

    def writing(self, on_wait: Callable[[str], None] | None = None) -> AbstractContextManager[None]:
        """Return the writer lock, to be held while anything is changed; see lock.writer_lock."""
        from filesearch.lock import writer_lock

        return writer_lock(self.path, timeout_s=self.settings.lock_timeout_s, on_wait=on_wait)

    def merging(self) -> AbstractContextManager[None]:
        """Return the merge lock, to be held while segments are replaced; see lock.merge_lock."""
        from filesearch.lock import merge_lock

        return merge_lock(self.path, timeout_s=self.settings.lock_timeout_s)

    def writer(
        self, store: StoreRecord, *, on_commit: Callable[[str], None] = lambda _store_id: None
    ) -> IndexWriter:
        """Return a writer for the store; the caller holds the lock."""
        from filesearch.writer import IndexWriter

        return IndexWriter(
            segments=self.segments,
            catalog=self.catalog,
            blobs=self.blobs,
            store=store,
            on_commit=on_commit,
        )

    def merger(self) -> Merger:
        """Return what merges segments."""
        from filesearch.merging import Merger

        return Merger(self.segments, self.catalog)

    def sweep(self) -> None:
        """Delete segments that nobody needs any more, or leave that to whoever writes now.

        Stores that are gone are closed, so that theirs take no room on the disk.
        """
        from filesearch.index.sweep import sweep_segments
        from filesearch.lock import writer_lock

        catalog = self.catalog
        catalog.database.check_current()  # else the lock would make the directory again
        # It follows what is done already, and a later one does what this one cannot.
        with suppress(IndexBusy, IndexProblem, OSError):
            self.let_go()
            with writer_lock(self.path, timeout_s=0):
                sweep_segments(self.segments, catalog.segment_names)

    def shrink_catalog(self) -> int:
        """Give back the space that removed files left in the catalog; returns how many bytes.

        Or leave that for next time, where somebody writes now.
        """
        from filesearch.lock import writer_lock

        database = self.catalog.database
        database.check_current()  # see `sweep`
        with suppress(IndexBusy, IndexProblem, OSError), writer_lock(self.path, timeout_s=0):
            return database.shrink()
        return 0
