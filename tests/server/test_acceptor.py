"""Acceptor: processes that share a listening socket, here event loops in threads."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest

from filesearch.server import acceptor
from filesearch.server.acceptor import Acceptor

CLIENTS = 12


class Loop:
    """An event loop in a thread of its own, which accepts from a shared socket."""

    def __init__(self, listener):
        self.open = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.acceptor = self.call(self.make, listener)
        self.call(self.acceptor.start)

    def call(self, function, *arguments):
        async def run():
            return function(*arguments)

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(30)

    def make(self, listener):
        return Acceptor(
            listener,
            make_protocol=lambda: Echo(self.open),
            count_open=lambda: len(self.open),
        )

    def end(self):
        self.call(self.acceptor.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Echo(asyncio.Protocol):
    def __init__(self, opened):
        self.opened = opened

    def connection_made(self, transport):
        self.transport = transport
        self.opened.add(self)

    def data_received(self, data):
        self.transport.write(data)

    def connection_lost(self, _error):
        self.opened.discard(self)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one


@pytest.fixture
def slow(monkeypatch):
    """Waits that are long beside what a busy machine keeps a thread from running."""
    monkeypatch.setattr(acceptor, "_WAIT_PER_CONNECTION_S", 0.1)
    monkeypatch.setattr(acceptor, "_LONGEST_WAIT_S", 2)


@pytest.fixture
def loops(listener):
    both = [Loop(listener), Loop(listener)]
    yield both
    for one in both:
        one.end()


def connect(listener):
    client = socket.create_connection(listener.getsockname(), timeout=30)
    client.sendall(b"hello")
    return client


@pytest.mark.usefixtures("slow")
def test_clients_that_come_at_once_are_shared_out(listener, loops):
    clients = [connect(listener) for _ in range(CLIENTS)]
    assert [client.recv(5) for client in clients] == [b"hello"] * CLIENTS
    counts = [len(one.open) for one in loops]
    assert sum(counts) == CLIENTS
    assert min(counts) >= CLIENTS // 4
    for client in clients:
        client.close()


@pytest.mark.usefixtures("slow")
def test_who_has_fewer_takes_the_next(listener, loops):
    first, second = loops
    first.call(first.acceptor.close)
    early = [connect(listener) for _ in range(CLIENTS // 2)]
    assert [client.recv(5) for client in early] == [b"hello"] * len(early)
    first.call(first.acceptor.start)
    late = connect(listener)
    assert late.recv(5) == b"hello"
    assert (len(first.open), len(second.open)) == (1, len(early))
    for client in [*early, late]:
        client.close()


def test_none_is_taken_after_the_end(listener, loops):
    for one in loops:
        one.call(one.acceptor.close)
        one.call(one.acceptor.close)
    with connect(listener) as client:  # the system takes it; nobody answers
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(5)


def test_a_client_that_goes_again_leaves_room(listener, loops):
    for _ in range(CLIENTS):
        with connect(listener) as client:
            assert client.recv(5) == b"hello"
    until = time.monotonic() + 30
    while any(one.open for one in loops) and time.monotonic() < until:
        time.sleep(0.01)
    assert [len(one.open) for one in loops] == [0, 0]


def test_small_pieces_are_sent_at_once(listener):
    with listener.dup() as shared:
        alone = Loop(shared)
        with connect(listener) as client:
            assert client.recv(5) == b"hello"
            [echo] = alone.open
            served = echo.transport.get_extra_info("socket")
            assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        alone.end()
