"""HTTP protocol: which silences end a connection; time is the test's own."""

from __future__ import annotations

import asyncio

import pytest
from uvicorn.server import ServerState

from filesearch.config import Settings
from filesearch.server.http_protocol import HEADERS_WITHIN_S
from filesearch.server.process import Job, make_config

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def app(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


class Transport(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.written, self.is_closed = b"", False

    def write(self, data):
        self.written += data

    def is_closing(self):
        return self.is_closed

    def close(self):
        self.is_closed = True


class Connection:
    """A connection as the server's process makes it, on a loop whose timers it runs itself."""

    def __init__(self):
        config = make_config(app, Job(settings=Settings()))
        config.load()
        self.transport = Transport()
        self.protocol = config.http_protocol_class(
            config=config, server_state=ServerState(), app_state={}, _loop=self
        )
        self.timers = []
        self.protocol.connection_made(self.transport)

    def call_later(self, delay, callback, *args):
        timer = asyncio.get_running_loop().call_later(3600, callback, *args)
        self.timers.append((delay, timer, callback))
        return timer

    def create_task(self, *args, **kwargs):
        return asyncio.get_running_loop().create_task(*args, **kwargs)

    async def answers(self, count):
        while self.transport.written.count(b"HTTP/1.1 204") < count:
            await asyncio.sleep(0)

    def is_closed_after(self, seconds):
        for delay, timer, callback in self.timers:
            if delay <= seconds and not timer.cancelled():
                callback()
        return self.transport.is_closed


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"GET / HT", REQUEST[:-2]])
@pytest.mark.parametrize("answered", [0, 1])
def test_a_connection_whose_headers_do_not_come_is_closed(begun, answered):
    async def run():
        connection = Connection()
        for number in range(answered):
            connection.protocol.data_received(REQUEST)
            await connection.answers(number + 1)
        for byte in begun:
            connection.protocol.data_received(bytes([byte]))
        assert not connection.transport.is_closed
        assert connection.is_closed_after(HEADERS_WITHIN_S)

    asyncio.run(run())


@pytest.mark.parametrize(
    "head", [REQUEST, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"]
)
def test_what_is_asked_may_take_longer(head):
    async def run():
        connection = Connection()
        connection.protocol.data_received(head)
        assert not connection.is_closed_after(HEADERS_WITHIN_S)
        connection.protocol.connection_lost(None)

    asyncio.run(run())


def test_a_connection_that_is_gone_leaves_no_timer():
    async def run():
        connection = Connection()
        connection.protocol.connection_lost(None)
        assert all(timer.cancelled() for _, timer, _ in connection.timers)

    asyncio.run(run())
