"""Uploads without a server, for the tests of vector stores and of the background ingest."""

from __future__ import annotations

import io
import time

from sqlalchemy import insert

from filesearch import schema as t
from filesearch.ids import new_id
from filesearch.store_records import NewAttachment


def upload(fs, name, data, *, owner="", purpose="assistants", expires_at=None):
    """Keep bytes (or text) as a file object; returns its id."""
    content = data.encode() if isinstance(data, str) else data
    file_id = new_id("file")
    with fs.database.writing() as sql:
        sql.execute(
            insert(t.files).values(
                id=file_id,
                filename=name,
                path=None,
                content_hash=fs._index.blobs.put(io.BytesIO(content)),
                size_bytes=len(content),
                created_at=int(time.time()),
                purpose=purpose,
                owner=owner,
                expires_at=expires_at,
            )
        )
    return file_id


def attach(fs, store_id, *file_ids, **more):
    """Attach files to a store, all in the same way."""
    return fs.stores.attach(store_id, [NewAttachment(file_id, **more) for file_id in file_ids])


def fill(fs, store_id, *file_ids, **more):
    """Attach files to a store and wait until they are read."""
    attach(fs, store_id, *file_ids, **more)
    fs.ingest_queue.start()
    assert fs.stores.wait_until_ready([store_id], 30)
