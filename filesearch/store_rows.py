"""Store rows: what SQL holds of vector stores and their files, read and changed in a transaction.

Every function works within a transaction of its caller (`stores`, `store_batches`), so that counts
and states that are read together belong together.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, select, update

from filesearch import rows, store_names
from filesearch import schema as t
from filesearch.attributes import check_attributes
from filesearch.batch_counts import keep_ends
from filesearch.errors import NotFound, StoreExpired
from filesearch.numbering import insert_behind
from filesearch.paging import Page, PageQuery, bury, forget_lists, select_page
from filesearch.store_records import (
    FileCounts,
    FileStatus,
    NewAttachment,
    StoreFile,
    StoreStatus,
    VectorStore,
)
from filesearch.types import ChunkSettings

STORES_PLACE = "vector_store"
FILE_STATUSES = ("in_progress", "completed", "failed", "cancelled")
# Of files that were ingested from a folder, once they stay although no store holds them.
KEPT_PURPOSE = "assistants"

# Documents that are worth being named one by one where some may have become unused.
_FEW = 500


def files_place(store_id: str) -> str:
    """Return where the tombstones of a store's files are kept."""
    return f"store_file:{store_id}"


# Stores


def find_usable_row(sql: Connection, store_id: str) -> Row[Any]:
    """Return the row of a store that may be searched and filled.

    Raises:
        NotFound: There is none.
        StoreExpired: It has expired.
    """
    row = store_names.find_store_row(sql, store_id)
    check_expiry(store_id, rows.expires_at(row))
    return row


def check_expiry(store_id: str, expires_at: int | None) -> None:
    """Refuse a store that has expired.

    Raises:
        StoreExpired: It has.
    """
    if expires_at is not None and expires_at <= time.time():
        raise StoreExpired(
            f"Vector store '{store_id}' has expired; make a new one, or set its expires_after anew"
        )


def find_store(sql: Connection, store_id: str, owner: str | None = None) -> VectorStore:
    """Return a store with its counts; raises as `store_names.find_store_row`."""
    return _to_stores(sql, [store_names.find_store_row(sql, store_id, owner)])[0]


def page_stores(sql: Connection, query: PageQuery, owner: str | None) -> Page[VectorStore]:
    """Return a part of the list of stores.

    Raises:
        NotFound: A cursor names nothing that is or was in the list.
    """
    c = t.vector_stores.c
    found, has_more = select_page(
        sql, _stores_of(owner), query, place=STORES_PLACE, seq=c.seq, id_column=c.id
    )
    return Page(tuple(_to_stores(sql, found)), has_more)


def _stores_of(owner: str | None) -> Select[Any]:
    query = select(t.vector_stores)
    return query if owner is None else query.where(t.vector_stores.c.owner == owner)


def _to_stores(sql: Connection, found: Collection[Row[Any]]) -> list[VectorStore]:
    ids = [row.id for row in found]
    segments = t.segments.c
    counts = _count_files(sql, ids)
    usage = dict(
        sql.execute(
            select(segments.store_id, func.sum(segments.size_bytes))
            .where(segments.store_id.in_(ids))
            .group_by(segments.store_id)
        )
        .tuples()
        .all()
    )
    return [_to_store(row, counts[row.id], int(usage.get(row.id, 0))) for row in found]


def _to_store(row: Row[Any], counts: FileCounts, usage_bytes: int) -> VectorStore:
    expires_at = rows.expires_at(row)
    status: StoreStatus = "in_progress" if counts.in_progress else "completed"
    if expires_at is not None and expires_at <= time.time():
        status = "expired"
    return VectorStore(
        id=row.id,
        name=row.name,
        description=row.description,
        owner=row.owner,
        created_at=row.created_at,
        metadata=msgspec.json.decode(row.metadata),
        counts=counts,
        usage_bytes=usage_bytes,
        status=status,
        expires_after_days=row.expires_after_days,
        expires_at=expires_at,
        last_active_at=row.last_active_at or row.created_at,
        chunk_settings=ChunkSettings(row.chunk_size, row.chunk_overlap),
    )


