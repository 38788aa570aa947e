"""U+0000 in an id or a name: refused by name, alike on each database."""

import httpx
import pytest

CHAT = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
SEARCH = {"type": "file_search"}


@pytest.fixture(params=["sqlite", "postgresql"])
def live(request, serve):
    is_sqlite = request.param == "sqlite"
    return serve() if is_sqlite else serve(db=request.getfixturevalue("postgres_url"))


def store_with(ids):
    return {"tool_resources": {"file_search": {"vector_store_ids": ids}}}


@pytest.fixture
def refused(live):
    """What a server refuses: path, body (None for GET), the parameter that it names."""
    store = f"/vector_stores/{live.client.vector_stores.create().id}"
    thread = f"/threads/{live.client.beta.threads.create().id}"
    mug = live.client.files.create(file=("mug.txt", b"mug"), purpose="assistants").id
    attached = {"file_id": "file-\x00", "tools": [SEARCH]}
    return [
        ("/vector_stores", {"name": "a\x00b"}, "name"),
        ("/vector_stores", {"description": "\x00"}, "description"),
        ("/vector_stores", {"file_ids": [mug, "file-\x00"]}, "file_ids[1]"),
        (store, {"name": "\x00"}, "name"),
        (f"{store}/files", {"file_id": "file-\x00"}, "file_id"),
        (f"{store}/file_batches", {"file_ids": [mug, "file-\x00"]}, "file_ids[1]"),
        (f"{store}/file_batches", {"files": [{"file_id": "\x00"}]}, "files[0].file_id"),
        ("/chat/completions", {**CHAT, "model": "m\x00", "store": True}, "model"),
        ("/chat/completions", {**CHAT, "vector_store_ids": ["vs_\x00"]}, "vector_store_ids[0]"),
        ("/responses", {"model": "m", "previous_response_id": "\x00"}, "previous_response_id"),
        ("/responses", {"model": "m", "conversation": "conv_\x00"}, "conversation"),
        ("/responses", {"model": "m", "conversation": {"id": "\x00"}}, "conversation.id"),
        (
            "/responses",
            {"model": "m", "tools": [{**SEARCH, "vector_store_ids": ["vs_\x00"]}]},
            "tools[0].vector_store_ids[0]",
        ),
        (
            "/responses",
            {"model": "m", "input": [{"type": "item_reference", "id": "msg_\x00"}]},
            "input[0].id",
        ),
        (f"{thread}/runs", {"assistant_id": "asst_\x00"}, "assistant_id"),
        (
            f"{thread}/messages",
            {"role": "user", "content": "x", "attachments": [attached]},
            "attachments[0].file_id",
        ),
        ("/threads", store_with(["vs_\x00"]), "tool_resources.file_search.vector_store_ids[0]"),
        (
            "/assistants",
            {"model": "m", **store_with(["vs_\x00"])},
            "tool_resources.file_search.vector_store_ids[0]",
        ),
        ("/files?after=file-%00", None, "after"),
        ("/files?purpose=a%00", None, "purpose"),
        ("/assistants?after=asst_%00", None, "after"),
        ("/vector_stores?before=vs_%00", None, "before"),
        ("/chat/completions?model=m%00", None, "model"),
    ]


def test_a_nul_in_an_id_or_a_name_is_refused(live, refused):
    for path, body, param in refused:
        method = "GET" if body is None else "POST"
        answer = httpx.request(method, live.base_url + path, json=body, timeout=20)
        error = answer.json().get("error", {})
        assert (answer.status_code, error.get("param")) == (400, param), (path, answer.text)
        assert "NUL" in error["message"]


@pytest.mark.parametrize("path", ["/assistants/asst_%00", "/files/file-%00", "/threads/thread_%00"])
def test_an_address_with_a_nul_names_nothing(live, path):
    assert httpx.get(live.base_url + path).status_code == 404
