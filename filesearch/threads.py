"""Threads: conversations that outlive the process, in the catalog; the server's are the same.

A message's content is kept as OpenAI content parts, markers and annotations included, so that a
citation can be opened again long after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import func, select

from filesearch import schema as t
from filesearch.cite import strip_markers
from filesearch.errors import NotFound
from filesearch.objects import Objects, Record, Transaction

MessageStatus = Literal["in_progress", "completed", "incomplete"]


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
        objects: Of the catalog.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def create(self, metadata: Mapping[str, str] | None = None) -> Thread:
        """Begin a conversation."""
        body = {"metadata": dict(metadata or {}), "tool_resources": None}
        with self._objects.writing() as tx:
            record = tx.insert("thread", body)
        return Thread(record.id, record.created_at, record.body["metadata"])

    def get(self, thread_id: str) -> Thread:
        """Return a thread.

        Raises:
            NotFound: There is none with that id.
        """
        with self._objects.reading() as tx:
            return _summaries(tx, [_require(tx, thread_id)])[0]

    def list(self) -> _Threads:
        """Return all threads, the newest first."""
        with self._objects.reading() as tx:
            return _summaries(tx, tx.select("thread")[::-1])

    def delete(self, thread_id: str) -> None:
        """Forget a thread and its messages.

        Raises:
            NotFound: There is none with that id.
        """
        with self._objects.writing() as tx:
            record = _require(tx, thread_id)
            tx.delete_children(thread_id)
            tx.delete(record)

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
        parts: Sequence[Mapping[str, Any]] = (
            [{"type": "text", "text": {"value": content, "annotations": []}}]
            if isinstance(content, str)
            else content
        )
        body = {
            "role": role,
            "content": [dict(part) for part in parts],
            "metadata": dict(metadata or {}),
        }
        with self._objects.writing() as tx:
            _require(tx, thread_id)
            return _to_message(tx.insert("message", body, parent=thread_id, status=status))

    def messages(self, thread_id: str) -> _Messages:
        """Return the messages of a thread, the oldest first.

        Raises:
            NotFound: There is no such thread.
        """
        with self._objects.reading() as tx:
            _require(tx, thread_id)
            return [_to_message(record) for record in tx.select("message", parent=thread_id)]


def _require(tx: Transaction, thread_id: str) -> Record:
    record = tx.find("thread", thread_id)
    if record is None:
        raise NotFound(f"No thread found with id '{thread_id}'.")
    return record


def _summaries(tx: Transaction, threads: Sequence[Record]) -> _Threads:
    """Return threads with how many messages they hold, and how the first begins."""
    c = t.objects.c
    of_messages = (
        select(c.parent, func.count().label("messages"), func.min(c.seq).label("first"))
        .where(c.kind == "message", c.parent.in_([thread.id for thread in threads]))
        .group_by(c.parent)
    )
    found = {row.parent: row for row in tx.sql.execute(of_messages)}
    firsts = tx.select("message", seqs=[row.first for row in found.values()])
    titles = {record.parent: " ".join(_to_message(record).text.split())[:80] for record in firsts}
    return [
        Thread(
            id=thread.id,
            created_at=thread.created_at,
            metadata=thread.body["metadata"],
            message_count=found[thread.id].messages if thread.id in found else 0,
            title=titles.get(thread.id, ""),
        )
        for thread in threads
    ]


def _to_message(record: Record) -> ThreadMessage:
    return ThreadMessage(
        id=record.id,
        thread_id=record.parent,
        created_at=record.created_at,
        role=record.body["role"],
        content=tuple(record.body["content"]),
        status=record.status,  # type: ignore[arg-type]
        metadata=record.body["metadata"],
    )
