"""What is refused about assistants, threads and messages, and in which words.

Each row: what is sent, then status, `param`, `code` and a part of the message.
"""

from __future__ import annotations

import httpx
import pytest

MISSING, TYPE, VALUE = "missing_required_parameter", "invalid_type", "invalid_value"
LONG_TEXT, LONG_LIST = "string_above_max_length", "array_above_max_length"
FILE_ID = "Expected an ID that begins with 'file'."
STORE_ID = "Expected an ID that begins with 'vs_'."
GONE = "No such File object: file-gone"


def function(**definition):
    return {"tools": [{"type": "function", "function": definition}]}


def searching(**settings):
    return {"tools": [{"type": "file_search", "file_search": settings}]}


def ranking(**options):
    return searching(ranking_options=options)


def stores(**resources):
    return {"tool_resources": {"file_search": resources}}


def new_store(**store):
    return stores(vector_stores=[store])


def chunks(size, overlap):
    sizes = {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}
    return new_store(chunking_strategy={"type": "static", "static": sizes})


def code_files(*file_ids):
    return {"tool_resources": {"code_interpreter": {"file_ids": list(file_ids)}}}


SEARCH = "tools[0].file_search"
STORES = "tool_resources.file_search"
CODE = "tool_resources.code_interpreter.file_ids"

# Sent with a model.
ASSISTANTS = [
    ({"model": None}, 400, "model", TYPE, "expected a string, but got null"),
    ({"model": 5}, 400, "model", TYPE, "expected a string, but got an integer"),
    ({"model": ""}, 400, "model", "empty_string", "empty string"),
    ({"name": "n" * 257}, 400, "name", LONG_TEXT, "maximum length 256"),
    ({"description": "d" * 513}, 400, "description", LONG_TEXT, "got a string with length 513"),
    ({"instructions": "i" * 256_001}, 400, "instructions", LONG_TEXT, "maximum length 256000"),
    ({"instructions": ["i"]}, 400, "instructions", TYPE, "got an array"),
    ({"tools": None}, 400, "tools", TYPE, "expected an array, but got null"),
    ({"tools": {}}, 400, "tools", TYPE, "expected an array, but got an object"),
    ({"tools": [{"type": "code_interpreter"}] * 129}, 400, "tools", LONG_LIST, "length 129"),
    ({"tools": ["file_search"]}, 400, "tools[0]", TYPE, "expected an object"),
    ({"tools": [{}]}, 400, "tools[0].type", MISSING, "'tools[0].type'"),
    ({"tools": [{"type": "retrieval"}]}, 400, "tools[0].type", VALUE, "'retrieval'"),
    ({"tools": [{"type": "function"}]}, 400, "tools[0].function", MISSING, "function'"),
    (function(), 400, "tools[0].function.name", MISSING, "name'"),
    (function(name="a b"), 400, "tools[0].function.name", VALUE, "'a b'"),
    (function(name="a\n"), 400, "tools[0].function.name", VALUE, "'a"),
    (function(name="a" * 65), 400, "tools[0].function.name", LONG_TEXT, "maximum length 64"),
    (function(name="a", parameters=[]), 400, "tools[0].function.parameters", TYPE, "an array"),
    (function(name="a", strict="very"), 400, "tools[0].function.strict", TYPE, "a boolean"),
    (searching(max_num_results=0), 400, f"{SEARCH}.max_num_results", None, ">= 1, but got 0"),
    (searching(max_num_results=51), 400, f"{SEARCH}.max_num_results", None, "<= 50, but got 51"),
    (ranking(), 400, f"{SEARCH}.ranking_options.score_threshold", MISSING, "score_threshold"),
    (ranking(score_threshold=1.5), 400, f"{SEARCH}.ranking_options.score_threshold", None, "1.5"),
    (
        ranking(score_threshold=0, ranker="best"),
        400,
        f"{SEARCH}.ranking_options.ranker",
        VALUE,
        "'best'",
    ),
    ({"temperature": 2.1}, 400, "temperature", "decimal_above_max_value", "got 2.1"),
    ({"temperature": -1}, 400, "temperature", "integer_below_min_value", "got -1"),
    ({"temperature": "hot"}, 400, "temperature", TYPE, "got a string"),
    ({"top_p": 1.01}, 400, "top_p", "decimal_above_max_value", "got 1.01"),
    ({"response_format": "json"}, 400, "response_format", VALUE, "'json'"),
    ({"response_format": {"type": "xml"}}, 400, "response_format.type", VALUE, "'xml'"),
    ({"response_format": {}}, 400, "response_format.type", MISSING, "response_format.type"),
    (
        {"response_format": {"type": "json_schema"}},
        400,
        "response_format.json_schema",
        MISSING,
        "json_schema'",
    ),
    ({"reasoning_effort": "extreme"}, 400, "reasoning_effort", VALUE, "'extreme'"),
    ({"metadata": []}, 400, "metadata", TYPE, "expected an object"),
    ({"metadata": {"a": 5}}, 400, "metadata.a", TYPE, "got an integer"),
    (
        {"metadata": {str(n): "" for n in range(17)}},
        400,
        "metadata",
        "object_above_max_properties",
        "17 properties",
    ),
    ({"metadata": {"k" * 65: ""}}, 400, "metadata", LONG_TEXT, "maximum length 64"),
    ({"metadata": {"k": "v" * 513}}, 400, "metadata", LONG_TEXT, "'metadata.k'"),
    ({"tool_resources": []}, 400, "tool_resources", TYPE, "expected an object"),
    (stores(vector_store_ids=["vs_1"] * 2), 400, f"{STORES}.vector_store_ids", LONG_LIST, "2"),
    (stores(vector_store_ids=["x"]), 400, f"{STORES}.vector_store_ids[0]", VALUE, STORE_ID),
    (stores(vector_store_ids=["vs_gone"]), 404, None, None, "vs_gone"),
    (
        stores(vector_store_ids=["vs_gone"], vector_stores=[{}]),
        400,
        f"{STORES}.vector_stores",
        "mutually_exclusive_parameters",
        "only one",
    ),
    (stores(vector_stores=[{}, {}]), 400, f"{STORES}.vector_stores", LONG_LIST, "length 2"),
    (new_store(file_ids=["x"]), 400, f"{STORES}.vector_stores[0].file_ids[0]", VALUE, FILE_ID),
    (new_store(file_ids=["file-gone"]), 404, None, None, GONE),
    (
        new_store(chunking_strategy={"type": "semantic"}),
        400,
        f"{STORES}.vector_stores[0].chunking_strategy.type",
        VALUE,
        "'semantic'",
    ),
    (
        chunks(99, 0),
        400,
        f"{STORES}.vector_stores[0].chunking_strategy.static.max_chunk_size_tokens",
        "integer_below_min_value",
        "got 99",
    ),
    (code_files(*["file-1"] * 21), 400, CODE, LONG_LIST, "length 21"),
    (code_files("x"), 400, f"{CODE}[0]", VALUE, FILE_ID),
    (code_files("file-gone"), 404, None, None, GONE),
]


