"""Segment rows: which segments a store has, what of them is live, and how new ones take over.

Works within a transaction of its caller. Files come and go while a segment is being written, also
through other processes: only what still lies where it was read from is moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, bindparam, delete, func, or_, select, update

from filesearch import rows
from filesearch import schema as t
from filesearch.records import SegmentRecord
from filesearch.types import Chunk, IntArray

# Up to so many stretches of slots are moved by one statement each, a third of the time that a
# statement for each file takes.
_MAX_STRETCHES = 16


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """A segment that was merged into another one.

    Attributes:
        old: The segment.
        slots: int64 (n,), ascending: those of its slots that were live when it was read.
        first_slot: What the first of them is in the new segment; the others follow.
    """

    old: SegmentRecord
    slots: IntArray
    first_slot: int


def store_segments(sql: Connection, store_id: str) -> list[SegmentRecord]:
    """Return the segments of a store, oldest first."""
    c = t.segments.c
    found = sql.execute(select(t.segments).where(c.store_id == store_id).order_by(c.id)).all()
    return [rows.to_segment_record(row) for row in found]


def keeps_signs(sql: Connection, store_id: str) -> bool:
    """Return whether the segments of a store shall keep token signs; not in one that is gone."""
    c = t.vector_stores.c
    return bool(sql.scalar(select(c.late_interaction).where(c.id == store_id)))


def segment_names(sql: Connection) -> set[str]:
    """Return the names of the segments of all stores."""
    return set(sql.scalars(select(t.segments.c.name)))


def live_windows(sql: Connection, store_id: str) -> dict[int, int]:
    """Return the windows of the searchable files in each segment of a store, by segment id."""
    sf = t.store_files.c
    found = sql.execute(
        select(sf.segment_id, func.sum(sf.window_count))
        .where(sf.store_id == store_id, sf.segment_id.is_not(None))
        .group_by(sf.segment_id)
    ).all()
    return {int(row[0]): int(row[1]) for row in found}


def live_slots(sql: Connection, segment_id: int) -> IntArray:
    """Return the slots of a segment that hold a searchable file: int64 (n,), ascending."""
    sf = t.store_files.c
    found = sql.scalars(select(sf.slot).where(sf.segment_id == segment_id).order_by(sf.slot))
    return np.fromiter(found, np.int64)


def take_over(
    sql: Connection, store_id: str, segment: SegmentRecord, moves: Sequence[Move]
) -> list[str]:
    """Put a segment in the place of those it was merged from.

    Files that were removed or replaced meanwhile stay so.

    Returns:
        The names of the old segments that went; none, and nothing is changed, when no file lies in
        any of them any more.
    """
    c, sf = t.segments.c, t.store_files.c
    named = {record.id: record.name for record in store_segments(sql, store_id)}
    # Not by the id alone: SQLite gives that of a deleted segment to a later one.
    moves = [move for move in moves if named.get(move.old.id) == move.old.name]
    old = [move.old.id for move in moves]
    if not sql.scalar(select(func.count()).where(sf.segment_id.in_(old))):
        return []
    segment_id = rows.insert_segment(sql, store_id, segment)
    for move in moves:
        _move(sql, move, segment_id)
    # A file that was left behind would make this fail, and all of the transaction with it.
    sql.execute(delete(t.segments).where(c.id.in_(old)))
    rows.bump_generation(sql, store_id)
    return [move.old.name for move in moves]


def _move(sql: Connection, move: Move, segment_id: int) -> None:
    sf = t.store_files.c
    slots = move.slots
    starts = np.flatnonzero(np.diff(slots, prepend=-2) != 1)
    if len(starts) <= _MAX_STRETCHES:
        ends = np.append(starts[1:], len(slots)) - 1
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            first, last = int(slots[start]), int(slots[end])
            sql.execute(
                update(t.store_files)
                .where(sf.segment_id == move.old.id, sf.slot.between(first, last))
                .values(segment_id=segment_id, slot=sf.slot + (move.first_slot + start - first))
            )
        return
    still = sql.execute(select(sf.id, sf.slot).where(sf.segment_id == move.old.id)).all()
    numbers = np.searchsorted(slots, [row.slot for row in still]) + move.first_slot
    if still:
        sql.execute(
            update(t.store_files)
            .where(sf.id == bindparam("row_id"))
            .values(segment_id=segment_id, slot=bindparam("new_slot")),
            [
                {"row_id": row.id, "new_slot": number}
                for row, number in zip(still, numbers.tolist(), strict=True)
            ],
        )


def replace(
    sql: Connection,
    store_id: str,
    old: Sequence[int],
    new: Sequence[tuple[SegmentRecord, Sequence[int]]],
    rechunked: Mapping[int, tuple[Sequence[Chunk], int]],
) -> None:
    """Put segments that were built anew in the place of old ones; see Catalog.replace_segments."""
    sf = t.store_files.c
    lies_in_old = or_(sf.segment_id.in_(old), sf.segment_id.is_(None))
    mine = (sf.store_id == store_id, sf.document_id.is_not(None), lies_in_old)
    still = set(sql.scalars(select(sf.id).where(*mine)))
    sql.execute(update(t.store_files).where(*mine).values(segment_id=None, slot=None))
    for segment, owners in new:
        segment_id = rows.insert_segment(sql, store_id, segment)
        placed = [
            {"row_id": owner, "new_slot": slot}
            for slot, owner in enumerate(owners)
            if owner in still
        ]
        if placed:
            sql.execute(
                update(t.store_files)
                .where(sf.id == bindparam("row_id"))
                .values(segment_id=segment_id, slot=bindparam("new_slot")),
                placed,
            )
    for owner in rechunked.keys() & still:
        new_chunks, window_count = rechunked[owner]
        sql.execute(delete(t.chunks).where(t.chunks.c.store_file_id == owner))
        rows.insert_chunks(sql, owner, new_chunks)
        values = {"chunk_count": len(new_chunks), "window_count": window_count}
        sql.execute(update(t.store_files).where(sf.id == owner).values(**values))
    sql.execute(delete(t.segments).where(t.segments.c.id.in_(old)))
