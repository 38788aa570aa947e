"""Objects: what the server keeps of the API's objects, as JSON documents in one table.

Assistants, threads, messages, runs, steps, responses, ...: every kind has an id, an order, perhaps
a parent, an owner, a status and an expiry, which are columns because lists and rules ask for them;
the rest is its body. Files and vector stores are not here: the engine itself works with those.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec
from sqlalchemy import Connection, Row, delete, select, update

from filesearch import schema as t
from filesearch.database import Database
from filesearch.ids import new_id
from filesearch.numbering import insert_behind
from filesearch.paging import Page, PageQuery, bury, forget_lists, select_page
from filesearch.rows import encode_json

Kind: TypeAlias = Literal[
    "assistant",
    "thread",
    "message",  # parent: its thread
    "run",  # parent: its thread
    "step",  # parent: its run
    "upload",
    "part",  # parent: its upload
    "batch",  # parent: its vector store
    "response",
    "conversation",
    "item",  # parent: its conversation
    "chat",  # a stored chat completion; its status is the model's name
    "key",
]
_PREFIXES: Mapping[str, str] = {
    "assistant": "asst",
    "message": "msg",
    "batch": "vsfb",
    "response": "resp",
    "conversation": "conv",
}
# Objects whose children one statement deletes: it names a list for each and every kind.
_MAX_PARENTS = 100


class Keep:
    """The type of KEEP."""


KEEP: Final = Keep()
"""Stands for a value that stays as it is, where None is a value."""


@dataclass(frozen=True, slots=True)
class Record:
    """An object.

    Attributes:
        seq: Grows with every insertion, over all kinds.
        parent: Id of what it belongs to, or empty.
        owner: Id of the key that made it, or empty.
        worker: Id of the process that works on it, or empty.
        created_at, expires_at: Unix seconds.
        body: A JSON object.
    """

    seq: int
    id: str
    kind: str
    parent: str
    owner: str
    status: str
    worker: str
    created_at: int
    expires_at: int | None
    body: dict[str, Any]


class Transaction:
    """One transaction over the objects; made by `Objects`."""

    def __init__(self, sql: Connection) -> None:
        self.sql = sql

    def find(
        self, kind: Kind, object_id: str, *, parent: str | None = None, owner: str | None = None
    ) -> Record | None:
        """Return an object; None when there is none, or another's parent or owner has it."""
        c = t.objects.c
        query = _narrowed(parent, owner).where(c.kind == kind, c.id == object_id)
        row = self.sql.execute(query).first()
        return _to_record(row) if row else None

    def insert(
        self,
        kind: Kind,
        body: Mapping[str, Any],
        *,
        object_id: str | None = None,
        parent: str = "",
        owner: str = "",
        status: str = "",
        worker: str = "",
        created_at: int | None = None,
        expires_at: int | None = None,
    ) -> Record:
        """Add an object behind all others; its id is made when none is given."""
        values = {
            "id": object_id or new_id(_PREFIXES.get(kind, kind)),
            "kind": kind,
            "parent": parent,
            "owner": owner,
            "status": status,
            "worker": worker,
            "created_at": int(time.time()) if created_at is None else created_at,
            "expires_at": expires_at,
        }
        done = self.sql.execute(
            insert_behind(self.sql, t.objects)
            .values(**values, body=encode_json(body))
            .returning(t.objects.c.seq)
        )
        return Record(seq=done.scalar_one(), **values, body=dict(body))  # type: ignore[arg-type]

    def update(
        self,
        record: Record,
        *,
        body: Mapping[str, Any] | None = None,
        status: str | None = None,
        worker: str | None = None,
        expires_at: int | Keep | None = KEEP,
    ) -> Record:
        """Write what is given and return the object as it is then; `body` is the whole new one."""
        changed = replace(
            record,
            body=record.body if body is None else dict(body),
            status=record.status if status is None else status,
            worker=record.worker if worker is None else worker,
            expires_at=record.expires_at if isinstance(expires_at, Keep) else expires_at,
        )
        values: dict[str, object] = {
            "status": changed.status,
            "worker": changed.worker,
            "expires_at": changed.expires_at,
        }
        if body is not None:
            values["body"] = encode_json(body)
        self.sql.execute(update(t.objects).where(t.objects.c.seq == record.seq).values(**values))
        return changed

    def delete(self, record: Record) -> None:
        """Delete an object; cursors may go on naming it. Children are not touched."""
        bury(self.sql, _place(record.kind, record.parent), record.id, record.seq)
        self.sql.execute(delete(t.objects).where(t.objects.c.seq == record.seq))
        self.sql.execute(delete(t.events).where(t.events.c.object_id == record.id))

    def delete_children(self, *parents: str) -> None:
        """Delete all that belongs to some objects, and what belongs to that, with its lists."""
        c = t.objects.c
        for first in range(0, len(parents), _MAX_PARENTS):
            some = parents[first : first + _MAX_PARENTS]
            children = select(c.id).where(c.parent.in_(some))
            self.delete_children(*self.sql.scalars(children))
            self.sql.execute(delete(t.events).where(t.events.c.object_id.in_(children)))
            self.sql.execute(delete(t.objects).where(c.parent.in_(some)))
            # By their names: tombstones are kept for good, and looking through all takes long.
            forget_lists(self.sql, [_place(kind, one) for one in some for kind in get_args(Kind)])

    def page(
        self,
        kind: Kind,
        query: PageQuery,
        *,
        parent: str = "",
        owner: str | None = None,
        statuses: Sequence[str] = (),
    ) -> Page[Record]:
        """Return a part of the list of a kind below one parent.

        Raises:
            NotFound: A cursor names nothing that is or was in the list.
        """
        c = t.objects.c
        narrowed = _narrowed(parent, owner).where(c.kind == kind)
        if statuses:
            narrowed = narrowed.where(c.status.in_(statuses))
        rows, has_more = select_page(
            self.sql, narrowed, query, place=_place(kind, parent), seq=c.seq, id_column=c.id
        )
        return Page(tuple(_to_record(row) for row in rows), has_more)

    def select(
        self,
        kind: Kind,
        *,
        parent: str | None = None,
        owner: str | None = None,
        statuses: Sequence[str] = (),
        worker: str | None = None,
        expired_at: int | None = None,
        seqs: Collection[int] | None = None,
    ) -> list[Record]:
        """Return all objects that fit, in order of insertion.

        Args:
            kind, parent, owner, worker: None does not ask.
            statuses: One of these; empty does not ask.
            expired_at: Only those that have expired by then, in unix seconds.
            seqs: Only those inserted with one of these numbers; None does not ask.
        """
        c = t.objects.c
        query = _narrowed(parent, owner).where(c.kind == kind)
        if statuses:
            query = query.where(c.status.in_(statuses))
        if worker is not None:
            query = query.where(c.worker == worker)
        if expired_at is not None:
            query = query.where(c.expires_at.is_not(None), c.expires_at <= expired_at)
        if seqs is not None:
            query = query.where(c.seq.in_(seqs))
        return [_to_record(row) for row in self.sql.execute(query.order_by(c.seq))]


