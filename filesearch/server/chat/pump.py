"""Pump: an iterator that waits -> an asynchronous one, read by a thread of its own meanwhile.

What came in the meantime is handed over together, so that a fast model costs the event loop one
wake-up for many pieces, not one for each.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
# Not the threads of routes: answers take long. More of them wait for their turn.
_threads = ThreadPoolExecutor(256, thread_name_prefix="filesearch-chat")
# What may be read ahead of a slow client: a model should not write on for nobody.
_AHEAD = 64
_LOOK_UP_S = 0.1


def in_thread(work: Callable[[], _Item]) -> asyncio.Future[_Item]:
    """Do what takes long in one of the threads that answers have to themselves."""
    return asyncio.get_running_loop().run_in_executor(_threads, work)


async def pump(items: Iterator[_Item], stop: threading.Event) -> AsyncGenerator[_Item, None]:
    """Yield what `items` does, in order, and raise what it raises.

    Args:
        items: Read by one thread, and closed by it where it can be.
        stop: Set when this generator ends, whatever the reason: `items` is to end then.
    """
    box = _Box[_Item](asyncio.get_running_loop(), stop)
    reading = in_thread(lambda: _read(items, box))
    reading.add_done_callback(box.wake)
    try:
        while True:
            is_last = reading.done()
            for item in box.drain() if is_last else await box.take():
                yield item
            if is_last:
                break
        await reading
    finally:
        stop.set()
        # It has not begun, or goes on alone until it sees `stop`.
        reading.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await reading


class _Box(Generic[_Item]):
    """What was read and not yet taken."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> None:
        self._loop = loop
        self._stop = stop
        self._items: deque[_Item] = deque()
        self._ready = asyncio.Event()
        self._is_waking = False
        self._room = threading.Semaphore(_AHEAD)

    def put(self, item: _Item) -> bool:
        """Add an item once there is room; called by the thread. Returns whether to go on."""
        while not self._room.acquire(timeout=_LOOK_UP_S):
            if self._stop.is_set():
                return False
        self._items.append(item)
        if not self._is_waking:
            self._is_waking = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(self._ready.set)
        return not self._stop.is_set()

    def wake(self, _reading: object = None) -> None:
        """Let `take` return, with nothing if there is nothing; called by the event loop."""
        self._ready.set()

    async def take(self) -> list[_Item]:
        """Return all items that are there, once there is one or `wake` was called."""
        await self._ready.wait()
        self._ready.clear()
        self._is_waking = False  # before taking, so that what comes from now on wakes again
        return self.drain()

    def drain(self) -> list[_Item]:
        """Return all items that are there."""
        taken = []
        while self._items:
            taken.append(self._items.popleft())
            self._room.release()
        return taken


def _read(items: Iterator[_Item], box: _Box[_Item]) -> None:
    try:
        for item in items:
            if not box.put(item):
                break
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()
