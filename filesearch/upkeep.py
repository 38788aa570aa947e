"""Upkeep: what is done to an index besides filling it, each as one step under the writer's lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from filesearch.index_directory import IndexDirectory
from filesearch.maintain import (
    Verification,
    match_files,
    merge_segments,
    rebuild,
    repair,
    verify,
)
from filesearch.protocols import Embedder
from filesearch.records import FileRecord

OnProgress = Callable[[int, int], None]


def remove_files(index: IndexDirectory, targets: Sequence[str]) -> list[FileRecord]:
    """Remove files from the index; returns what was removed.

    Raises:
        NotFound: A target matches no file; nothing is removed then.
    """
    index.open_store(check=False)
    with index.writing():
        store = index.open_store(check=False)
        known = index.catalog.files(store.id)
        doomed = match_files(known, targets)
        writer = index.writer(store)
        writer.sweep()
        for record in doomed:
            writer.remove(record.id, record.content_hash)
        writer.commit()
        merge_segments(index.segments, index.catalog, store)
    return doomed


def verify_index(index: IndexDirectory) -> Verification:
    """Check every segment and offset against the catalog; changes nothing."""
    store = index.open_store(check=False)
    return verify(index.segments, index.catalog, store)


def repair_index(
    index: IndexDirectory, embedder: Embedder, *, on_progress: OnProgress | None
) -> Verification:
    """Check as `verify_index`, and rebuild what is damaged from the catalog's text."""
    index.open_store()
    with index.writing():
        store = index.open_store()
        return repair(index.segments, index.catalog, store, embedder, on_progress=on_progress)


def rebuild_index(
    index: IndexDirectory, embedder: Embedder, *, on_progress: OnProgress | None
) -> int:
    """Chunk and embed every file again, with the settings of now; returns how many."""
    index.open_store(check=False)
    with index.writing():
        store = index.open_store(check=False)
        picture = index.catalog.picture(store.id)
        rebuild(
            index.segments,
            index.catalog,
            store,
            embedder,
            picture.segments,
            picture.entries,
            new_store=index.as_asked(store),
            on_progress=on_progress,
        )
    return len(picture.entries)


def compact_index(index: IndexDirectory) -> int:
    """Merge all segments into one and drop the removed; returns how many were merged."""
    index.open_store(check=False)
    with index.writing():
        store = index.open_store(check=False)
        return merge_segments(index.segments, index.catalog, store, everything=True)
