"""Guard: the application, and around it what every request passes through.

request -> log -> security headers -> host and origin -> CORS -> beta header -> key -> rate -> size
-> routes, and back. Whatever is refused on the way is logged and counted like an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from filesearch.errors import InvalidSetting
from filesearch.keys import KeyRing, Keys
from filesearch.server.context import Server
from filesearch.server.guard.asgi import ASGIApp
from filesearch.server.guard.limits import BodyLimit, Buckets
from filesearch.server.guard.logs import RequestLog
from filesearch.server.guard.metrics import CountedModel, Metrics, TimedStores
from filesearch.server.guard.security import (
    Authenticate,
    CheckHost,
    RateLimit,
    RefuseOldBeta,
    SecurityHeaders,
    host_policy,
    is_loopback,
)
from filesearch.server.guard.sockets import SocketsAsRequests
from filesearch.server.routes import operations

_SHOWN_TO_PAGES = (
    "x-request-id",
    "openai-processing-ms",
    "openai-poll-after-ms",
    "openai-version",
    "retry-after",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
)
_METHODS = ("GET", "POST", "DELETE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may reach the server, and how often.

    Attributes:
        host: What it is bound to.
        allow_hosts: More names by which it may be called.
        cors_origins: Pages whose scripts may call it; `*` for all, which needs a key.
        requests_per_minute: Of keys without a limit of their own; None is no limit.
    """

    host: str = "127.0.0.1"
    allow_hosts: Sequence[str] = ()
    cors_origins: Sequence[str] = ()
    requests_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Guarded:
    """An application to be served, and what its process wants to know of it."""

    app: ASGIApp
    routes: FastAPI
    is_key_required: bool = field(default=False)


def guard(
    routes: FastAPI, server: Server, access: Access, *, buckets: Buckets | None = None
) -> Guarded:
    """Put the operations to the routes of an application and the middlewares around it.

    Args:
        routes: Of `create_app`; changed.
        server: What it serves; its models, searches and ingest are measured from now on.
        access: See there.
        buckets: Where requests are counted; None counts in this process.

    Raises:
        InvalidSetting: Others could reach the documents without a key: it is bound to a host that
            is not loopback, or open to every web page, and there is no key; or an origin is none.
    """
    is_public = not is_loopback(access.host)
    ring = KeyRing(Keys(server.objects), settings_key=server.settings.api_key, is_public=is_public)
    policy = host_policy(
        access.host, allow_hosts=access.allow_hosts, cors_origins=access.cors_origins
    )
    way_out = (
        f"make a key with: fsearch keys create --index {server.settings.index}, or set "
        "FSEARCH_API_KEY"
    )
    if is_public and not ring.has_valid_key:
        raise InvalidSetting(
            f"host '{access.host}' can be reached from other machines, and there is no API key; "
            f"{way_out}"
        )
    if "*" in access.cors_origins and not ring.is_required:
        raise InvalidSetting(
            "with --cors-origin '*' every web page could read the documents, and there is no API "
            f"key; name the pages, or {way_out}"
        )
    metrics = Metrics(lambda: operations.sample(server))
    _measure(server, metrics)
    routes.state.metrics = metrics
    routes.include_router(operations.router)
    options = server.options
    app: ASGIApp = BodyLimit(
        routes, max_body_bytes=options.max_body_bytes, max_upload_bytes=options.max_file_bytes
    )
    app = RateLimit(app, buckets=buckets or Buckets(), per_minute=access.requests_per_minute)
    app = Authenticate(app, ring=ring, isolates=options.isolates_keys)
    app = RefuseOldBeta(app)
    if access.cors_origins:
        app = CORSMiddleware(
            app,
            allow_origins=list(access.cors_origins),
            allow_methods=list(_METHODS),
            allow_headers=["*"],
            expose_headers=list(_SHOWN_TO_PAGES),
        )
    app = RequestLog(SecurityHeaders(CheckHost(app, policy=policy)), metrics=metrics)
    app = SocketsAsRequests(app)
    return Guarded(app, routes, ring.is_required)


def _measure(server: Server, metrics: Metrics) -> None:
    """Have the server's parts tell `metrics` what they do."""
    model_for = server.model_for
    server.model_for = lambda name: CountedModel(model_for(name), metrics)
    server.stores = cast(Any, TimedStores(server.stores, metrics))
    server.fs.ingest_queue.on_done = metrics.observe_file
