"""App: routes, error answers and lifetime, put together as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

import filesearch
from filesearch.server.context import Server
from filesearch.server.error_handlers import add_error_handlers
from filesearch.server.routes import ROUTERS
from filesearch.server.wire.common import IS_STRICT, ErrorBody

_VERSION = "/v1"
_RESOURCES = frozenset(
    route.path.split("/")[1]
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
)
# With these FastAPI documents no 422 of its own, which is never sent.
_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "Refused, and why"}
}


def create_app(server: Server) -> FastAPI:
    """Return the application that serves `server`; its services live as long as it does."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(server.start)
        try:
            yield
        finally:
            await run_in_threadpool(server.stop)

    app = FastAPI(
        title="filesearch",
        version=filesearch.__version__,
        summary="The OpenAI API over your own documents.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.server = server
    add_error_handlers(app)
    for router in ROUTERS:
        app.include_router(router, prefix=_VERSION, responses=_ERRORS)
    app.add_middleware(_Versioned)
    if server.options.is_strict:
        app.add_middleware(_Strict)
    return app


class _Versioned:
    """Serves the paths of the API without their version too: some base URLs leave it out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_path = scope["type"] != "lifespan"
        # Not every path begins with a slash: that of `OPTIONS *` does not.
        if has_path and scope["path"].removeprefix("/").split("/")[0] in _RESOURCES:
            scope = {**scope, "path": _VERSION + scope["path"]}
            if scope.get("raw_path"):
                scope["raw_path"] = _VERSION.encode() + scope["raw_path"]
        await self._app(scope, receive, send)


class _Strict:
    """Refuses unknown parameters; see wire.common.RequestModel."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        IS_STRICT.set(True)
        await self._app(scope, receive, send)
