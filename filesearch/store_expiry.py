"""Store expiry: what a store holds goes some days after its time is over; the store stays listed.

Until then it comes back with all its files once it gets another expiry. Only what the API put
there goes: files that were ingested from folders, and the store that `fsearch ingest` fills, stay.
"""

from __future__ import annotations

import time

from sqlalchemy import Connection, exists, select

from filesearch import rows, store_names, store_rows
from filesearch import schema as t
from filesearch.database import Database
from filesearch.errors import InvalidSetting

MAX_EXPIRY_DAYS = 365
# OpenAI deletes the files of an expired store at once. A week lets a mistake be taken back.
KEPT_DAYS = 7


def check_days(days: int | None) -> None:
    """See that a store may live for so long after its last use.

    Raises:
        InvalidSetting: It may not.
    """
    if days is not None and not 1 <= days <= MAX_EXPIRY_DAYS:
        raise InvalidSetting(
            f"expires_after_days is {days}; choose 1 to {MAX_EXPIRY_DAYS}, or none to keep it"
        )


def empty_expired(database: Database, usual_store: str) -> int:
    """Empty the stores whose time was over KEPT_DAYS ago; returns how many. Their files stay.

    Args:
        database: Of the catalog.
        usual_store: The name of the store that stays.
    """
    with database.reading() as sql:
        doomed = _long_expired(sql, usual_store)
    for store_id in doomed:
        with database.writing() as sql:
            if store_id in _long_expired(sql, usual_store):  # it may have come back
                store_rows.empty_store(sql, store_id)
    return len(doomed)


def _long_expired(sql: Connection, usual_store: str) -> list[str]:
    c, sf, f = t.vector_stores.c, t.store_files.c, t.files.c
    has_files = exists().where(sf.store_id == c.id)
    has_folders = exists().where(sf.store_id == c.id, sf.file_id == f.id, f.path.is_not(None))
    found = sql.execute(
        select(t.vector_stores).where(c.expires_after_days.is_not(None), has_files, ~has_folders)
    ).all()
    usual = store_names.named_store(sql, usual_store)
    latest = time.time() - KEPT_DAYS * rows.DAY_SECONDS
    return [
        row.id
        for row in found
        if (usual is None or row.id != usual.id) and (rows.expires_at(row) or latest) < latest
    ]
