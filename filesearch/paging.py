"""Paging: lists in order of insertion, with cursors that survive what they name.

A cursor is the id of an object; where that was deleted meanwhile, its tombstone tells where it
stood. `for x in list(): delete(x.id)` therefore sees everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, insert, select

from filesearch import schema as t
from filesearch.errors import NotFound

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which part of a list is wanted.

    Attributes:
        limit: At most this many; None for all.
        order: By insertion: "desc" has the newest first.
        after, before: Ids: only what comes behind the one and ahead of the other, in that order.
    """

    limit: int | None = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list; `has_more` says whether the list goes on behind it."""

    items: tuple[T, ...]
    has_more: bool


def select_page(
    sql: Connection,
    query: Select[Any],
    page: PageQuery,
    *,
    place: str,
    seq: ColumnElement[int],
    id_column: ColumnElement[str],
    shown: Sequence[ColumnElement[bool]] = (),
) -> tuple[Sequence[Row[Any]], bool]:
    """Return the rows of a page, and whether more follow.

    Args:
        sql: A transaction.
        query: All rows of the list.
        page: Which of them.
        place: Where the list's tombstones are kept.
        seq, id_column: Columns of `query`: what orders the rows, and what names them.
        shown: Which rows come back. A cursor may name another one: what is shown of a list can
            change between two pages.

    Raises:
        NotFound: A cursor names nothing that is or was in the list.
    """
    everything, query = query, query.where(*shown)
    is_falling = page.order == "desc"
    for cursor, is_after in ((page.after, True), (page.before, False)):
        if cursor is None:
            continue
        stood = _position(sql, everything, cursor, place=place, seq=seq, id_column=id_column)
        query = query.where(seq < stood if is_after == is_falling else seq > stood)
    # With `before` alone the page is the one that ends there.
    is_backward = page.before is not None and page.after is None
    query = query.order_by(seq.desc() if is_falling != is_backward else seq.asc())
    if page.limit is None:
        found = sql.execute(query).all()
        return (found[::-1] if is_backward else found), False
    found = sql.execute(query.limit(page.limit + 1)).all()
    rows = found[: page.limit]
    return (rows[::-1] if is_backward else rows), len(found) > page.limit


def _position(
    sql: Connection,
    query: Select[Any],
    cursor: str,
    *,
    place: str,
    seq: ColumnElement[int],
    id_column: ColumnElement[str],
) -> int:
    live = sql.scalar(query.with_only_columns(seq).where(id_column == cursor))
    if live is not None:
        return int(live)
    c = t.tombstones.c
    stood = sql.scalar(select(c.seq).where(c.place == place, c.id == cursor))
    if stood is None:
        raise NotFound(f"No object found with id '{cursor}' to go on from in this list.")
    return int(stood)


def bury(sql: Connection, place: str, object_id: str, seq: int) -> None:
    """Note where an object that is deleted now stood in the list `place`."""
    c = t.tombstones.c
    sql.execute(delete(t.tombstones).where(c.place == place, c.id == object_id))
    sql.execute(insert(t.tombstones).values(place=place, id=object_id, seq=seq))


def forget_lists(sql: Connection, places: Sequence[str]) -> None:
    """Forget where deleted objects stood in lists that are gone themselves."""
    sql.execute(delete(t.tombstones).where(t.tombstones.c.place.in_(places)))
