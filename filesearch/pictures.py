"""Pictures: what the catalog says of a store at one instant.

All of it at once for maintenance (`read_picture`), or only what a search needs, as far as that has
changed since it was read last (`read_roster`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, bindparam, func, select

from filesearch import rows
from filesearch import schema as t
from filesearch.records import Entry, Picture, SegmentRecord
from filesearch.roster import AttributeCache, ReadAttributes, ReadEntries, Roster, SlotFiles
from filesearch.types import ChunkSettings, Document

# SQLite takes at least 999 values in one statement.
_Value = TypeVar("_Value")
_MAX_VALUES = 500


def read_picture(sql: Connection, store_id: str) -> Picture:
    """Return segments and searchable files of a store as of one instant."""
    sf = t.store_files.c
    generation = sql.scalar(
        select(t.vector_stores.c.generation).where(t.vector_stores.c.id == store_id)
    )
    segments = _read_segments(sql, store_id)
    found = sql.execute(
        _select_entries()
        .where(sf.store_id == store_id, sf.document_id.is_not(None))
        .order_by(sf.segment_id, sf.slot)
    )
    entries = [_to_entry(row) for row in found]
    return Picture(
        generation=int(generation or 0),
        segments=segments,
        entries=tuple(entry for entry in entries if entry.segment_id),
        unplaced=tuple(entry for entry in entries if not entry.segment_id),
    )


def read_roster(
    sql: Connection,
    store_id: str,
    last: Roster | None,
    *,
    read_attributes: ReadAttributes,
    read_entries: ReadEntries,
) -> Roster:
    """Return the roster of a store as of one instant.

    Args:
        sql: A transaction.
        store_id: The store.
        last: An earlier one of the same store. The files of a segment can only become fewer: with
            as many as before they are the same.
        read_attributes, read_entries: For the roster to read with, each in its own transaction.
    """
    sf, c = t.store_files.c, t.vector_stores.c
    noted = select(t.meta.c.value).where(t.meta.c.key == rows.attributes_note(store_id))
    head = sql.execute(
        select(c.generation, noted.scalar_subquery().label("noted")).where(c.id == store_id)
    ).first()
    segments = _read_segments(sql, store_id)
    mine = select(t.segments.c.id).where(t.segments.c.store_id == store_id)
    counted = sql.execute(
        select(sf.segment_id, func.count()).where(sf.segment_id.in_(mine)).group_by(sf.segment_id)
    )
    counts = {row[0]: row[1] for row in counted}
    known = _known_files(last)
    for record in segments:
        files = known.get(record.name)
        if files is not None and files.live_count != counts.get(record.id, 0):
            del known[record.name]
    missing = [record.id for record in segments if record.name not in known]
    placed = _read_slots(sql, missing)
    changed = int(head.noted or 0) if head else 0
    is_same = last is not None and last.attributes_changed == changed
    attributes = last.attributes if last and is_same else AttributeCache(read_attributes)
    attributes.forget_others([record.name for record in segments])
    return Roster(
        generation=head.generation if head else 0,
        segments=segments,
        files=tuple(
            known[record.name]
            if record.name in known
            else SlotFiles.of(record.slot_count, placed[record.id])
            for record in segments
        ),
        attributes=attributes,
        attributes_changed=changed,
        read_entries=read_entries,
    )


def _known_files(last: Roster | None) -> dict[str, SlotFiles]:
    if last is None:
        return {}
    return {record.name: files for record, files in zip(last.segments, last.files, strict=True)}


def _read_segments(sql: Connection, store_id: str) -> tuple[SegmentRecord, ...]:
    found = sql.execute(
        select(t.segments).where(t.segments.c.store_id == store_id).order_by(t.segments.c.id)
    )
    return tuple(rows.to_segment_record(row) for row in found)


def _read_slots(
    sql: Connection, segment_ids: Sequence[int]
) -> dict[int, list[tuple[int, int, int, object]]]:
    """Return slot, store file id, document id and row attributes of the files of segments."""
    sf = t.store_files.c
    placed: defaultdict[int, list[tuple[int, int, int, object]]] = defaultdict(list)
    for ids in _batches(segment_ids):
        found = sql.execute(
            select(sf.segment_id, sf.slot, sf.id, sf.document_id, sf.row_attributes).where(
                sf.segment_id.in_(ids)
            )
        )
        for segment_id, slot, store_file_id, document_id, row_attributes in found:
            placed[segment_id].append((slot, store_file_id, document_id, row_attributes))
    return placed


def read_entries(sql: Connection, store_file_ids: Collection[int]) -> dict[int, Entry]:
    """Return some searchable files with their load keys; removed ones are left out."""
    return {
        row.id: _to_entry(row, load_key=row.load_key)
        for ids in _batches(store_file_ids)
        for row in sql.execute(_entries_by_id(), {"ids": ids})
    }


@cache
def _entries_by_id() -> Select[Any]:
    """The statement of `read_entries`, which every search executes: built once, half the time."""
    sf = t.store_files.c
    return (
        _select_entries()
        .add_columns(t.documents.c.load_key)
        .join(t.documents, t.documents.c.id == sf.document_id)
        .where(sf.id.in_(bindparam("ids", expanding=True)))
    )


def read_documents(sql: Connection, load_keys: Collection[str]) -> dict[str, Document]:
    """Return documents by load key; removed ones are left out."""
    return {
        row.load_key: rows.to_document(row)
        for keys in _batches(load_keys)
        for row in sql.execute(_documents_by_key(), {"keys": keys})
    }


@cache
def _documents_by_key() -> Select[Any]:
    found = t.documents.c.load_key.in_(bindparam("keys", expanding=True))
    return select(t.documents).where(found)


def read_attributes(
    sql: Connection, segment_id: int, store_file_ids: Sequence[int]
) -> dict[int, str]:
    """Return the attributes of files by store file id, as JSON; removed files are left out.

    Args:
        sql: A transaction.
        segment_id: Where they lay when that was read last; read whole, which is quicker.
        store_file_ids: The files; a merge may have moved them meanwhile.
    """
    sf = t.store_files.c
    query = select(sf.id, sf.attributes)
    found = {row[0]: row[1] for row in sql.execute(query.where(sf.segment_id == segment_id))}
    for ids in _batches([one for one in store_file_ids if one not in found]):
        found.update((row[0], row[1]) for row in sql.execute(query.where(sf.id.in_(ids))))
    return found


def _batches(values: Collection[_Value]) -> Iterator[list[_Value]]:
    left = iter(values)
    while batch := list(islice(left, _MAX_VALUES)):
        yield batch


def _select_entries() -> Select[Any]:
    sf = t.store_files.c
    return select(
        sf.id,
        sf.segment_id,
        sf.slot,
        sf.file_id,
        t.files.c.filename,
        sf.document_id,
        sf.attributes,
        sf.chunk_size,
        sf.chunk_overlap,
        sf.row_attributes,
    ).join(t.files, t.files.c.id == sf.file_id)


# Most files of a store share theirs; entries are kept by the thousand.
_chunk_settings = lru_cache(maxsize=64)(ChunkSettings)


def _to_entry(row: Sequence[Any], load_key: str = "") -> Entry:
    return Entry(
        store_file_id=row[0],
        segment_id=row[1] or 0,
        slot=row[2] or 0,
        file_id=row[3],
        filename=row[4],
        document_id=row[5],
        attributes=rows.decode_attributes(row[6]),
        chunk_settings=_chunk_settings(row[7], row[8]),
        row_attributes=bool(row[9]),
        load_key=load_key,
    )
