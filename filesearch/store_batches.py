"""Store batches: files that were put into a vector store together, counted together.

Works within a transaction of `stores`; what a batch is, and how it is counted, stands in
batch_counts.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, update

from filesearch import schema as t
from filesearch import store_rows
from filesearch.batch_counts import batch_body, is_member, keep_end, keep_ends, to_batch
from filesearch.errors import NotFound
from filesearch.objects import Record, Transaction
from filesearch.store_records import FileBatch, NewAttachment


def create_batch(
    sql: Connection, store_id: str, attachments: Sequence[NewAttachment], owner: str | None
) -> FileBatch:
    """Put files into a store; see stores.VectorStores.create_batch."""
    store = store_rows.find_usable_row(sql, store_id)
    known = [new for new in attachments if store_rows.file_exists(sql, new.file_id, owner)]
    missing = {new.file_id for new in attachments} - {new.file_id for new in known}
    body = batch_body([new.file_id for new in known], missing=len(missing))
    keep_ends(sql, store_id)
    record = Transaction(sql).insert("batch", body, parent=store_id, owner=store.owner)
    for new in known:
        store_rows.attach(sql, store, new)
    store_rows.touch(sql, store_id)
    return to_batch(sql, record)


def find_batch(sql: Connection, store_id: str, batch_id: str) -> FileBatch:
    """Return a batch of a store; raises NotFound when it has none with this id."""
    return to_batch(sql, _find(sql, store_id, batch_id))


def members(sql: Connection, store_id: str, batch_id: str) -> ColumnElement[bool]:
    """Return what holds for the files of a batch; raises as `find_batch`."""
    return is_member(_find(sql, store_id, batch_id))


def cancel_batch(sql: Connection, store_id: str, batch_id: str) -> FileBatch:
    """Cancel what is not read yet; see stores.VectorStores.cancel_batch."""
    record = _find(sql, store_id, batch_id)
    batch = to_batch(sql, record)
    if batch.status != "in_progress":
        return batch
    keep_ends(sql, store_id)
    waits = t.store_files.c.status == "in_progress"
    cancelled = update(t.store_files).where(is_member(record), waits).values(status="cancelled")
    sql.execute(cancelled)
    counts = to_batch(sql, record).counts
    return to_batch(sql, keep_end(sql, record, "cancelled", counts))


def _find(sql: Connection, store_id: str, batch_id: str) -> Record:
    record = Transaction(sql).find("batch", batch_id, parent=store_id)
    if record is None:
        raise NotFound(f"No file batch found with id '{batch_id}' in vector store '{store_id}'.")
    return record
