"""Numbering: a new row of a list comes behind all that were ever in it.

Table -> INSERT. A cursor may name a row that was deleted (see paging.py), so its number must not
come again. PostgreSQL counts by itself; SQLite would give the number of the newest row again once
that is deleted.
"""

from __future__ import annotations

from sqlalchemy import Connection, Insert, Table, func, insert, select, update

from filesearch.schema import meta, tombstones


def insert_behind(sql: Connection, table: Table) -> Insert:
    """Return an INSERT into `table`, to be executed once, by the transaction `sql` that writes.

    Its row gets a higher number than every row that the table has or had.
    """
    if sql.dialect.name != "sqlite":
        return insert(table)
    (number,) = table.primary_key
    key = f"last_number:{table.name}"
    noted = sql.scalar(select(meta.c.value).where(meta.c.key == key))
    newest = sql.scalar(select(func.max(number))) or 0
    if noted is None:
        # An earlier version kept no count, but tombstones of what it deleted.
        newest = max(newest, sql.scalar(select(func.max(tombstones.c.seq))) or 0)
        sql.execute(insert(meta).values(key=key, value=""))
    following = max(newest, int(noted or 0)) + 1
    sql.execute(update(meta).where(meta.c.key == key).values(value=str(following)))
    return insert(table).values({number: following})