def attached(file_id="file-gone", tools=()):
    return {"attachments": [{"file_id": file_id, "tools": list(tools)}]}


def shown(part):
    return {"content": [part]}


# Sent with a role and a content.
MESSAGES = [
    ({"role": None}, 400, "role", VALUE, "'user' or 'assistant'"),
    ({"role": "system"}, 400, "role", VALUE, "'system'"),
    ({"content": None}, 400, "content", TYPE, "one of a string or an array"),
    ({"content": 5}, 400, "content", TYPE, "got an integer"),
    ({"content": []}, 400, "content", "empty_array", "empty array"),
    (shown("hello"), 400, "content[0]", TYPE, "got a string"),
    (shown({"text": "hello"}), 400, "content[0].type", MISSING, "content[0].type"),
    (shown({"type": "text"}), 400, "content[0].text", MISSING, "content[0].text"),
    (shown({"type": "text", "text": {"value": ""}}), 400, "content[0].text", TYPE, "an object"),
    (shown({"type": "audio"}), 400, "content[0].type", VALUE, "'audio'"),
    (
        shown({"type": "image_url", "image_url": {"url": "mug.png"}}),
        400,
        "content[0].image_url.url",
        VALUE,
        "'mug.png'",
    ),
    (
        shown({"type": "image_url", "image_url": {"url": "https://x.org", "detail": "fine"}}),
        400,
        "content[0].image_url.detail",
        VALUE,
        "'fine'",
    ),
    (
        shown({"type": "image_file", "image_file": {"file_id": "mug"}}),
        400,
        "content[0].image_file.file_id",
        VALUE,
        FILE_ID,
    ),
    (shown({"type": "image_file", "image_file": {"file_id": "file-gone"}}), 404, None, None, GONE),
    ({"attachments": {}}, 400, "attachments", TYPE, "got an object"),
    ({"attachments": [{"tools": []}]}, 400, "attachments[0].file_id", MISSING, "file_id"),
    ({"attachments": [{"file_id": "file-1"}]}, 400, "attachments[0].tools", MISSING, "tools"),
    (attached(tools=[{"type": "x"}]), 400, "attachments[0].tools[0].type", VALUE, "'x'"),
    (attached("x"), 400, "attachments[0].file_id", VALUE, f"'x'. {FILE_ID}"),
    (attached(), 404, None, None, GONE),
    ({"metadata": "x"}, 400, "metadata", TYPE, "got a string"),
]

