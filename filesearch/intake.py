"""Intake: sources -> a store in step with them, as one run under the writer's lock.

What killed writers left is swept first, segments that became many or worn are merged last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from filesearch.index_directory import IndexDirectory
from filesearch.ingest import Ingest, find_gone
from filesearch.load.isolation import make_loader
from filesearch.maintain import merge_segments
from filesearch.protocols import Embedder
from filesearch.reports import FileOutcome, IngestProgress
from filesearch.sections import cut_large_texts, find_superseded
from filesearch.sources import Source
from filesearch.types import Attributes


def take_in(
    index: IndexDirectory,
    sources: Sequence[Source],
    *,
    embedder: Embedder,
    attributes: Attributes,
    prune: Sequence[Path] = (),
    on_progress: Callable[[IngestProgress], None] | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> list[FileOutcome]:
    """Ingest `sources`; returns what became of each, in their order, then what was removed.

    Plain texts that are too large to be held whole are taken in sections; see sections.py.

    Args:
        index: Where to; its store is made when it is missing.
        sources: Files and documents, each once.
        embedder: What the store's vectors are made with.
        attributes: Checked; for every source.
        prune: Folders and files: what the store knows below them and `sources` lacks is removed.
        on_progress: Called as files and windows are done.
        on_wait: Told when another process is writing and we wait for it.

    Raises:
        IndexMismatch: The index was made with another embedder or other chunk settings.
        IndexBusy: Another process kept writing.
    """
    sources = cut_large_texts(sources)
    with index.writing(on_wait):
        store = index.open_store(create=True)
        writer = index.writer(store)
        writer.sweep()
        known = index.catalog.files(store.id)
        run = Ingest(
            writer=writer,
            catalog=index.catalog,
            blobs=index.blobs,
            embedder=embedder,
            make_loader=lambda: make_loader(index.settings),
            chunk_settings=store.chunk_settings,
            late_interaction=store.late_interaction,
            attributes=attributes,
            on_progress=on_progress,
        )
        outcomes = run.run(sources, known)
        gone = find_gone(known, prune, {source.key for source in sources})
        left = {record.id: record for record in [*find_superseded(known, sources), *gone]}
        for record in left.values():
            writer.remove(record.id, record.content_hash)
            outcomes.append(
                FileOutcome(filename=record.filename, status="removed", file_id=record.id)
            )
        writer.commit()
        merge_segments(index.segments, index.catalog, store)
        writer.sweep()
    return outcomes
