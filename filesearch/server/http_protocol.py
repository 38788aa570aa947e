"""HTTP protocol: uvicorn's, which closes a connection whose headers do not come.

A connection costs whoever opens it nothing, and the process a descriptor. uvicorn closes one that
falls silent after an answer; one that never sent a request, or sends it a byte at a time, it kept
for good. The body is not timed: whoever sends one has shown a key, where one is needed.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_WITHIN_S = 30.0


class HeadersInTime(HttpToolsProtocol):
    """Serves one connection."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; the first request is waited for from now on."""
        super().connection_made(transport)
        self._late = self.loop.call_later(HEADERS_WITHIN_S, transport.close)

    def data_received(self, data: bytes) -> None:
        """Go on with a request, or begin one after a silence, which is over with the first byte."""
        if self.timeout_keep_alive_task is not None and self._late is None:
            self._late = self.loop.call_later(HEADERS_WITHIN_S, self.transport.close)
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Answer the request."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