# Sent as they are.
THREADS = [
    ([], 400, None, TYPE, "expected an object, but got an array"),
    ({"messages": None}, 400, "messages", TYPE, "got null"),
    ({"messages": {}}, 400, "messages", TYPE, "got an object"),
    ({"messages": [{}]}, 400, "messages[0].role", MISSING, "messages[0].role"),
    (stores(vector_store_ids=["x"]), 400, f"{STORES}.vector_store_ids[0]", VALUE, "'x'"),
    (stores(vector_store_ids=["vs_gone"]), 404, None, None, "vs_gone"),
    (new_store(file_ids=["file-gone"]), 404, None, None, GONE),
    (code_files("file-gone"), 404, None, None, GONE),
    ({"metadata": {"a": None}}, 400, "metadata.a", TYPE, "got null"),
    (b"{", 400, None, None, "could not parse the JSON body"),
    (b'{"metadata": {"a": "\xff"}}', 400, None, None, "could not parse the JSON body"),
    (b'{"metadata": {"a": "\\ud800"}}', 400, None, None, "could not parse the JSON body"),
    (b'{"metadata": {"a": NaN}}', 400, None, None, "could not parse the JSON body"),
    (b"[" * 100_000, 400, None, None, "could not parse the JSON body"),
]

# Method, path, and a part of the message; a POST has an empty object.
UNKNOWN = [
    ("GET", "/assistants/asst_gone", "No assistant found with id 'asst_gone'."),
    ("POST", "/assistants/asst_gone", "No assistant found with id 'asst_gone'."),
    ("DELETE", "/assistants/asst_gone", "No assistant found with id 'asst_gone'."),
    ("GET", "/assistants?after=asst_gone", "'asst_gone'"),
    ("GET", "/threads/thread_gone", "No thread found with id 'thread_gone'."),
    ("POST", "/threads/thread_gone", "No thread found with id 'thread_gone'."),
    ("DELETE", "/threads/thread_gone", "No thread found with id 'thread_gone'."),
    ("GET", "/threads/thread_gone/messages", "No thread found with id 'thread_gone'."),
    ("GET", "/threads/{thread}/messages/msg_gone", "No message found with id 'msg_gone'."),
    ("POST", "/threads/{thread}/messages/msg_gone", "No message found with id 'msg_gone'."),
    ("DELETE", "/threads/{thread}/messages/msg_gone", "No message found with id 'msg_gone'."),
    ("GET", "/threads/{thread}/messages?before=msg_gone", "'msg_gone'"),
    ("GET", "/threads/..%2Fthread_gone", ""),
]


@pytest.fixture
def http(live):
    with httpx.Client() as client:
        yield client


@pytest.fixture
def mistaken(live, http):
    """Posts the body of each row and returns the rows that were not answered as they say."""

    def post_all(path, rows, base=None):
        wrong = []
        for given, *wanted in rows:
            raw = given if isinstance(given, bytes) else None
            body = {**base, **given} if base else given
            answer = http.post(
                live.base_url + path,
                content=raw,
                json=None if raw else body,
                headers={"Content-Type": "application/json"},
            )
            error = answer.json()["error"]
            found = [answer.status_code, error["param"], error["code"]]
            status, param, code, words = wanted
            fits = found[:2] == [status, param] and code in (None, found[2])
            if not fits or words not in error["message"] or len(error) != 4:
                wrong.append((given, wanted, found, error["message"]))
        return wrong

    return post_all


def test_assistants_that_cannot_be_are_refused(mistaken):
    assert mistaken("/assistants", ASSISTANTS, {"model": "m"}) == []
    assert mistaken("/assistants", [({}, 400, "model", MISSING, "'model'")]) == []


def test_changes_that_cannot_be_are_refused_and_change_nothing(live, mistaken):
    made = live.client.beta.assistants.create(model="m", name="N")
    rows = [row for row in ASSISTANTS if "vector_stores" not in str(row)]
    assert mistaken(f"/assistants/{made.id}", rows, {"model": "other"}) == []
    assert live.client.beta.assistants.retrieve(made.id) == made


