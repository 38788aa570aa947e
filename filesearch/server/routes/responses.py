"""Routes of the Responses API."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from concurrent.futures import Future
from functools import partial
from typing import Annotated, Any

from fastapi import Query, WebSocket
from fastapi.responses import JSONResponse, Response

from filesearch.server.context import CallerDep, ServerDep
from filesearch.server.include import IncludeDep
from filesearch.server.lists import ListDep, list_body
from filesearch.server.responses.asked import compact_input, count_input_tokens
from filesearch.server.responses.objects import ResponseObject, shown_response
from filesearch.server.responses.sockets import ResponseSocket
from filesearch.server.responses.worker import ResponseJob
from filesearch.server.routing import make_router
from filesearch.server.sse import event_stream
from filesearch.server.wire.common import STREAMED
from filesearch.server.wire.responses import CompactResponse, CountTokens, CreateResponse

router = make_router("Responses")


@router.post("/responses", responses=STREAMED)
async def create_response(
    request: CreateResponse, server: ServerDep, caller: CallerDep
) -> Response:
    """Answer an input: whole, in a stream, or in the background."""

    def begin() -> tuple[ResponseJob, Future[ResponseObject]]:
        job = server.responses.create(request, caller)
        return job, server.responses.launch(job)

    job, future = await server.reading.run(request.input, begin)
    if request.stream:
        options = request.stream_options
        return event_stream(
            _obfuscated(job.events.follow(), bool(options and options.include_obfuscation))
        )
    if request.background:
        return JSONResponse(shown_response(job.response, [], ()))
    # A client that leaves does not end it.
    return JSONResponse(await asyncio.shield(asyncio.wrap_future(future)))


@router.websocket("/responses")
async def connect(socket: WebSocket, server: ServerDep, caller: CallerDep) -> None:
    """Answer inputs that come one after the other over a connection that stays open."""
    await socket.accept()
    take = socket.scope.get("filesearch.take", lambda: None)
    recheck = socket.scope.get("filesearch.recheck", _let_in)
    await ResponseSocket(socket, server, caller, take=take, recheck=recheck).run()


async def _let_in() -> None:
    """Refuse nobody, where nothing guards the application."""


@router.post("/responses/input_tokens")
async def count_tokens(
    request: CountTokens, server: ServerDep, caller: CallerDep
) -> dict[str, Any]:
    """Count what an input would cost to read."""
    count = await server.reading.run(
        request.input, partial(count_input_tokens, server, request, caller)
    )
    return {"object": "response.input_tokens", "input_tokens": count}


@router.post("/responses/compact")
async def compact_response(
    request: CompactResponse, server: ServerDep, caller: CallerDep
) -> dict[str, Any]:
    """Say a conversation in short, to go on with in its place."""
    compact = partial(compact_input, server, request, caller)
    return await server.reading.run(request.input, compact)


@router.get("/responses/{response_id}", responses=STREAMED)
def get_response(
    response_id: str,
    server: ServerDep,
    caller: CallerDep,
    include: IncludeDep,
    stream: Annotated[bool, Query()] = False,
    starting_after: Annotated[int, Query(ge=0)] | None = None,
    include_obfuscation: Annotated[bool, Query()] = False,
) -> Response:
    """Return a stored response, or its events from some number on."""
    if stream:
        after = -1 if starting_after is None else starting_after
        events = server.responses.follow(response_id, caller, after)
        return event_stream(_obfuscated(events, include_obfuscation))
    return JSONResponse(server.responses.get(response_id, caller, include))


@router.delete("/responses/{response_id}")
def delete_response(response_id: str, server: ServerDep, caller: CallerDep) -> dict[str, Any]:
    """Forget a response."""
    server.responses.delete(response_id, caller)
    return {"id": response_id, "object": "response", "deleted": True}


@router.post("/responses/{response_id}/cancel")
def cancel_response(response_id: str, server: ServerDep, caller: CallerDep) -> dict[str, Any]:
    """End a response in the background."""
    return server.responses.cancel(response_id, caller)


@router.get("/responses/{response_id}/input_items")
def list_input_items(
    response_id: str, server: ServerDep, caller: CallerDep, query: ListDep, include: IncludeDep
) -> dict[str, Any]:
    """List what a response was given."""
    page = server.responses.input_items(response_id, caller, query, include)
    return list_body(page.items, has_more=page.has_more)


async def _obfuscated(
    events: AsyncIterator[tuple[str, str]], is_wanted: bool
) -> AsyncIterator[tuple[str, str]]:
    """Yield events, deltas with filling that hides their length, where that is wanted."""
    try:
        async for name, data in events:
            if is_wanted and name.endswith(".delta"):
                filling = secrets.token_urlsafe(16)[: secrets.randbelow(16) + 1]
                yield name, json.dumps({**json.loads(data), "obfuscation": filling})
            else:
                yield name, data
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()
