"""Event log: what a run or a response has said so far, for whoever follows it.

append -> memory, at once, for followers in this process -> the database, in batches, for those in
other processes and for later. One transaction every few hundredths of a second writes what all
runs have said, so that two hundred of them cost as many transactions as one.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from filesearch import schema as t
from filesearch.database import Database
from filesearch.database_errors import FAILURES
from filesearch.errors import IndexReplaced

EVENTS_KEPT_S = 24 * 3600
"""How long a stream can be asked for again; what it told is in the objects for good."""

_FLUSH_S = 0.05
# How often a follower asks the database for what another process has written.
_POLL_S = 0.1
# The name of the event that ends a stream; it is never shown.
_END = ""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `number` counts from 0 within its object, `data` is JSON."""

    number: int
    name: str
    data: str


@dataclass(slots=True)
class _Live:
    """An object that something is said about in this process.

    Attributes:
        base: Number of the first of `events`; what came before it is in the database.
        flushed: How many of `events` the database has.
    """

    base: int
    events: list[Event] = field(default_factory=list)
    flushed: int = 0
    waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = field(default_factory=list)


class EventLog:
    """The events of all objects of one catalog. Safe to use from several threads.

    One process at a time appends to an object.

    Args:
        database: Of the catalog.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._live: dict[str, _Live] = {}
        self._flushing = threading.Lock()
        self._wake = threading.Event()
        self._is_stopping = False
        self._flusher: threading.Thread | None = None

    def append(self, object_id: str, name: str, data: str) -> int:
        """Add an event and return its number; what it tells must be committed already."""
        with self._lock:
            live = self._live.get(object_id)
        # Only who appends makes it, so that nobody else can have done so meanwhile.
        base = self._next_in_database(object_id) if live is None else 0
        with self._lock:
            live = self._live.setdefault(object_id, _Live(base))
            event = Event(live.base + len(live.events), name, data)
            live.events.append(event)
            waiting, live.waiting = live.waiting, []
            self._start_flusher()
        for loop, arrived in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(arrived.set)
        self._wake.set()
        return event.number

    def close(self, object_id: str) -> None:
        """Say that nothing follows for now: who follows the object sees the end of its stream."""
        self.append(object_id, _END, "")

    def next_number(self, object_id: str) -> int:
        """Return the number that the next event will have."""
        with self._lock:
            live = self._live.get(object_id)
            if live is not None:
                return live.base + len(live.events)
        return self._next_in_database(object_id)

    async def follow(self, object_id: str, after: int = -1) -> AsyncIterator[Event]:
        """Yield the events behind number `after` as they come, up to the next end.

        Closing the iterator changes nothing for what is followed.
        """
        while True:
            found = self._in_memory(object_id, after)
            if found is None:
                found = await asyncio.to_thread(self._in_database, object_id, after)
            for event in found:
                if event.name == _END:
                    return
                yield event
                after = event.number
            if not found:
                await self._arrival(object_id, after)

    def read(self, object_id: str, after: int = -1) -> list[Event]:
        """Return the events behind number `after` that are there, without ends."""
        found = self._in_memory(object_id, after)
        if found is None:
            found = self._in_database(object_id, after)
            last = found[-1].number if found else after
            found += self._in_memory(object_id, last) or []
        return [event for event in found if event.name != _END]

    def flush(self) -> None:
        """Write what is only in memory to the database."""
        with self._flushing:
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            dirty = {
                object_id: live.events[live.flushed :]
                for object_id, live in self._live.items()
                if live.flushed < len(live.events)
            }
        try:
            self._write(dirty)
        except IntegrityError:  # another process speaks for one of them; the rest must not suffer
            for object_id, events in dirty.items():
                try:
                    self._write({object_id: events})
                except IntegrityError:
                    _log.exception("events of %s are told twice; these are not kept", object_id)
        with self._lock:
            for object_id, events in dirty.items():
                live = self._live[object_id]
                live.flushed += len(events)
                if live.flushed == len(live.events) and live.events[-1].name == _END:
                    del self._live[object_id]

    def _write(self, by_object: Mapping[str, Sequence[Event]]) -> None:
        now = int(time.time())
        rows = [
            {
                "object_id": object_id,
                "number": event.number,
                "name": event.name,
                "data": event.data,
                "created_at": now,
            }
            for object_id, events in by_object.items()
            for event in events
        ]
        if rows:
            with self._database.writing() as sql:
                sql.execute(insert(t.events), rows)

    def purge(self, before: int) -> None:
        """Delete events from before a time, in unix seconds."""
        with self._database.writing() as sql:
            sql.execute(delete(t.events).where(t.events.c.created_at < before))

    def stop(self) -> None:
        """Write what is left and end the thread that does so; more may be appended later."""
        self._is_stopping = True
        self._wake.set()
        if self._flusher is not None:
            self._flusher.join()
        self._flusher, self._is_stopping = None, False
        self.flush()

    def _start_flusher(self) -> None:
        if self._flusher is None and not self._is_stopping:
            self._flusher = threading.Thread(
                target=self._flush_often, name="filesearch-events", daemon=True
            )
            self._flusher.start()

    def _flush_often(self) -> None:
        while not self._is_stopping:
            self._wake.wait()
            self._wake.clear()
            try:
                self.flush()
            # A busy database, or no room in it; the events stay, and are tried again.
            except FAILURES:
                _log.exception("events could not be written; trying again")
                self._wake.set()
            except IndexReplaced:
                _log.exception("events are kept no longer")
                return
            time.sleep(_FLUSH_S)

    def _in_memory(self, object_id: str, after: int) -> list[Event] | None:
        """Return what memory has behind `after`; None where the database must be asked."""
        with self._lock:
            live = self._live.get(object_id)
            if live is None or after + 1 < live.base:
                return None
            return live.events[after + 1 - live.base :]

    def _in_database(self, object_id: str, after: int) -> list[Event]:
        c = t.events.c
        query = (
            select(c.number, c.name, c.data)
            .where(c.object_id == object_id, c.number > after)
            .order_by(c.number)
        )
        with self._database.reading() as sql:
            return [Event(*row) for row in sql.execute(query)]

    def _next_in_database(self, object_id: str) -> int:
        query = select(func.max(t.events.c.number)).where(t.events.c.object_id == object_id)
        with self._database.reading() as sql:
            last = sql.scalar(query)
        return 0 if last is None else int(last) + 1

    async def _arrival(self, object_id: str, after: int) -> None:
        """Return when there may be more behind `after`."""
        arrived = asyncio.Event()
        with self._lock:
            live = self._live.get(object_id)
            if live is not None and live.base + len(live.events) > after + 1:
                return
            if live is not None:
                live.waiting.append((asyncio.get_running_loop(), arrived))
        try:
            # Also where it is in memory: it may be dropped from there unseen, once closed.
            await asyncio.wait_for(arrived.wait(), _POLL_S if live is None else 10 * _POLL_S)
        except TimeoutError:
            return
        finally:
            with self._lock:
                if live is not None:
                    live.waiting = [pair for pair in live.waiting if pair[1] is not arrived]
