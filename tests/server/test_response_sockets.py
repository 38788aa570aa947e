"""Responses over a WebSocket: many over one connection, through the same checks as requests."""

import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from filesearch.keys import Keys
from filesearch.server.responses import sockets
from filesearch.server.responses.sockets import ResponseSocket
from filesearch.testing import ScriptedChatModel


def url_of(live):
    return live.base_url.replace("http://", "ws://") + "/responses"


@pytest.fixture
def dial():
    """Connects to a server's WebSocket; returns what asks over it, and reads until a last event."""
    opened = []

    def start(live, **headers):
        socket = connect(url_of(live), additional_headers=headers, proxy=None)
        opened.append(socket)

        def ask(**fields):
            socket.send(json.dumps({"type": "response.create", "model": "m", **fields}))
            return list(read(socket))

        ask.socket = socket
        return ask

    yield start
    for socket in opened:
        socket.close()


def read(socket):
    """Yield events until one that ends a response, or an error."""
    while True:
        event = json.loads(socket.recv(timeout=20))
        yield event
        if event["type"] in ("response.completed", "response.failed", "error"):
            return


def text_of(events):
    return "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta")


def test_the_official_client_asks_twice_over_one_connection(serve):
    live = serve(ScriptedChatModel(["Good day", "Goodbye"]))
    with live.client.responses.connect() as connection:
        said = []
        for asked in ("Hello", "And?"):
            connection.response.create(model="m", input=asked)
            for event in connection:
                if event.type == "response.completed":
                    said.append(event.response.output_text)
                    break
    assert said == ["Good day", "Goodbye"]


def test_what_is_not_stored_can_be_gone_on_from_over_the_connection_alone(serve, dial):
    model = ScriptedChatModel(["One", "Two", "Three"])
    live = serve(model)
    ask = dial(live)
    first = ask(input="A", store=False)[-1]["response"]["id"]
    second = ask(input="B", store=False, previous_response_id=first)[-1]["response"]["id"]
    ask(input="C", store=False, previous_response_id=second)
    assert [m.content for m in model.requests[-1].messages] == ["A", "One", "B", "Two", "C"]
    (refused,) = dial(live)(input="D", previous_response_id=second)
    assert (refused["status"], refused["error"]["code"]) == (400, "previous_response_not_found")


def test_lanes_go_on_side_by_side_and_name_themselves(serve, dial):
    live = serve(ScriptedChatModel([lambda request: request.messages[-1].content] * 2))
    ask = dial(live)
    for lane in ("a", "b"):
        message = {"type": "response.create", "model": "m", "input": f"to {lane}"}
        ask.socket.send(json.dumps({**message, "stream_id": lane}))
    events = [*read(ask.socket), *read(ask.socket)]
    for lane in ("a", "b"):
        assert text_of(e for e in events if e["stream_id"] == lane) == f"to {lane}"


@pytest.fixture
def opened(monkeypatch):
    """The connections of the server, as it holds them."""
    found = []
    init = ResponseSocket.__init__

    def kept(self, *args, **kwargs):
        init(self, *args, **kwargs)
        found.append(self)

    monkeypatch.setattr(ResponseSocket, "__init__", kept)
    return found


def test_a_lane_is_forgotten_once_nobody_waits_in_it(serve, dial, opened):
    ask = dial(serve(ScriptedChatModel(["Hello"] * 3)))
    for number in range(3):
        assert text_of(ask(input="Hi", stream_id=str(number))) == "Hello"
        ask(input=7, stream_id=str(number))  # told after the turn of both
    assert opened[0]._lanes == {}


def test_of_too_many_lanes_the_longest_silent_cannot_go_on(serve, dial, monkeypatch):
    monkeypatch.setattr(sockets, "MAX_UNSTORED", 2)
    ask = dial(serve(ScriptedChatModel(["Hello"] * 5)))
    ids = {}
    for lane in ("a", "b", "a", "c"):
        ids[lane] = ask(input="Hi", store=False, stream_id=lane)[-1]["response"]["id"]
        ask(input=7, stream_id=lane)  # told after that has been kept
    (refused,) = ask(input="And?", stream_id="b", previous_response_id=ids["b"])
    assert refused["error"]["code"] == "previous_response_not_found"
    assert text_of(ask(input="And?", stream_id="a", previous_response_id=ids["a"])) == "Hello"


