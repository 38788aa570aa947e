"""Relay: pass a request on to the server of a chat model, and its answer back, byte for byte.

request -> upstream, with its own key and model name -> status, type and bytes, as they come.
What is streamed is passed on piece by piece. Nothing is tried again: clients do that themselves.
A client that leaves ends the upstream request, before the first byte as well as after it.

Of an error the bytes are kept where they are OpenAI's envelope; of any other shape what it says is
put into one. The model's name in an answer is the server's own.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
from starlette.responses import JSONResponse, Response

from filesearch.address import is_loopback, plain_words
from filesearch.chat.reading import read_error
from filesearch.messages import ChatEndpoint
from filesearch.server.routing import write_limiter

if TYPE_CHECKING:
    import httpx2
    from starlette.types import Receive, Scope, Send

    from filesearch.server.chat.stored import ChatKeeper

MAX_WHOLE_BYTES = 64 << 20
"""Of an answer that is not streamed; OpenAI's longest are below 1 MB."""

_CONNECT_S = 10.0
# What tells a client how to go on. All else describes the connection, or another service.
_KEPT_HEADERS = ("retry-after", "retry-after-ms", "x-should-retry")
_KEPT_PREFIX = "x-ratelimit-"
_EVENTS = "text/event-stream"
_DONE = b"\ndata: [DONE]"


class Relayed(Response):
    """The answer of an upstream server; it is asked when this response is sent.

    Args:
        endpoint: The upstream server.
        path: Behind its base URL, such as `/chat/completions`.
        fields: The request as JSON; its model is replaced by the server's name for it.
        body: The same as it came; sent as it is where the names are the same.
        keeper: Is given the answer once all of it has been passed on.
    """

    def __init__(
        self,
        endpoint: ChatEndpoint,
        path: str,
        fields: Mapping[str, Any],
        body: bytes,
        *,
        keeper: ChatKeeper | None = None,
    ) -> None:
        super().__init__()
        self._keeper = keeper
        self._endpoint = endpoint
        self._url = f"{endpoint.base_url}{path}"
        is_named_alike = fields.get("model") == endpoint.model
        self._body = body if is_named_alike else _encode({**fields, "model": endpoint.model})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask and pass on, until the end or until the client has left."""
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                tasks.cancel_scope.cancel()

            tasks.start_soon(watch)
            await self._relay(scope, receive, send)
            tasks.cancel_scope.cancel()

    async def _relay(self, scope: Scope, receive: Receive, send: Send) -> None:
        import httpx2

        started = False

        async def starting(message: Any) -> None:  # noqa: ANN401 - ASGI's
            nonlocal started
            started = True
            await send(message)

        try:
            async with (
                self._client() as client,
                client.stream(
                    "POST", self._url, content=self._body, headers=self._request_headers()
                ) as upstream,
            ):
                await (await self._answer(upstream))(scope, receive, starting)
        except httpx2.TimeoutException:
            failed = self._failure(
                504, f"was silent for {self._endpoint.timeout_s:g} s; raise FSEARCH_CHAT_TIMEOUT_S"
            )
        except httpx2.TransportError as error:
            failed = self._failure(
                502, f"cannot be reached, or broke off: {self._plain(str(error) or repr(error))}"
            )
        except _Unusable as error:
            failed = self._failure(502, str(error))
        else:
            return
        if not started:
            await failed(scope, receive, send)
            return
        # The status is out. An event says what happened; where an event was cut in two, the
        # client sees a line that is no JSON, as it would without us.
        event = b"\n\ndata: " + bytes(failed.body) + b"\n\n"
        await send({"type": "http.response.body", "body": event, "more_body": False})

    def _client(self) -> httpx2.AsyncClient:
        """Return a client for one request: its connection is closed with it."""
        import httpx2

        url = urlsplit(self._url)
        is_here = is_loopback(url.hostname or "")
        return httpx2.AsyncClient(
            follow_redirects=False,  # one would carry the key to another server
            trust_env=not is_here,  # a proxy would take elsewhere what is for this machine
            verify=_certificates() if url.scheme == "https" else False,
            timeout=httpx2.Timeout(
                self._endpoint.timeout_s, connect=min(_CONNECT_S, self._endpoint.timeout_s)
            ),
        )

    def _request_headers(self) -> dict[str, str]:
        # Uncompressed: pieces are passed on when they come, as they are.
        headers = {
            "Content-Type": "application/json",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "User-Agent": "filesearch",
        }
        if self._endpoint.api_key:
            headers["Authorization"] = f"Bearer {self._endpoint.api_key}"
        return headers

    async def _answer(self, upstream: httpx2.Response) -> Response:
        """Return what to pass on.

        Raises:
            _Unusable: The answer is a redirect, or too long.
        """
        status, kind = upstream.status_code, upstream.headers.get("content-type", "")
        headers = {
            name: value
            for name, value in upstream.headers.items()
            if name in _KEPT_HEADERS or name.startswith(_KEPT_PREFIX)
        }
        if "x-request-id" in upstream.headers:
            headers["x-upstream-request-id"] = upstream.headers["x-request-id"]
        if 300 <= status < 400 or status < 200:
            raise _Unusable(f"answers {status}, a redirect, which is not followed")
        if status < 400 and kind.partition(";")[0].strip().lower() == _EVENTS:
            if "content-encoding" in upstream.headers:
                headers["content-encoding"] = upstream.headers["content-encoding"]
            return _Streamed(self._kept(upstream.aiter_raw()), status, headers, kind)
        body = await _read_whole(upstream)
        if status < 400:
            await self._keep(body, is_stream=False)
        if status >= 400:
            # Whoever asked is not told our key, even where a server quotes it.
            key = self._endpoint.api_key.encode()
            body = body.replace(key, b"[key]") if key else body
            if not _is_envelope(body):
                return self._enveloped(status, body, headers)
        return Response(body, status, {**headers, "content-type": kind or "application/json"})

    async def _kept(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield pieces as they come; all of them are kept where that is wanted.

        They are kept before the client is told that the stream is done, since it may ask for the
        completion at once.
        """
        taken, is_kept = bytearray(), self._keeper is None
        async for piece in pieces:
            if not is_kept and len(taken) <= MAX_WHOLE_BYTES:
                taken += piece
                if _DONE in taken[-len(piece) - len(_DONE) :]:
                    await self._keep(bytes(taken), is_stream=True)
                    is_kept = True
            yield piece
        if not is_kept:  # a server that does not say when it is done
            await self._keep(bytes(taken), is_stream=True)

    async def _keep(self, body: bytes, *, is_stream: bool) -> None:
        if self._keeper is not None:
            keep = partial(self._keeper.keep_bytes, body, is_stream=is_stream)
            await anyio.to_thread.run_sync(keep, limiter=write_limiter())

    def _enveloped(self, status: int, body: bytes, headers: Mapping[str, str]) -> Response:
        """Return an error of another shape in OpenAI's."""
        try:
            said = read_error(json.loads(body))
        except (ValueError, RecursionError):
            said = None
        message, code = said or (body.decode("utf-8", "replace"), "")
        shown = self._plain(message) or f"the chat model's server answers {status}"
        kind = "server_error" if status >= 500 else "invalid_request_error"
        if status == 429:
            kind = "rate_limit_exceeded"
        return _error(status, shown, kind, code or None, headers)

    def _failure(self, status: int, says: str) -> Response:
        """Return that there is no answer. Asking again at once would only take as long again."""
        where = f"chat model '{self._endpoint.model}' at {self._endpoint.base_url}"
        code = "upstream_timeout" if status == 504 else "upstream_failed"
        return _error(status, f"{where} {says}", "server_error", code, {"x-should-retry": "false"})

    def _plain(self, said: str) -> str:
        return plain_words(said, self._endpoint.api_key)


