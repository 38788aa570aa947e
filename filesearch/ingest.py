"""Ingest: files -> segments and catalog rows, as a pipeline.

    sources -> [reader threads, each with a parser process: read, hash, load, chunk, window, terms]
            -> in the order of the sources, within `AHEAD`
            -> [embedding thread: windows -> vectors and signs]
            -> [calling thread: build segment, commit]

The embedder's native code uses every core and releases the interpreter, so that reading hides
behind embedding, and so does writing: a batch is written while the next one is embedded. Files are
committed whole, some thousand windows at a time: a kill loses at most
the files that had not been committed yet, and the next ingest does just those.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from filesearch.catalog import Catalog
from filesearch.file_attributes import AttributeRules
from filesearch.known_files import KnownFiles
from filesearch.load.process.isolation import Loader
from filesearch.loader_threads import count_readers
from filesearch.pace import Pace
from filesearch.prepare import embed_windows
from filesearch.protocols import BlobStore, Embedder
from filesearch.read_ahead import Limits, ReadAhead
from filesearch.reports import FileOutcome, FileStatus, IngestProgress
from filesearch.source_reader import (
    CopySource,
    FailedSource,
    PreparedSource,
    ReadSource,
    SourceReader,
    UnchangedSource,
)
from filesearch.sources import Source
from filesearch.stored_vectors import StoredVectors
from filesearch.types import ChunkSettings, WindowEmbeddings
from filesearch.work_sharing import submit
from filesearch.writer import IndexWriter

# Windows that go to the embedder at once: enough that cores wait little for the last of them, and
# for batches of equal length where it makes such. The first ones go after fewer, so that it does
# not wait for files to be read; from then on they are read ahead.
EMBED_WINDOWS = 256
FIRST_WINDOWS = 32
# A commit costs some fsyncs; these keep that under 2% of the time and a kill's loss small.
COMMIT_WINDOWS = 2000
COMMIT_SECONDS = 5.0
# What readers may be ahead of the embedder: files, and bytes of those in work or characters of
# those that were read. A million tokens, which keep two cores embedding for a minute or two while
# one slow file is read; what is made of them takes about ten bytes a character.
AHEAD = Limits(items=256, weight=4_000_000)
# With less behind it, the time that is left is not foretold.
_SURE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Batch:
    """Files whose windows are being embedded.

    Attributes:
        items: The files; those that have their embeddings already are among them.
        blocks: What will be made of the others' windows, in order.
    """

    items: Sequence[PreparedSource]
    blocks: Sequence[Future[WindowEmbeddings]]

    @property
    def is_done(self) -> bool:
        """Whether nothing needs to be waited for."""
        return all(block.done() for block in self.blocks)


class Ingest:
    """One ingest run into one vector store; the caller holds the writer lock.

    Args:
        writer: Where files go.
        catalog, blobs, stored, embedder: Of the index.
        make_loader: Returns what reads bytes, for one thread.
        chunk_settings: For new files.
        late_interaction: Whether the store keeps token signs.
        rules: Where the attributes of files come from.
        on_progress: Called at the beginning, after each file and each batch, from the calling
            thread.
    """

    def __init__(
        self,
        *,
        writer: IndexWriter,
        catalog: Catalog,
        blobs: BlobStore,
        stored: StoredVectors,
        embedder: Embedder,
        make_loader: Callable[[], Loader],
        chunk_settings: ChunkSettings,
        late_interaction: bool,
        rules: AttributeRules,
        on_progress: Callable[[IngestProgress], None] | None = None,
    ) -> None:
        self._writer = writer
        self._catalog = catalog
        self._blobs = blobs
        self._stored = stored
        self._embedder = embedder
        self._make_loader = make_loader
        self._chunk_settings = chunk_settings
        self._late_interaction = late_interaction
        self._rules = rules
        self._on_progress = on_progress or (lambda _progress: None)
        self._outcomes: dict[str, FileOutcome] = {}
        self._windows_done = 0
        self._started = self._last_commit = time.monotonic()
        self._window_pace, self._byte_pace = Pace(), Pace()

    def run(self, sources: Sequence[Source], known: KnownFiles) -> list[FileOutcome]:
        """Ingest `sources`; returns what became of each, in their order.

        Args:
            sources: Files and documents, each once.
            known: What the store holds already.

        Files that fail do not stop the rest. What was finished when an exception or Ctrl-C ends
        the run stays committed.
        """
        self._total_files = len(sources)
        self._total_bytes = sum(source.size_bytes for source in sources)
        self._done_bytes = self._shown_bytes = 0
        reader = SourceReader(
            known=known,
            stored=self._stored,
            catalog=self._catalog,
            blobs=self._blobs,
            embedder=self._embedder,
            chunk_settings=self._chunk_settings,
            rules=self._rules,
        )
        self._report("")
        try:
            copies = self._take(sources, reader)
            if copies:
                self._writer.commit()
                reader.take_copies()
                self._take(copies, reader)
        finally:
            self._writer.commit()
        return [self._outcomes[source.key] for source in sources]

    def _take(self, sources: Sequence[Source], reader: SourceReader) -> list[Source]:
        """Read, embed and record sources; returns those that copy one of them, for later."""
        waiting: list[PreparedSource] = []
        under_way: _Batch | None = None
        copies: list[Source] = []
        pending_windows, enough = 0, min(FIRST_WINDOWS, EMBED_WINDOWS)
        embedding = ThreadPoolExecutor(1, thread_name_prefix="filesearch-embed")
        try:
            with ReadAhead(
                reader.read,
                sources,
                make_loader=self._make_loader,
                readers=count_readers(),
                weigh_given=lambda source: source.size_bytes,
                weigh=_characters,
                limits=AHEAD,
            ) as items:
                for item in items:
                    if isinstance(item, PreparedSource):
                        waiting.append(item)
                        pending_windows += len(item.text.windows)
                    elif isinstance(item, CopySource):
                        copies.append(item.source)
                    else:
                        self._settle(item)
                    if under_way is not None and under_way.is_done:
                        self._write(under_way)
                        under_way = None
                    if pending_windows >= enough:
                        before, under_way = under_way, self._embed(waiting, embedding)
                        if before is not None:
                            self._write(before)
                        waiting = []
                        pending_windows, enough = 0, min(2 * enough, EMBED_WINDOWS)
                rest = self._embed(waiting, embedding)
                for batch in (under_way, rest):
                    if batch is not None:
                        self._write(batch)
        finally:
            embedding.shutdown(wait=False, cancel_futures=True)
        return copies

    def _embed(self, items: Sequence[PreparedSource], embedding: ThreadPoolExecutor) -> _Batch:
        """Have the windows of files embedded, behind those that are waiting already."""
        new = [item for item in items if item.embeddings is None]
        windows = [window for item in new for window in item.text.window_texts]
        blocks = [
            submit(
                embedding,
                embed_windows,
                self._embedder,
                windows[start : start + EMBED_WINDOWS],
                late_interaction=self._late_interaction,
            )
            for start in range(0, len(windows), EMBED_WINDOWS)
        ]
        return _Batch(items, blocks)

    def _write(self, batch: _Batch) -> None:
        """Hand files to the writer once they are embedded; commit when it is time."""
        size_bytes = sum(item.source.size_bytes for item in batch.items)
        blocks: list[WindowEmbeddings] = []
        for number, future in enumerate(batch.blocks, start=1):
            blocks.append(future.result())
            self._windows_done += len(blocks[-1].vectors)
            done = number * size_bytes // len(batch.blocks)
            self._report(batch.items[0].source.filename, under_way=done)
        embedded = WindowEmbeddings.join(blocks) if blocks else None
        start = 0
        for item in batch.items:
            embeddings = item.embeddings
            if embeddings is None:
                assert embedded is not None, "a text has windows"
                end = start + len(item.text.windows)
                embeddings = embedded.part(start, end)
                start = end
            self._writer.add(item.new, item.text, embeddings, item.content)
            self._finish(item.source, _outcome(item))
        self._commit_when_due()

    def _commit_when_due(self) -> None:
        overdue = time.monotonic() - self._last_commit > COMMIT_SECONDS
        if overdue or self._writer.pending_windows >= COMMIT_WINDOWS:
            self._writer.commit()
            self._last_commit = time.monotonic()

    def _settle(self, item: UnchangedSource | FailedSource) -> None:
        """Record a source of which nothing is embedded."""
        if isinstance(item, UnchangedSource):
            described, known = item.described, item.known
            was = known.attributes, known.attribute_layers
            is_described_anew = was != (described.merged, described.layers)
            if is_described_anew:
                self._writer.set_attributes(known.id, described.merged, described.layers)
            if item.modified_ns is not None and item.modified_ns != item.known.modified_ns:
                self._writer.note_modified(item.known.id, item.modified_ns)
            if item.known.error:
                self._writer.set_stale(item.known.id, None, "")
            outcome = FileOutcome(
                filename=item.source.filename,
                status="unchanged",
                file_id=item.known.id,
                chunks=item.known.chunk_count,
                windows=item.known.window_count,
                pages=item.known.page_count or 0,
                tables=item.known.table_count or 0,
                characters=item.known.char_count,
                warnings=item.described.warnings,
                attributes_changed=is_described_anew,
            )
        else:
            outcome = self._record_failure(item)
        self._finish(item.source, outcome)
        self._commit_when_due()

    def _record_failure(self, item: FailedSource) -> FileOutcome:
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
            seconds=item.seconds,
        )

    def _finish(self, source: Source, outcome: FileOutcome) -> None:
        self._outcomes[source.key] = outcome
        self._done_bytes += source.size_bytes
        self._report(source.filename, outcome=outcome)

    def _report(
        self, filename: str, *, under_way: int = 0, outcome: FileOutcome | None = None
    ) -> None:
        self._shown_bytes = max(self._shown_bytes, self._done_bytes + under_way)
        self._window_pace.note(self._windows_done)
        self._byte_pace.note(self._shown_bytes)
        seconds = time.monotonic() - self._started
        pace, seconds_left = self._byte_pace.per_second, None
        if seconds >= _SURE_SECONDS and pace:
            seconds_left = (self._total_bytes - self._shown_bytes) / pace
        self._on_progress(
            IngestProgress(
                files_done=len(self._outcomes),
                files_total=self._total_files,
                bytes_done=self._shown_bytes,
                bytes_total=self._total_bytes,
                windows_done=self._windows_done,
                filename=filename,
                seconds=seconds,
                windows_per_s=self._window_pace.per_second,
                seconds_left=seconds_left,
                outcome=outcome,
            )
        )


def _characters(item: ReadSource) -> int:
    if isinstance(item, PreparedSource) and item.new.document is not None:
        return len(item.new.document.text)
    return 0


def _outcome(item: PreparedSource) -> FileOutcome:
    document = item.new.document
    assert document is not None, "what was prepared has a text"
    status: FileStatus = "updated" if item.new.replaces else "added"
    if item.new.replaces == item.new.id:
        status = "renamed"
    return FileOutcome(
        filename=item.source.filename,
        status=status,
        file_id=item.new.id,
        chunks=len(item.new.chunks),
        windows=len(item.text.windows),
        warnings=item.warnings,
        pages=document.count("page"),
        tables=document.count("table"),
        characters=len(document.text),
        seconds=item.seconds,
        renamed_from=item.renamed_from,
    )
