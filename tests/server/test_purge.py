import threading
import time

from filesearch.server import context
from filesearch.server import purge as purge_module
from filesearch.server.purge import Purge


def test_a_deed_that_fails_stops_neither_the_others_nor_the_next_round(monkeypatch, caplog):
    monkeypatch.setattr(purge_module, "INTERVAL_S", 0.001)
    rounds, is_enough = [], threading.Event()

    def fail():
        raise OSError("disk gone")

    def count():
        rounds.append(1)
        if len(rounds) == 3:
            is_enough.set()

    service = Purge([fail, count])
    service.start()
    assert is_enough.wait(30)
    service.stop()
    assert "disk gone" in caplog.text


def test_a_file_that_expired_while_the_server_was_down_goes_when_it_starts(serve, monkeypatch):
    live = serve()
    file = live.client.files.create(
        file=("mug.txt", b"mug"),
        purpose="batch",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3601)
    other = serve()
    deadline = time.monotonic() + 30
    while list(other.server.fs.directory.glob("blobs/??/*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert file.id not in {f.id for f in other.client.files.list()}


def test_a_file_that_expires_leaves_its_stores_long_before_the_next_purge(serve, monkeypatch):
    monkeypatch.setattr(context, "EXPIRY_INTERVAL_S", 0.05)
    client = serve().client
    store = client.vector_stores.create()
    file = client.files.create(
        file=("mug.txt", b"A mug may be returned."),
        purpose="assistants",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    client.vector_stores.files.create_and_poll(vector_store_id=store.id, file_id=file.id)
    assert client.vector_stores.search(store.id, query="mug").data
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3601)
    deadline = time.monotonic() + 30
    while client.vector_stores.files.list(store.id).data:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not client.vector_stores.search(store.id, query="mug").data
