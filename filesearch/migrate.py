"""Migrate: the tables of an earlier version -> those of `schema`, in one transaction.

1 -> 2  threads and messages got tables.
2 -> 3  they moved into `objects`; stores and files got the columns that the server needs.
3 -> 4  documents got attributes, files the time of their last change, files in stores what
        says which attributes they have.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Column, Connection, MetaData, Table, insert, inspect, select, text, update
from sqlalchemy.schema import CreateColumn

from filesearch.rows import encode_json
from filesearch.schema import SCHEMA_VERSION, meta, metadata, objects


def migrate(sql: Connection) -> None:
    """Bring the tables up; nothing happens when another process has done so meanwhile."""
    version = sql.scalar(select(meta.c.value).where(meta.c.key == "schema_version"))
    if version == str(SCHEMA_VERSION):
        return
    found = {name: {c["name"] for c in inspect(sql).get_columns(name)} for name in _tables(sql)}
    metadata.create_all(sql)
    for table in metadata.sorted_tables:
        for column in table.columns:
            if table.name in found and column.name not in found[table.name]:
                _add_column(sql, table, column)
        for index in table.indexes:
            index.create(sql, checkfirst=True)
    if "threads" in found:
        _move_threads(sql)
    sql.execute(
        update(meta).where(meta.c.key == "schema_version").values(value=str(SCHEMA_VERSION))
    )


def _tables(sql: Connection) -> list[str]:
    return inspect(sql).get_table_names()


def _add_column(sql: Connection, table: Table, column: Column[object]) -> None:
    definition = CreateColumn(column).compile(dialect=sql.dialect)
    sql.execute(text(f'ALTER TABLE "{table.name}" ADD COLUMN {definition}'))


def _move_threads(sql: Connection) -> None:
    earlier = MetaData()
    earlier.reflect(sql, only=["threads", "messages"])
    threads, messages = earlier.tables["threads"], earlier.tables["messages"]
    for row in sql.execute(select(threads).order_by(threads.c.seq)).all():
        body = {"metadata": msgspec.json.decode(row.metadata), "tool_resources": None}
        _insert(sql, row.id, "thread", "", "", row.created_at, body)
    for row in sql.execute(select(messages).order_by(messages.c.seq)).all():
        body = {
            "role": row.role,
            "content": msgspec.json.decode(row.content),
            "metadata": msgspec.json.decode(row.metadata),
        }
        _insert(sql, row.id, "message", row.thread_id, row.status, row.created_at, body)
    messages.drop(sql)
    threads.drop(sql)


def _insert(
    sql: Connection,
    object_id: str,
    kind: str,
    parent: str,
    status: str,
    created_at: int,
    body: dict[str, object],
) -> None:
    sql.execute(
        insert(objects).values(
            id=object_id,
            kind=kind,
            parent=parent,
            owner="",
            status=status,
            worker="",
            created_at=created_at,
            body=encode_json(body),
        )
    )
