"""Files in vector stores, and batches of them, through the official client."""

import httpx
import openai
import pytest

MUGS = b"# Returns\n\nA mug may be returned within 30 days of delivery.\n"
KILN = b"The kiln reaches 1280 degrees in nine hours.\n"


def uploaded(live, data=MUGS, name="mugs.md"):
    return live.client.files.create(file=(name, data), purpose="assistants").id


def filled(live, *texts, **options):
    """A store with one finished file per text."""
    store = live.client.vector_stores.create(**options)
    for number, text in enumerate(texts):
        live.client.vector_stores.files.create_and_poll(
            uploaded(live, text, f"{number}.txt"), vector_store_id=store.id
        )
    return live.client.vector_stores.retrieve(store.id)


def asked(live, method, path, **options):
    answer = httpx.request(method, f"{live.base_url}{path}", **options)
    return answer.status_code, answer.json()


def test_a_file_is_taken_in(live):
    store, file_id = live.client.vector_stores.create(), uploaded(live)
    added = live.client.vector_stores.files.create(
        file_id=file_id, vector_store_id=store.id, attributes={"year": 2025, "is_new": True}
    )
    assert (added.id, added.vector_store_id, added.object) == (
        file_id,
        store.id,
        "vector_store.file",
    )
    assert added.attributes == {"year": 2025, "is_new": True}
    file = live.client.vector_stores.files.poll(file_id, vector_store_id=store.id)
    assert (file.status, file.last_error, file.attributes) == (
        "completed",
        None,
        {"year": 2025, "is_new": True},
    )
    assert file.chunking_strategy.static.max_chunk_size_tokens == 800


def test_the_client_uploads_and_polls(live):
    store = live.client.vector_stores.create()
    file = live.client.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("kiln.txt", KILN)
    )
    assert file.status == "completed"


def test_a_file_without_a_name_is_read_by_what_it_holds(live):
    store = live.client.vector_stores.create()
    html = b"<!doctype html><html><body><p>A mug may be returned.</p></body></html>"
    file = live.client.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=html)
    page = live.client.vector_stores.files.content(file.id, vector_store_id=store.id)
    assert [part.text for part in page] == ["A mug may be returned."]


def test_a_file_that_cannot_be_read_fails_without_an_http_error(live):
    store = live.client.vector_stores.create()
    file = live.client.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("cats.7z", b"7z\xbc\xaf\x27\x1c")
    )
    assert (file.status, file.last_error.code) == ("failed", "unsupported_file")
    assert file.last_error.message
    store = live.client.vector_stores.retrieve(store.id)
    assert (store.status, store.file_counts.failed) == ("completed", 1)


def test_files_are_listed_by_status(live):
    store = filled(live, MUGS, b"", KILN)
    files = live.client.vector_stores.files
    assert len(files.list(store.id).data) == 3
    assert [f.status for f in files.list(store.id, filter="failed")] == ["failed"]
    assert [f.status for f in files.list(store.id, filter="completed", limit=1)] == [
        "completed"
    ] * 2


def test_files_can_be_taken_out_while_the_list_is_walked(live):
    store = filled(live, MUGS, KILN, b"Noor runs the studio.")
    for file in live.client.vector_stores.files.list(store.id, limit=1):
        gone = live.client.vector_stores.files.delete(file.id, vector_store_id=store.id)
        assert (gone.id, gone.object) == (file.id, "vector_store.file.deleted")
        assert live.client.files.retrieve(file.id)
    assert live.client.vector_stores.retrieve(store.id).file_counts.total == 0
    assert not live.client.vector_stores.search(store.id, query="mug").data


def test_a_deleted_file_leaves_its_stores(live):
    store = filled(live, MUGS, KILN)
    file = live.client.vector_stores.files.list(store.id, order="asc").data[0]
    live.client.files.delete(file.id)
    assert live.client.vector_stores.retrieve(store.id).file_counts.total == 1
    with pytest.raises(openai.NotFoundError):
        live.client.vector_stores.files.retrieve(file.id, vector_store_id=store.id)
    found = live.client.vector_stores.search(store.id, query="mug returned kiln")
    assert file.id not in {result.file_id for result in found}


def test_attributes_are_replaced(live):
    store = filled(live, MUGS)
    [file] = live.client.vector_stores.files.list(store.id)
    update = live.client.vector_stores.files.update
    changed = update(file.id, vector_store_id=store.id, attributes={"a": 1.5, "b": "x"})
    assert changed.attributes == {"a": 1.5, "b": "x"}
    assert update(file.id, vector_store_id=store.id, attributes=None).attributes == {}


def test_clients_are_told_how_long_to_wait(live):
    store = filled(live, MUGS)
    [file] = live.client.vector_stores.files.list(store.id)
    batch = live.client.vector_stores.file_batches.create(store.id, file_ids=[file.id])
    for path in (f"files/{file.id}", f"file_batches/{batch.id}"):
        answer = httpx.get(f"{live.base_url}/vector_stores/{store.id}/{path}")
        assert answer.headers["openai-poll-after-ms"] == "100"


# Batches


