"""Requests for a model behind another server: passed on, and the answer back, byte for byte."""

import http.client
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from filesearch import FileSearch
from filesearch.config import Settings
from filesearch.messages import ChatReply, Message, ToolCall, Usage
from filesearch.testing import HashingEmbedder, ScriptedChatModel

KEY = "sk-upstream-1234"
HELLO = [{"role": "user", "content": "Hello"}]
ODD = {
    "model": "gpt-4o",
    "messages": HELLO,
    "temperature": 1.0,
    "x_vendor": {"a": [1e-7, "é\u2028"]},
}


class Upstream(ThreadingHTTPServer):
    """Answers every POST with `answer`: status, headers, pieces; `seen` holds what came."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = (200, {"Content-Type": "application/json"}, [b"{}"])
        self.hangs = False
        self.dies = False
        self.seen = []
        self.reached = threading.Event()
        self.left = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body))
        self.server.reached.set()
        status, headers, pieces = self.server.answer
        self.close_connection = True
        if self.server.hangs and not pieces:
            self.wait()
            return
        self.send_response(status)
        for name, value in {**headers, "Transfer-Encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in pieces:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if self.server.hangs:
            self.wait()
        elif not self.server.dies:
            self.wfile.write(b"0\r\n\r\n")

    def wait(self):
        self.connection.settimeout(20)
        if self.connection.recv(1) == b"":
            self.server.left.set()

    def log_message(self, *_about):
        """Silence."""


@pytest.fixture
def upstream():
    server = Upstream()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def relay(serve, tmp_path):
    """URL of a server, and settings -> a server that maps gpt-4o to its model `real`."""
    started = []

    def start(url, **settings):
        settings = Settings(
            index=str(tmp_path / "relay"), chat_models={"gpt-4o": f"vllm:real@{url}"}, **settings
        )
        live = serve(fs=FileSearch(settings=settings, embedder=HashingEmbedder()))
        started.append(live)
        return live

    yield start
    for live in started:  # what upstream sends is not ours to judge
        getattr(live, "violations", []).clear()


def post(base_url, body, path="/chat/completions", **headers):
    """Status, headers and body as they come over the wire."""
    parts = urlsplit(base_url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", "Authorization": "Bearer sk-ours", **headers}
    connection.request("POST", parts.path + path, raw, sent)
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def test_only_the_name_of_the_model_is_changed_on_the_way(relay, upstream):
    post(relay(upstream.url).base_url, ODD)
    [(path, _, body)] = upstream.seen
    assert path == "/v1/chat/completions"
    assert json.loads(body) == {**ODD, "model": "real"}


def test_a_request_for_the_same_name_is_passed_on_as_it_is(relay, upstream):
    raw = b'{ "model": "vllm:real", "messages": [{"role":"user"}],  "n": 1.50 }'
    live = relay(upstream.url)
    post(live.base_url, raw.replace(b"vllm:real", b"real"))  # not mapped: answered here
    assert upstream.seen == []
    post(live.base_url, raw)
    assert json.loads(upstream.seen[0][2])["n"] == 1.5


def test_every_name_goes_to_the_chat_model_of_the_settings(serve, upstream, tmp_path):
    settings = Settings(
        index=str(tmp_path / "relay"), chat_model="vllm:real", chat_base_url=upstream.url
    )
    live = serve(fs=FileSearch(settings=settings, embedder=HashingEmbedder()))
    post(live.base_url, ODD)
    assert json.loads(upstream.seen[0][2])["model"] == "real"
    getattr(live, "violations", []).clear()


def test_our_key_stays_here_and_the_set_one_is_sent(relay, upstream):
    live = relay(upstream.url, chat_base_url=upstream.url, chat_api_key=KEY)
    post(live.base_url, ODD, Cookie="a=b", **{"OpenAI-Organization": "org"})
    headers = upstream.seen[0][1]
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert not {"Cookie", "OpenAI-Organization"} & set(headers)


def test_without_a_key_none_is_sent(relay, upstream):
    post(relay(upstream.url).base_url, ODD)
    assert "Authorization" not in upstream.seen[0][1]


def test_an_answer_comes_back_byte_for_byte(relay, upstream):
    body = '{ "model":"real", "x":1.50,  "text":"é\\u00e9" }\n'.encode()
    upstream.answer = (200, {"Content-Type": "application/json; x=1", "X-Request-Id": "up"}, [body])
    status, headers, found = post(relay(upstream.url).base_url, ODD)
    assert (status, found, headers["content-type"]) == (200, body, "application/json; x=1")
    assert headers["x-upstream-request-id"] == "up"


def test_a_stream_comes_back_byte_for_byte(relay, upstream):
    pieces = [b": hi\n\n", b'data: {"a":', b" 1}\n\ndata: [DO", b"NE]\n\n"]
    upstream.answer = (200, {"Content-Type": "text/event-stream"}, pieces)
    status, headers, found = post(relay(upstream.url).base_url, {**ODD, "stream": True})
    assert (status, found) == (200, b"".join(pieces))
    assert headers["content-type"] == "text/event-stream"


def test_a_piece_is_passed_on_before_the_next_one_comes(relay, upstream):
    chunk = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "real",
        "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}],
    }
    piece = b"data: " + json.dumps(chunk).encode() + b"\n\n"
    upstream.answer = (200, {"Content-Type": "text/event-stream"}, [piece])
    upstream.hangs = True
    client = relay(upstream.url).client
    with client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True) as stream:
        assert next(stream).choices[0].delta.content == "Hi"
    assert upstream.left.wait(30)


def test_a_client_that_leaves_before_the_first_byte_ends_the_request(relay, upstream):
    upstream.answer, upstream.hangs = (200, {}, []), True
    live = relay(upstream.url)
    address = urlsplit(live.base_url)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    body, headers = json.dumps(ODD), {"Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", body, headers)
    assert upstream.reached.wait(30)
    connection.close()
    assert upstream.left.wait(30)


ENVELOPE = b'{"error": {"message": "no", "type": "t", "param": null, "code": "c"}, "x": 1}'


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_an_error_keeps_its_status_and_its_bytes(relay, upstream, status):
    headers = {"Content-Type": "application/json", "Retry-After": "7"}
    upstream.answer = (status, headers, [ENVELOPE])
    found, headers, body = post(relay(upstream.url).base_url, ODD)
    assert (found, body, headers["retry-after"]) == (status, ENVELOPE, "7")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (
            404,
            b'{"error": "model \'real\' not found"}',
            ("model 'real' not found", "invalid_request_error", None),
        ),
        (
            400,
            b'{"object": "error", "message": "too long", "code": 40303}',
            ("too long", "invalid_request_error", "40303"),
        ),
        (422, b'{"detail": "bad field"}', ("bad field", "invalid_request_error", None)),
        (502, b"<html>Bad gateway</html>", ("<html>Bad gateway</html>", "server_error", None)),
        (429, b"", ("the chat model's server answers 429", "rate_limit_exceeded", None)),
        (
            401,
            b'{"error": "Incorrect key sk-upstream-1234"}',
            ("Incorrect key [key]", "invalid_request_error", None),
        ),
    ],
)
def test_an_error_of_another_shape_is_put_into_the_envelope(relay, upstream, status, body, error):
    upstream.answer = (status, {"Content-Type": "text/plain"}, [body])
    live = relay(upstream.url, chat_base_url=upstream.url, chat_api_key=KEY)
    found, _, answered = post(live.base_url, ODD)
    message, kind, code = error
    assert found == status
    wanted = {"message": message, "type": kind, "param": None, "code": code}
    assert json.loads(answered) == {"error": wanted}


def test_an_error_that_is_nested_without_end_keeps_its_status(relay, upstream):
    upstream.answer = (503, {"Content-Type": "application/json"}, [b"[" * 100_000])
    found, _, answered = post(relay(upstream.url).base_url, ODD)
    assert (found, json.loads(answered)["error"]["type"]) == (503, "server_error")


def test_an_error_never_tells_our_key(relay, upstream):
    upstream.answer = (401, {}, [ENVELOPE.replace(b"no", f"not {KEY}".encode())])
    live = relay(upstream.url, chat_base_url=upstream.url, chat_api_key=KEY)
    assert post(live.base_url, ODD)[2] == ENVELOPE.replace(b"no", b"not [key]")


def test_a_redirect_is_not_followed(relay, upstream):
    upstream.answer = (307, {"Location": f"{upstream.url}/elsewhere"}, [b""])
    status, _, body = post(relay(upstream.url).base_url, ODD)
    assert status == 502
    assert "answers 307, a redirect" in json.loads(body)["error"]["message"]
    assert len(upstream.seen) == 1


def test_a_server_that_is_not_there_is_a_bad_gateway_at_once(relay):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    started = time.monotonic()
    status, headers, body = post(relay(f"http://127.0.0.1:{port}/v1").base_url, ODD)
    assert (status, headers["x-should-retry"]) == (502, "false")
    error = json.loads(body)["error"]
    assert (error["type"], error["code"]) == ("server_error", "upstream_failed")
    assert "'real'" in error["message"]
    assert time.monotonic() - started < 30


def test_a_server_that_is_silent_is_a_gateway_timeout(relay, upstream):
    upstream.answer, upstream.hangs = (200, {}, []), True
    status, _, body = post(relay(upstream.url, chat_timeout_s=0.3).base_url, ODD)
    assert status == 504
    assert "was silent for 0.3 s" in json.loads(body)["error"]["message"]


def test_a_body_that_breaks_off_is_a_bad_gateway(relay, upstream):
    upstream.answer, upstream.dies = (200, {"Content-Type": "application/json"}, [b'{"a"']), True
    assert post(relay(upstream.url).base_url, ODD)[0] == 502


def test_a_stream_that_breaks_off_ends_with_an_error(relay, upstream):
    piece = b'data: {"choices": []}\n\n'
    upstream.answer, upstream.dies = (200, {"Content-Type": "text/event-stream"}, [piece]), True
    status, _, body = post(relay(upstream.url).base_url, {**ODD, "stream": True})
    assert status == 200
    events = [line[6:] for line in body.splitlines() if line.startswith(b"data: ")]
    assert json.loads(events[-1])["error"]["code"] == "upstream_failed"


def test_the_older_completions_are_passed_on_too(relay, upstream):
    post(relay(upstream.url).base_url, {"model": "gpt-4o", "prompt": "a"}, path="/completions")
    path, _, body = upstream.seen[0]
    assert (path, json.loads(body)) == ("/v1/completions", {"model": "real", "prompt": "a"})


# Two servers of ours, one behind the other

CALLS = ChatReply(
    Message("assistant", "", (ToolCall("call_1", "weather", '{"city": "Bonn"}'),)),
    "tool_calls",
    Usage(7, 5),
)


@pytest.fixture
def pair(serve, relay):
    """Makes a server whose scripted model gives a reply, and one that passes requests on to it."""

    def start(*replies):
        first = serve(ScriptedChatModel(replies))
        return first, relay(first.base_url)

    return start


def without_ids(body):
    """The bytes with what differs from one answer to the next left out."""
    import re

    return re.sub(rb'"(id|created)":\s*("chatcmpl-[^"]*"|\d+)', b'"\\1":0', body)


@pytest.mark.parametrize("reply", ["Grüße from the kiln", CALLS], ids=["text", "calls"])
@pytest.mark.parametrize("stream", [False, True])
def test_asking_through_a_server_gives_the_bytes_of_asking_it(pair, reply, stream):
    first, second = pair(reply, reply)
    asked = {"messages": HELLO, "stream": stream}
    direct = post(first.base_url, {"model": "real", **asked})
    through = post(second.base_url, {"model": "gpt-4o", **asked})
    assert without_ids(through[2]) == without_ids(direct[2])
    assert (through[0], through[1]["content-type"]) == (direct[0], direct[1]["content-type"])


@pytest.mark.parametrize("stream", [False, True])
def test_the_official_client_is_answered_through_two_servers(pair, stream):
    _, second = pair("Hello from afar")
    found = second.client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=stream)
    if stream:
        assert "".join(c.choices[0].delta.content or "" for c in found) == "Hello from afar"
    else:
        assert found.choices[0].message.content == "Hello from afar"
        assert found.model == "real"


@pytest.mark.parametrize("is_stream", [False, True])
def test_what_another_server_answered_is_stored_under_its_id(pair, is_stream):
    _, live = pair("Hello yourself")
    chat = live.client.chat.completions
    made = chat.create(model="gpt-4o", messages=HELLO, store=True, stream=is_stream)
    (completion_id,) = {chunk.id for chunk in made} if is_stream else {made.id}
    found = chat.retrieve(completion_id)
    assert found.choices[0].message.content == "Hello yourself"
    assert [one.id for one in chat.list(model="gpt-4o").data] == [completion_id]


@pytest.mark.parametrize("body", [b"{}", b"[" * 100_000], ids=["empty", "deep"])
def test_an_answer_that_is_no_completion_is_passed_on_and_not_stored(upstream, relay, body):
    upstream.answer = (200, {"Content-Type": "application/json"}, [body])
    live = relay(upstream.url)
    answer = live.client.chat.completions.with_raw_response.create(
        model="gpt-4o", messages=HELLO, store=True
    )
    assert answer.content == body
    assert not live.client.chat.completions.list().data
