"""Kept: what an index holds, and keeping it in order: the part of `FileSearch` that asks nothing.

Beside `engine.py`, which adds ingest, search and answers. What changes an index is imported by
the calls that do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from filesearch.database import Database
from filesearch.errors import NotFound
from filesearch.parts import Parts
from filesearch.records import FileRecord, IndexStats
from filesearch.types import Document

if TYPE_CHECKING:
    from filesearch.file_objects import FileObjects
    from filesearch.maintain import Verification
    from filesearch.objects import Objects
    from filesearch.threads import Threads
    from filesearch.uploads import Uploads


class Kept(Parts):
    """The files and conversations of one index; `FileSearch` is one."""

    @property
    def threads(self) -> Threads:
        """The conversations that are kept with the index: create, get, list, append, messages.

        Raises:
            NotFound: There is no index yet.
        """
        from filesearch.threads import Threads

        self._index.open_store(check=False)
        return Threads(self.objects)

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
        from filesearch.objects import Objects

        return Objects(self.database)

    @property
    def database(self) -> Database:
        """The catalog's database; `open` the index first."""
        return self._index.catalog.database

    @property
    def file_objects(self) -> FileObjects:
        """The files as the server's API shows them, uploads included; `open` the index first."""
        from filesearch.file_objects import FileObjects

        return FileObjects(self._index.catalog, self._index.blobs, on_removed=self._index.sweep)

    @property
    def uploads(self) -> Uploads:
        """Files that come in parts; `open` the index first."""
        from filesearch.uploads import Uploads

        return Uploads(self.objects, self.file_objects, self._index.path / "uploads")

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

    def stats(self, store_id: str | None = None) -> IndexStats:
        """Return what the index holds and what it costs, all its vector stores together.

        Args:
            store_id: Counts the files and segments of this store alone.

        Raises:
            NotFound: There is no index yet, or no such store.
        """
        from filesearch.index_stats import read_stats

        return read_stats(self._index, store_id)

    def let_go(self) -> None:
        """Close vector stores that were deleted, and changed ones that nobody searches now.

        Others remove and merge what this process has open, which keeps its place on the disk until
        then. Searches do so once a minute, and a server from time to time.
        """
        self._index.let_go()

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
        return verify_index(self._index, lambda: self._embedder)

    def rebuild(self, *, on_progress: Callable[[int, int], None] | None = None) -> int:
        """Chunk and embed every file again, with the settings of now; returns how many.

        The old state serves searches until one transaction replaces it.
        """
        from filesearch.upkeep import rebuild_index

        return rebuild_index(self._index, self._embedder, on_progress=on_progress)

    def compact(self, *, on_freed: Callable[[int], None] | None = None) -> int:
        """Merge the segments of each store into one; returns how many were merged.

        Args:
            on_freed: Told how many bytes smaller the catalog's file is for what was removed from
                it; 0 where that is little, or somebody writes now.
        """
        from filesearch.upkeep import compact_index

        return compact_index(self._index, on_freed=on_freed)
