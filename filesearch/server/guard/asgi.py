"""ASGI: what the middlewares share: reading a header, adding headers, refusing a request.

They are plain ASGI applications around another, because an answer must pass through them piece
by piece: Starlette's BaseHTTPMiddleware would hold a stream's client and server together.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ASGIApp", "Message", "Receive", "Scope", "Send", "add_headers", "header", "refuse"]

Headers = Iterable[tuple[str, str]]
# How much of a refused body is still read, so that the client gets to read why: a connection
# that is closed on unread bytes may be reset under its hands.
_DRAIN_BYTES, _DRAIN_S = 64 * 2**20, 5.0


def header(scope: Scope, name: str) -> str | None:
    """Return the value of a request header, the first one if it is repeated; None without it."""
    wanted = name.lower().encode("latin-1")
    for key, value in scope["headers"]:
        if key == wanted:
            return str(value.decode("latin-1"))
    return None


def add_headers(start: Message, headers: Headers, *, keep: bool = False) -> None:
    """Add headers to an `http.response.start` message.

    Args:
        start: Changed in place, as ASGI passes it on.
        headers: Name and value.
        keep: Leave those alone that the response has already.
    """
    present = list(start.get("headers", ()))
    names = {key.lower() for key, _ in present} if keep else set()
    for name, value in headers:
        key = name.lower().encode("latin-1")
        if key not in names:
            present.append((key, value.encode("latin-1")))
    start["headers"] = present


async def refuse(
    receive: Receive,
    send: Send,
    status: int,
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
    headers: Headers = (),
    body_follows: bool = True,
) -> None:
    """Answer with OpenAI's error envelope instead of asking the application.

    Args:
        receive: Where the rest of the request's body comes from; some of it is read and dropped.
        send: Nothing has been sent yet.
        status: HTTP status.
        message: What happened, the value, and the way out.
        kind: The envelope's `type`.
        param: Name of the wrong parameter.
        code: The envelope's `code`.
        headers: Sent besides.
        body_follows: Whether there may be a body that nobody has read.
    """
    error = {"message": message, "type": kind, "param": param, "code": code}
    # What a caller sent, and the message names, need not be text.
    body = json.dumps({"error": error}, ensure_ascii=False).encode("utf-8", "replace")
    start: Message = {"type": "http.response.start", "status": status, "headers": []}
    add_headers(start, [("content-type", "application/json")])
    add_headers(start, [("content-length", str(len(body))), *headers])
    if body_follows:
        # What is left of the body cannot be told from a next request.
        add_headers(start, [("connection", "close")])
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": body_follows})
    if body_follows:
        await _drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    dropped = 0
    try:
        async with asyncio.timeout(_DRAIN_S):
            while dropped < _DRAIN_BYTES:
                message = await receive()
                dropped += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
