"""Store names: the row of a store, by its id or by the name that it was made under.

Which store a name stands for is noted in `meta`: names in the table can be changed and come twice.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, select

from filesearch import schema as t
from filesearch.errors import NotFound


def named_store(sql: Connection, name: str) -> Row[Any] | None:
    """Return the row of the store that `name` was given to by `note_store`, or None.

    Names in the table can be changed and come twice: they count only where none was noted.
    """
    by_note, by_name = _by_note()
    found = sql.execute(by_note, {"note": _note(name)}).first()
    if found is not None:
        return found
    return sql.execute(by_name, {"note": _note(name), "name": name}).first()


@cache
def _by_note() -> tuple[Select[Any], Select[Any]]:
    c = t.vector_stores.c
    noted = select(t.meta.c.value).where(t.meta.c.key == bindparam("note")).scalar_subquery()
    stores = select(t.vector_stores)
    by_name = stores.where(c.name == bindparam("name"), noted.is_(None)).order_by(c.seq)
    return stores.where(c.id == noted), by_name


def find_store_row(sql: Connection, store_id: str, owner: str | None = None) -> Row[Any]:
    """Return the row of a store.

    Raises:
        NotFound: There is none or, where `owner` is given, it is another's.
    """
    row = sql.execute(_by_id(), {"store_id": store_id}).first()
    if row is None or owner not in (None, row.owner):
        raise NotFound(f"Vector store with id '{store_id}' not found.")
    return row


@cache
def _by_id() -> Select[Any]:
    """Built once, as are those above: every search executes it."""
    return select(t.vector_stores).where(t.vector_stores.c.id == bindparam("store_id"))


def fix_name(sql: Connection, name: str) -> None:
    """Note which store `name` stands for, if any, before stores come, go or change their names."""
    if sql.scalar(select(t.meta.c.value).where(t.meta.c.key == _note(name))) is None:
        row = named_store(sql, name)
        note_store(sql, name, row.id if row else "")


def note_store(sql: Connection, name: str, store_id: str) -> None:
    """Let `name` stand for a store from now on, whatever that is called; "" for none."""
    sql.execute(delete(t.meta).where(t.meta.c.key == _note(name)))
    sql.execute(insert(t.meta).values(key=_note(name), value=store_id))


def _note(name: str) -> str:
    return f"store:{name}"
