"""Rows: what goes into the tables of `schema` and what comes out, one function each.

Used inside a transaction of `catalog`; `encode_json` by all that keep JSON in the database.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, delete, exists, insert, or_, select, update

from filesearch import schema as t
from filesearch.errors import IndexDamaged
from filesearch.numbering import insert_behind
from filesearch.records import (
    AttributeLayers,
    FileRecord,
    NewFile,
    SegmentRecord,
    StoreRecord,
)
from filesearch.types import Attributes, Chunk, ChunkSettings, Document, Span

DAY_SECONDS = 86_400


def insert_segment(sql: Connection, store_id: str, segment: SegmentRecord) -> int:
    """Insert a segment and return its id."""
    done = sql.execute(
        insert(t.segments)
        .values(
            store_id=store_id,
            name=segment.name,
            manifest_hash=segment.manifest_hash,
            slot_count=segment.slot_count,
            chunk_count=segment.chunk_count,
            window_count=segment.window_count,
            size_bytes=segment.size_bytes,
        )
        .returning(t.segments.c.id)
    )
    return int(done.scalar_one())


def ensure_document(sql: Connection, load_key: str, document: Document) -> int:
    """Return the id of the document stored under `load_key`, inserted when it is missing."""
    found = sql.scalar(select(t.documents.c.id).where(t.documents.c.load_key == load_key))
    if found is not None:
        return int(found)
    done = sql.execute(
        insert(t.documents)
        .values(
            load_key=load_key,
            text=document.text,
            char_count=len(document.text),
            spans=encode_json(document.spans),
            title=document.title,
            media_type=document.media_type,
            warnings=encode_json(document.warnings),
            attributes=encode_json(document.attributes),
            page_count=document.count("page"),
            table_count=document.count("table"),
        )
        .returning(t.documents.c.id)
    )
    return int(done.scalar_one())


def files_with_bytes(sql: Connection) -> dict[str, str]:
    """Return the digests of the files whose bytes are kept, by file id.

    All that were uploaded, and of what was ingested those that could be read, unless they were
    given as text.
    """
    f, s, d = t.files.c, t.store_files.c, t.documents.c
    was_read = exists().where(
        s.file_id == f.id, s.document_id == d.id, d.load_key != f.content_hash + ":document"
    )
    found = sql.execute(select(f.id, f.content_hash).where(or_(f.purpose.is_not(None), was_read)))
    return {row.id: row.content_hash for row in found}


def insert_file(
    sql: Connection,
    store_id: str,
    new: NewFile,
    document_id: int | None,
    segment_id: int | None,
    slot: int | None,
) -> None:
    """Insert a file, its place in the store, and its chunks.

    Without a document the file counts as failed.
    """
    values = {
        "filename": new.filename,
        "path": new.path,
        "content_hash": new.content_hash,
        "size_bytes": new.size_bytes,
        "modified_ns": new.modified_ns,
    }
    # One that goes on under a new name may have been deleted since that was noticed.
    is_known = new.replaces == new.id and bool(
        sql.execute(update(t.files).where(t.files.c.id == new.id).values(**values)).rowcount
    )
    if not is_known:
        sql.execute(
            insert_behind(sql, t.files).values(id=new.id, created_at=int(time.time()), **values)
        )
    done = sql.execute(
        insert_behind(sql, t.store_files)
        .values(
            store_id=store_id,
            file_id=new.id,
            document_id=document_id,
            segment_id=segment_id if document_id else None,
            slot=slot,
            status="completed" if document_id else "failed",
            error_code=new.error_code,
            error=new.error,
            attributes=encode_json(new.attributes),
            attribute_layers=encode_layers(new.attribute_layers),
            row_attributes=new.row_attributes,
            chunk_size=new.chunk_settings.size,
            chunk_overlap=new.chunk_settings.overlap,
            chunk_count=len(new.chunks),
            window_count=new.window_count,
        )
        .returning(t.store_files.c.id)
    )
    insert_chunks(sql, int(done.scalar_one()), new.chunks)


def insert_chunks(sql: Connection, store_file_id: int, new_chunks: Sequence[Chunk]) -> None:
    """Insert the chunks of a file in a store."""
    if new_chunks:
        sql.execute(
            insert(t.chunks),
            [
                {
                    "store_file_id": store_file_id,
                    "ordinal": chunk.ordinal,
                    "start": chunk.start,
                    "end": chunk.end,
                    "token_count": chunk.token_count,
                }
                for chunk in new_chunks
            ],
        )


def make_way(sql: Connection, store_id: str, new: NewFile) -> str:
    """Take the file that `new` replaces out of a store; one that it goes on as stays a file.

    Returns what `forget_file` does.
    """
    sf = t.store_files.c
    if new.replaces == new.id:
        sql.execute(delete(t.store_files).where(sf.store_id == store_id, sf.file_id == new.id))
    elif new.replaces is not None:
        return forget_file(sql, store_id, new.replaces)
    return ""


def forget_file(sql: Connection, store_id: str, file_id: str) -> str:
    """Take a file out of a store, and out of the catalog if no other has it and it is no upload.

    Returns the digest of its bytes, which another file may have as well; empty where the catalog
    still has the file, or it never could be read.
    """
    sf, f = t.store_files.c, t.files.c
    sql.execute(delete(t.store_files).where(sf.store_id == store_id, sf.file_id == file_id))
    gone = delete(t.files).where(
        f.id == file_id, f.purpose.is_(None), ~exists().where(sf.file_id == f.id)
    )
    return sql.execute(gone.returning(f.content_hash)).scalar() or ""


def drop_unused(
    sql: Connection,
    document_ids: Collection[int] | None = None,
    segment_ids: Collection[int] | None = None,
) -> None:
    """Delete documents without a file and segments without a live slot, of these or of all."""
    sf = t.store_files.c
    for table, user, ids in (
        (t.documents, sf.document_id, document_ids),
        (t.segments, sf.segment_id, segment_ids),
    ):
        unused = delete(table).where(~exists().where(user == table.c.id))
        if ids is None or ids:
            sql.execute(unused if ids is None else unused.where(table.c.id.in_(ids)))


def update_store(sql: Connection, store: StoreRecord) -> None:
    """Record what a store is made with from now on.

    Its files that had the old chunk settings of the store get the new ones.
    """
    c, sf, new = t.vector_stores.c, t.store_files.c, store.chunk_settings
    old = sql.execute(select(c.chunk_size, c.chunk_overlap).where(c.id == store.id)).one()
    sql.execute(
        update(t.store_files)
        .where(
            sf.store_id == store.id,
            sf.chunk_size == old.chunk_size,
            sf.chunk_overlap == old.chunk_overlap,
        )
        .values(chunk_size=new.size, chunk_overlap=new.overlap)
    )
    sql.execute(
        update(t.vector_stores)
        .where(c.id == store.id)
        .values(
            embedder=store.embedder,
            dimension=store.dimension,
            chunk_size=new.size,
            chunk_overlap=new.overlap,
            late_interaction=store.late_interaction,
        )
    )


def bump_generation(sql: Connection, store_id: str, *, attributes_changed: bool = False) -> None:
    """Tell readers that the store has changed, and whether attributes of files in place have."""
    c = t.vector_stores.c
    sql.execute(update(t.vector_stores).where(c.id == store_id).values(generation=c.generation + 1))
    if attributes_changed:
        now = sql.scalar(select(c.generation).where(c.id == store_id))
        note_attributes(sql, store_id, str(now))


def note_attributes(sql: Connection, store_id: str, generation: str | None) -> None:
    """Note at which generation attributes have changed; None forgets it, because the store goes."""
    sql.execute(delete(t.meta).where(t.meta.c.key == attributes_note(store_id)))
    if generation is not None:
        sql.execute(insert(t.meta).values(key=attributes_note(store_id), value=generation))


def attributes_note(store_id: str) -> str:
    """Return the key in `meta` of the generation at which attributes in a store changed last."""
    return f"attributes:{store_id}"


def to_store_record(row: Row[tuple[object, ...]]) -> StoreRecord:
    """Return a row of `vector_stores` as a record."""
    return StoreRecord(
        id=row.id,
        name=row.name,
        generation=row.generation,
        embedder=row.embedder,
        dimension=row.dimension,
        chunk_settings=ChunkSettings(row.chunk_size, row.chunk_overlap),
        late_interaction=row.late_interaction,
        expires_at=expires_at(row),
    )


def expires_at(row: Row[Any]) -> int | None:
    """Return when a row of `vector_stores` expires, in unix seconds; None for never."""
    if row.expires_after_days is None:
        return None
    return int((row.last_active_at or row.created_at) + row.expires_after_days * DAY_SECONDS)


def select_files(store_id: str) -> Select[Any]:
    """Return the query for the files of a store, as `to_file_record` takes them."""
    sf, d = t.store_files.c, t.documents.c
    return (
        select(
            t.files,
            sf.status,
            sf.error_code,
            sf.error,
            sf.attributes,
            sf.attribute_layers,
            sf.row_attributes,
            sf.chunk_size,
            sf.chunk_overlap,
            sf.chunk_count,
            sf.window_count,
            d.char_count,
            d.load_key,
            d.page_count,
            d.table_count,
            d.media_type,
            d.title,
            d.warnings,
            d.attributes.label("own_attributes"),
        )
        .join(t.store_files, sf.file_id == t.files.c.id)
        .outerjoin(t.documents, d.id == sf.document_id)
        .where(sf.store_id == store_id)
        .order_by(t.files.c.seq)
    )


def to_file_record(row: Row[Any]) -> FileRecord:
    """Return a row of `files` with its place in a store and its document as a record."""
    return FileRecord(
        id=row.id,
        filename=row.filename,
        path=row.path,
        content_hash=row.content_hash,
        size_bytes=row.size_bytes,
        created_at=row.created_at,
        status=row.status,
        error_code=row.error_code,
        error=row.error,
        attributes=decode_attributes(row.attributes),
        attribute_layers=_decode_layers(row),
        row_attributes=bool(row.row_attributes),
        chunk_settings=ChunkSettings(row.chunk_size, row.chunk_overlap),
        chunk_count=row.chunk_count,
        window_count=row.window_count,
        char_count=row.char_count or 0,
        modified_ns=row.modified_ns,
        load_key=row.load_key or "",
        page_count=row.page_count,
        table_count=row.table_count,
        media_type=row.media_type or "",
        title=row.title or "",
        warnings=tuple(msgspec.json.decode(row.warnings, type=list[str])) if row.warnings else (),
    )


def to_segment_record(row: Row[tuple[object, ...]]) -> SegmentRecord:
    """Return a row of `segments` as a record."""
    return SegmentRecord(
        name=row.name,
        manifest_hash=row.manifest_hash,
        slot_count=row.slot_count,
        chunk_count=row.chunk_count,
        window_count=row.window_count,
        size_bytes=row.size_bytes,
        id=row.id,
    )


def to_document(row: Row[tuple[object, ...]]) -> Document:
    """Return a row that holds the columns of `documents` as a Document."""
    return Document(
        text=row.text,
        spans=decode_spans(row.spans),
        title=row.title,
        media_type=row.media_type,
        warnings=tuple(msgspec.json.decode(row.warnings, type=list[str])),
        attributes=decode_attributes(row.attributes),
    )


def encode_json(value: object) -> str:
    """Return `value` as JSON text."""
    return msgspec.json.encode(value).decode()


def decode_spans(raw: str | None) -> tuple[Span, ...]:
    """Return the spans stored as `raw`.

    Raises:
        IndexDamaged: They are not readable.
    """
    try:
        return tuple(msgspec.json.decode(raw or "[]", type=list[Span]))
    except msgspec.DecodeError as error:
        raise IndexDamaged(f"the spans of a document are not readable: {error}") from error


def encode_layers(layers: AttributeLayers | None) -> str | None:
    """Return layers as JSON text without what the file says, which its document keeps."""
    return None if layers is None else encode_json(replace(layers, own={}))


def _decode_layers(row: Row[Any]) -> AttributeLayers:
    own = decode_attributes(row.own_attributes or "{}")
    if row.attribute_layers is None:
        return AttributeLayers(own=own, given=decode_attributes(row.attributes))
    kept = msgspec.json.decode(row.attribute_layers, type=AttributeLayers)
    return replace(kept, own=own)


def decode_attributes(raw: str) -> Attributes:
    """Return the attributes stored as `raw`."""
    return msgspec.json.decode(raw, type=Attributes)
