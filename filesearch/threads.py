"""Threads: conversations that outlive the process, in the catalog.

A message's content is kept as OpenAI content parts, markers and annotations included, so that a
citation can be opened again long after.
"""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgspec
from sqlalchemy import Row, delete, func, insert, select

from filesearch import schema as t
from filesearch.cite import strip_markers
from filesearch.database import Database
from filesearch.errors import NotFound
from filesearch.rows import encode_json

# Clients of the hosted service look for letters and digits only behind the prefix.
_ALPHANUMERIC = string.ascii_letters + string.digits

MessageStatus = Literal["completed", "incomplete"]


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation.

    Attributes:
        created_at: Unix seconds.
        message_count: How many messages it holds.
        title: The beginning of its first message; empty when there is none.
    """

    id: str
    created_at: int
    metadata: dict[str, str]
    message_count: int = 0
    title: str = ""


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """A message of a thread.

    Attributes:
        created_at: Unix seconds.
        content: OpenAI content parts.
        status: "incomplete" when its writing was cut short.
    """

    id: str
    thread_id: str
    created_at: int
    role: Literal["user", "assistant"]
    content: tuple[dict[str, Any], ...]
    status: MessageStatus
    metadata: dict[str, str]

    @property
    def text(self) -> str:
        """The text of all parts, without the markers of citations."""
        return "\n".join(strip_markers(part) for part in self.content if part["type"] == "text")


# Within the class `list` is its method.
_Threads: TypeAlias = list[Thread]
_Messages: TypeAlias = list[ThreadMessage]


class Threads:
    """The threads of one catalog. Safe to use from several threads and processes.

    Args:
        database: Of the catalog.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, metadata: Mapping[str, str] | None = None) -> Thread:
        """Begin a conversation."""
        thread = Thread(_new_id("thread"), int(time.time()), dict(metadata or {}))
        with self._database.writing() as sql:
            sql.execute(
                insert(t.threads).values(
                    id=thread.id,
                    created_at=thread.created_at,
                    metadata=encode_json(thread.metadata),
                )
            )
        return thread

    def get(self, thread_id: str) -> Thread:
        """Return a thread.

        Raises:
            NotFound: There is none with that id.
        """
        found = self._select(t.threads.c.id == thread_id)
        if not found:
            raise _not_found(thread_id)
        return found[0]

    def _require(self, thread_id: str) -> None:
        """See that a thread is there, without reading what it holds."""
        with self._database.reading() as sql:
            row = sql.execute(select(t.threads.c.seq).where(t.threads.c.id == thread_id)).first()
        if row is None:
            raise _not_found(thread_id)

    def list(self) -> _Threads:
        """Return all threads, the newest first."""
        return self._select()

    def _select(self, *where: Any) -> _Threads:  # noqa: ANN401
        count = func.count(t.messages.c.seq)
        first = func.min(t.messages.c.seq)
        joined = t.threads.outerjoin(t.messages, t.messages.c.thread_id == t.threads.c.id)
        columns = (t.threads.c.id, t.threads.c.created_at, t.threads.c.metadata)
        query = (
            select(*columns, count.label("messages"), first.label("first"))
            .select_from(joined)
            .where(*where)
            .group_by(t.threads.c.seq, *columns)
            .order_by(t.threads.c.seq.desc())
        )
        with self._database.reading() as sql:
            rows = sql.execute(query).all()
            firsts = [row.first for row in rows if row.first is not None]
            titles = {
                row.seq: _to_message(row)
                for row in sql.execute(select(t.messages).where(t.messages.c.seq.in_(firsts)))
            }
        return [
            Thread(
                id=row.id,
                created_at=row.created_at,
                metadata=msgspec.json.decode(row.metadata),
                message_count=row.messages,
                title=" ".join(titles[row.first].text.split())[:80] if row.first else "",
            )
            for row in rows
        ]

    def delete(self, thread_id: str) -> None:
        """Forget a thread and its messages.

        Raises:
            NotFound: There is none with that id.
        """
        self._require(thread_id)
        with self._database.writing() as sql:
            sql.execute(delete(t.threads).where(t.threads.c.id == thread_id))

    def append(
        self,
        thread_id: str,
        role: Literal["user", "assistant"],
        content: str | Sequence[Mapping[str, Any]],
        *,
        status: MessageStatus = "completed",
        metadata: Mapping[str, str] | None = None,
    ) -> ThreadMessage:
        """Add a message: its text, or OpenAI content parts.

        Raises:
            NotFound: There is no such thread.
        """
        self._require(thread_id)
        parts: Sequence[Mapping[str, Any]] = (
            [{"type": "text", "text": {"value": content, "annotations": []}}]
            if isinstance(content, str)
            else content
        )
        message = ThreadMessage(
            id=_new_id("msg"),
            thread_id=thread_id,
            created_at=int(time.time()),
            role=role,
            content=tuple(dict(part) for part in parts),
            status=status,
            metadata=dict(metadata or {}),
        )
        with self._database.writing() as sql:
            sql.execute(
                insert(t.messages).values(
                    id=message.id,
                    thread_id=thread_id,
                    created_at=message.created_at,
                    role=role,
                    content=encode_json(message.content),
                    status=status,
                    metadata=encode_json(message.metadata),
                )
            )
        return message

    def messages(self, thread_id: str) -> _Messages:
        """Return the messages of a thread, the oldest first.

        Raises:
            NotFound: There is no such thread.
        """
        self._require(thread_id)
        of_thread = t.messages.c.thread_id == thread_id
        query = select(t.messages).where(of_thread).order_by(t.messages.c.seq)
        with self._database.reading() as sql:
            return [_to_message(row) for row in sql.execute(query)]


def _not_found(thread_id: str) -> NotFound:
    return NotFound(f"No thread found with id '{thread_id}'.")


def _new_id(prefix: str) -> str:
    return f"{prefix}_" + "".join(secrets.choice(_ALPHANUMERIC) for _ in range(24))


def _to_message(row: Row[Any]) -> ThreadMessage:
    return ThreadMessage(
        id=row.id,
        thread_id=row.thread_id,
        created_at=row.created_at,
        role=row.role,
        content=tuple(msgspec.json.decode(row.content)),
        status=row.status,
        metadata=msgspec.json.decode(row.metadata),
    )
