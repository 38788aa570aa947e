"""Kept: what an index holds, and keeping it in order: the part of `FileSearch` that asks nothing.

Beside `engine.py`, which adds ingest, search and answers. What changes an index is imported by
the calls that do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from filesearch.adapters import make_embedder
from filesearch.config import Settings
from filesearch.database import Database
from filesearch.errors import NotFound
from filesearch.index_directory import IndexDirectory
from filesearch.objects import Objects
from filesearch.protocols import Embedder
from filesearch.records import FileRecord, IndexStats
from filesearch.types import Document

if TYPE_CHECKING:
    from filesearch.maintain import Verification
    from filesearch.threads import Threads


class Kept:
    """The files and conversations of one index; `FileSearch` is one."""

    settings: Settings
    _index: IndexDirectory
    _given_embedder: Embedder | None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give files and database connections back."""
        self._index.close()

    @property
    def embedder(self) -> Embedder:
        """What turns text into vectors."""
        return self._embedder

    @cached_property
    def _embedder(self) -> Embedder:
        return self._given_embedder or make_embedder(self.settings.embedder)

    @property
    def threads(self) -> Threads:
        """The conversations that are kept with the index: create, get, list, append, messages.

        Raises:
            NotFound: There is no index yet.
        """
        self._index.open_store(check=False)
        return self._index.catalog.threads

    def open(self, *, create: bool = False) -> None:
        """See that the index is there and fits the settings, before it is needed.

        Args:
            create: Make an empty one where there is none.

        Raises:
            NotFound: There is none, and `create` is false.
            IndexMismatch: It was made with another embedder or other chunk settings.
        """
        try:
            self._index.open_store()
        except NotFound:
            if not create:
                raise
            with self._index.writing():
                self._index.open_store(create=True)

    @property
    def objects(self) -> Objects:
        """What the server keeps with the index; `open` it first."""
        return self._index.catalog.objects

    @property
    def database(self) -> Database:
        """The catalog's database; `open` the index first."""
        return self._index.catalog.database

    # Files

    def files(self) -> list[FileRecord]:
        """Return every file of the index, failed ones too, in order of insertion."""
        store = self._index.open_store(check=False)
        return self._index.catalog.files(store.id)

    def document(self, file_id: str) -> Document:
        """Return the text of a file and where its pages and headings stand.

        Raises:
            NotFound: No such file, or it could not be read.
        """
        self._index.open_store(check=False)
        return self._index.catalog.file_name_and_document(file_id)[1]

    def remove(self, targets: Sequence[str]) -> list[FileRecord]:
        """Remove files, named by id, file name, path, or a shell pattern of these.

        Returns:
            What was removed.

        Raises:
            NotFound: A target matches no file; nothing is removed then.
        """
        from filesearch.upkeep import remove_files

        return remove_files(self._index, targets)

    # Upkeep

    def stats(self) -> IndexStats:
        """Return what the index holds and what it costs."""
        return self._index.stats()

    def verify(
        self,
        *,
        should_repair: bool = False,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Verification:
        """Check every segment and offset against the catalog; optionally rebuild what is damaged.

        Args:
            should_repair: Rebuild damaged segments from the catalog's text.
            on_progress: Told files rebuilt and files to rebuild.
        """
        from filesearch.upkeep import repair_index, verify_index

        if should_repair:
            return repair_index(self._index, self._embedder, on_progress=on_progress)
        return verify_index(self._index)

    def rebuild(self, *, on_progress: Callable[[int, int], None] | None = None) -> int:
        """Chunk and embed every file again, with the settings of now; returns how many.

        The old state serves searches until one transaction replaces it.
        """
        from filesearch.upkeep import rebuild_index

        return rebuild_index(self._index, self._embedder, on_progress=on_progress)

    def compact(self) -> int:
        """Merge all segments into one and drop the removed; returns how many were merged."""
        from filesearch.upkeep import compact_index

        return compact_index(self._index)
