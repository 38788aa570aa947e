"""Files and vector stores over a catalog in PostgreSQL: what differs from SQLite, and the whole."""

import httpx
import pytest


@pytest.fixture
def live(serve, postgres_url):
    return serve(db=postgres_url)


def test_files_are_uploaded_searched_and_deleted(live):
    store = live.client.vector_stores.create(name="handbook")
    batch = live.client.vector_stores.file_batches.upload_and_poll(
        store.id,
        files=[("mug.txt", b"A mug may be returned."), ("kiln.txt", b"The kiln is hot.")],
    )
    assert (batch.status, batch.file_counts.completed) == ("completed", 2)
    best = live.client.vector_stores.search(store.id, query="hot kiln").data[0]
    assert (best.filename, best.content[0].text) == ("kiln.txt", "The kiln is hot.")
    live.client.files.delete(best.file_id)
    assert live.client.vector_stores.retrieve(store.id).file_counts.total == 1
    upload = live.client.uploads.create(
        filename="a.txt", purpose="assistants", bytes=3, mime_type="text/plain"
    )
    part = live.client.uploads.parts.create(upload.id, data=b"abc")
    done = live.client.uploads.complete(upload.id, part_ids=[part.id])
    assert live.client.files.content(done.file.id).read() == b"abc"


def test_a_nul_that_the_database_cannot_hold_is_refused(live):
    store = live.client.vector_stores.create()
    for method, path, body, status in [
        ("POST", "/vector_stores", {"name": "a\x00b"}, 400),
        ("POST", f"/vector_stores/{store.id}/files", {"file_id": "file-\x00"}, 400),
        ("GET", "/files/file-%00", None, 404),
        ("GET", "/files?after=%00", None, 400),
    ]:
        answer = httpx.request(method, live.base_url + path, json=body)
        assert answer.status_code == status, answer.text
        assert "NUL" in answer.json()["error"]["message"]
