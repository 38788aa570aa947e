"""Reading: requests that bring files, beside those that do not."""

from __future__ import annotations

import asyncio
import base64
import threading

import anyio
import httpx
import pytest

from filesearch import FileSearch
from filesearch.errors import InvalidFile
from filesearch.server.app import create_app
from filesearch.server.context import Server
from filesearch.server.responses.reading import Reading
from filesearch.testing import HashingEmbedder

WAIT_S = 30
FILE = {"type": "input_file", "filename": "a.txt", "file_data": base64.b64encode(b"A").decode()}
ITEMS = [{"role": "user", "content": [FILE]}]
OUTPUTS = [{"type": "function_call_output", "call_id": "call_a", "output": [FILE]}]


class SlowLoader:
    """Reads until it is told to end, and finds nothing to read; each test has one."""

    def __init__(self):
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass

    def load(self, _data, _filename):
        self.begun.set()
        assert self.may_end.wait(WAIT_S)
        raise InvalidFile("a.txt is empty")


@pytest.fixture
def loader(monkeypatch):
    slow = SlowLoader()
    monkeypatch.setattr("filesearch.server.responses.files.make_loader", lambda _settings: slow)
    yield slow
    slow.may_end.set()


@pytest.fixture
def server(tmp_path):
    with FileSearch(tmp_path / "index", embedder=HashingEmbedder()) as fs:
        yield Server(fs)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/responses", {"input": ITEMS}),
        ("/responses", {"input": OUTPUTS}),
        ("/responses/input_tokens", {"input": ITEMS}),
        ("/responses/compact", {"input": ITEMS}),
        ("/conversations", {"items": ITEMS}),
        ("/conversations/conv_a/items", {"items": ITEMS}),
    ],
)
def test_a_file_that_is_read_holds_no_thread_of_other_routes(server, loader, path, body):
    async def ask():
        anyio.to_thread.current_default_thread_limiter().total_tokens = 1
        transport = httpx.ASGITransport(create_app(server))
        async with httpx.AsyncClient(transport=transport, base_url="http://test/v1") as client:
            reads = asyncio.create_task(client.post(path, json={"model": "m", **body}))
            assert await asyncio.to_thread(loader.begun.wait, WAIT_S)
            try:
                other = await asyncio.wait_for(client.get("/conversations/conv_b"), WAIT_S)
            finally:
                loader.may_end.set()
            return other.status_code, (await reads).status_code

    assert asyncio.run(ask()) == (404, 400)


def test_a_core_is_held_while_a_file_is_read(server, loader):
    server.reading = Reading(cores=1)

    async def ask():
        transport = httpx.ASGITransport(create_app(server))
        async with httpx.AsyncClient(transport=transport, base_url="http://test/v1") as client:
            reads = asyncio.create_task(client.post("/conversations", json={"items": ITEMS}))
            assert await asyncio.to_thread(loader.begun.wait, WAIT_S)
            is_free = server.reading.core.acquire(blocking=False)
            loader.may_end.set()
            await reads
            return is_free, server.reading.core.acquire(blocking=False)

    assert asyncio.run(ask()) == (False, True)
