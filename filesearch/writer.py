"""Writer: the one place that changes an index.

Files are collected until `commit`, which writes their segment and names it in the catalog by the
transaction that marks them completed. A process that dies in between leaves a segment that no
catalog row names; the next writer sweeps it away.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filesearch import queue_rows
from filesearch.catalog import Catalog
from filesearch.errors import IndexReplaced
from filesearch.file_identity import file_identity
from filesearch.file_notes import FileNotes
from filesearch.index.builder import SegmentBuilder
from filesearch.index.segment import write_segment
from filesearch.index.sweep import sweep_segments
from filesearch.prepare import PreparedText
from filesearch.protocols import BlobStore, IncomingBlob
from filesearch.records import AttributeLayers, NewFile, ReadFile, StoreRecord
from filesearch.sources import INDEX_MARK
from filesearch.types import Attributes, ErrorCode, WindowEmbeddings


class IndexWriter:
    """Collects changes to one vector store; the caller holds the writer lock.

    What changes or sweeps the index raises IndexReplaced once that, or the file of the lock, was
    removed or replaced: another process may hold the lock of what lies there now.

    Args:
        segments: Directory of the segments.
        catalog, blobs, store: Of the index.
        on_commit: Called with the id of the store when it has a new segment.
    """

    def __init__(
        self,
        *,
        segments: Path,
        catalog: Catalog,
        blobs: BlobStore,
        store: StoreRecord,
        on_commit: Callable[[str], None] = lambda _store_id: None,
    ) -> None:
        self._segments = segments
        self._catalog = catalog
        self._blobs = blobs
        self._store = store
        self._on_commit = on_commit
        self._lock_path = segments.parent / INDEX_MARK
        self._lock_file = file_identity(self._lock_path)
        self._start_over()

    def _start_over(self) -> None:
        self._builder = SegmentBuilder(self._store.embedder, self._store.dimension)
        self._new: list[NewFile] = []
        self._read: list[ReadFile] = []
        self._removed: list[str] = []
        self._contents: list[IncomingBlob] = []
        self._notes = FileNotes()

    def _check_held(self) -> None:
        self._catalog.database.check_current()
        if file_identity(self._lock_path) != self._lock_file:
            raise IndexReplaced(f"'{self._lock_path}' was removed while its index was written")

    def sweep(self) -> int:
        """Delete what killed writers left: segments that no catalog row names, half blobs.

        Returns how many segments.
        """
        self._check_held()
        self._blobs.sweep()
        return sweep_segments(self._segments, self._catalog.segment_names)

    @property
    def pending_windows(self) -> int:
        """Windows that wait for the next commit."""
        return self._builder.window_count

    def add(
        self,
        new: NewFile,
        text: PreparedText,
        embeddings: WindowEmbeddings,
        content: IncomingBlob | None = None,
    ) -> None:
        """Take a searchable file: its text cut up, what was made of its windows, and its bytes."""
        text.add_to(self._builder, embeddings)
        self._new.append(new)
        if content is not None:
            self._contents.append(content)

    def add_failed(self, new: NewFile) -> None:
        """Take a file that could not be read."""
        self._new.append(new)

    def remove(self, file_id: str) -> None:
        """Take a file out of the store; its bytes go when no other file has them."""
        self._removed.append(file_id)

    def note_modified(self, file_id: str, modified_ns: int) -> None:
        """Take the stamp of a file whose content is what the store holds."""
        self._notes.stamps[file_id] = modified_ns

    def set_attributes(self, file_id: str, attributes: Attributes, layers: AttributeLayers) -> None:
        """Take other attributes of a file, and what they were merged of."""
        self._notes.attributes[file_id] = attributes, layers

    def set_stale(self, file_id: str, error_code: ErrorCode | None, error: str) -> None:
        """Take why the newer version of a searchable file cannot be read; "" takes it back."""
        self._notes.errors[file_id] = error_code, error

    def settle(
        self, read: ReadFile, text: PreparedText | None, done: WindowEmbeddings | None
    ) -> None:
        """Take what became of a file that the store waited for; without text it failed."""
        if text is not None and done is not None:
            text.add_to(self._builder, done)
        self._read.append(read)

    def commit_settled(self) -> list[ReadFile]:
        """Make visible what was settled, in one transaction.

        Files that were detached, cancelled or attached anew since they were taken up are left
        alone. Returns the others.
        """
        self._check_held()
        segment = None
        if self._builder.slot_count:
            segment = write_segment(self._segments, self._builder.build())
        with self._catalog.database.writing() as sql:
            settled = queue_rows.settle(sql, self._store.id, self._read, segment)
        self._start_over()
        if segment is not None:
            self._on_commit(self._store.id)
        return settled

    def commit(self) -> None:
        """Make all that was collected visible; nothing to do is fine.

        What was noted on files in place comes first, in one transaction, then in another one what
        was added and removed.
        """
        self._check_held()
        if self._notes:
            self._catalog.note(self._store.id, self._notes)
            self._notes = FileNotes()
        if not self._new and not self._removed:
            return
        segment = None
        if self._builder.slot_count:
            segment = write_segment(self._segments, self._builder.build())
        gone = self._catalog.commit(
            self._store.id,
            self._new,
            segment=segment,
            removed=self._removed,
            contents=self._contents,
        )
        for digest in gone:
            self._catalog.delete_unused_content(digest, self._blobs)
        self._start_over()
        if segment is not None:
            self._on_commit(self._store.id)