def test_a_batch_takes_in_files(live):
    store = live.client.vector_stores.create()
    files = [uploaded(live), uploaded(live, KILN)]
    batch = live.client.vector_stores.file_batches.create_and_poll(
        store.id, file_ids=files, attributes={"year": 2025}
    )
    assert (batch.object, batch.status, batch.vector_store_id) == (
        "vector_store.files_batch",
        "completed",
        store.id,
    )
    assert (batch.file_counts.completed, batch.file_counts.total) == (2, 2)
    listed = list(
        live.client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)
    )
    assert [file.id for file in listed] == files[::-1]
    assert {file.attributes["year"] for file in listed} == {2025}
    assert live.client.vector_stores.retrieve(store.id).status == "completed"


def test_the_client_uploads_a_batch(live):
    store = live.client.vector_stores.create()
    batch = live.client.vector_stores.file_batches.upload_and_poll(
        store.id, files=[(f"{n}.txt", KILN + str(n).encode()) for n in range(6)]
    )
    assert (batch.status, batch.file_counts.completed) == ("completed", 6)


def test_files_of_a_batch_have_settings_of_their_own(live):
    store = live.client.vector_stores.create()
    first, second = uploaded(live), uploaded(live, KILN)
    sizes = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 0}
    live.client.vector_stores.file_batches.create_and_poll(
        store.id,
        files=[
            {"file_id": first, "attributes": {"n": 1}},
            {"file_id": second, "chunking_strategy": {"type": "static", "static": sizes}},
        ],
        extra_body={"attributes": {"n": 9}},
    )
    file = live.client.vector_stores.files.retrieve
    assert file(first, vector_store_id=store.id).attributes == {"n": 1}
    assert file(second, vector_store_id=store.id).attributes == {}
    assert file(second, vector_store_id=store.id).chunking_strategy.static.chunk_overlap_tokens == 0


def test_files_of_a_batch_that_are_not_there_count_as_failed(live):
    store = live.client.vector_stores.create()
    batch = live.client.vector_stores.file_batches.create_and_poll(
        store.id, file_ids=[uploaded(live), "file-x", "nothing"]
    )
    assert (batch.file_counts.completed, batch.file_counts.failed, batch.file_counts.total) == (
        1,
        2,
        3,
    )


def test_a_batch_is_cancelled(live):
    store = live.client.vector_stores.create()
    files = [uploaded(live, KILN + str(n).encode()) for n in range(20)]
    batch = live.client.vector_stores.file_batches.create(store.id, file_ids=files)
    cancelled = live.client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)
    assert cancelled.status in ("cancelled", "completed")
    end = live.client.vector_stores.file_batches.poll(batch.id, vector_store_id=store.id)
    counts = end.file_counts
    assert (counts.in_progress, counts.completed + counts.cancelled) == (0, 20)


def test_a_batch_is_given_files_in_one_way(live):
    store = live.client.vector_stores.create()
    both = {"file_ids": ["file-x"], "files": [{"file_id": "file-x"}]}
    for body in ({}, both):
        status, answer = asked(live, "POST", f"/vector_stores/{store.id}/file_batches", json=body)
        assert status == 400
        assert "either 'file_ids' or 'files'" in answer["error"]["message"]


# What is wrong


BAD_ATTRIBUTES = [
    ({str(n): n for n in range(17)}, "attributes", "at most 16 properties"),
    ({"k" * 65: 1}, "attributes", "maximum length 64"),
    ({"": 1}, "attributes", "needs a name"),
    ({"k": "v" * 513}, "attributes", "'attributes.k'"),
    ({"k": None}, "attributes.k", "but got null"),
    ({"k": []}, "attributes.k", "but got an array"),
]


def test_wrong_attributes_are_refused(live):
    store, file_id = live.client.vector_stores.create(), uploaded(live)
    for attributes, param, words in BAD_ATTRIBUTES:
        body = {"file_id": file_id, "attributes": attributes}
        status, answer = asked(live, "POST", f"/vector_stores/{store.id}/files", json=body)
        assert (status, answer["error"]["param"]) == (400, param), attributes
        assert words in answer["error"]["message"]


def test_a_batch_is_named_by_its_id(live):
    store = live.client.vector_stores.create()
    with pytest.raises(openai.BadRequestError, match=r"Invalid 'batch_id': 'vs_x'.*'vsfb_'"):
        live.client.vector_stores.file_batches.retrieve("vs_x", vector_store_id=store.id)
    with pytest.raises(openai.NotFoundError, match="vsfb_x"):
        live.client.vector_stores.file_batches.retrieve("vsfb_x", vector_store_id=store.id)


def test_a_batch_of_another_store_is_not_found(live):
    store, other = live.client.vector_stores.create(), live.client.vector_stores.create()
    batch = live.client.vector_stores.file_batches.create(store.id, file_ids=[uploaded(live)])
    with pytest.raises(openai.NotFoundError, match=batch.id):
        live.client.vector_stores.file_batches.retrieve(batch.id, vector_store_id=other.id)


def test_a_file_that_is_not_in_the_store_is_not_found(live):
    store, file_id = live.client.vector_stores.create(), uploaded(live)
    files = live.client.vector_stores.files
    for deed in (files.retrieve, files.delete, files.content):
        with pytest.raises(openai.NotFoundError, match=file_id):
            deed(file_id, vector_store_id=store.id)
    with pytest.raises(openai.NotFoundError, match=file_id):
        files.update(file_id, vector_store_id=store.id, attributes={})
