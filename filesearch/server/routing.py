"""Routing: how a request is read, the same for every resource.

JSON is read strictly, that of WebSockets too: NaN, invalid UTF-8, lone surrogates and bottomless
nesting are refused at the door, so that nothing behind it meets what a database or a client cannot
take back. A strict server refuses what stands in the query and no route reads. Requests that change
something wait for their turn outside of the threads that all requests share.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

import msgspec
from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from filesearch.server.errors import invalid, shown
from filesearch.server.wire.common import IS_STRICT

MAX_DEPTH = 200
# A write waits in its thread until those before it are through. Of the 40 threads of a process
# (anyio's) that many may do so; the others are for those who read.
_MOST_WRITES = 30
_WRITES: RunVar[CapacityLimiter] = RunVar("filesearch_writes")


def write_limiter() -> CapacityLimiter:
    """Return what a request holds while a thread changes something for it; one an event loop."""
    limiter = _WRITES.get(None)
    if limiter is None:
        limiter = CapacityLimiter(_MOST_WRITES)
        _WRITES.set(limiter)
    return limiter


def read_json(text: bytes | str) -> Any:  # noqa: ANN401
    """Return what a request says in JSON.

    Raises:
        json.JSONDecodeError: It is none, or nothing that can be kept.
    """
    try:
        value = msgspec.json.decode(text)
        _check_depth(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else error
        raise json.JSONDecodeError(str(reason), "", 0) from error
    return value


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, (list, dict))
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise RecursionError


class _StrictRequest(Request):
    async def json(self) -> Any:  # noqa: ANN401
        if not hasattr(self, "_json"):
            self._json = read_json(await self.body())
        return self._json


class _Route(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        # Coroutines take a thread where they need one, and limit that themselves; a search only
        # reads, whatever its method.
        is_read = self.methods == {"GET"} or self.path.endswith("/search")
        is_write = not is_read and not inspect.iscoroutinefunction(self.endpoint)

        async def read_strictly(request: Request) -> Response:
            if IS_STRICT.get():
                self._refuse_unknown(request)
            strict = _StrictRequest(request.scope, request.receive)
            if not is_write:
                return await handle(strict)
            with suppress(ClientDisconnect):  # `handle` meets it as well, and answers
                await strict.body()  # a client that sends slowly must keep nobody out
            async with write_limiter():
                return await handle(strict)

        return read_strictly

    def _refuse_unknown(self, request: Request) -> None:
        known = set(_query_names(self.dependant))
        stated = (self.openapi_extra or {}).get("parameters", ())
        maps = {parameter["name"] for parameter in stated if parameter.get("style") == "deepObject"}
        for name in request.query_params:
            base, bracket, key = name.partition("[")
            is_of_map = base in maps and bracket and len(key) > 1 and key.endswith("]")
            if name not in known and not is_of_map:
                raise invalid(
                    f"Unknown parameter: '{shown(name)}'.", shown(name), "unknown_parameter"
                )


def _query_names(dependant: Dependant) -> Iterator[str]:
    """Yield the names of the query's parameters that a route or its dependencies read."""
    yield from (field.alias for field in dependant.query_params)
    for dependency in dependant.dependencies:
        yield from _query_names(dependency)


def make_router(tag: str) -> APIRouter:
    """Return a router for one resource; `tag` is its heading in the documentation."""
    return APIRouter(route_class=_Route, tags=[tag])


def answers(model: type[BaseModel]) -> dict[str, Any]:
    """Return what documents a route that answers with JSON of a shape, without checking it."""
    return {"response_model": None, "responses": {200: {"model": model}}}
