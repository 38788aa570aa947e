"""A loopback server that speaks chat completions, as well or as badly as it is told to."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from filesearch.messages import ChatReply, ChatRequest, Message, ToolCall, Usage

DONE = b"data: [DONE]\n\n"


def event(data):
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


def chunk(delta=None, finish=None, **others):
    return event(
        {"choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}], **others}
    )


@dataclass
class Answer:
    """What the server does once.

    Attributes:
        body: Sent with its length; None sends `pieces`, each as it is, and then closes.
        hangs: "" never, "first" before the status, "last" after all pieces.
        dies: Close before the end of a body that was announced as longer.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    pieces: list[bytes] = field(default_factory=list)
    hangs: str = ""
    dies: bool = False


class ChatServer(ThreadingHTTPServer):
    """Answers in the order of `plan`: an Answer, a ChatReply, or a text to say.

    `seen` holds (headers, fields) of every request, `hung_up` is set when a client leaves.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.plan = deque()
        self.seen = []
        self.sends_usage = True
        self.closing = threading.Event()
        self.reached = threading.Event()
        self.hung_up = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((dict(self.headers), fields))
        assert self.path == "/v1/chat/completions"
        planned = self.server.plan.popleft()
        if isinstance(planned, str):
            words = sum(len(message["content"].split()) for message in fields["messages"])
            usage = Usage(words, len(planned.split()))
            planned = ChatReply(Message("assistant", planned), "stop", usage)
        if isinstance(planned, ChatReply):
            spoken = streamed if fields.get("stream") else whole
            planned = spoken(planned, self.server.sends_usage)
        self.close_connection = True
        self.answer(planned)

    def answer(self, planned):
        if planned.hangs == "first":
            self.wait_for_the_client_to_leave()
            return
        self.send_response(planned.status)
        headers = {"Content-Type": "application/json", "Connection": "close", **planned.headers}
        if planned.body is not None:
            headers["Content-Length"] = str(len(planned.body) + 100 * planned.dies)
        else:
            headers.setdefault("Transfer-Encoding", "chunked")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if planned.body is not None:
            self.wfile.write(planned.body)
            return
        for piece in planned.pieces:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if planned.hangs == "last":
            self.wait_for_the_client_to_leave()
        elif not planned.dies:
            self.wfile.write(b"0\r\n\r\n")

    def wait_for_the_client_to_leave(self):
        self.server.reached.set()
        self.connection.settimeout(20)
        if self.connection.recv(1) == b"":
            self.server.hung_up.set()

    def log_message(self, *_about):
        """Silence."""


def whole(reply, sends_usage):
    message = {"role": "assistant", "content": reply.message.content}
    if reply.message.tool_calls:
        message["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in reply.message.tool_calls
        ]
    body = {"choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason}]}
    if sends_usage:
        body["usage"] = usage_fields(reply.usage)
    return Answer(body=json.dumps(body).encode())


def streamed(reply, sends_usage):
    text = reply.message.content
    pieces = [chunk({"role": "assistant", "content": ""})]
    pieces += [chunk({"content": text[i : i + 3]}) for i in range(0, len(text), 3)]
    for index, call in enumerate(reply.message.tool_calls):
        named = {"name": call.name, "arguments": ""}
        pieces.append(chunk({"tool_calls": [{"index": index, "id": call.id, "function": named}]}))
        for i in range(0, len(call.arguments), 3):
            piece = {"arguments": call.arguments[i : i + 3]}
            pieces.append(chunk({"tool_calls": [{"index": index, "function": piece}]}))
    pieces.append(chunk(finish=reply.finish_reason))
    if sends_usage:
        pieces.append(event({"choices": [], "usage": usage_fields(reply.usage)}))
    return sse(*pieces, DONE)


def sse(*pieces, **others):
    return Answer(headers={"Content-Type": "text/event-stream"}, pieces=list(pieces), **others)


def usage_fields(usage):
    return {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}


@pytest.fixture
def server():
    server = ChatServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def say():
    """How to plan answers; test modules cannot import this one."""

    class Say:
        answer = Answer
        stream = staticmethod(sse)
        chunk = staticmethod(chunk)
        event = staticmethod(event)
        done = DONE

        @staticmethod
        def error(status, message, headers=None, **others):
            body = json.dumps({"error": {"message": message, **others}}).encode()
            return Answer(status, {"Retry-After-Ms": "1", **(headers or {})}, body)

    return Say


@pytest.fixture(scope="session")
def ask():
    """Makes a request of a text or of messages."""

    def ask(*messages, **others):
        spoken = [Message("user", m) if isinstance(m, str) else m for m in messages]
        return ChatRequest(tuple(spoken), **others)

    return ask


@pytest.fixture(scope="session")
def calling():
    """Makes a reply that calls tools, given as (id, name, arguments)."""

    def calling(*calls, text=""):
        message = Message("assistant", text, tuple(ToolCall(*call) for call in calls))
        return ChatReply(message, "tool_calls", Usage(7, 5))

    return calling
