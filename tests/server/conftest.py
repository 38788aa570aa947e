"""A real server on a real socket, over an index of the test's own, with a model that it scripts."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import openai
import pytest
import uvicorn
from conformance import CheckedApp

from filesearch import FileSearch
from filesearch.keys import Keys
from filesearch.protocols import ChatModel
from filesearch.server.app import create_app
from filesearch.server.context import ServeOptions, Server
from filesearch.server.guard.guard import Access, guard
from filesearch.testing import HashingEmbedder


@dataclass
class Live:
    """A server that runs.

    Attributes:
        base_url: With /v1.
        client: The official client, without retries.
        server: What it serves, for tests that look behind it.
        violations: Answers that broke OpenAI's schema; any of them fails the test at its end.
    """

    base_url: str
    client: openai.OpenAI
    server: Server
    violations: list[str]


@pytest.fixture
def serve(tmp_path: Path, usual_db: Callable[[Path], str]) -> Iterator[Callable[..., Live]]:
    """Starts servers over the test's index: the model that answers, then ServeOptions by name."""
    yield from _serving(tmp_path, usual_db)


@pytest.fixture(scope="module")
def serve_module(
    tmp_path_factory: pytest.TempPathFactory, usual_db: Callable[[Path], str]
) -> Iterator[Callable[..., Live]]:
    """As `serve`, for servers that all tests of a module ask."""
    yield from _serving(tmp_path_factory.mktemp("served"), usual_db)


@pytest.fixture(scope="session")
def usual_db(request: pytest.FixtureRequest) -> Callable[[Path], str]:
    """Index directory -> the URL of its catalog: SQLite, unless SERVER_DB=postgresql."""
    if os.environ.get("SERVER_DB", "sqlite") == "sqlite":
        return lambda _index: ""
    return cache(lambda _index: request.getfixturevalue("make_postgres_url")())


def _serving(tmp_path: Path, usual_db: Callable[[Path], str]) -> Iterator[Callable[..., Live]]:
    started = []

    def start(
        model: ChatModel | None = None,
        *,
        model_for: Callable[[str], ChatModel] | None = None,
        fs: FileSearch | None = None,
        index: Path | None = None,
        db: str = "",
        **options: object,
    ) -> Live:
        place = index or tmp_path / "index"
        fs = fs or FileSearch(
            place, embedder=HashingEmbedder(), model=model, db=db or usual_db(place)
        )
        server = Server(fs, ServeOptions(**options), model_for=model_for)
        app = CheckedApp(guard(create_app(server), server, Access()).app)
        config = uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            log_level="warning",
            lifespan="on",
            ws="websockets-sansio",
        )
        process = uvicorn.Server(config)
        thread = threading.Thread(target=process.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not process.started:
            assert thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        port = process.servers[0].sockets[0].getsockname()[1]
        base_url = f"http://127.0.0.1:{port}/v1"
        client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=30)
        started.append((process, thread, client, fs, app.violations))
        return Live(base_url, client, server, app.violations)

    yield start
    for process, thread, client, fs, _ in started:
        client.close()
        process.should_exit = True
        thread.join(20)
        assert not thread.is_alive()
        fs.close()
    assert not [violation for *_, found in started for violation in found]


@pytest.fixture
def serve_keys(
    serve: Callable[..., Live], tmp_path: Path, usual_db: Callable[[Path], str]
) -> Callable[..., tuple[Live, list[str]]]:
    """Starts a server for which keys were made before: model, options of each key, ServeOptions."""

    def start(
        model: ChatModel, keys: Sequence[Mapping[str, int]], **options: object
    ) -> tuple[Live, list[str]]:
        index = tmp_path / "keyed"
        fs = FileSearch(index, embedder=HashingEmbedder(), model=model, db=usual_db(index))
        fs.open(create=True)
        secrets = [Keys(fs.objects).create(f"key {n}", **made)[1] for n, made in enumerate(keys)]
        return serve(fs=fs, **options), secrets

    return start


@pytest.fixture
def live(serve: Callable[..., Live]) -> Live:
    """A server with the model that quotes."""
    return serve()
