"""OpenAI: chat models behind any server that speaks OpenAI's chat completions.

ChatRequest -> fields (wire.py) -> POST by the official SDK -> chunks (chunks.py) -> ChatDelta
(reading.py). The messages, with the passages in them, travel to that server. Needs the extra
`openai`, which is imported at the first request: that takes a second.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from filesearch.address import check_address, is_loopback, plain_words
from filesearch.chat.chunks import Chunks, read_json, stream_class
from filesearch.chat.quirks import Quirks, is_too_long, learn
from filesearch.chat.reading import Reading, Refused, Unreadable, join_deltas, read_error
from filesearch.chat.reply_stream import Line, ReplyStream
from filesearch.chat.wire import request_fields
from filesearch.errors import ChatFailed, ContextExceeded, InvalidSetting, RateLimited
from filesearch.functions import FILE_SEARCH
from filesearch.messages import ChatDelta, ChatEndpoint, ChatReply, ChatRequest

if TYPE_CHECKING:
    import openai

# With these a server says that it does not take something. llama.cpp's answered 500 to tools.
_MAY_TEACH = (400, 404, 422, 500, 501)
MAX_PAUSE_S = 60.0
# What an error is called that comes with another status, or in a stream.
_LIMITED = frozenset(("429", "rate_limit_exceeded", "rate_limit_error", "insufficient_quota"))


class OpenAIChatModel:
    """A ChatModel over chat completions. Safe to use from several threads.

    Connections that fail and answers 408, 409, 429 and 5xx are tried again by the SDK, after the
    pause that Retry-After asks for or one that grows; never once a piece came, nor where the server
    asks for more than a minute.
    What a server says it cannot do is left out from then on; see quirks.py. Functions that were
    asked for are not: their refusal is the caller's.

    A key goes to the given address alone: over https or to this machine, never along a redirect.

    Args:
        model: The server's name for it.
        base_url: Up to and without /chat/completions, such as http://127.0.0.1:8080/v1.
        api_key: Sent as a bearer token; empty sends none.
        timeout_s: Longest silence of the server, for each try.
        max_retries: Further tries after the first.
        quirks: Where the server differs from OpenAI's.

    Raises:
        InvalidSetting: No model, no http(s) URL, one that carries a password, a key that would
            travel unencrypted, or the extra is not installed.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        api_key: str = "",
        timeout_s: float = 120.0,
        max_retries: int = 2,
        quirks: Quirks = Quirks(),  # noqa: B008 - frozen
    ) -> None:
        if not model:
            raise InvalidSetting("the chat model has no name; give one such as ollama:qwen2.5:7b")
        parts = check_address(
            base_url,
            api_key,
            server="chat model",
            example="http://127.0.0.1:8080/v1",
            key="FSEARCH_CHAT_API_KEY",
        )
        if find_spec("openai") is None:
            raise InvalidSetting(
                f"chat model '{model}' needs the openai package; "
                "run: pip install 'filesearch[openai]'"
            )
        self.name = model
        self.base_url = base_url.rstrip("/")
        self._is_here = is_loopback(parts.hostname or "")
        self._is_https = parts.scheme == "https"
        self._api_key = api_key
        self._timeout_s, self._max_retries = timeout_s, max_retries
        self._quirks = quirks

    @property
    def endpoint(self) -> ChatEndpoint:
        """Where the server is, for requests that are passed on as they are."""
        return ChatEndpoint(self.base_url, self.name, self._api_key, self._timeout_s)

    @property
    def calls_tools(self) -> bool:
        """Whether the server takes tools, as far as is known: a refusal tells otherwise."""
        return self._quirks.calls_tools

    def complete(self, request: ChatRequest) -> ChatReply:
        """Return the whole reply; errors as protocols.ChatModel says."""
        with self._failures(), self._opened(Line()) as client:
            reading = Reading(request)
            first = reading.take(read_json(self._post(client, request, stream=False)))
            rest = reading.finish(is_whole=True)
            return join_deltas([*([first] if first else []), *rest])

    def stream(self, request: ChatRequest) -> ReplyStream:
        """Return an iterator over the reply; errors as protocols.ChatModel says.

        The request is sent when the first piece is asked for.
        """
        line = Line()
        return ReplyStream(self._read(request, line), line)

    def _read(self, request: ChatRequest, line: Line) -> Iterator[ChatDelta]:
        with self._failures(), self._opened(line) as client:
            reading = Reading(request)
            chunks = Chunks(self._post(client, request, stream=True))
            is_empty = True
            for chunk in chunks:
                is_empty = False
                delta = reading.take(chunk)
                if delta is not None:
                    yield delta
            if is_empty:
                # So does llama-cpp-python's server stream what is too long; asked for the whole
                # reply it says so.
                delta = reading.take(read_json(self._post(client, request, stream=False)))
                if delta is not None:
                    yield delta
            yield from reading.finish(is_whole=is_empty or chunks.is_whole)

    @contextmanager
    def _opened(self, line: Line) -> Iterator[openai.OpenAI]:
        """Give a client of its own to one request: its connection is closed with it."""
        import openai

        http_client = openai.DefaultHttpxClient(
            timeout=self._timeout_s,
            follow_redirects=False,  # one would carry the key to another server
            # A proxy would take elsewhere what is for this machine.
            mounts={"http://": None, "https://": None} if self._is_here else None,
            verify=self._is_https,  # without, no time goes into loading certificates
            event_hooks={"request": [self._prepare, line.join], "response": [_refuse_long_pause]},
        )
        with http_client:
            client = openai.OpenAI(
                api_key="see _prepare",  # the SDK wants one
                base_url=self.base_url,
                timeout=self._timeout_s,
                max_retries=self._max_retries,
                http_client=http_client,
            )
            # From variables that are meant for OpenAI's own server.
            client.organization = client.project = None
            yield client

    def _prepare(self, request: Any) -> None:  # noqa: ANN401 - httpx or httpx2, as the SDK has it
        if self._api_key:
            request.headers["Authorization"] = f"Bearer {self._api_key}"
        else:
            request.headers.pop("Authorization", None)

    def _post(self, client: openai.OpenAI, request: ChatRequest, *, stream: bool) -> Any:  # noqa: ANN401
        """Return a Stream of objects, or the response where `stream` is false."""
        import openai

        tried: list[Quirks] = []
        while True:
            quirks = self._quirks
            tried.append(quirks)
            fields = request_fields(self.name, request, quirks, stream=stream)
            self._check_sendable(fields)
            try:
                if stream:
                    return client.post(
                        "/chat/completions",
                        body=fields,
                        cast_to=object,
                        stream=True,
                        stream_cls=stream_class(),
                    )
                return client.post("/chat/completions", body=fields, cast_to=object)
            except openai.APIStatusError as error:
                message, code = _said(error)
                if error.status_code not in _MAY_TEACH or is_too_long(message, code):
                    raise
                learned = learn(quirks, f"{code} {message}")
                if learned in tried or _loses_functions(request, quirks, learned):
                    raise
                self._quirks = learned

    def _check_sendable(self, fields: dict[str, Any]) -> None:
        """See that a request is JSON before it is sent: what is wrong with it is not the server's.

        Raises:
            ChatFailed: It holds half a character, or a number that is infinite or none.
        """
        try:
            json.dumps(fields, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, TypeError, RecursionError) as error:
            raise self._failed(
                f"was not asked: what it was to be given is no JSON: {error}; see that messages, "
                "tools and settings are text and finite numbers"
            ) from error

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what goes wrong into the errors of protocols.ChatModel."""
        import openai

        try:
            yield
        except openai.APITimeoutError as error:
            raise self._failed(
                f"was silent for {self._timeout_s:g} s; raise FSEARCH_CHAT_TIMEOUT_S, or ask "
                "another model"
            ) from error
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            raise self._failed(
                f"cannot be reached, or broke off: {self._plain(str(cause) or repr(cause))}; see "
                "that the server runs, check FSEARCH_CHAT_BASE_URL, and ask again"
            ) from error
        except openai.APIError as error:
            raise self._refusal(error) from error
        except Refused as error:
            raise self._answered_with(error.message, error.code) from error
        except (ValueError, RecursionError) as error:
            says = error if isinstance(error, Unreadable) else f"is not JSON: {error}"
            raise self._failed(
                f"sent what cannot be used: its answer {self._plain(str(says))}; ask again, or "
                "check that FSEARCH_CHAT_BASE_URL is an OpenAI-compatible address, often with /v1"
            ) from error

    def _refusal(self, error: openai.APIError) -> ChatFailed:
        message, code = _said(error)
        status = getattr(error, "status_code", 0)
        if is_too_long(message, code) or status < 300:
            return self._answered_with(message, code)
        says = f"answers {status}: {self._plain(message)}"
        if status in (401, 403):
            return self._failed(f"{says}; set FSEARCH_CHAT_API_KEY, or check that it may do this")
        if status < 400:
            return self._failed(f"{says}, a redirect, which is not followed; give that address")
        if status == 404:
            return self._failed(f"{says}; check the model's name and FSEARCH_CHAT_BASE_URL")
        if status == 429:
            return self._failed(f"{says}; try again later, or ask another model", RateLimited)
        if status >= 500:
            return self._failed(f"{says}; try again later, or ask another model")
        return self._failed(f"{says}; check the model and its settings")

    def _answered_with(self, message: str, code: str) -> ChatFailed:
        says = f"answers with an error: {self._plain(f'{message} ({code})' if code else message)}"
        if is_too_long(message, code):
            return self._failed(
                f"{says}; ask with fewer or shorter messages, or set FSEARCH_CHAT_CONTEXT_TOKENS "
                "to what it reads",
                ContextExceeded,
            )
        kind = RateLimited if code in _LIMITED else ChatFailed
        return self._failed(f"{says}; try again, or ask another model", kind)

    def _failed(self, says: str, kind: type[ChatFailed] = ChatFailed) -> ChatFailed:
        return kind(f"chat model '{self.name}' at {self.base_url} {says}")

    def _plain(self, text: str) -> str:
        return plain_words(text, self._api_key)


def _refuse_long_pause(response: Any) -> None:  # noqa: ANN401 - httpx or httpx2, as the SDK has it
    """Let the SDK not try again where that would take long: it waits for up to two minutes."""
    pause = _asked_pause_s(response.headers)
    if pause is not None and pause > MAX_PAUSE_S:
        response.headers["x-should-retry"] = "false"


def _asked_pause_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait, by any of the headers that the SDK reads."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(headers.get(name, "")) * unit_s
        except ValueError:
            continue
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
        return until.timestamp() - time.time()
    except (ValueError, OverflowError):
        return None


def _loses_functions(request: ChatRequest, quirks: Quirks, learned: Quirks) -> bool:
    """Whether functions that were asked for would be left out.

    Besides, a refusal may be about them: it takes our own search, which is as plain as tools are,
    to tell whether a server takes any.
    """
    asks = any(tool.name != FILE_SEARCH for tool in request.tools)
    return asks and request.tool_choice != "none" and learned.calls_tools < quirks.calls_tools


def _said(error: openai.APIError) -> tuple[str, str]:
    """Return what an error of the SDK says and what it is called."""
    found = read_error(error.body) or read_error({"error": error.body})
    response = getattr(error, "response", None)
    place = response.headers.get("Location") if response is not None else None
    return found or (place or error.message, "")
