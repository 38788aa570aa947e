"""Routing: how a request is read, the same for every resource.

JSON is read strictly: NaN, invalid UTF-8, lone surrogates and bottomless nesting are refused at
the door, so that nothing behind it meets what a database or a client cannot take back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

MAX_DEPTH = 200


class _StrictRequest(Request):
    async def json(self) -> Any:  # noqa: ANN401
        if not hasattr(self, "_json"):
            body = await self.body()
            try:
                self._json = msgspec.json.decode(body)
                _check_depth(self._json)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                reason = "it is nested too deep" if isinstance(error, RecursionError) else error
                raise json.JSONDecodeError(str(reason), "", 0) from error
        return self._json


class _Route(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def read_strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return read_strictly


def make_router(tag: str) -> APIRouter:
    """Return a router for one resource; `tag` is its heading in the documentation."""
    return APIRouter(route_class=_Route, tags=[tag])


def answers(model: type[BaseModel]) -> dict[str, Any]:
    """Return what documents a route that answers with JSON of a shape, without checking it."""
    return {"response_model": None, "responses": {200: {"model": model}}}


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