class Objects:
    """The objects of one catalog. Safe to use from several threads and processes.

    Args:
        database: Of the catalog.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a transaction that sees one picture."""
        with self._database.reading() as sql:
            yield Transaction(sql)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """Open a transaction that changes objects, one at a time: what it reads stays true."""
        with self._database.writing() as sql:
            yield Transaction(sql)

    def find(
        self, kind: Kind, object_id: str, *, parent: str | None = None, owner: str | None = None
    ) -> Record | None:
        """See Transaction.find."""
        with self.reading() as tx:
            return tx.find(kind, object_id, parent=parent, owner=owner)

    def page(
        self,
        kind: Kind,
        query: PageQuery,
        *,
        parent: str = "",
        owner: str | None = None,
        statuses: Sequence[str] = (),
    ) -> Page[Record]:
        """See Transaction.page."""
        with self.reading() as tx:
            return tx.page(kind, query, parent=parent, owner=owner, statuses=statuses)


def _narrowed(parent: str | None, owner: str | None) -> Any:  # noqa: ANN401
    query = select(t.objects)
    if parent is not None:
        query = query.where(t.objects.c.parent == parent)
    if owner is not None:
        query = query.where(t.objects.c.owner == owner)
    return query


def _place(kind: str, parent: str) -> str:
    return f"{kind}:{parent}"


def _to_record(row: Row[Any]) -> Record:
    return Record(
        seq=row.seq,
        id=row.id,
        kind=row.kind,
        parent=row.parent,
        owner=row.owner,
        status=row.status,
        worker=row.worker,
        created_at=row.created_at,
        expires_at=row.expires_at,
        body=msgspec.json.decode(row.body),
    )
