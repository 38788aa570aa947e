"""Vector stores and their search through the official client."""

import time

import httpx
import openai
import pytest

from filesearch.server.wire.vector_stores import ResultPage
from filesearch.testing import ScriptedChatModel

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


def done(live, store_id):
    deadline = time.monotonic() + 20
    while (store := live.client.vector_stores.retrieve(store_id)).status == "in_progress":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return store


def asked(live, method, path, **options):
    answer = httpx.request(method, f"{live.base_url}{path}", **options)
    return answer.status_code, answer.json()


def test_an_empty_store_is_complete(live):
    store = live.client.vector_stores.create()
    assert (store.status, store.name, store.metadata, store.usage_bytes) == ("completed", "", {}, 0)
    assert store.file_counts.total == 0
    assert store.expires_after is None
    assert store.last_active_at >= store.created_at
    assert live.client.vector_stores.retrieve(store.id) == store


def test_a_store_takes_in_the_files_it_is_made_with(live):
    files = [uploaded(live), uploaded(live, KILN)]
    store = live.client.vector_stores.create(
        name="handbook",
        file_ids=[*files, files[0]],
        chunking_strategy={
            "type": "static",
            "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50},
        },
        metadata={"team": "clay"},
    )
    assert (store.name, store.metadata, store.file_counts.total) == (
        "handbook",
        {"team": "clay"},
        2,
    )
    store = done(live, store.id)
    assert (store.file_counts.completed, store.status) == (2, "completed")
    assert store.usage_bytes > 0
    file = live.client.vector_stores.files.retrieve(files[0], vector_store_id=store.id)
    assert file.chunking_strategy.static.max_chunk_size_tokens == 200


def test_a_store_is_not_made_for_a_file_that_is_not_there(live):
    before = len(live.client.vector_stores.list().data)
    with pytest.raises(openai.NotFoundError, match="No such File object: file-x"):
        live.client.vector_stores.create(file_ids=["file-x"])
    with pytest.raises(openai.BadRequestError, match=r"Invalid 'file_ids\[0\]': 'x'"):
        live.client.vector_stores.create(file_ids=["x"])
    assert len(live.client.vector_stores.list().data) == before


def test_what_is_left_out_of_an_update_stays(live):
    store = live.client.vector_stores.create(
        name="a", metadata={"k": "v"}, expires_after={"anchor": "last_active_at", "days": 7}
    )
    assert store.expires_at == store.last_active_at + 7 * 86_400
    renamed = live.client.vector_stores.update(store.id, name="b")
    assert (renamed.name, renamed.metadata, renamed.expires_after.days) == ("b", {"k": "v"}, 7)
    bare = live.client.vector_stores.update(store.id, name=None, expires_after=None, metadata={})
    assert (bare.name, bare.metadata, bare.expires_after, bare.expires_at) == ("", {}, None, None)


def test_stores_are_listed_and_deleted_while_the_list_is_walked(live):
    made = [live.client.vector_stores.create().id for _ in range(5)]
    listed = [store.id for store in live.client.vector_stores.list(limit=2)]
    assert [store_id for store_id in listed if store_id in made] == made[::-1]
    for store in live.client.vector_stores.list(limit=2):
        assert live.client.vector_stores.delete(store.id).object == "vector_store.deleted"
    assert not live.client.vector_stores.list().data


def test_a_deleted_store_is_not_found_and_its_files_stay(live):
    store = filled(live, MUGS)
    [file] = live.client.vector_stores.files.list(store.id)
    live.client.vector_stores.delete(store.id)
    for deed in (live.client.vector_stores.retrieve, live.client.vector_stores.delete):
        with pytest.raises(openai.NotFoundError, match=store.id):
            deed(store.id)
    with pytest.raises(openai.NotFoundError):
        live.client.vector_stores.search(store.id, query="mug")
    assert live.client.files.content(file.id).read() == MUGS


def test_what_fsearch_ingested_is_a_store_too(serve, make_fs, docs):
    fs = make_fs()
    fs.ingest(docs)
    live = serve(fs=fs)
    [store] = live.client.vector_stores.list()
    assert (store.name, store.status, store.file_counts.completed) == ("default", "completed", 3)
    found = live.client.vector_stores.search(store.id, query="kiln degrees")
    assert found.data[0].filename == "kiln.txt"


def test_an_expired_store_says_so(live, monkeypatch):
    store = filled(live, MUGS, expires_after={"anchor": "last_active_at", "days": 1})
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86_401)
    assert live.client.vector_stores.retrieve(store.id).status == "expired"
    with pytest.raises(openai.BadRequestError, match="expired"):
        live.client.vector_stores.search(store.id, query="mug")


# Search


