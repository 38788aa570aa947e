"""Response sockets: many responses over one WebSocket, as `responses.connect()` of the SDKs asks.

client: {"type": "response.create", ...the fields of POST /responses}
server: the events of the stream, one message each; errors as {"type": "error", "status", "error"}

Requests are answered one after the other; those with a `stream_id` form lanes that go on side by
side. What is not stored can still be gone on from, over the same connection and in the same lane.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from filesearch.errors import FilesearchError
from filesearch.server.errors import ApiError, invalid, to_api_error, validated
from filesearch.server.guard.limits import Allowance
from filesearch.server.guard.security import Refusal
from filesearch.server.responses.items import Item
from filesearch.server.routing import read_json
from filesearch.server.wire.responses import CreateResponse

if TYPE_CHECKING:
    from filesearch.server.context import Caller, Server

MAX_WAITING = 32
"""Requests of one connection that are under way or wait for their turn."""

MAX_UNSTORED = 32
"""Lanes of one connection that can go on from what is not stored; beyond, the oldest cannot."""
MAX_STREAM_ID = 64  # characters

_POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1
_log = logging.getLogger("filesearch.server")


class ResponseSocket:
    """One connection.

    Args:
        socket: Accepted.
        server, caller: Who answers whom.
        take: Counts a request against the caller's rate; None: there is no limit.
        recheck: Returns why the caller is not let in any more: its key may be revoked while the
            connection is open.
    """

    def __init__(
        self,
        socket: WebSocket,
        server: Server,
        caller: Caller,
        *,
        take: Callable[[], Allowance | None],
        recheck: Callable[[], Awaitable[Refusal | None]],
    ) -> None:
        self._socket = socket
        self._server = server
        self._caller = caller
        self._take = take
        self._recheck = recheck
        # Of each lane the lock, and how many hold it or wait for it.
        self._lanes: dict[str, tuple[asyncio.Lock, int]] = {}
        # Of each lane the last response that was not stored, and the conversation with it; the
        # lane that was heard of longest ago comes first.
        self._unstored: dict[str, tuple[str, list[Item]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Answer until the client leaves; what is stored is finished without it."""
        try:
            while True:
                try:
                    text = await self._socket.receive_text()
                except KeyError:  # Starlette's word for a message of bytes
                    await self._refuse("", invalid("The message is binary; send it as text."))
                    continue
                if len(self._tasks) >= MAX_WAITING:
                    await self._refuse("", _too_many())
                    continue
                task = asyncio.create_task(self._answer(text))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        except WebSocketDisconnect:
            pass
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(self, text: str) -> None:
        lane = ""
        try:
            allowance = self._take()
            fields = _fields(text)
            lane = _lane(fields.pop("stream_id", None))
            _check_rate(allowance)
            async with self._turn(lane):
                refusal = await self._recheck()
                if refusal is not None:
                    await self._refuse(lane, ApiError(401, refusal.message, code=refusal.code))
                    with contextlib.suppress(RuntimeError):  # another lane was quicker
                        await self._socket.close(_POLICY_VIOLATION)
                    return
                await self._create(lane, _request(fields))
        except WebSocketDisconnect:
            pass
        except ApiError as error:
            await self._refuse(lane, error)
        except FilesearchError as error:
            await self._refuse(lane, to_api_error(error))
        # The request's edge: the connection stays open for the others.
        except Exception:  # noqa: BLE001
            _log.exception("a request over a WebSocket failed")
            message = "The server had an error while processing your request; its log says more."
            await self._refuse(lane, ApiError(500, message, kind="server_error"))

    @contextlib.asynccontextmanager
    async def _turn(self, lane: str) -> AsyncIterator[None]:
        """Wait for the turn of a request in its lane, which is kept as long as anybody waits."""
        lock, waiting = self._lanes.get(lane, (asyncio.Lock(), 0))
        self._lanes[lane] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            waiting = self._lanes.pop(lane)[1] - 1
            if waiting:
                self._lanes[lane] = lock, waiting

    async def _create(self, lane: str, request: CreateResponse) -> None:
        known_id, before = self._unstored.get(lane, ("", []))
        goes_on = bool(known_id) and request.previous_response_id == known_id
        service = self._server.responses
        begin = partial(service.create, request, self._caller, before=before if goes_on else None)
        job = await self._server.reading.run(request.input, begin)
        ended = service.launch(job)
        async for _name, data in job.events.follow():
            await self._send(lane, data)
        await asyncio.shield(asyncio.wrap_future(ended))
        if not job.response["store"]:
            self._unstored.pop(lane, None)
            self._unstored[lane] = (job.id, [*job.before, *job.given, *job.output])
            if len(self._unstored) > MAX_UNSTORED:
                del self._unstored[next(iter(self._unstored))]

    async def _refuse(self, lane: str, error: ApiError) -> None:
        told = {"type": "error", "status": error.status, **error.envelope}
        await self._send(lane, json.dumps(told))

    async def _send(self, lane: str, data: str) -> None:
        if lane:
            data = json.dumps({**json.loads(data), "stream_id": lane})
        try:
            await self._socket.send_text(data)
        except RuntimeError as error:  # Starlette's word for a connection that is closed
            raise WebSocketDisconnect from error


def _fields(text: str) -> dict[str, Any]:
    try:
        fields = read_json(text)
    except json.JSONDecodeError as error:
        raise invalid(f"The message is not JSON: {error.msg}.") from error
    if not isinstance(fields, dict):
        raise invalid("The message is no JSON object.")
    kind = fields.pop("type", None)
    if kind != "response.create":
        raise invalid(
            f"Invalid 'type': '{str(kind)[:100]}'. Only 'response.create' is answered here.", "type"
        )
    return fields


def _check_rate(allowance: Allowance | None) -> None:
    if allowance is not None and not allowance.is_allowed:
        raise ApiError(429, allowance.refusal, kind="requests", code="rate_limit_exceeded")


def _lane(given: object) -> str:
    if given is None:
        return ""
    if not isinstance(given, str) or len(given) > MAX_STREAM_ID:
        raise invalid(
            f"Invalid 'stream_id': expected a string of at most {MAX_STREAM_ID} characters.",
            "stream_id",
        )
    return given


def _request(fields: Mapping[str, Any]) -> CreateResponse:
    if fields.get("background"):
        raise invalid("Background mode is not offered over a WebSocket.", "background")
    if fields.get("generate") is False:
        raise invalid("'generate' cannot be false: nothing is prepared ahead here.", "generate")
    return validated(CreateResponse, {**fields, "stream": True})


def _too_many() -> ApiError:
    return ApiError(
        429,
        f"{MAX_WAITING} requests of this connection wait already; send more once some are done.",
        kind="requests",
        code="too_many_requests",
    )
