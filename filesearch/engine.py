"""Engine: `FileSearch`, the library's face, and the one place that puts the parts together.

Opening costs nothing: catalog, embedder and segments are loaded when a call first needs them.
What only some calls need is imported by them, so that a search from a cold process is quick.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from filesearch.adapters import make_blob_store, make_embedder
from filesearch.attributes import check_attributes
from filesearch.cite import Location, locate
from filesearch.config import Settings, load_settings
from filesearch.errors import InvalidSetting, NotFound
from filesearch.filters import Filter
from filesearch.index_directory import IndexDirectory
from filesearch.protocols import Embedder
from filesearch.records import FileRecord, IndexStats
from filesearch.retrieve import Retriever
from filesearch.types import (
    Answer,
    Attributes,
    Document,
    FileOutcome,
    IngestReport,
    SearchResult,
)

if TYPE_CHECKING:
    from filesearch.ingest import IngestProgress
    from filesearch.maintain import Verification
    from filesearch.tool import Tool
    from filesearch.writer import IndexWriter


class FileSearch:
    """A searchable, citable index of documents in a directory.

        fs = FileSearch("indexes/handbook")
        fs.ingest("docs/")
        answer = fs.ask("How long do I have to return a mug?")

    Args:
        index: Directory of the index, made at the first ingest; None takes the settings'.
        settings: All settings at once; None reads them as the command line does.
        embedder: An own Embedder instead of the one that the settings name.
        overrides: Single settings by name; see config.Settings.

    Safe to use from several threads. Close it, or use it as a context manager.

    Raises:
        InvalidSetting: A setting is unknown or cannot be used.
    """

    def __init__(
        self,
        index: str | Path | None = None,
        *,
        settings: Settings | None = None,
        embedder: Embedder | None = None,
        **overrides: object,
    ) -> None:
        if settings is None:
            given = None if index is None else str(index)
            settings = load_settings({**overrides, "index": given})
        elif index is not None or overrides:
            raise InvalidSetting("give either settings or single settings, not both")
        self.settings = settings
        self.directory = Path(settings.index)
        self._given_embedder = embedder
        self._index = IndexDirectory(
            settings, embedder=lambda: self._embedder, make_blobs=make_blob_store
        )

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
        """Give files, threads and database connections back."""
        retriever = self.__dict__.pop("_retriever", None)
        if retriever is not None:
            retriever.close()
        self._index.close()

    # The main job

    def ingest(
        self,
        paths: str | Path | Sequence[str | Path],
        *,
        attributes: Attributes | None = None,
        prune: bool = False,
        on_progress: Callable[[IngestProgress], None] | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> IngestReport:
        """Bring the index in step with files and folders.

        Unchanged files cost only their hash; a changed one takes the place of its older version
        in one transaction; files that cannot be read are reported and do not stop the rest.

        Args:
            paths: Files and folders.
            attributes: Set on every file of this call; existing files keep theirs without.
            prune: Remove files below `paths` that are gone from the disk.
            on_progress: Called as files and windows are done.
            on_wait: Told when another process is writing and we wait for it.

        Raises:
            NotFound: A path does not exist; nothing is changed then.
            InvalidSetting: An attribute cannot be stored; nothing is changed then.
            IndexMismatch: The index was made with another embedder or other chunk settings.
            IndexBusy: Another process kept writing.
        """
        from filesearch.ingest import Ingest, find_gone
        from filesearch.load.isolation import Loader
        from filesearch.maintain import merge_segments
        from filesearch.sources import find_sources

        started = time.monotonic()
        given = [paths] if isinstance(paths, (str, Path)) else list(paths)
        roots = [Path(path) for path in given]
        sources = find_sources(roots)
        given_attributes = check_attributes(attributes or {})
        embedder = self._embedder
        with self._index.writing(on_wait):
            store = self._index.open_store(create=True)
            writer = self._index.writer(store)
            writer.sweep()
            known = self._index.catalog.files(store.id)
            with Loader(
                timeout_s=self.settings.parse_timeout_s,
                memory_bytes=self.settings.parse_memory_mb << 20,
            ) as loader:
                run = Ingest(
                    writer=writer,
                    catalog=self._index.catalog,
                    blobs=self._index.blobs,
                    embedder=embedder,
                    loader=loader,
                    chunk_settings=store.chunk_settings,
                    attributes=given_attributes,
                    on_progress=on_progress,
                )
                outcomes = run.run(sources, known)
            if prune:
                seen = {source.key for source in sources}
                gone = find_gone(known, roots, seen)
                outcomes += [_remove(writer, record) for record in gone]
                writer.commit()
            merge_segments(self._index.segments, self._index.catalog, store)
            writer.sweep()
        return IngestReport(tuple(outcomes), time.monotonic() - started)

    def search(
        self,
        query: str,
        *,
        top_k: int = 8,
        filters: Filter | None = None,
        vector_weight: float | None = None,
    ) -> list[SearchResult]:
        """Return the passages that match `query`, best first; see retrieve.Retriever.search.

        Raises:
            NotFound: There is no index yet.
            IndexMismatch: The index was made with another embedder.
        """
        snapshot = self._index.snapshot(self._index.open_store())
        return self._retriever.search(
            snapshot, query, top_k=top_k, filters=filters, vector_weight=vector_weight
        )

    def ask(self, question: str, *, top_k: int = 8, filters: Filter | None = None) -> Answer:
        """Answer `question` from the documents, with citations; see answer.answer_question.

        Raises:
            NotFound: There is no index yet.
            IndexMismatch: The index was made with another embedder.
        """
        from filesearch.answer import answer_question

        results = self.search(question, top_k=top_k, filters=filters)
        return answer_question(question, results, embedder=self._embedder, locate=self._locate)

    def as_tool(self) -> Tool:
        """Return search as a tool for other assistants: JSON schema and callable."""
        from filesearch.tool import make_tool

        return make_tool(self)

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
        from filesearch.maintain import merge_segments

        self._index.open_store(check=False)
        with self._index.writing():
            store = self._index.open_store(check=False)
            known = self._index.catalog.files(store.id)
            doomed: dict[str, FileRecord] = {}
            for target in targets:
                matches = [record for record in known if _is_meant(record, target)]
                if not matches:
                    raise NotFound(f"no file matches '{target}'; see: fsearch files")
                doomed.update((record.id, record) for record in matches)
            writer = self._index.writer(store)
            writer.sweep()
            for record in doomed.values():
                writer.remove(record.id, record.content_hash)
            writer.commit()
            merge_segments(self._index.segments, self._index.catalog, store)
        return list(doomed.values())

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
        from filesearch.maintain import repair, verify

        if not should_repair:
            store = self._index.open_store(check=False)
            return verify(self._index.segments, self._index.catalog, store)
        self._index.open_store()
        with self._index.writing():
            store = self._index.open_store()
            return repair(
                self._index.segments,
                self._index.catalog,
                store,
                self._embedder,
                on_progress=on_progress,
            )

    def rebuild(self, *, on_progress: Callable[[int, int], None] | None = None) -> int:
        """Chunk and embed every file again, with the settings of now; returns how many.

        The old state serves searches until one transaction replaces it.
        """
        from filesearch.maintain import rebuild

        self._index.open_store(check=False)
        with self._index.writing():
            store = self._index.open_store(check=False)
            picture = self._index.catalog.picture(store.id)
            rebuild(
                self._index.segments,
                self._index.catalog,
                store,
                self._embedder,
                picture.segments,
                picture.entries,
                new_store=replace(
                    store,
                    embedder=self._embedder.fingerprint,
                    dimension=self._embedder.dimension,
                    chunk_settings=self.settings.chunk_settings(store.chunk_settings),
                ),
                on_progress=on_progress,
            )
        return len(picture.entries)

    def compact(self) -> int:
        """Merge all segments into one and drop the removed; returns how many were merged."""
        from filesearch.maintain import merge_segments

        self._index.open_store(check=False)
        with self._index.writing():
            store = self._index.open_store(check=False)
            return merge_segments(self._index.segments, self._index.catalog, store, everything=True)

    # Parts, made when first needed

    @cached_property
    def _embedder(self) -> Embedder:
        return self._given_embedder or make_embedder(self.settings.embedder)

    @cached_property
    def _retriever(self) -> Retriever:
        return Retriever(
            catalog=self._index.catalog,
            embedder=lambda: self._embedder,
            vector_weight=self.settings.vector_weight,
        )

    def _locate(self, file_id: str, start: int, end: int) -> Location:
        try:
            return locate(self.document(file_id).spans, start, end)
        except NotFound:  # replaced since it was found
            return Location(None, None, ())


def _remove(writer: IndexWriter, record: FileRecord) -> FileOutcome:
    writer.remove(record.id, record.content_hash)
    return FileOutcome(filename=record.filename, status="removed", file_id=record.id)


def _is_meant(record: FileRecord, target: str) -> bool:
    names = [record.id, record.filename, *([record.path] if record.path else [])]
    if target in names or (record.path and str(Path(target).resolve()) == record.path):
        return True
    return any(fnmatchcase(name, target) for name in names)
