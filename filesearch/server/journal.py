"""Journal: change objects in one transaction, and tell whoever follows once it is committed.

A client may act on an event the moment that it comes, so what it tells must be true by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from filesearch.event_log import EventLog
from filesearch.objects import Objects, Transaction
from filesearch.rows import encode_json


@dataclass(slots=True)
class Change:
    """A transaction, and what is said once it is committed.

    Attributes:
        tx: A writing transaction.
    """

    tx: Transaction
    _said: list[tuple[str, str, str]] = field(default_factory=list)
    _closed: list[str] = field(default_factory=list)

    def emit(self, object_id: str, name: str, data: Mapping[str, Any]) -> None:
        """Say `data` about an object, as an event called `name`."""
        self._said.append((object_id, name, encode_json(data)))

    @property
    def event_count(self) -> int:
        """How many events are to be said so far, ends of streams included."""
        return len(self._said) + len(self._closed)

    def close(self, object_id: str) -> None:
        """End the streams of an object, behind what was said."""
        self._closed.append(object_id)


class Journal:
    """Where objects are changed and followed. Safe to use from several threads."""

    def __init__(self, objects: Objects, events: EventLog) -> None:
        self._objects = objects
        self._events = events

    @contextmanager
    def changing(self) -> Iterator[Change]:
        """Open a transaction; an exception undoes it, and nothing is said then."""
        with self._objects.writing() as tx:
            change = Change(tx)
            yield change
        for said in change._said:
            self._events.append(*said)
        for object_id in change._closed:
            self._events.close(object_id)

    def emit(self, object_id: str, name: str, data: Mapping[str, Any]) -> None:
        """Say something that changes nothing on disk."""
        self._events.append(object_id, name, encode_json(data))

    def event_count(self, object_id: str) -> int:
        """Return how many events were said about an object, ends of streams included."""
        return self._events.next_number(object_id)

    def close(self, object_id: str) -> None:
        """End the streams of an object."""
        self._events.close(object_id)
