"""Server-sent events: an iterator of events -> a response that streams them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.responses import StreamingResponse

PING_S = 15.0
_HEADERS = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}


def event_stream(
    events: AsyncIterator[tuple[str, str]],
    *,
    end: str = "",
    headers: dict[str, str] | None = None,
) -> StreamingResponse:
    """Return a response that streams events, with a comment where nothing comes for long.

    Args:
        events: Names and data, each one line of JSON; an empty name sends no `event:` line. The
            iterator is closed when the client leaves.
        end: What is sent after the last event.
        headers: Of the response, besides those that keep proxies from holding it back.
    """
    return StreamingResponse(
        _lines(events, end), media_type="text/event-stream", headers={**_HEADERS, **(headers or {})}
    )


async def _lines(events: AsyncIterator[tuple[str, str]], end: str) -> AsyncIterator[str]:
    iterator = aiter(events)
    waiting: asyncio.Task[tuple[str, str]] | None = None
    try:
        while True:
            if waiting is None:
                waiting = asyncio.ensure_future(anext(iterator))
            done, _ = await asyncio.wait({waiting}, timeout=PING_S)
            if not done:
                yield ": ping\n\n"
                continue
            try:
                name, data = waiting.result()
            except StopAsyncIteration:
                break
            waiting = None
            yield f"event: {name}\ndata: {data}\n\n" if name else f"data: {data}\n\n"
        if end:
            yield end
    finally:
        if waiting is not None and not waiting.done():
            waiting.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await waiting
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()
