"""Chat completions, and the older completions: passed on to the server of a model, or answered.

A model behind a server gets the request as it came, and its answer goes back byte for byte (see
relay.py), unless the request names documents of ours. Everything else is answered here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import suppress
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from filesearch.errors import FilesearchError
from filesearch.messages import ChatEndpoint
from filesearch.protocols import ServedChatModel
from filesearch.server.chat.answer import Piece, answer
from filesearch.server.chat.body import ChatBody, TextBody
from filesearch.server.chat.files import ready_file_stores
from filesearch.server.chat.pump import in_thread, pump
from filesearch.server.chat.question import (
    ChatQuestion,
    asks_for_documents,
    read_chat,
    read_completion,
)
from filesearch.server.chat.relay import Relayed
from filesearch.server.chat.stored import ChatKeeper
from filesearch.server.context import Caller, CallerDep, Server, ServerDep
from filesearch.server.errors import ApiError, to_api_error, validated
from filesearch.server.formats import check_format
from filesearch.server.routing import make_router
from filesearch.server.sse import event_stream
from filesearch.server.wire.chat import (
    ChatCompletionBody,
    CompletionBody,
    OwnChatRequest,
    OwnCompletionRequest,
)
from filesearch.server.wire.common import STREAMED

router = make_router("Chat")

_log = logging.getLogger("filesearch.server")

_CLIENT_LEFT = ApiError(499, "The client left before the answer came.")  # nginx's; for the log

_Item = TypeVar("_Item")


@router.post("/chat/completions", summary="Create a chat completion", responses=STREAMED)
async def create_chat_completion(
    body: ChatCompletionBody,
    request: Request,
    server: ServerDep,
    caller: CallerDep,
) -> Response:
    """Go on with a conversation.

    A `vector_store_ids` beside OpenAI's fields, a tool of type `file_search` and content parts of
    type `file` name documents to answer from; the message then carries `annotations`.
    """
    fields = await request.json()
    endpoint = await _endpoint(server, body.model)
    keeper = ChatKeeper(server, caller, fields) if fields.get("store") is True else None
    if endpoint is not None and not asks_for_documents(fields):
        whole = await request.body()
        return Relayed(endpoint, "/chat/completions", fields, whole, keeper=keeper)
    asked = validated(OwnChatRequest, fields)
    question = read_chat(asked)
    shape = ChatBody(
        asked.model,
        files_url=f"{request.base_url}v1/files",
        sends_usage=bool(asked.stream_options and asked.stream_options.include_usage),
        is_old=question.calls_functions_the_old_way,
    )
    stop = threading.Event()
    pieces = _pieces(server, caller, question, stop)
    if asked.stream:
        chunks = shape.chunks(pieces)
        return await _streamed(request, keeper.keep_stream(chunks) if keeper else chunks, stop)

    def make() -> Mapping[str, Any]:
        completion = shape.whole(pieces)
        if keeper is not None and not stop.is_set():
            keeper.keep(completion)
        return completion

    return await _whole(request, make, stop)


@router.post("/completions", summary="Create a completion", responses=STREAMED)
async def create_completion(
    body: CompletionBody,
    request: Request,
    server: ServerDep,
    caller: CallerDep,
) -> Response:
    """Answer one prompt or several, each as a conversation of its own."""
    fields = await request.json()
    endpoint = await _endpoint(server, body.model)
    if endpoint is not None and not asks_for_documents(fields):
        return Relayed(endpoint, "/completions", fields, await request.body())
    asked = validated(OwnCompletionRequest, fields)
    stop = threading.Event()
    answers = [
        (
            question.messages[0].content if asked.echo else "",
            _pieces(server, caller, question, stop),
        )
        for question in read_completion(asked)
    ]
    sends_usage = bool(asked.stream_options and asked.stream_options.include_usage)
    shape = TextBody(asked.model, sends_usage=sends_usage)
    if asked.stream:
        return await _streamed(request, shape.chunks(answers), stop)
    return await _whole(request, lambda: shape.whole(answers), stop)


async def _endpoint(server: Server, name: str) -> ChatEndpoint | None:
    """Return where requests for a model are passed on to; None where we answer ourselves."""
    # In a thread: making a model for the first time reads certificates.
    model = await asyncio.to_thread(server.model_for, name)
    return model.endpoint if isinstance(model, ServedChatModel) else None


def _pieces(
    server: Server,
    caller: Caller,
    question: ChatQuestion,
    stop: threading.Event,
) -> Iterator[Piece]:
    """Yield an answer, from the documents that are named, once they have been read."""
    # First: what is refused leaves no file behind.
    check_format(server, question.model, question.response_format, "response_format")
    file_store_ids: Sequence[str] = ()
    if question.grounding:
        file_store_ids = ready_file_stores(server, question.grounding, caller, stop)
    yield from answer(server, question, file_store_ids, stop)


# From threads to the client


async def _whole(
    request: Request, make: Callable[[], Mapping[str, Any]], stop: threading.Event
) -> Response:
    try:
        return JSONResponse(await _while_connected(request, in_thread(make), stop))
    except _ClientLeft:
        return JSONResponse(_CLIENT_LEFT.envelope, _CLIENT_LEFT.status)


async def _streamed(
    request: Request, chunks: Iterable[Mapping[str, Any]], stop: threading.Event
) -> Response:
    """Return a stream; what fails before the first piece of the answer is an error of its own."""
    items = pump(iter(chunks), stop)
    first = []
    try:
        # The first chunk only says who speaks; with the second one the model has begun.
        for _ in range(2):
            item = await _while_connected(request, asyncio.ensure_future(anext(items, None)), stop)
            first += [] if item is None else [item]
    except _ClientLeft:
        return JSONResponse(_CLIENT_LEFT.envelope, _CLIENT_LEFT.status)

    async def events() -> AsyncIterator[tuple[str, str]]:
        try:
            for item in first:
                yield "", _json(item)
            async for item in items:
                yield "", _json(item)
            yield "", "[DONE]"
        except ApiError as error:
            yield "", _json(error.envelope)
        except FilesearchError as error:
            _log.warning("a chat broke off: %s", error)
            yield "", _json(to_api_error(error).envelope)
        # The request's edge: the status is out, so the client learns of it here.
        except Exception:  # noqa: BLE001
            _log.exception("a chat failed")
            failed = ApiError(500, "The server had an error; its log says more.")
            yield "", _json(failed.envelope)
        finally:
            stop.set()
            await items.aclose()

    return event_stream(events())


class _ClientLeft(Exception):
    """Nobody waits for the answer any more."""


async def _while_connected(
    request: Request, work: Awaitable[_Item], stop: threading.Event
) -> _Item:
    """Return what `work` does.

    Raises:
        _ClientLeft: The client left before; `stop` is set.
    """
    working = asyncio.ensure_future(work)
    left = asyncio.ensure_future(_disconnect(request))
    try:
        await asyncio.wait({working, left}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
    finally:
        left.cancel()
        if not working.done():
            stop.set()
            working.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await working
    raise _ClientLeft


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _json(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, separators=(",", ":"))
