"""Reply stream: a reply that comes over HTTP, which any thread may end at any time.

deltas read in a thread of its own -> queue -> the caller. Closing cuts the connection, also while
the server is silent, and lets no further try begin.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from filesearch.messages import ChatDelta


class Line:
    """The connection of one request, which another thread may cut.

    Closing a socket does not wake who reads from it; shutting it down does. The HTTP client tells
    of its sockets through the "trace" extension of httpx.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # __del__ may come in between
        self._sockets: list[socket.socket] = []
        self.is_cut = False

    def join(self, request: Any) -> None:  # noqa: ANN401 - httpx or httpx2, as the SDK has it
        """Watch a request that is about to be sent.

        Raises:
            _Cut: The line is cut: the SDK must not try again.
        """
        if self.is_cut:
            raise _Cut
        request.extensions["trace"] = self._watch

    def _watch(self, event: str, about: dict[str, Any]) -> None:
        if not event.endswith(("connect_tcp.complete", "start_tls.complete")):
            return
        found = about["return_value"].get_extra_info("socket")
        if isinstance(found, socket.socket):
            with self._lock:
                self._sockets.append(found)
                if self.is_cut:
                    _shut_down(found)

    def cut(self) -> None:
        """End the request, whatever it waits for."""
        with self._lock:
            self.is_cut = True
            for found in self._sockets:
                _shut_down(found)


class _Cut(BaseException):
    """The reply is not wanted any more. Not an Exception: those are tried again."""


def _shut_down(found: socket.socket) -> None:
    with suppress(OSError):  # closed already, or handed over to its TLS socket
        socket.socket.shutdown(found, socket.SHUT_RDWR)


class ReplyStream:
    """A reply, piece by piece, that can be closed from any thread, also while one waits.

    A thread reads from the server; closing cuts its connection. A closed stream is at its end.
    """

    def __init__(self, deltas: Iterator[ChatDelta], line: Line) -> None:
        self._line = line
        self._box: queue.SimpleQueue[ChatDelta | BaseException | None] = queue.SimpleQueue()
        self._start: Callable[[], None] | None = threading.Thread(
            target=_pump, args=(deltas, self._box), name="chat-reply", daemon=True
        ).start
        self._is_done = False

    def __iter__(self) -> ReplyStream:
        return self

    def __next__(self) -> ChatDelta:
        if self._is_done or self._line.is_cut:
            raise StopIteration
        if self._start:
            start, self._start = self._start, None
            start()
        item = self._box.get()
        if self._line.is_cut:
            raise StopIteration
        if isinstance(item, ChatDelta):
            return item
        self._is_done = True
        if item is None:
            raise StopIteration
        raise item

    def close(self) -> None:
        """End the request; harmless when it has ended."""
        self._line.cut()
        self._box.put(None)  # wakes who waits

    def __del__(self) -> None:
        self._line.cut()


def _pump(
    deltas: Iterator[ChatDelta], box: queue.SimpleQueue[ChatDelta | BaseException | None]
) -> None:
    try:
        for delta in deltas:
            box.put(delta)
    except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the thread that waits
        box.put(error)
    else:
        box.put(None)
