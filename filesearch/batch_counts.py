"""Batch counts: how far the files of a batch are, and for good what it has come to.

A batch is an object below its store that lists its files: one file may be of several batches. It
is counted as the store holds its files, until it has ended and one of them is to change: what it
ended with is kept by then. Every function works within a transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, select

from filesearch import schema as t
from filesearch.objects import Record, Transaction
from filesearch.store_records import BatchStatus, FileBatch, FileCounts

_OPEN = ""  # status of the record of a batch whose end is not kept


def batch_body(file_ids: Sequence[str], *, missing: int) -> dict[str, Any]:
    """Return the body of a new batch: its files, and how many there are none of."""
    return {"file_ids": list(dict.fromkeys(file_ids)), "missing": missing}


def is_member(batch: Record) -> ColumnElement[bool]:
    """Return what holds for the rows of `store_files` that are of a batch."""
    sf = t.store_files.c
    file_ids = batch.body.get("file_ids")
    if file_ids is None:  # earlier versions noted the batch with its files
        return sf.batch_id == batch.id
    return and_(sf.store_id == batch.parent, sf.file_id.in_(file_ids))


def to_batch(sql: Connection, record: Record) -> FileBatch:
    """Return a batch with its counts; files that left the store meanwhile count as cancelled."""
    kept = record.body.get("counts")
    counts = _count(sql, record) if kept is None else FileCounts(**kept)
    status: BatchStatus = _status(counts)
    if record.status != _OPEN:
        status = msgspec.convert(record.status, BatchStatus)
    return FileBatch(record.id, record.parent, record.created_at, status, counts)


def _count(sql: Connection, batch: Record) -> FileCounts:
    status = t.store_files.c.status
    query = select(status, func.count()).where(is_member(batch)).group_by(status)
    found = FileCounts(**dict(sql.execute(query).tuples().all()))
    gone = max(0, len(batch.body.get("file_ids", ())) - found.total)
    return FileCounts(
        in_progress=found.in_progress,
        completed=found.completed,
        failed=found.failed + int(batch.body["missing"]),
        cancelled=found.cancelled + gone,
    )


def _status(counts: FileCounts) -> BatchStatus:
    if counts.in_progress:
        return "in_progress"
    if counts.failed and counts.failed == counts.total:
        return "failed"
    if counts.cancelled and counts.cancelled == counts.total:
        return "cancelled"
    return "completed"


def keep_ends(sql: Connection, store_id: str) -> None:
    """Keep what the batches of a store that have ended came to, before files of it change."""
    for record in Transaction(sql).select("batch", parent=store_id, statuses=(_OPEN,)):
        batch = to_batch(sql, record)
        if batch.status != "in_progress":
            keep_end(sql, record, batch.status, batch.counts)


def keep_end(sql: Connection, record: Record, status: BatchStatus, counts: FileCounts) -> Record:
    """Keep what a batch came to; returns its record."""
    body = {**record.body, "counts": msgspec.to_builtins(counts)}
    return Transaction(sql).update(record, body=body, status=status)
