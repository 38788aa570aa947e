"""Ingest: files -> segments and catalog rows, as a pipeline.

    sources -> [reader thread: read, hash, load, chunk, window, terms] -> queue
            -> [calling thread: embed, build segment, commit]

The embedder's native code releases the interpreter, so that reading hides behind embedding. Files
are committed whole, some thousand windows at a time: a kill loses at most the files that had not
been committed yet, and the next ingest does just those.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import msgspec

from filesearch.catalog import Catalog
from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.extract import Extracted, extract, given_key
from filesearch.file_attributes import AttributeRules, FileAttributes
from filesearch.load.clean import clean_line, clean_text
from filesearch.load.isolation import Loader
from filesearch.prepare import PreparedText, embed_windows, prepare_document
from filesearch.protocols import BlobStore, Embedder
from filesearch.read_ahead import ReadAhead
from filesearch.records import AttributeLayers, FileRecord, NewFile
from filesearch.reports import FileOutcome, FileStatus
from filesearch.sources import DocumentSource, FileSource, Source
from filesearch.types import (
    ChunkSettings,
    Document,
    ErrorCode,
    WindowEmbeddings,
)
from filesearch.writer import IndexWriter

# Windows that go to the embedder at once: enough for batches of equal length. The first ones go
# after fewer, so that it does not wait for files to be read; from then on they are read ahead.
EMBED_WINDOWS = 256
FIRST_WINDOWS = 32
# A commit costs some fsyncs; these keep that under 2% of the time and a kill's loss small.
COMMIT_WINDOWS = 2000
COMMIT_SECONDS = 5.0
# What the reader may be ahead of the embedder, in files.
_QUEUE_FILES = 64


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far an ingest is.

    Attributes:
        files_done, files_total: Counted over the sources; failed and unchanged ones count.
        bytes_done, bytes_total: Of the files that are done and of all.
        windows_done: Embedded so far.
        filename: The file that was taken up last.
    """

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    windows_done: int
    filename: str


@dataclass(frozen=True, slots=True)
class _Unchanged:
    source: Source
    known: FileRecord
    described: FileAttributes


@dataclass(frozen=True, slots=True)
class _Failed:
    source: Source
    new: NewFile
    known: FileRecord | None


@dataclass(frozen=True, slots=True)
class _Prepared:
    source: Source
    new: NewFile
    text: PreparedText
    warnings: tuple[str, ...]


_Item: TypeAlias = _Unchanged | _Failed | _Prepared


