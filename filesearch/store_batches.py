"""Store batches: files that were put into a vector store together, counted together.

A batch is an object below its store; its files name it in `store_files`. Works within a
transaction of `stores`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, update

from filesearch import schema as t
from filesearch import store_rows
from filesearch.errors import NotFound
from filesearch.objects import Record, Transaction
from filesearch.store_records import BatchStatus, FileBatch, NewAttachment

_CANCELLED = "cancelled"


def create_batch(
    sql: Connection, store_id: str, attachments: Sequence[NewAttachment], owner: str | None
) -> FileBatch:
    """Put files into a store; see stores.VectorStores.create_batch."""
    store = store_rows.find_usable_row(sql, store_id)
    known = [new for new in attachments if store_rows.file_exists(sql, new.file_id, owner)]
    missing = {new.file_id for new in attachments} - {new.file_id for new in known}
    body = {"missing": len(missing)}
    record = Transaction(sql).insert("batch", body, parent=store_id, owner=store.owner)
    for new in known:
        store_rows.attach(sql, store, new, record.id)
    store_rows.touch(sql, store_id)
    return _to_batch(sql, record)


def find_batch(sql: Connection, store_id: str, batch_id: str) -> FileBatch:
    """Return a batch of a store; raises NotFound when it has none with this id."""
    return _to_batch(sql, _find(sql, store_id, batch_id))


def cancel_batch(sql: Connection, store_id: str, batch_id: str) -> FileBatch:
    """Cancel what is not read yet; see stores.VectorStores.cancel_batch."""
    record = _find(sql, store_id, batch_id)
    batch = _to_batch(sql, record)
    if batch.status != "in_progress":
        return batch
    sf = t.store_files.c
    sql.execute(
        update(t.store_files)
        .where(sf.store_id == store_id, sf.batch_id == batch_id, sf.status == "in_progress")
        .values(status=_CANCELLED)
    )
    return _to_batch(sql, Transaction(sql).update(record, status=_CANCELLED))


def _find(sql: Connection, store_id: str, batch_id: str) -> Record:
    record = Transaction(sql).find("batch", batch_id, parent=store_id)
    if record is None:
        raise NotFound(f"No file batch found with id '{batch_id}' in vector store '{store_id}'.")
    return record


def _to_batch(sql: Connection, record: Record) -> FileBatch:
    counts = store_rows.count_files(sql, "batch_id", [record.id])[record.id]
    counts = replace(counts, failed=counts.failed + int(record.body["missing"]))
    status: BatchStatus = "completed"
    if record.status == _CANCELLED:
        status = "cancelled"
    elif counts.in_progress:
        status = "in_progress"
    elif counts.failed and counts.failed == counts.total:
        status = "failed"
    return FileBatch(record.id, record.parent, record.created_at, status, counts)