def _count_files(sql: Connection, store_ids: Collection[str]) -> dict[str, FileCounts]:
    sf = t.store_files.c
    found: dict[str, dict[str, int]] = {store_id: {} for store_id in store_ids}
    query = (
        select(sf.store_id, sf.status, func.count())
        .where(sf.store_id.in_(store_ids), sf.status.in_(FILE_STATUSES))
        .group_by(sf.store_id, sf.status)
    )
    for store_id, state, count in sql.execute(query):
        found[store_id][state] = count
    return {store_id: FileCounts(**states) for store_id, states in found.items()}


def touch(sql: Connection, store_id: str) -> None:
    """Note that a store is in use now; one that has expired stays so."""
    row = store_names.find_store_row(sql, store_id)
    expires_at, now = rows.expires_at(row), int(time.time())
    if expires_at is None or expires_at > now:
        c = t.vector_stores.c
        sql.execute(update(t.vector_stores).where(c.id == store_id).values(last_active_at=now))


def expired_stores(sql: Connection, metadata: Mapping[str, str]) -> list[str]:
    """Return the ids of the stores with exactly this metadata whose time is over."""
    query = select(t.vector_stores).where(t.vector_stores.c.metadata == rows.encode_json(metadata))
    found = [(row.id, rows.expires_at(row)) for row in sql.execute(query)]
    now = int(time.time())
    return [store_id for store_id, end in found if end is not None and end <= now]


def delete_store(sql: Connection, store_id: str) -> None:
    """Delete a store; the file objects in it stay. Raises NotFound when there is none."""
    row = store_names.find_store_row(sql, store_id)
    _drop_files(sql, store_id)
    sql.execute(delete(t.vector_stores).where(t.vector_stores.c.id == store_id))
    rows.note_attributes(sql, store_id, None)
    bury(sql, STORES_PLACE, store_id, row.seq)


def empty_store(sql: Connection, store_id: str) -> None:
    """Take all files out of a store; the file objects stay, and what its batches came to."""
    keep_ends(sql, store_id)
    _drop_files(sql, store_id)
    rows.bump_generation(sql, store_id, attributes_changed=True)


def _drop_files(sql: Connection, store_id: str) -> None:
    sf, f = t.store_files.c, t.files.c
    mine = select(sf.file_id).where(sf.store_id == store_id)
    sql.execute(
        update(t.files).where(f.purpose.is_(None), f.id.in_(mine)).values(purpose=KEPT_PURPOSE)
    )
    documents = sql.scalars(
        select(sf.document_id).where(sf.store_id == store_id, sf.document_id.is_not(None))
    ).all()
    sql.execute(delete(t.store_files).where(sf.store_id == store_id))
    sql.execute(delete(t.segments).where(t.segments.c.store_id == store_id))
    forget_lists(sql, [files_place(store_id)])
    rows.drop_unused(sql, document_ids=documents if len(documents) <= _FEW else None)


def generations(sql: Connection, store_ids: Collection[str]) -> dict[str, int]:
    """Return the generation of each of some stores; those that are gone have none."""
    c = t.vector_stores.c
    found = sql.execute(select(c.id, c.generation).where(c.id.in_(store_ids)))
    return {row.id: row.generation for row in found}


# Files in a store


def find_file(sql: Connection, store_id: str, file_id: str) -> StoreFile:
    """Return a file of a store.

    Raises:
        NotFound: The store has none with this id.
    """
    row = sql.execute(_files_of(store_id).where(t.store_files.c.file_id == file_id)).first()
    if row is None:
        raise NotFound(f"No file found with id '{file_id}' in vector store '{store_id}'.")
    return _to_file(row)


def page_files(
    sql: Connection,
    store_id: str,
    query: PageQuery,
    *,
    status: FileStatus | None = None,
    among: ColumnElement[bool] | None = None,
) -> Page[StoreFile]:
    """Return a part of the list of a store's files, or of those in one state or `among` some.

    Raises:
        NotFound: A cursor names nothing that is or was in the store.
    """
    sf = t.store_files.c
    shown = [] if status is None else [sf.status == status]
    shown += [] if among is None else [among]
    found, has_more = select_page(
        sql,
        _files_of(store_id),
        query,
        place=files_place(store_id),
        seq=sf.id,
        id_column=sf.file_id,
        shown=shown,
    )
    return Page(tuple(_to_file(row) for row in found), has_more)


def _files_of(store_id: str) -> Select[Any]:
    f = t.files.c
    return (
        select(
            t.store_files,
            f.filename,
            f.size_bytes,
            f.created_at.label("file_created_at"),
        )
        .join(t.files, f.id == t.store_files.c.file_id)
        .where(t.store_files.c.store_id == store_id)
    )