class Ingest:
    """One ingest run into one vector store; the caller holds the writer lock.

    Args:
        writer: Where files go.
        catalog, blobs, embedder: Of the index.
        loader: Reads bytes; used by one thread.
        chunk_settings: For new files.
        late_interaction: Whether the store keeps token signs.
        rules: Where the attributes of files come from.
        on_progress: Called after each file and batch, from the calling thread.
    """

    def __init__(
        self,
        *,
        writer: IndexWriter,
        catalog: Catalog,
        blobs: BlobStore,
        embedder: Embedder,
        loader: Loader,
        chunk_settings: ChunkSettings,
        late_interaction: bool,
        rules: AttributeRules,
        on_progress: Callable[[IngestProgress], None] | None = None,
    ) -> None:
        self._writer = writer
        self._catalog = catalog
        self._blobs = blobs
        self._embedder = embedder
        self._loader = loader
        self._chunk_settings = chunk_settings
        self._late_interaction = late_interaction
        self._rules = rules
        self._on_progress = on_progress or (lambda _progress: None)
        self._outcomes: dict[str, FileOutcome] = {}
        self._windows_done = 0
        self._last_commit = time.monotonic()

    def run(self, sources: Sequence[Source], known: Sequence[FileRecord]) -> list[FileOutcome]:
        """Ingest `sources`; returns what became of each, in their order.

        Args:
            sources: Files and documents, each once.
            known: What the store holds already.

        Files that fail do not stop the rest. What was finished when an exception or Ctrl-C ends
        the run stays committed.
        """
        self._by_path = {record.path: record for record in known if record.path is not None}
        self._total_files = len(sources)
        self._total_bytes = sum(source.size_bytes for source in sources)
        self._done_bytes = 0
        waiting: deque[_Prepared] = deque()
        pending_windows, enough = 0, min(FIRST_WINDOWS, EMBED_WINDOWS)
        try:
            with ReadAhead(
                self._read, sources, stop=self._loader.interrupt, ahead=_QUEUE_FILES
            ) as items:
                for item in items:
                    if isinstance(item, _Prepared):
                        waiting.append(item)
                        pending_windows += len(item.text.windows)
                    else:
                        self._settle(item)
                    if pending_windows >= enough:
                        self._embed(waiting)
                        pending_windows, enough = 0, min(2 * enough, EMBED_WINDOWS)
                self._embed(waiting)
        finally:
            self._writer.commit()
        return [self._outcomes[source.key] for source in sources]

    # In the reader thread

    def _read(self, source: Source) -> _Item:
        known = self._by_path.get(source.key)
        if isinstance(source, DocumentSource):
            return self._read_document(source, known)
        return self._read_file(source, known)

    def _read_file(self, source: FileSource, known: FileRecord | None) -> _Item:
        try:
            data = source.path.read_bytes()
        except OSError as error:
            return self._failure(source, known, "", "invalid_file", f"{error.strerror}")
        digest = hashlib.sha256(data).hexdigest()
        if known and known.content_hash == digest and known.status == "completed":
            return _Unchanged(source, known, self._describe(source, known))
        try:
            found = extract(
                data, source.filename, digest=digest, catalog=self._catalog, loader=self._loader
            )
        except UnsupportedFile as error:
            return self._failure(source, known, digest, "unsupported_file", str(error))
        except InvalidFile as error:
            return self._failure(source, known, digest, "invalid_file", str(error))
        text = prepare_document(
            found.document, source.filename, self._chunk_settings, self._embedder
        )
        self._blobs.put(io.BytesIO(data))
        return self._prepared(source, known, digest, len(data), found, text)

    def _read_document(self, source: DocumentSource, known: FileRecord | None) -> _Item:
        """Take a document that is at hand: no bytes are kept, the catalog holds all of it."""
        given = source.document
        text = clean_text(given.text)
        document = replace(given, text=text, title=clean_line(given.title))
        digest = hashlib.sha256(msgspec.msgpack.encode(document)).hexdigest()
        if known and known.content_hash == digest and known.status == "completed":
            return _Unchanged(source, known, self._describe(source, known))
        reason = ""
        if not text.strip():
            reason = "it holds no text"
        elif document.spans and text != given.text:
            reason = "its text is not clean and its spans would shift; see load.clean.clean_text"
        if reason:
            return self._failure(source, known, digest, "invalid_file", reason)
        prepared = prepare_document(document, source.filename, self._chunk_settings, self._embedder)
        found = Extracted(given_key(digest), document)
        return self._prepared(source, known, digest, source.size_bytes, found, prepared)

    def _prepared(
        self,
        source: Source,
        known: FileRecord | None,
        digest: str,
        size_bytes: int,
        found: Extracted,
        text: PreparedText,
    ) -> _Prepared:
        described = self._describe(source, known, found.document)
        new = NewFile(
            filename=source.filename,
            path=source.key,
            content_hash=digest,
            size_bytes=size_bytes,
            attributes=described.merged,
            attribute_layers=described.layers,
            chunk_settings=self._chunk_settings,
            load_key=found.load_key,
            document=found.document,
            chunks=text.chunks,
            window_count=len(text.windows),
            replaces=known.id if known else None,
        )
        return _Prepared(source, new, text, (*found.document.warnings, *described.warnings))

    def _describe(
        self, source: Source, known: FileRecord | None, document: Document | None = None
    ) -> FileAttributes:
        """Return the attributes of a file: of a new document, else of the one that is known."""
        layers = known.attribute_layers if known else AttributeLayers()
        return self._rules.apply(
            document.attributes if document else layers.own,
            layers,
            path=source.path if isinstance(source, FileSource) else None,
            filename=source.filename,
        )

    def _failure(
        self,
        source: Source,
        known: FileRecord | None,
        digest: str,
        code: ErrorCode,
        error: str,
    ) -> _Failed:
        described = self._describe(source, known)
        new = NewFile(
            filename=source.filename,
            path=source.key,
            content_hash=digest,
            size_bytes=source.size_bytes,
            attributes=described.merged,
            attribute_layers=described.layers,
            chunk_settings=self._chunk_settings,
            error_code=code,
            error=error,
            replaces=known.id if known else None,
        )
        return _Failed(source, new, known)

    # In the calling thread

    def _embed(self, waiting: deque[_Prepared]) -> None:
        texts = [text for item in waiting for text in item.text.window_texts]
        blocks: list[WindowEmbeddings] = []
        for start in range(0, len(texts), EMBED_WINDOWS):
            block = embed_windows(
                self._embedder,
                texts[start : start + EMBED_WINDOWS],
                late_interaction=self._late_interaction,
            )
            blocks.append(block)
            self._windows_done += len(block.vectors)
            self._report(waiting[0].source.filename)
        if not blocks:
            return
        embeddings = WindowEmbeddings.join(blocks)
        start = 0
        while waiting:
            item = waiting.popleft()
            end = start + len(item.text.windows)
            self._writer.add(item.new, item.text, embeddings.part(start, end))
            start = end
            status: FileStatus = "updated" if item.new.replaces else "added"
            self._finish(
                item.source,
                FileOutcome(
                    filename=item.source.filename,
                    status=status,
                    file_id=item.new.id,
                    chunks=len(item.new.chunks),
                    windows=len(item.text.windows),
                    warnings=item.warnings,
                ),
            )
        overdue = time.monotonic() - self._last_commit > COMMIT_SECONDS
        if overdue or self._writer.pending_windows >= COMMIT_WINDOWS:
            self._writer.commit()
            self._last_commit = time.monotonic()

    def _settle(self, item: _Unchanged | _Failed) -> None:
        if isinstance(item, _Unchanged):
            described, known = item.described, item.known
            if (described.merged, described.layers) != (known.attributes, known.attribute_layers):
                self._writer.set_attributes(known.id, described.merged, described.layers)
            if item.known.error:
                self._writer.set_stale(item.known.id, None, "")
            outcome = FileOutcome(
                filename=item.source.filename,
                status="unchanged",
                file_id=item.known.id,
                chunks=item.known.chunk_count,
                windows=item.known.window_count,
                warnings=described.warnings,
            )
        else:
            outcome = self._record_failure(item)
        self._finish(item.source, outcome)

    def _record_failure(self, item: _Failed) -> FileOutcome:
        file_id, error = item.new.id, item.new.error
        code = item.new.error_code or "server_error"
        if item.known is not None and item.known.status == "completed":
            # A file that is half written just now must not take its good version away.
            error += "; the version ingested before stays searchable"
            file_id = item.known.id
            self._writer.set_stale(file_id, code, error)
        else:
            self._writer.add_failed(replace(item.new, error=error))
        return FileOutcome(
            filename=item.source.filename,
            status="failed",
            file_id=file_id,
            error_code=code,
            error=error,
        )

    def _finish(self, source: Source, outcome: FileOutcome) -> None:
        self._outcomes[source.key] = outcome
        self._done_bytes += source.size_bytes
        self._report(source.filename)

    def _report(self, filename: str) -> None:
        self._on_progress(
            IngestProgress(
                files_done=len(self._outcomes),
                files_total=self._total_files,
                bytes_done=self._done_bytes,
                bytes_total=self._total_bytes,
                windows_done=self._windows_done,
                filename=filename,
            )
        )


def find_gone(
    known: Sequence[FileRecord], roots: Sequence[Path], seen: set[str]
) -> list[FileRecord]:
    """Return the known files below `roots` that were not seen there any more."""
    resolved = [root.resolve() for root in roots]
    return [
        record
        for record in known
        if record.path is not None
        and record.path not in seen
        and any(_is_below(Path(record.path), root) for root in resolved)
    ]


def _is_below(path: Path, root: Path) -> bool:
    return path == root or root in path.parents