def test_a_change_cannot_make_a_store(live, mistaken):
    made = live.client.beta.assistants.create(model="m")
    thread = live.client.beta.threads.create()
    row = (new_store(), 400, f"{STORES}.vector_stores", "unknown_parameter", "vector_stores'")
    assert mistaken(f"/assistants/{made.id}", [row]) == []
    assert mistaken(f"/threads/{thread.id}", [row]) == []


def test_threads_that_cannot_be_are_refused(mistaken):
    assert mistaken("/threads", THREADS) == []


def test_runs_of_new_threads_have_resources_that_are_there(live, mistaken):
    made = live.client.beta.assistants.create(model="m", tools=[{"type": "file_search"}])
    rows = [
        (stores(vector_store_ids=["x"]), 400, f"{STORES}.vector_store_ids[0]", VALUE, STORE_ID),
        (stores(vector_store_ids=["vs_gone"]), 404, None, None, "vs_gone"),
        (code_files("x"), 400, f"{CODE}[0]", VALUE, FILE_ID),
        (code_files("file-gone"), 404, None, None, GONE),
    ]
    assert mistaken("/threads/runs", rows, {"assistant_id": made.id}) == []


def test_messages_that_cannot_be_are_refused(live, mistaken):
    thread = live.client.beta.threads.create()
    valid = {"role": "user", "content": "hello"}
    assert mistaken(f"/threads/{thread.id}/messages", MESSAGES, valid) == []
    assert live.client.beta.threads.messages.list(thread.id).data == []


def test_messages_of_new_threads_are_checked_alike(mistaken):
    valid = {"role": "user", "content": "hello"}
    rows = [
        (
            {"messages": [valid, {**valid, **given}]},
            status,
            param and f"messages[1].{param}",
            code,
            words.replace("content[0]", "messages[1].content[0]"),
        )
        for given, status, param, code, words in MESSAGES
    ]
    assert mistaken("/threads", rows) == []


def test_what_is_not_there_is_named(live, http):
    thread = live.client.beta.threads.create()
    for method, path, words in UNKNOWN:
        url = live.base_url + path.format(thread=thread.id)
        answer = http.request(method, url, json={} if method == "POST" else None)
        assert answer.status_code == 404, (method, path)
        assert words in answer.json()["error"]["message"]


def test_a_thread_has_no_more_than_20_files_for_code(live, mistaken):
    """The limit holds for what messages attach, one after the other, too."""
    ids = [
        live.client.files.create(file=(f"{n}.csv", b"a"), purpose="assistants").id
        for n in range(21)
    ]
    tools = [{"type": "code_interpreter"}]
    thread = live.client.beta.threads.create(
        tool_resources={"code_interpreter": {"file_ids": ids[:20]}}
    )
    row = (
        {"role": "user", "content": "x", **attached(ids[20], tools)},
        400,
        "attachments",
        LONG_LIST,
        "length 21",
    )
    assert mistaken(f"/threads/{thread.id}/messages", [row]) == []


def test_refused_messages_leave_neither_stores_nor_files_behind(live, mistaken):
    file = live.client.files.create(file=("a.csv", b"a"), purpose="assistants").id
    others = [
        live.client.files.create(file=(f"{n}.csv", b"a"), purpose="assistants").id
        for n in range(20)
    ]
    code = {"code_interpreter": {"file_ids": others}}
    thread = live.client.beta.threads.create(tool_resources=code)
    held = live.client.vector_stores.list().data
    both = [{"type": "file_search"}, {"type": "code_interpreter"}]
    message = {"role": "user", "content": "x", **attached(file, both)}
    run = {"assistant_id": live.client.beta.assistants.create(model="m").id}
    made = {"tool_resources": {**code, "file_search": {"vector_stores": [{}]}}}
    added = "additional_messages"
    for path, body, param in (
        (f"/threads/{thread.id}/messages", message, "attachments"),
        (f"/threads/{thread.id}/runs", {**run, added: [message]}, added),
        ("/threads", {**made, "messages": [message]}, "messages"),
        ("/threads/runs", {**run, "thread": {**made, "messages": [message]}}, "thread.messages"),
    ):
        row = (body, 400, param, LONG_LIST, "length 21")
        assert mistaken(path, [row]) == [], path
    assert live.client.vector_stores.list().data == held
    assert live.client.beta.threads.retrieve(thread.id) == thread
