"""Security: which requests are let in, before any route sees them.

request -> host and origin -> key -> rate -> the application, and security headers on whatever
comes back. A browser is the danger on a machine of one's own: every page that its user opens may
send requests to 127.0.0.1. Such requests name another host (DNS rebinding) or carry the page's
origin, and are refused by that.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from filesearch.database_errors import FAILURES
from filesearch.errors import IndexReplaced, InvalidSetting
from filesearch.keys import Key, KeyRing
from filesearch.server.context import Caller
from filesearch.server.guard.asgi import (
    ASGIApp,
    Message,
    Receive,
    Scope,
    Send,
    add_headers,
    header,
    refuse,
)
from filesearch.server.guard.limits import Allowance, Buckets, rate_headers

# What may be asked for without a key: whether the server lives, and how to use it.
OPEN_PATHS = frozenset(
    ("/", "/healthz", "/readyz", "/docs", "/docs/docs.js", "/docs/docs.css", "/openapi.json")
)
log = logging.getLogger("filesearch.server")
_LOOPBACK_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))
# No answer of the API is a page; a page of ours brings its own policy.
_SECURITY_HEADERS = (
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
)
_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header "
    "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). Make one with: fsearch keys create"
)


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach a server that is bound to `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """Which names of this server, and which pages, a request may name.

    Attributes:
        names: Accepted in the Host header; `*` accepts all.
        accepts_addresses: Whether any IP address is accepted: one is never rebound, and a server
            on all interfaces does not know its own.
        origins: Of pages whose scripts may call, such as `http://localhost:3000`; `*` for all.
    """

    names: frozenset[str]
    accepts_addresses: bool
    origins: frozenset[str]

    def accepts_host(self, value: str | None) -> bool:
        """Say whether a Host header names this server."""
        if "*" in self.names:
            return True
        name = _host_name(value or "")
        return name in self.names or (self.accepts_addresses and _is_address(name))

    def accepts_origin(self, origin: str | None, host: str | None) -> bool:
        """Say whether a request may come from where it says: no page, our own or a named one."""
        if origin is None or "*" in self.origins:
            return True
        # Not the scheme: a proxy in front may speak https where we see http.
        return origin in self.origins or origin.partition("://")[2] == host


def host_policy(
    host: str, *, allow_hosts: Sequence[str] = (), cors_origins: Collection[str] = ()
) -> HostPolicy:
    """Return what a server bound to `host` accepts.

    Args:
        host: A name or an address; `0.0.0.0` and `::` are all addresses of the machine.
        allow_hosts: More names, such as that of a proxy in front; without port.
        cors_origins: Pages that may call.

    Raises:
        InvalidSetting: An origin is not one.
    """
    for origin in cors_origins:
        scheme, _, rest = origin.partition("://")
        if origin != "*" and (not scheme or not rest or "/" in rest):
            raise InvalidSetting(
                f"origin '{origin}' is none; give scheme, host and port, such as "
                "http://localhost:3000, or * for all"
            )
    names = {_host_name(name) for name in (host, *allow_hosts)} | _LOOPBACK_NAMES
    is_everywhere = host in ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
    if is_everywhere:
        names.add(socket.gethostname().lower())
    return HostPolicy(frozenset(names), is_everywhere, frozenset(cors_origins))


def _host_name(value: str) -> str:
    """Return a Host header's name, without port and brackets."""
    name = value.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name if name.count(":") > 1 else name.partition(":")[0].rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class CheckHost:
    """Refuses requests that name another host, or come from another site's page, with 403."""

    def __init__(self, app: ASGIApp, *, policy: HostPolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        host, origin = header(scope, "host"), header(scope, "origin")
        if not self._policy.accepts_host(host):
            name = _host_name(host or "")
            message = (
                f"This server does not answer to the host '{name[:100]}'. Call it by its own name, "
                f"or start it with: --allow-host {name[:100]}"
            )
            await refuse(receive, send, 403, message, code="host_not_allowed")
        elif not self._policy.accepts_origin(origin, host):
            message = (
                f"Pages of '{(origin or '')[:100]}' may not call this server. Start it with: "
                f"--cors-origin {(origin or '')[:100]}"
            )
            await refuse(receive, send, 403, message, code="origin_not_allowed")
        else:
            await self._app(scope, receive, send)


class SecurityHeaders:
    """Adds the headers that tell a browser to make nothing of an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add to its answer."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(message, _SECURITY_HEADERS, keep=True)
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)


class RefuseOldBeta:
    """Refuses the first version of the Assistants API, which had other objects."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and "assistants=v1" in (header(scope, "openai-beta") or ""):
            message = (
                "The v1 Assistants API is not served. Please try again by setting the header "
                "'OpenAI-Beta: assistants=v2'."
            )
            await refuse(receive, send, 400, message, code="invalid_beta")
            return
        await self._app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a caller is not let in: the message and code of a 401."""

    message: str
    code: str | None


class Authenticate:
    """Finds the caller's key; without a valid one, where one is needed, answers 401.

    Once the index was removed or replaced, everything is answered with 503: this process began
    with other keys and other objects, and is to be started again.

    The key is left at `scope["filesearch.key"]`, None for a caller without one, who that is for
    the routes at `scope["filesearch.caller"]`, and at `scope["filesearch.recheck"]` what returns
    a Refusal once the caller would not be let in any more, else None.

    Args:
        app: What is asked otherwise.
        ring: The keys.
        isolates: Whether a key sees only what was made with it.
    """

    def __init__(self, app: ASGIApp, *, ring: KeyRing, isolates: bool = False) -> None:
        self._app = app
        self._ring = ring
        self._isolates = isolates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its caller, or refuse it."""
        if scope["type"] == "lifespan" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        secret = _bearer(header(scope, "authorization"))
        try:
            key, refusal = await self._find(secret)
        except IndexReplaced as error:  # nobody can tell whose keys those of another index are
            await refuse(receive, send, 503, str(error), kind="server_error")
            return
        if refusal is not None:
            headers = [("www-authenticate", "Bearer")]
            await refuse(receive, send, 401, refusal.message, code=refusal.code, headers=headers)
            return

        async def recheck() -> Refusal | None:
            return (await self._find(secret))[1]

        # A WebSocket may stay open for longer than its key is valid.
        scope["filesearch.recheck"] = recheck
        owner = "" if key is None else key.id
        scope["filesearch.key"] = key
        scope["filesearch.caller"] = Caller(owner, owner if self._isolates else None)
        await self._app(scope, receive, send)
        if key is not None and self._ring.must_note(key):
            await run_in_threadpool(self._note_use, key)

    async def _find(self, secret: str) -> tuple[Key | None, Refusal | None]:
        if self._ring.is_stale:
            key, is_required = await run_in_threadpool(self._look_up, secret)
        else:
            key, is_required = self._look_up(secret)
        if key is not None or not is_required:
            return key, None
        if not secret:
            return None, Refusal(_NO_KEY, None)
        message = (
            f"Incorrect API key provided: {_mask(secret)}. List the keys of this server with: "
            "fsearch keys list"
        )
        return None, Refusal(message, "invalid_api_key")

    def _note_use(self, key: Key) -> None:
        try:
            self._ring.note_use(key)
        # A busy database, or no room in it; the next minute tries again.
        except FAILURES as error:
            log.warning("the use of %s was not kept", key.id, exc_info=error)

    def _look_up(self, secret: str) -> tuple[Key | None, bool]:
        return (self._ring.find(secret) if secret else None), self._ring.is_required


def _bearer(value: str | None) -> str:
    scheme, _, secret = (value or "").strip().partition(" ")
    if scheme.lower() != "bearer":
        return ""
    # A key of the settings may have any letters; clients send those in UTF-8.
    return secret.strip().encode("latin-1").decode("utf-8", "surrogateescape")


def _mask(secret: str) -> str:
    """Return enough of a key to recognise it, and too little to use it."""
    return f"{secret[:4]}***{secret[-4:]}" if len(secret) > 16 else "***"


class RateLimit:
    """Refuses what a key sends beyond its rate with 429, and says when to come back.

    Args:
        app: What is asked otherwise.
        buckets: Where the requests are counted.
        per_minute: For keys without a limit of their own, and for callers without a key, who
            share one bucket; None is no limit.
    """

    def __init__(self, app: ASGIApp, *, buckets: Buckets, per_minute: int | None) -> None:
        self._app = app
        self._buckets = buckets
        self._per_minute = per_minute

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with what is left to its caller, or refuse it."""
        allowance = None
        if scope["type"] != "lifespan" and scope["path"] not in OPEN_PATHS:
            key = scope.get("filesearch.key")
            allowance = self._take(key)
            # A WebSocket carries many requests, each to be counted.
            scope["filesearch.take"] = lambda: self._take(key)
        if allowance is None:
            await self._app(scope, receive, send)
            return
        headers = rate_headers(allowance)
        if not allowance.is_allowed:
            await refuse(
                receive,
                send,
                429,
                allowance.refusal,
                kind="requests",
                code="rate_limit_exceeded",
                headers=headers,
            )
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(message, headers)
            await send(message)

        await self._app(scope, receive, counted)

    def _take(self, key: Key | None) -> Allowance | None:
        own = key.requests_per_minute if key is not None else None
        per_minute = own or self._per_minute
        if per_minute is None:
            return None
        return self._buckets.take("anonymous" if key is None else key.id, per_minute)