class _Unusable(Exception):
    """An answer that cannot be passed on; says why."""


class _Streamed(Response):
    """Pieces, sent as they come, without watching for the client: `Relayed` does."""

    def __init__(
        self, pieces: AsyncIterator[bytes], status: int, headers: Mapping[str, str], kind: str
    ) -> None:
        self._pieces = pieces
        self.status_code = status
        self.background = None
        self.body = b""
        self.init_headers({**headers, "content-type": kind, "cache-control": "no-cache"})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        async for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@cache
def _certificates() -> ssl.SSLContext:
    import httpx2

    return httpx2.create_ssl_context()


async def _read_whole(upstream: httpx2.Response) -> bytes:
    body = bytearray()
    async for piece in upstream.aiter_bytes():
        body += piece
        if len(body) > MAX_WHOLE_BYTES:
            raise _Unusable(f"sends more than {MAX_WHOLE_BYTES} bytes")
    return bytes(body)


def _is_envelope(body: bytes) -> bool:
    """Whether an error is OpenAI's, all four keys with the types that clients expect."""
    try:
        error = json.loads(body)["error"]
        kinds = {"message": str, "type": str, "param": str | None, "code": str | None}
        return all(isinstance(error[key], kind) for key, kind in kinds.items())
    except (ValueError, RecursionError, TypeError, LookupError):
        return False


def _error(
    status: int, message: str, kind: str, code: str | None, headers: Mapping[str, str]
) -> Response:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return JSONResponse({"error": error}, status, dict(headers))


def _encode(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