def _to_file(row: Row[Any]) -> StoreFile:
    is_failed = row.status == "failed"
    return StoreFile(
        file_id=row.file_id,
        store_id=row.store_id,
        filename=row.filename,
        status=row.status,
        error_code=(row.error_code or "server_error") if is_failed else None,
        error=row.error if is_failed else "",
        attributes=rows.decode_attributes(row.attributes),
        chunk_settings=ChunkSettings(row.chunk_size, row.chunk_overlap),
        usage_bytes=row.size_bytes if row.status == "completed" else 0,
        created_at=row.created_at or row.file_created_at,
    )


def file_exists(sql: Connection, file_id: str, owner: str | None) -> bool:
    """Return whether there is a file object that has not expired, and is not another's."""
    f = t.files.c
    query = select(f.expires_at).where(f.id == file_id)
    row = sql.execute(query if owner is None else query.where(f.owner == owner)).first()
    return row is not None and (row.expires_at is None or row.expires_at > time.time())


def attach(sql: Connection, store: Row[Any], new: NewAttachment) -> None:
    """Put a file that exists into a store, where it waits to be read; `keep_ends` comes before.

    One that is there already, cut up in the same way, is not read again.
    """
    sf = t.store_files.c
    settings = new.chunk_settings or ChunkSettings(store.chunk_size, store.chunk_overlap)
    values: dict[str, Any] = {
        "attributes": rows.encode_json(check_attributes(new.attributes)),
        "attribute_layers": None,  # all of them are the caller's
    }
    mine = (sf.store_id == store.id, sf.file_id == new.file_id)
    row = sql.execute(select(t.store_files).where(*mine)).first()
    is_readable = row is not None and row.status in ("completed", "in_progress")
    if row is not None and new.keeps_present:
        if is_readable:
            return
        settings, values = ChunkSettings(row.chunk_size, row.chunk_overlap), {}
    is_same = row is not None and ChunkSettings(row.chunk_size, row.chunk_overlap) == settings
    if not (is_same and is_readable):
        values |= {
            "status": "in_progress",
            "document_id": None,
            "segment_id": None,
            "slot": None,
            "error_code": None,
            "error": "",
            "chunk_size": settings.size,
            "chunk_overlap": settings.overlap,
            "chunk_count": 0,
            "window_count": 0,
        }
    if row is None:
        values |= {"store_id": store.id, "file_id": new.file_id, "created_at": int(time.time())}
        sql.execute(insert_behind(sql, t.store_files).values(**values))
        return
    sql.execute(update(t.store_files).where(*mine).values(**values))
    if row.document_id is not None:
        if "document_id" in values:
            sql.execute(delete(t.chunks).where(t.chunks.c.store_file_id == row.id))
            rows.drop_unused(sql, [row.document_id], [row.segment_id])
        rows.bump_generation(sql, store.id, attributes_changed=True)


def detach(sql: Connection, store_id: str, file_id: str) -> None:
    """Take a file out of a store; the file object stays.

    Raises:
        NotFound: The store has none with this id.
    """
    find_file(sql, store_id, file_id)
    f = t.files.c
    sql.execute(
        update(t.files).where(f.id == file_id, f.purpose.is_(None)).values(purpose=KEPT_PURPOSE)
    )
    _forget(sql, file_id, store_id)


def forget_everywhere(sql: Connection, file_id: str) -> None:
    """Take a file out of all stores, before its object is deleted; in none is fine."""
    _forget(sql, file_id, None)


def _forget(sql: Connection, file_id: str, store_id: str | None) -> None:
    sf = t.store_files.c
    wanted = [sf.file_id == file_id] + ([] if store_id is None else [sf.store_id == store_id])
    found = sql.execute(select(t.store_files).where(*wanted)).all()
    for row in found:
        keep_ends(sql, row.store_id)
    sql.execute(delete(t.store_files).where(*wanted))
    rows.drop_unused(
        sql,
        {row.document_id for row in found if row.document_id is not None},
        {row.segment_id for row in found if row.segment_id is not None},
    )
    for row in found:
        bury(sql, files_place(row.store_id), file_id, row.id)
        rows.bump_generation(sql, row.store_id)
