"""Server-sent events: an iterator of events -> a response that streams them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.responses import StreamingResponse

PING_S = 15.0
# What a slow client may leave unread, in events.
_MAX_GATHERED = 256
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
    """Yield what is to be sent; events that are there at the same time go together."""
    gathered: list[str] = []
    arrived, taken = asyncio.Event(), asyncio.Event()

    async def gather() -> None:
        async for name, data in events:
            gathered.append(f"event: {name}\ndata: {data}\n\n" if name else f"data: {data}\n\n")
            arrived.set()
            while len(gathered) >= _MAX_GATHERED:
                taken.clear()
                await taken.wait()

    gathering = asyncio.create_task(gather())
    gathering.add_done_callback(lambda _: arrived.set())
    try:
        while not (gathering.done() and not gathered):
            try:
                await asyncio.wait_for(arrived.wait(), PING_S)
            except TimeoutError:
                yield ": ping\n\n"
                continue
            arrived.clear()
            lines = "".join(gathered)
            gathered.clear()
            taken.set()
            if lines:
                yield lines
        gathering.result()
        if end:
            yield end
    finally:
        gathering.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await gathering
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()
