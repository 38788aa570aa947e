"""Acceptor: takes connections from a listening socket that several processes may share.

A client that keeps its connection is served by the process that took it for as long as it asks.
The event loop's own server takes all that wait at once, so that one process got 16 clients of 16
and another none: 63 searches a second with two workers on 2 cores, as many as with one; 114 where
they are spread. Here each process waits before it takes one, the longer the more it has: the one
with the fewest comes first, without a word between them. One process alone takes what comes.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress

# Added for each connection that is open, up to the most; the timers of event loops know
# milliseconds, and on busy cores they come late by several.
_WAIT_PER_CONNECTION_S, _LONGEST_WAIT_S = 0.001, 0.02
# Then it takes one, and one more for so many that it has: with 100 open, 13 in 20 ms.
_CONNECTIONS_PER_MORE = 8
# One process alone takes so many before it does anything else.
_MOST_AT_ONCE = 64
# After an error such as too many open files, as asyncio has it.
_WAIT_AFTER_ERROR_S = 1.0
log = logging.getLogger("filesearch.server")


class Acceptor:
    """Accepts for one process; use it from its event loop.

    Args:
        listener: Listens already, non-blocking from now on; closed by its owner after `close`.
        make_protocol: Makes what serves a connection.
        count_open: How many connections this process has.
        is_shared: Whether other processes accept from it too, which are to get their part.
    """

    def __init__(
        self,
        listener: socket.socket,
        *,
        make_protocol: Callable[[], asyncio.Protocol],
        count_open: Callable[[], int],
        is_shared: bool = True,
    ) -> None:
        self._listener = listener
        self._make_protocol = make_protocol
        self._count_open = count_open
        self._is_shared = is_shared
        self._loop = asyncio.get_running_loop()
        self._later: asyncio.TimerHandle | None = None
        self._connecting: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to accept."""
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener, self._on_waiting)

    def close(self) -> None:
        """Accept no more; twice is as once."""
        self._loop.remove_reader(self._listener)
        if self._later is not None:
            self._later.cancel()

    def _on_waiting(self) -> None:
        if not self._is_shared:
            self._accept_up_to(_MOST_AT_ONCE)
            return
        wait = min(_WAIT_PER_CONNECTION_S * self._count(), _LONGEST_WAIT_S)
        if wait == 0:
            self._accept()
        else:
            self._pause(wait)

    def _count(self) -> int:
        return self._count_open() + len(self._connecting)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._later = self._loop.call_later(seconds, self._accept_and_go_on)

    def _accept_and_go_on(self) -> None:
        self._loop.add_reader(self._listener, self._on_waiting)
        self._accept_up_to(1 + self._count() // _CONNECTIONS_PER_MORE)

    def _accept_up_to(self, most: int) -> None:
        for _ in range(most):
            if not self._accept():
                return

    def _accept(self) -> bool:
        """Take a connection; returns whether there was one."""
        try:
            connection, _address = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False  # another process was quicker, or the client has gone
        except OSError:
            log.exception("no connection can be accepted")
            self._pause(_WAIT_AFTER_ERROR_S)
            return False
        connection.setblocking(False)
        _send_at_once(connection)
        task = self._loop.create_task(self._connect(connection))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return True

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:  # it has gone meanwhile
            connection.close()


def _send_at_once(connection: socket.socket) -> None:
    """Have small pieces not wait for the ones before them to arrive.

    An answer goes out as head and body, and by itself the body waits until the client's system has
    acknowledged the head, which it puts off by 40 ms. asyncio sees to that only where a socket
    names its protocol, which one of `socket.create_server`, and what it accepts, does not.
    """
    if connection.family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):  # it has gone meanwhile
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
