"""Index stats: what an index holds and what it costs on disk, store by store and together.

Counted in the catalog; of a segment only its manifest is read.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
from sqlalchemy import Connection, func, select

from filesearch import schema as t
from filesearch.errors import IndexDamaged
from filesearch.index.segment import Segment
from filesearch.index_directory import CATALOG_FILE, IndexDirectory
from filesearch.records import IndexStats, SegmentRecord, SegmentStats, StoreRecord, StoreStats
from filesearch.rows import to_segment_record


@dataclass(frozen=True, slots=True)
class _Counts:
    """What the catalog says of the files of a store; see records.StoreStats."""

    files: int = 0
    failed: int = 0
    chunks: int = 0
    windows: int = 0
    characters: int = 0


def read_stats(index: IndexDirectory, store_id: str | None = None) -> IndexStats:
    """Return what an index holds and what it costs, or what one of its stores does.

    Args:
        index: The index.
        store_id: Counts the files and segments of this store alone.

    Raises:
        NotFound: There is no index yet, or no such store.
    """
    stores = index.open_stores()
    if store_id is not None:
        stores = [index.catalog.store(store_id)]
    with index.catalog.database.reading() as sql:
        counts = _count(sql)
        segments = _segments(sql)
    found = [
        _of_store(one, counts.get(one.id, _Counts()), segments.get(one.id, [])) for one in stores
    ]
    first = found[0]
    records = [(one.id, record) for one in stores for record in segments.get(one.id, [])]
    return IndexStats(
        index=str(index.path),
        files=sum(one.files for one in found),
        failed=sum(one.failed for one in found),
        chunks=sum(one.chunks for one in found),
        windows=sum(one.windows for one in found),
        characters=sum(one.characters for one in found),
        segments=len(records),
        segment_bytes=sum(one.segment_bytes for one in found),
        late_interaction_bytes=sum(
            _size(index.segments / record.name, "sign*.npy") for _store_id, record in records
        ),
        catalog_bytes=_size(index.path, f"{CATALOG_FILE}*"),
        catalog_free_bytes=index.catalog.database.free_bytes,
        blob_bytes=_size(index.blobs_path, "??/*"),
        embedder=first.embedder,
        dimension=first.dimension,
        chunk_size=first.chunk_size,
        chunk_overlap=first.chunk_overlap,
        generation=first.generation,
        segment_stats=tuple(
            _describe(index.segments, one_id, record) for one_id, record in records
        ),
        stores=tuple(found),
    )


def largest_store(index: IndexDirectory) -> StoreRecord:
    """Return the store that `fsearch ingest` fills, or, where that is empty, the largest one.

    Raises:
        NotFound: There is no index yet.
        IndexMismatch: As of IndexDirectory.open_store.
    """
    default = index.open_store()
    with index.catalog.database.reading() as sql:
        windows = {store_id: counts.windows for store_id, counts in _count(sql).items()}
    if windows.get(default.id):
        return default
    now = time.time()
    usable = (one for one in index.catalog.stores() if (one.expires_at or now + 1) > now)
    return max([default, *usable], key=lambda store: windows.get(store.id, 0))


def _count(sql: Connection) -> dict[str, _Counts]:
    sf, d = t.store_files.c, t.documents.c
    rows = sql.execute(
        select(
            sf.store_id,
            sf.status,
            func.count(),
            func.coalesce(func.sum(sf.chunk_count), 0),
            func.coalesce(func.sum(sf.window_count), 0),
            func.coalesce(func.sum(d.char_count), 0),
        )
        .outerjoin(t.documents, d.id == sf.document_id)
        .where(sf.status.in_(("completed", "failed")))
        .group_by(sf.store_id, sf.status)
    )
    failed: dict[str, int] = {}
    searchable: dict[str, list[int]] = {}
    for store_id, status, *sums in rows:
        if status == "failed":
            failed[store_id] = sums[0]
        else:
            searchable[store_id] = [int(one) for one in sums]
    return {
        store_id: _Counts(files, failed.get(store_id, 0), chunks, windows, characters)
        for store_id in failed.keys() | searchable.keys()
        for files, chunks, windows, characters in [searchable.get(store_id, [0, 0, 0, 0])]
    }


def _segments(sql: Connection) -> dict[str, list[SegmentRecord]]:
    """Return the segments of each store that has some, oldest first."""
    found: dict[str, list[SegmentRecord]] = {}
    for row in sql.execute(select(t.segments).order_by(t.segments.c.id)):
        found.setdefault(row.store_id, []).append(to_segment_record(row))
    return found


def _of_store(store: StoreRecord, counts: _Counts, segments: list[SegmentRecord]) -> StoreStats:
    return StoreStats(
        id=store.id,
        name=store.name,
        **asdict(counts),
        segments=len(segments),
        segment_bytes=sum(segment.size_bytes for segment in segments),
        embedder=store.embedder,
        dimension=store.dimension,
        chunk_size=store.chunk_settings.size,
        chunk_overlap=store.chunk_settings.overlap,
        generation=store.generation,
    )


def _describe(root: Path, store_id: str, record: SegmentRecord) -> SegmentStats:
    found: dict[str, object] = {}
    with suppress(IndexDamaged):  # that is for `verify` to tell
        found = msgspec.to_builtins(Segment(root, record).vector_description)
    return SegmentStats(record.name, record.window_count, record.size_bytes, found, store_id)


def _size(directory: Path, pattern: str) -> int:
    total = 0
    for path in directory.glob(pattern):
        with suppress(FileNotFoundError):  # a write-ahead log comes and goes
            total += path.stat().st_size
    return total
