"""Intake: sources -> a store in step with them, as one run under the writer's lock.

What killed writers left is swept first. Segments that become many are merged meanwhile, beside the
embedding; what is due then, worn ones included, is merged at the end, and small ones with it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from filesearch.background_merges import BackgroundMerges
from filesearch.file_attributes import AttributeRules
from filesearch.index_directory import IndexDirectory
from filesearch.ingest import Ingest
from filesearch.known_files import KnownFiles
from filesearch.load.process.isolation import make_loader
from filesearch.protocols import Embedder
from filesearch.reports import FileOutcome, IngestProgress
from filesearch.sections import cut_large_texts, find_superseded
from filesearch.sources import Source
from filesearch.stored_vectors import StoredVectors
from filesearch.walk import Root, Unreadable


def take_in(
    index: IndexDirectory,
    sources: Sequence[Source],
    *,
    embedder: Embedder,
    rules: AttributeRules,
    prune: Sequence[Root] = (),
    gone: Collection[str] = (),
    unreadable: Sequence[Unreadable] = (),
    checksum: bool = False,
    on_progress: Callable[[IngestProgress], None] | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> list[FileOutcome]:
    """Ingest `sources`; returns what became of each, in their order, then what was removed.

    Plain texts that are too large to be held whole are taken in sections; see sections.py.

    Args:
        index: Where to; its store is made when it is missing.
        sources: Files and documents, each once.
        embedder: What the store's vectors are made with.
        rules: Where the attributes of sources come from.
        prune: What the store knows of them and `sources` lacks is removed.
        gone: Keys of further files to remove, unless one of `sources` is what became of them.
        unreadable: Folders that could not be listed: each is reported, nothing below it removed.
        checksum: Compare contents, whatever size and time of a file say.
        on_progress: Called as files and windows are done.
        on_wait: Told when another process is writing and we wait for it.

    Raises:
        IndexMismatch: The index was made with another embedder or other chunk settings.
        IndexBusy: Another process kept writing.
    """
    sources = cut_large_texts(sources)
    with index.writing(on_wait):
        store = index.open_store(create=True)
        index.writer(store).sweep()
        with BackgroundMerges(index.merger(), finish=True) as merges:
            writer = index.writer(store, on_commit=merges.note)
            known = KnownFiles(index.catalog.files(store.id), sources, checksum=checksum)
            run = Ingest(
                writer=writer,
                catalog=index.catalog,
                blobs=index.blobs,
                stored=StoredVectors(index.segments, index.catalog, store),
                embedder=embedder,
                make_loader=lambda: make_loader(index.settings),
                chunk_settings=store.chunk_settings,
                late_interaction=store.late_interaction,
                rules=rules,
                on_progress=on_progress,
            )
            outcomes = run.run(sources, known)
            removed = [
                *find_superseded(known.records, sources),
                *known.below(prune, [folder.path for folder in unreadable]),
                *known.gone(gone),
            ]
            for record in {record.id: record for record in removed}.values():
                writer.remove(record.id)
                outcomes.append(
                    FileOutcome(filename=record.filename, status="removed", file_id=record.id)
                )
            writer.commit()
            merges.note(store.id)  # removed files count as well
        writer.sweep()
    return [*outcomes, *(failed_folder(folder) for folder in unreadable)]


def failed_folder(folder: Unreadable) -> FileOutcome:
    """Return a folder that could not be listed as what became of it; no index knows of it."""
    return FileOutcome(
        filename=folder.filename,
        status="failed",
        error_code="invalid_file",
        error=f"the folder cannot be looked into: {folder.reason}; allow it to be read and entered",
    )
