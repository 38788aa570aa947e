"""Database: its connections are few, and threads queue for them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from filesearch.database import Database


@pytest.fixture
def database(url):
    found = Database(url)
    yield found
    found.close()


def test_many_readers_at_once_share_few_connections_of_postgresql(postgres_url):
    database = Database(postgres_url)

    def read(_number):
        with database.reading() as sql:
            return sql.scalar(text("SELECT pg_backend_pid() FROM pg_sleep(0.05)"))

    with ThreadPoolExecutor(60) as threads:
        connections = list(threads.map(read, range(60)))
    database.close()
    assert len(connections) == 60
    assert len(set(connections)) <= 8


def test_writers_that_wait_leave_readers_their_connections(database):
    def write():
        with database.writing():
            pass

    writers = [threading.Thread(target=write) for _ in range(60)]
    with database.writing():
        for writer in writers:
            writer.start()
        writers[-1].join(0.5)  # until all of them wait
        with ThreadPoolExecutor(1) as threads:
            assert threads.submit(database._schema_version).result(timeout=10)
    for writer in writers:
        writer.join()
