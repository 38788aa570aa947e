"""Queue rows: the files that stores wait for, as rows of `store_files` with status in_progress.

Those rows are the queue, so that a restart goes on where a killed process stopped. Works within a
transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, func, select, update

from filesearch import rows
from filesearch import schema as t
from filesearch.records import ReadFile, SegmentRecord, StoreRecord, WaitingFile
from filesearch.types import ChunkSettings

_WAITING = "in_progress"


def count_waiting(sql: Connection) -> int:
    """Return how many files wait, in all stores."""
    sf = t.store_files.c
    query = select(func.count()).select_from(t.store_files).where(sf.status == _WAITING)
    return int(sql.scalar(query) or 0)


def find_waiting(sql: Connection, *, limit: int, but: Collection[int]) -> list[WaitingFile]:
    """Return files that wait, those that came first first, the stores taking turns.

    Args:
        sql: A transaction.
        limit: At most this many.
        but: Store file ids to leave out.
    """
    sf = t.store_files.c
    turn = func.row_number().over(partition_by=sf.store_id, order_by=sf.id)
    waiting = (
        select(sf.id, turn.label("turn")).where(sf.status == _WAITING, sf.id.not_in(but)).subquery()
    )
    found = sql.execute(
        select(
            sf.id,
            sf.store_id,
            sf.file_id,
            t.files.c.filename,
            t.files.c.content_hash,
            t.files.c.size_bytes,
            sf.chunk_size,
            sf.chunk_overlap,
        )
        .join(waiting, waiting.c.id == sf.id)
        .join(t.files, t.files.c.id == sf.file_id)
        .order_by(waiting.c.turn, sf.id)
        .limit(limit)
    )
    return [WaitingFile(*row[:6], ChunkSettings(row[6], row[7])) for row in found]


def waiting_stores(sql: Connection, *, but: Collection[int]) -> set[str]:
    """Return the ids of the stores that wait for a file beside those in `but`."""
    sf = t.store_files.c
    waiting = select(sf.store_id).where(sf.status == _WAITING, sf.id.not_in(but)).distinct()
    return set(sql.scalars(waiting))


def settle(
    sql: Connection, store_id: str, files: Sequence[ReadFile], segment: SegmentRecord | None
) -> list[ReadFile]:
    """Record what became of waiting files of one store; returns those that still waited for it.

    Args:
        sql: A transaction that writes.
        store_id: The store.
        files: Those with a document fill the slots of `segment` in this order.
        segment: Needed when a file has a document.
    """
    if sql.scalar(select(t.vector_stores.c.seq).where(t.vector_stores.c.id == store_id)) is None:
        return []  # deleted since, and its files with it; the next sweep takes the segment
    segment_id = rows.insert_segment(sql, store_id, segment) if segment else None
    settled = []
    slot = 0
    for file in files:
        if _settle_one(sql, file, segment_id, slot):
            settled.append(file)
        slot += file.document is not None
    if segment_id is not None:
        rows.drop_unused(sql, document_ids=(), segment_ids=[segment_id])
    if any(file.document is not None for file in settled):
        rows.bump_generation(sql, store_id)
    return settled


def _settle_one(sql: Connection, file: ReadFile, segment_id: int | None, slot: int) -> bool:
    sf, waiting = t.store_files.c, file.waiting
    # Not by the row's id alone: SQLite gives that of a deleted row to a later one.
    mine = (
        sf.id == waiting.store_file_id,
        sf.store_id == waiting.store_id,
        sf.file_id == waiting.file_id,
        sf.status == _WAITING,
        sf.chunk_size == waiting.chunk_settings.size,
        sf.chunk_overlap == waiting.chunk_settings.overlap,
    )
    if sql.scalar(select(sf.id).where(*mine)) is None:
        return False
    if file.document is None:
        failed = {"status": "failed", "error_code": file.error_code, "error": file.error}
        sql.execute(update(t.store_files).where(*mine).values(**failed))
        return True
    sql.execute(
        update(t.store_files)
        .where(*mine)
        .values(
            status="completed",
            error_code=None,
            error="",
            document_id=rows.ensure_document(sql, file.load_key, file.document),
            segment_id=segment_id,
            slot=slot,
            chunk_count=len(file.chunks),
            window_count=file.window_count,
        )
    )
    rows.insert_chunks(sql, waiting.store_file_id, file.chunks)
    return True


def count_segments(sql: Connection, store_id: str) -> int:
    """Return how many segments a store has."""
    query = select(func.count()).select_from(t.segments).where(t.segments.c.store_id == store_id)
    return int(sql.scalar(query) or 0)


def adopt_embedder(sql: Connection, store: StoreRecord, fingerprint: str, dimension: int) -> bool:
    """Let an empty store be made with another embedder; returns whether it was empty."""
    if count_segments(sql, store.id):
        return False
    c = t.vector_stores.c
    sql.execute(
        update(t.vector_stores)
        .where(c.id == store.id)
        .values(embedder=fingerprint, dimension=dimension)
    )
    return True
