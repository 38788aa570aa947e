"""Response stream: the events of one response, numbered, on their way to whoever follows them.

Those of a stored response go to the event log, so that a client can come back to them. Those of one
that is not stored are in memory only, and are gone with its client.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any, Protocol

from filesearch.event_log import EventLog
from filesearch.rows import encode_json

_LAST = ("response.completed", "response.incomplete", "response.failed")


class Events(Protocol):
    """Where the events of one response go, and can be followed."""

    def append(self, name: str, data: str) -> None:
        """Take the next event."""

    def close(self) -> None:
        """Know that none follows."""

    def follow(self) -> AsyncIterator[tuple[str, str]]:
        """Yield name and data of each, from the first to the last."""


class LoggedEvents:
    """The events of a stored response, in the event log."""

    def __init__(self, log: EventLog, response_id: str) -> None:
        self._log, self._id = log, response_id

    def append(self, name: str, data: str) -> None:
        """See Events."""
        self._log.append(self._id, name, data)

    def close(self) -> None:
        """See Events."""
        self._log.close(self._id)

    async def follow(self, after: int = -1) -> AsyncIterator[tuple[str, str]]:
        """See Events; those behind number `after`."""
        async for event in self._log.follow(self._id, after):
            yield event.name, event.data


class PassingEvents:
    """The events of a response that is not stored, for the one client that it has.

    Args:
        left: Set when the client has gone.
    """

    def __init__(self, left: threading.Event) -> None:
        self._left = left
        self._lock = threading.Lock()
        self._events: list[tuple[str, str] | None] = []
        self._wake: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def append(self, name: str, data: str) -> None:
        """See Events."""
        self._add((name, data))

    def close(self) -> None:
        """See Events."""
        self._add(None)

    def _add(self, event: tuple[str, str] | None) -> None:
        with self._lock:
            self._events.append(event)
            wake = self._wake
        if wake is not None and not wake[0].is_closed():
            wake[0].call_soon_threadsafe(wake[1].set)

    async def follow(self) -> AsyncIterator[tuple[str, str]]:
        """See Events; leaving early sets `left`."""
        arrived = asyncio.Event()
        with self._lock:
            self._wake = (asyncio.get_running_loop(), arrived)
        try:
            while True:
                arrived.clear()
                with self._lock:
                    events, self._events = self._events, []
                for event in events:
                    if event is None:
                        return
                    yield event
                if not events:
                    await arrived.wait()
        finally:
            self._left.set()


class NoEvents:
    """Nobody follows."""

    def append(self, name: str, data: str) -> None:
        """See Events."""

    def close(self) -> None:
        """See Events."""

    async def follow(self) -> AsyncIterator[tuple[str, str]]:
        """See Events."""
        return
        yield


class Emitter:
    """Numbers events and gives them away as JSON.

    Args:
        events: Where they go.
        number: Of the next one.
    """

    def __init__(self, events: Events, number: int = 0) -> None:
        self._events = events
        self._number = number

    def __call__(self, name: str, fields: dict[str, Any]) -> None:
        """Give away the next event."""
        event = {"type": name, "sequence_number": self._number, **fields}
        self._number += 1
        self._events.append(name, encode_json(event))


def tell_end(emit: Emitter, ended: dict[str, Any]) -> None:
    """Send the last event of a response, one that tells of its error before; none if cancelled."""
    status = ended["status"]
    if status == "failed":
        error = ended["error"]
        told = {name: error[name] for name in ("code", "message", "param")}
        # OpenAI's schema has the fields beside the type, its service and its clients in `error`.
        emit("error", {**told, "error": error})
    if status != "cancelled":
        emit(f"response.{status}", {"response": ended})


def stored_events(
    log: EventLog, response_id: str, after: int, *, has_ended: bool
) -> AsyncIterator[tuple[str, str]]:
    """Return the events of a stored response behind number `after`, as they come.

    Args:
        log: Where they are kept.
        response_id: Of the response.
        after: -1 for all.
        has_ended: Whether it has, as far as is known.
    """
    kept = log.read(response_id) if has_ended else []
    # What is committed is told a moment later.
    if has_ended and (not kept or kept[-1].name not in _LAST):
        has_ended = not kept
    if has_ended:
        return _replayed([(event.name, event.data) for event in kept if event.number > after])
    return LoggedEvents(log, response_id).follow(after)


async def _replayed(events: list[tuple[str, str]]) -> AsyncIterator[tuple[str, str]]:
    for event in events:
        yield event
