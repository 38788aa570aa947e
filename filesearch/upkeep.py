"""Upkeep: what is done to an index besides filling it, each as one step under the writer's lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from filesearch import rows
from filesearch.background_merges import warn_of_failure
from filesearch.errors import FilesearchError
from filesearch.index_directory import IndexDirectory
from filesearch.maintain import (
    Verification,
    makes_signs,
    match_files,
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
            writer.remove(record.id)
        writer.commit()
        _tidy_up(store.id, writer.sweep)  # segments of which nothing is left
        _tidy_up(store.id, partial(index.merger().merge_due, store.id))
    return doomed


def _tidy_up(store_id: str, step: Callable[[], object]) -> None:
    """Merge or sweep after a commit, if that can be done; what fails is logged."""
    # What was asked for is done and durable: whatever is wrong with merging (a damaged segment, a
    # full disk) must not call it failed.
    try:
        step()
    except Exception as error:  # noqa: BLE001 - as said above
        warn_of_failure(store_id, error)


def verify_index(index: IndexDirectory, embedder: Callable[[], Embedder]) -> Verification:
    """Check segments and offsets of all stores, and the bytes of files, against the catalog.

    Changes nothing.

    Args:
        index: The index.
        embedder: Returns that of now. Whether segments lack token signs is told of the stores that
            it makes the vectors of.
    """
    stores = index.open_stores()
    try:
        needs_signs = [makes_signs(store, embedder()) for store in stores]
    except FilesearchError:  # it cannot be had here, which keeps nobody from checking the rest
        needs_signs = [False] * len(stores)
    return _together(
        [
            verify(index.segments, index.catalog, store, needs_signs=needs)
            for store, needs in zip(stores, needs_signs, strict=True)
        ],
        _count_without_bytes(index),
    )


def _count_without_bytes(index: IndexDirectory) -> int:
    missing = _without_bytes(index)
    if missing:  # others may have removed some meanwhile
        missing &= _without_bytes(index)
    return len(missing)


def _without_bytes(index: IndexDirectory) -> set[str]:
    with index.catalog.database.reading() as sql:
        wanted = rows.files_with_bytes(sql)
    kept = set(index.blobs.digests())  # looked at last: bytes come before their file
    return {file_id for file_id, digest in wanted.items() if digest not in kept}


def _together(found: Sequence[Verification], without_bytes: int) -> Verification:
    return Verification(
        segments=sum(one.segments for one in found),
        files=sum(one.files for one in found),
        chunks=sum(one.chunks for one in found),
        orphans=found[-1].orphans,  # each looked at the whole directory
        damages=tuple(damage for one in found for damage in one.damages),
        repaired=sum(one.repaired for one in found),
        without_bytes=without_bytes,
    )


def repair_index(
    index: IndexDirectory, embedder: Embedder, *, on_progress: OnProgress | None
) -> Verification:
    """Check as `verify_index`, and rebuild what is damaged from the catalog's text.

    Bytes that no file has are deleted. The folder may be a new one, where that of the catalog is
    lost: all segments are made again then.
    """
    index.take_over()
    index.open_store()
    with index.writing(), index.merging():
        index.open_store()
        catalog = index.catalog
        found = []
        for store in index.open_stores():
            if store.embedder == embedder.fingerprint:
                one = repair(index.segments, catalog, store, embedder, on_progress=on_progress)
            else:  # its vectors cannot be made again now
                one = verify(index.segments, catalog, store)
            found.append(one)
        # What a process left that was killed while it replaced or removed files.
        for digest in set(index.blobs.digests()) - catalog.content_hashes():
            catalog.delete_unused_content(digest, index.blobs)
        return _together(found, _count_without_bytes(index))


def rebuild_index(
    index: IndexDirectory, embedder: Embedder, *, on_progress: OnProgress | None
) -> int:
    """Chunk and embed the files of all stores again, with the settings of now; returns how many.

    Chunk settings are those of the store that `fsearch ingest` fills; others keep theirs. For a
    lost folder see `repair_index`.
    """
    index.take_over()
    index.open_store(check=False)
    count = 0
    with index.writing(), index.merging():
        default = index.open_store(check=False)
        catalog = index.catalog
        for store in index.open_stores():
            asked = index.as_asked(store)
            if store.id != default.id:
                asked = replace(asked, chunk_settings=store.chunk_settings)
            picture = catalog.picture(store.id)
            rebuild(
                index.segments,
                catalog,
                store,
                embedder,
                picture.segments,
                picture.entries,
                new_store=asked,
                on_progress=on_progress,
            )
            count += len(picture.entries)
    for store in index.open_stores():
        _tidy_up(store.id, partial(index.merger().merge_at_rest, store.id))
    return count


def compact_index(index: IndexDirectory, *, on_freed: Callable[[int], None] | None) -> int:
    """Merge the segments of each store into as few as may be, drop the removed.

    Others write and search meanwhile. What killed processes left is deleted too, unless somebody
    writes, and so is what removed files left in the catalog. Returns how many segments of the
    stores went.
    """
    index.open_store(check=False)
    merger = index.merger()
    timeout_s = index.settings.lock_timeout_s
    merged = sum(merger.compact(store.id, timeout_s=timeout_s) for store in index.open_stores())
    index.sweep()
    freed = index.shrink_catalog()
    if on_freed is not None:
        on_freed(freed)
    return merged