@pytest.mark.parametrize(
    ("fields", "param", "word"),
    [
        ({"type": "response.steer"}, "type", "response.steer"),
        ({"input": 7}, "input", "integer"),
        ({"input": "x", "background": True}, "background", "WebSocket"),
        ({"input": "x", "generate": False}, "generate", "false"),
        ({"input": "x", "temperature": 9}, "temperature", "9"),
        ({"input": "x", "stream_id": "a" * 65}, "stream_id", "64"),
        ({"input": "x", "stream_id": 7}, "stream_id", "string"),
    ],
)
def test_a_bad_request_is_an_error_and_the_connection_goes_on(serve, dial, fields, param, word):
    ask = dial(serve(ScriptedChatModel(["Hello"])))
    (refused,) = ask(**fields)
    assert (refused["type"], refused["status"]) == ("error", 400)
    assert refused["error"]["param"] == param
    assert word in refused["error"]["message"]
    assert text_of(ask(input="Hi")) == "Hello"


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("{", "not JSON"),
        ('{"input": ' * 100_000, "not JSON"),
        (f'{{"input": {"9" * 5000}}}', "not JSON"),
        (b"\xff", "binary"),
    ],
)
def test_what_is_no_json_is_an_error_and_the_connection_goes_on(serve, dial, message, says):
    ask = dial(serve(ScriptedChatModel(["Hello"])))
    ask.socket.send(message)
    refused = next(read(ask.socket))
    assert refused["status"] == 400
    assert refused["error"]["message"].startswith(f"The message is {says}")
    assert text_of(ask(input="Hi")) == "Hello"


@pytest.mark.parametrize(
    "value", ["", "NaN", "1e999", r'"\ud800"', "[" * 100_000, "[" * 201 + "]" * 201]
)
def test_what_no_body_may_hold_is_an_error(serve, dial, value):
    ask = dial(serve(ScriptedChatModel(["Hello"])))
    message = json.dumps({"type": "response.create", "model": "m", "input": "Hi", "x": 0})
    ask.socket.send(message.replace("0", value))
    refused = next(read(ask.socket))
    assert refused["status"] == 400
    assert refused["error"]["message"].startswith("The message is not JSON")


def test_a_page_of_another_site_cannot_connect(live, dial):
    with pytest.raises(InvalidStatus) as refused:
        dial(live, Origin="https://evil.example")
    assert refused.value.response.status_code == 403
    assert b"origin_not_allowed" in refused.value.response.body


def test_a_key_is_needed_where_requests_need_one(serve_keys, dial):
    live, (secret,) = serve_keys(ScriptedChatModel(["Hello"]), [{}])
    with pytest.raises(InvalidStatus) as refused:
        dial(live, Authorization="Bearer wrong")
    assert refused.value.response.status_code == 401
    assert text_of(dial(live, Authorization=f"Bearer {secret}")(input="Hi")) == "Hello"


def test_a_key_that_is_revoked_ends_its_connections(serve_keys, dial, monkeypatch):
    monkeypatch.setattr("filesearch.keys._REFRESH_S", 0)  # the keys are read at every request
    live, (secret,) = serve_keys(ScriptedChatModel(["Hello"] * 2), [{}])
    ask = dial(live, Authorization=f"Bearer {secret}")
    assert text_of(ask(input="Hi")) == "Hello"
    keys = Keys(live.server.objects)
    keys.revoke(keys.list()[0].id)
    (refused,) = ask(input="Hi")
    assert (refused["status"], refused["error"]["code"]) == (401, "invalid_api_key")
    with pytest.raises(ConnectionClosed) as closed:
        ask.socket.recv(timeout=20)
    assert closed.value.rcvd.code == 1008


def test_each_request_of_a_connection_counts_against_the_rate(serve_keys, dial):
    model = ScriptedChatModel(["Hello"] * 3)
    live, (secret,) = serve_keys(model, [{"requests_per_minute": 2}])
    ask = dial(live, Authorization=f"Bearer {secret}")
    assert text_of(ask(input="Hi")) == "Hello"
    (refused,) = ask(input="Hi")
    assert (refused["status"], refused["error"]["code"]) == (429, "rate_limit_exceeded")


def test_what_is_stored_is_finished_when_the_client_leaves(serve, dial):
    live = serve(ScriptedChatModel(["Hello " * 50]))
    ask = dial(live)
    ask.socket.send(json.dumps({"type": "response.create", "model": "m", "input": "Hi"}))
    created = json.loads(ask.socket.recv(timeout=20))["response"]["id"]
    ask.socket.close()
    for _ in range(100):
        found = live.client.responses.retrieve(created)
        if found.status == "completed":
            break
    assert found.output_text == "Hello " * 50
