"""Logs: one line per request, and the traceback of what nobody foresaw.

A line tells who asked for what, how it went and how long it took; never a key, and never what
stands in a request, an answer or a document. Exceptions are the exception: the traceback names
code, and of the message only the beginning is kept.
"""

from __future__ import annotations

import json
import logging
import secrets
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TextIO

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
from filesearch.server.guard.security import OPEN_PATHS

if TYPE_CHECKING:
    from filesearch.server.guard.metrics import Metrics

LogFormat = Literal["json", "text"]
API_VERSION = "2020-10-01"  # what the hosted service says of itself
UNMATCHED = "unmatched"
_SWITCHED = 101  # a WebSocket was opened
_CLIENT_LEFT = 499  # nginx's number: nobody is there any more to be answered
_MAX_SHOWN = 200
_MAX_MESSAGE = 4000
log = logging.getLogger("filesearch.server")


def set_up_logging(log_format: LogFormat, level: str, stream: TextIO | None = None) -> None:
    """Send all logs of this process to standard error, a line each; tracebacks of text have more.

    Args:
        log_format: `json` for programs, `text` for people.
        level: "debug", "info", "warning" or "error".
        stream: Somewhere else than standard error.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # uvicorn tells of each connection; our own lines say more.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.error").setLevel(max(logging.WARNING, root.level))
    for name in ("httpx", "httpx2", "openai"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage()[:_MAX_MESSAGE],
            "logger": record.name,
            **{name: v for name, v in getattr(record, "fields", {}).items() if v is not None},
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["traceback"] = _traceback(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        fields: dict[str, Any] = getattr(record, "fields", {})
        said = [record.getMessage()[:_MAX_MESSAGE]]
        said += [f"{name}={value}" for name, value in fields.items() if value not in (None, "")]
        line = f"{at} {record.levelname.lower():7} {' '.join(said)}"
        if record.exc_info and record.exc_info[1] is not None:
            line += "\n" + _traceback(record.exc_info[1])
        return line


def _traceback(error: BaseException) -> str:
    """Return where an error was raised, with the beginning of what it says."""
    frames = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
    said = " ".join(str(error).split())[:_MAX_SHOWN]
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = f"{_traceback(earlier)}\nand then\n" if earlier is not None else ""
    return f"{before}{frames}{type(error).__name__}: {said}"


class RequestLog:
    """Names each request, times it, logs it, and answers for what nobody foresaw with a 500.

    The id is left at `scope["filesearch.request_id"]`.

    Args:
        app: What is asked.
        metrics: Told of each request, when there is one.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics | None = None) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and tell how it went."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request_id = f"req_{secrets.token_hex(16)}"
        scope["filesearch.request_id"] = request_id
        started = time.perf_counter()
        # In place of 499 as soon as anything has been answered.
        status = _CLIENT_LEFT
        has_started = is_complete = False

        async def named(message: Message) -> None:
            nonlocal status, has_started, is_complete
            if message["type"] == "http.response.start":
                status, has_started = message["status"], True
                took_ms = (time.perf_counter() - started) * 1000
                headers = [("x-request-id", request_id), ("openai-version", API_VERSION)]
                headers.append(("openai-processing-ms", str(max(1, round(took_ms)))))
                if status >= 500:
                    # The same request would fail again; clients repeat 5xx by themselves.
                    headers.append(("x-should-retry", "false"))
                add_headers(message, headers, keep=True)
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                is_complete = True
            elif message["type"] == "websocket.accept":
                status, has_started, is_complete = _SWITCHED, True, True
            await send(message)

        if self._metrics is not None:
            self._metrics.requests_in_progress.inc()
        try:
            await self._app(scope, receive, named)
        # The edge: whatever it was, the caller gets an answer and the log the traceback.
        except Exception as error:  # noqa: BLE001
            self._fail(error, request_id, scope)
            if not has_started:
                await refuse(
                    receive,
                    named,
                    500,
                    "The server had an error while processing your request. Its log tells what "
                    f"it was, under the request id {request_id}.",
                    kind="server_error",
                )
            # A stream that has begun cannot be mended: left unfinished, its connection is cut.
        finally:
            seconds = time.perf_counter() - started
            if self._metrics is not None:
                self._metrics.requests_in_progress.dec()
                self._metrics.observe_request(scope["method"], _route(scope), status, seconds)
            self._tell(scope, request_id, status, seconds, is_complete)

    def _fail(self, error: Exception, request_id: str, scope: Scope) -> None:
        if self._metrics is not None:
            self._metrics.errors.labels(type(error).__name__).inc()
        fields = {"request_id": request_id, "method": scope["method"], "route": _route(scope)}
        log.error("unforeseen %s", type(error).__name__, exc_info=error, extra={"fields": fields})

    def _tell(
        self, scope: Scope, request_id: str, status: int, seconds: float, is_complete: bool
    ) -> None:
        if not log.isEnabledFor(logging.INFO):
            return
        key = scope.get("filesearch.key")
        fields = {
            "request_id": request_id,
            "client_request_id": _shown(header(scope, "x-client-request-id")),
            "method": scope["method"],
            "route": _route(scope),
            "path": _shown(scope["path"]),
            "status": status,
            "ms": round(seconds * 1000, 1),
            "key": key.id if key is not None else None,
        }
        if status != _CLIENT_LEFT and not is_complete:
            fields["is_complete"] = False
        log.info("request", extra={"fields": fields})


def _route(scope: Scope) -> str:
    """Return the pattern of the path, so that there are only so many of them."""
    route = scope.get("route")
    if route is None:
        return scope["path"] if scope["path"] in OPEN_PATHS else UNMATCHED
    path = str(getattr(route, "path", UNMATCHED))
    # The same route, with and without its version.
    return path.removeprefix("/v1") or "/"


def _shown(value: str | None) -> str | None:
    """Return a caller's text so that it stays on its line."""
    if value is None:
        return None
    return "".join(c if c.isprintable() else "?" for c in value[:_MAX_SHOWN])