def test_a_search_has_the_shape_that_strict_clients_check(live):
    store = filled(live, MUGS, KILN)
    status, page = asked(
        live, "POST", f"/vector_stores/{store.id}/search", json={"query": "mug returned"}
    )
    assert status == 200
    assert sorted(page) == ["data", "has_more", "next_page", "object", "search_query"]
    assert (page["object"], page["has_more"], page["next_page"]) == (
        "vector_store.search_results.page",
        False,
        None,
    )
    assert page["search_query"] == ["mug returned"]
    best = page["data"][0]
    assert sorted(best) == ["attributes", "content", "file_id", "filename", "score"]
    assert best["filename"] == "0.txt"
    assert [part["type"] for part in best["content"]] == ["text"]
    assert "30 days" in best["content"][0]["text"]
    scores = [result["score"] for result in page["data"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_several_queries_are_searched_at_once(live):
    store = filled(live, MUGS, KILN)
    page = live.client.vector_stores.search(store.id, query=["mug returned", "kiln degrees"])
    assert page.search_query == ["mug returned", "kiln degrees"]
    assert {result.filename for result in page} == {"0.txt", "1.txt"}


def test_a_search_returns_at_most_what_it_is_asked_for(live):
    store = filled(live, MUGS, KILN)
    page = live.client.vector_stores.search(store.id, query="mug kiln", max_num_results=1)
    assert len(page.data) == 1


def test_a_search_keeps_to_its_filters(live):
    store = live.client.vector_stores.create()
    for text, year in ((MUGS, 2024), (KILN, 2025)):
        live.client.vector_stores.files.create_and_poll(
            uploaded(live, text, f"{year}.txt"), vector_store_id=store.id, attributes={"year": year}
        )
    page = live.client.vector_stores.search(
        store.id,
        query="mug returned",
        filters={
            "type": "and",
            "filters": [
                {"type": "gte", "key": "year", "value": 2025},
                {"type": "ne", "key": "year", "value": 2026},
            ],
        },
    )
    assert {result.filename for result in page} <= {"2025.txt"}
    assert {result.attributes["year"] for result in page} <= {2025}


def test_a_search_takes_every_option(live):
    store = filled(live, MUGS)
    page = live.client.vector_stores.search(
        store.id,
        query="mug returned",
        rewrite_query=True,
        ranking_options={"ranker": "none", "score_threshold": 0.0},
        extra_body={
            "ranking_options": {
                "ranker": "none",
                "score_threshold": 0.0,
                "hybrid_search": {"embedding_weight": 0, "text_weight": 1},
            },
            "embedding_model": "ignored",
        },
    )
    assert page.data
    assert not live.client.vector_stores.search(
        store.id, query="mug returned", ranking_options={"score_threshold": 1.0}
    ).data


def test_what_a_search_answers_is_the_page_that_is_documented(live):
    """It is written past the shape: the same fields in the same order, and nothing else."""
    store = live.client.vector_stores.create()
    file_id = uploaded(live, "Café “Mug” 🍵 may\tgo back.\n".encode())
    live.client.vector_stores.files.create_and_poll(
        file_id, vector_store_id=store.id, attributes={"a": 0.5, "b": True, "c": "ü", "d": 3}
    )
    for query in ("mug", "", ["mug", "back"]):
        answer = live.client.vector_stores.with_raw_response.search(store.id, query=query)
        shape = ResultPage.model_validate_json(answer.content)
        assert answer.content == shape.model_dump_json().encode()
        assert bool(shape.data) == bool(query)


# What is wrong


BAD_SEARCHES = [
    ({}, "query", "Missing required parameter: 'query'"),
    ({"query": 3}, "query", "Invalid type for 'query'"),
    ({"query": []}, "query", "empty array"),
    ({"query": "x", "max_num_results": 51}, "max_num_results", "<= 50"),
    ({"query": "x", "max_num_results": 0}, "max_num_results", ">= 1"),
    ({"query": "x", "filters": []}, "filters", "expected an object"),
    ({"query": "x", "filters": {"type": "like"}}, "filters.type", "filter type 'like' is unknown"),
    ({"query": "x", "filters": {"type": "eq", "value": 1}}, "filters.key", "in 'key'"),
    ({"query": "x", "filters": {"type": "or", "filters": []}}, "filters.filters", "at least one"),
    (
        {
            "query": "x",
            "filters": {
                "type": "and",
                "filters": [
                    {"type": "eq", "key": "a", "value": 1},
                    {"type": "gt", "key": "b", "value": True},
                ],
            },
        },
        "filters.filters[1].value",
        "not the boolean True",
    ),
    ({"query": "x", "ranking_options": {"ranker": "best"}}, "ranking_options.ranker", "'best'"),
    (
        {"query": "x", "ranking_options": {"score_threshold": 2}},
        "ranking_options.score_threshold",
        "<= 1",
    ),
    (
        {"query": "x", "ranking_options": {"hybrid_search": {"text_weight": 1}}},
        "ranking_options.hybrid_search.embedding_weight",
        "Missing required parameter",
    ),
    (
        {
            "query": "x",
            "ranking_options": {"hybrid_search": {"text_weight": 0, "embedding_weight": 0}},
        },
        "ranking_options.hybrid_search",
        "above 0",
    ),
]


def test_a_wrong_search_is_refused(live):
    store = live.client.vector_stores.create()
    for body, param, words in BAD_SEARCHES:
        status, answer = asked(live, "POST", f"/vector_stores/{store.id}/search", json=body)
        assert (status, answer["error"]["param"]) == (400, param), body
        assert words in answer["error"]["message"]


BAD_STORES = [
    ({"name": 3}, "name"),
    ({"file_ids": ["file-x"] * 501}, "file_ids"),
    ({"metadata": {str(n): "" for n in range(17)}}, "metadata"),
    ({"expires_after": {"anchor": "created_at", "days": 1}}, "expires_after.anchor"),
    ({"expires_after": {"anchor": "last_active_at", "days": 0}}, "expires_after.days"),
    ({"expires_after": {"anchor": "last_active_at", "days": 366}}, "expires_after.days"),
    ({"chunking_strategy": {"type": "clever"}}, "chunking_strategy.type"),
    ({"chunking_strategy": {"type": "static"}}, "chunking_strategy"),
    (
        {
            "chunking_strategy": {
                "type": "static",
                "static": {"max_chunk_size_tokens": 99, "chunk_overlap_tokens": 0},
            }
        },
        "chunking_strategy.static.max_chunk_size_tokens",
    ),
    (
        {
            "chunking_strategy": {
                "type": "static",
                "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 101},
            }
        },
        "chunking_strategy.static",
    ),
    (
        {"chunking_strategy": {"type": "static", "static": {}}},
        "chunking_strategy.static.max_chunk_size_tokens",
    ),
]


def test_a_wrong_store_is_refused(live):
    for body, param in BAD_STORES:
        status, answer = asked(live, "POST", "/vector_stores", json=body)
        assert (status, answer["error"]["param"]) == (400, param), body


PATHS = [
    ("GET", ""),
    ("POST", ""),
    ("DELETE", ""),
    ("POST", "/search"),
    ("GET", "/files"),
    ("POST", "/files"),
    ("GET", "/files/file-x"),
    ("DELETE", "/files/file-x"),
    ("GET", "/files/file-x/content"),
    ("POST", "/file_batches"),
    ("GET", "/file_batches/vsfb_x"),
    ("POST", "/file_batches/vsfb_x/cancel"),
    ("GET", "/file_batches/vsfb_x/files"),
]


def test_a_store_is_named_by_its_id(live):
    for method, path in PATHS:
        body = {"query": "x", "file_id": "file-x", "file_ids": ["file-x"]}
        body = body if method == "POST" else None
        status, answer = asked(live, method, f"/vector_stores/abc{path}", json=body)
        assert (status, answer["error"]["param"]) == (400, "vector_store_id"), path
        assert "Expected an ID that begins with 'vs_'" in answer["error"]["message"]
        status, answer = asked(live, method, f"/vector_stores/vs_abc{path}", json=body)
        assert (status, answer["error"]["code"]) == (404, None), path
        assert "vs_abc" in answer["error"]["message"]


def test_keys_that_are_kept_apart_search_and_poll_their_own_stores_alone(serve_keys):
    live, secrets = serve_keys(ScriptedChatModel([]), [{}, {}], isolates_keys=True)
    mine, other = (
        openai.OpenAI(base_url=live.base_url, api_key=secret, max_retries=0) for secret in secrets
    )
    store = mine.vector_stores.create()
    file = mine.files.create(file=("mugs.md", MUGS), purpose="assistants")
    mine.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id)
    assert mine.vector_stores.search(store.id, query="mug").data
    files = other.vector_stores.files
    for use in (
        lambda: other.vector_stores.search(store.id, query="mug"),
        lambda: files.list(store.id),
        lambda: files.retrieve(file.id, vector_store_id=store.id),
        lambda: files.content(file.id, vector_store_id=store.id),
        lambda: files.update(file.id, vector_store_id=store.id, attributes={"a": 1}),
        lambda: files.delete(file.id, vector_store_id=store.id),
        lambda: files.create(store.id, file_id=file.id),
        lambda: other.vector_stores.file_batches.create(store.id, file_ids=[file.id]),
    ):
        with pytest.raises(openai.NotFoundError, match="Vector store with id"):
            use()
