import asyncio
import threading
import time

import pytest

from filesearch.database import Database
from filesearch.errors import DiskFull
from filesearch.event_log import EventLog


@pytest.fixture
def database(url):
    found = Database(url)
    yield found
    found.close()


@pytest.fixture
def log(database):
    found = EventLog(database)
    yield found
    found.stop()


async def followed(log, after=-1):
    return [(event.number, event.data) async for event in log.follow("run_a", after)]


def test_a_follower_sees_what_came_before_and_what_comes_after(log):
    async def main():
        log.append("run_a", "x", "1")
        task = asyncio.create_task(followed(log))
        await asyncio.sleep(0.02)
        threading.Thread(target=lambda: [log.append("run_a", "x", "2"), log.close("run_a")]).start()
        return await asyncio.wait_for(task, 30)

    assert asyncio.run(main()) == [(0, "1"), (1, "2")]


def test_a_log_that_was_closed_is_read_from_the_database_later(log, database):
    log.append("run_a", "x", "1")
    log.close("run_a")
    log.stop()
    assert asyncio.run(followed(EventLog(database))) == [(0, "1")]


def test_a_log_goes_on_behind_its_end(log):
    log.append("run_a", "x", "1")
    log.close("run_a")
    log.flush()
    log.append("run_a", "x", "2")
    log.close("run_a")
    assert asyncio.run(followed(log)) == [(0, "1")]
    assert asyncio.run(followed(log, after=1)) == [(2, "2")]
    assert [event.data for event in log.read("run_a")] == ["1", "2"]


def test_another_process_follows_through_the_database(log, database):
    other = EventLog(database)

    async def main():
        task = asyncio.create_task(followed(other))
        for number in range(20):
            await asyncio.to_thread(log.append, "run_a", "x", str(number))
            await asyncio.sleep(0.01)
        await asyncio.to_thread(log.close, "run_a")
        return await asyncio.wait_for(task, 30)

    assert asyncio.run(main()) == [(n, str(n)) for n in range(20)]


def test_many_followers_lose_nothing_while_events_are_flushed_and_dropped(log):
    async def main():
        tasks = [asyncio.create_task(followed(log)) for _ in range(20)]

        def speak():
            for number in range(300):
                log.append("run_a", "x", str(number))
                time.sleep(0.0005)
            log.close("run_a")

        await asyncio.to_thread(speak)
        return await asyncio.wait_for(asyncio.gather(*tasks), 60)

    for seen in asyncio.run(main()):
        assert seen == [(n, str(n)) for n in range(300)]


def test_old_events_are_purged(log):
    log.append("run_a", "x", "1")
    log.close("run_a")
    log.flush()
    log.purge(int(time.time()) + 10)
    assert log.read("run_a") == []


def test_one_object_told_twice_does_not_keep_the_others_from_the_database(log, database):
    other = EventLog(database)
    for one in (log, other):
        one._is_stopping = True  # nothing is flushed but by this test
    log.append("run_a", "x", "1")
    other.append("run_a", "x", "2")
    other.append("run_b", "x", "3")
    log.flush()
    other.flush()
    assert [event.data for event in EventLog(database).read("run_b")] == ["3"]
    assert [event.data for event in EventLog(database).read("run_a")] == ["1"]


def test_events_are_written_once_there_is_room(log, database, monkeypatch):
    left, writing = ["full", "full"], database.writing

    def write():
        if left:
            raise DiskFull(left.pop())
        return writing()

    monkeypatch.setattr(database, "writing", write)
    log.append("run_a", "x", "1")
    deadline = time.monotonic() + 30
    while not [event.data for event in EventLog(database).read("run_a")]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not left
