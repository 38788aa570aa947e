"""Bad requests, continued: assistants, threads, messages, runs; see bad_requests.py."""

from __future__ import annotations

from typing import Any

from bad_requests import (
    ANY,
    ARRAY_LONG,
    MISSING,
    STRING_LONG,
    TYPE,
    VALUE,
    Case,
    metadata_cases,
    post,
    unknown,
)

NO_ASSISTANT = "No assistant found with id 'asst_none'."
NO_THREAD = "No thread found with id 'thread_none'."


def _assistant(param: str | None, says: str, **fields: Any) -> Case:
    code = fields.pop("code", ANY)
    return post("/assistants", {"model": "gpt-4o", **fields}, param, says, code=code)


def _tool(param: str | None, says: str, tool: Any, code: str = ANY) -> Case:
    return _assistant(param, says, tools=[{"type": "file_search"}, tool], code=code)


def _function(says: str, **function: Any) -> Case:
    return _tool(ANY, says, {"type": "function", "function": function})


ASSISTANTS = [
    post("/assistants", {}, "model", "Missing required parameter: 'model'.", code=MISSING),
    post("/assistants", {"model": None}, "model", "null"),
    post("/assistants", {"model": 5}, "model", "an integer", code=TYPE),
    _assistant("name", "length 257", name="n" * 257, code=STRING_LONG),
    _assistant("name", "an array", name=[], code=TYPE),
    _assistant("description", "length 513", description="d" * 513, code=STRING_LONG),
    _assistant("instructions", "length 256001", instructions="i" * 256_001, code=STRING_LONG),
    _assistant("tools", "length 129", tools=[{"type": "file_search"}] * 129, code=ARRAY_LONG),
    _assistant("tools", "a string", tools="file_search", code=TYPE),
    _assistant("tools[0]", "a string", tools=["file_search"], code=TYPE),
    _tool("tools[1].type", "retrieval", {"type": "retrieval"}, VALUE),
    _tool("tools[1].type", "tools[1].type", {}, MISSING),
    _tool("tools[1].function", "tools[1].function", {"type": "function"}, MISSING),
    _function("name", description="no name"),
    _function("get weather", name="get weather"),
    _function("65", name="f" * 65),
    _function("an integer", name=5),
    _function("an array", name="f", parameters=[]),
    *[
        _tool(ANY, says, {"type": "file_search", "file_search": options})
        for options, says in [
            ({"max_num_results": 0}, "0"),
            ({"max_num_results": 51}, "51"),
            ({"max_num_results": "many"}, "a string"),
            ({"ranking_options": {"ranker": "auto"}}, "score_threshold"),
            ({"ranking_options": {"score_threshold": 1.5}}, "1.5"),
            ({"ranking_options": {"ranker": "best", "score_threshold": 0}}, "best"),
        ]
    ],
    _assistant("temperature", "2.1", temperature=2.1),
    _assistant("temperature", "-1", temperature=-1),
    _assistant("temperature", "a string", temperature="hot", code=TYPE),
    _assistant("top_p", "1.5", top_p=1.5),
    _assistant("reasoning_effort", "enormous", reasoning_effort="enormous"),
    _assistant(ANY, "", response_format="xml"),
    _assistant(ANY, "xml", response_format={"type": "xml"}),
    _assistant(ANY, "json_schema", response_format={"type": "json_schema"}),
    _assistant(ANY, "name", response_format={"type": "json_schema", "json_schema": {}}),
    *[
        _assistant(ANY, says, tool_resources=resources)
        for resources, says in [
            ({"code_interpreter": {"file_ids": ["{file}"] * 21}}, "21"),
            ({"file_search": {"vector_store_ids": ["{store}", "{other_store}"]}}, "2"),
            ({"file_search": {"vector_stores": [{}, {}]}}, "2"),
            (
                {"file_search": {"vector_store_ids": ["{store}"], "vector_stores": [{}]}},
                "vector_store",
            ),
            ({"file_search": {"vector_store_ids": "{store}"}}, "a string"),
            ({"file_search": {"vector_store_ids": ["file-a"]}}, "file-a"),
            ("{store}", "a string"),
        ]
    ],
    *metadata_cases("/assistants", {"model": "gpt-4o"}),
    unknown("GET", "/assistants/asst_none", NO_ASSISTANT),
    unknown("POST", "/assistants/asst_none", NO_ASSISTANT, {"name": "x"}),
    unknown("DELETE", "/assistants/asst_none", NO_ASSISTANT),
    unknown("GET", "/assistants/{thread}", "No assistant found with id '{thread}'."),
    post("/assistants/{assistant}", {"name": "n" * 257}, "name", "257", code=STRING_LONG),
    post("/assistants/{assistant}", {"temperature": 3}, "temperature", "3"),
    post("/assistants/{assistant}", {"model": 5}, "model", "an integer", code=TYPE),
]


def _message(param: str | None, says: str, code: str = ANY, **fields: Any) -> Case:
    body = {"role": "user", "content": "Hello", **fields}
    return post("/threads/{thread}/messages", body, param, says, code=code)


def _part(says: str, part: Any) -> Case:
    return _message(ANY, says, content=[{"type": "text", "text": "See:"}, part])


def _attachment(says: str, attachment: Any, param: str | None = ANY) -> Case:
    return _message(param, says, attachments=[attachment])


SEARCHED = [{"type": "file_search"}]
THREADS = [
    post("/threads", {"messages": "Hello"}, "messages", "a string", code=TYPE),
    post("/threads", {"messages": [{"role": "user"}]}, "messages[0].content", code=MISSING),
    post("/threads", {"messages": [{"content": "x"}]}, "messages[0].role", code=MISSING),
    post(
        "/threads",
        {"messages": [{"role": "system", "content": "x"}]},
        "messages[0].role",
        "system",
        code=VALUE,
    ),
    post(
        "/threads",
        {
            "messages": [
                {
                    "role": "user",
                    "content": "x",
                    "attachments": [{"file_id": "doc-1", "tools": SEARCHED}],
                }
            ]
        },
        "messages[0].attachments[0].file_id",
        "Invalid 'messages[0].attachments[0].file_id': 'doc-1'. Expected an ID that begins with "
        "'file'.",
    ),
    post("/threads", {"tool_resources": "store"}, "tool_resources", "a string", code=TYPE),
    *metadata_cases("/threads", {}),
    unknown("GET", "/threads/thread_none", NO_THREAD),
    unknown("POST", "/threads/thread_none", NO_THREAD, {"metadata": {}}),
    unknown("DELETE", "/threads/thread_none", NO_THREAD),
    unknown("GET", "/threads/thread_none/messages", NO_THREAD),
    unknown("GET", "/threads/thread_none/runs", NO_THREAD),
    unknown("POST", "/threads/thread_none/messages", NO_THREAD, {"role": "user", "content": "x"}),
    post("/threads/{thread}", {"metadata": {"a": 1}}, "metadata.a", "an integer", code=TYPE),
    _message("role", "system", VALUE, role="system"),
    _message("role", "5", role=5),
    post("/threads/{thread}/messages", {"role": "user"}, "content", "content", code=MISSING),
    post("/threads/{thread}/messages", {"content": "x"}, "role", "role", code=MISSING),
    _message("content", "an integer", content=5),
    _message("content", "null", content=None),
    _message("content", "empty array", content=[]),
    _part("video", {"type": "video"}),
    _part("type", {"text": "no type"}),
    _part("text", {"type": "text"}),
    _part("an object", {"type": "text", "text": {"value": "v"}}),
    _part("image_file", {"type": "image_file"}),
    _part("url", {"type": "image_url", "image_url": {}}),
    _part("huge", {"type": "image_url", "image_url": {"url": "http://x/", "detail": "huge"}}),
    unknown(
        "POST",
        "/threads/{thread}/messages",
        "No such File object: file-none",
        {
            "role": "user",
            "content": "x",
            "attachments": [{"file_id": "file-none", "tools": SEARCHED}],
        },
    ),
    _attachment("doc-1", {"file_id": "doc-1", "tools": SEARCHED}, "attachments[0].file_id"),
    _attachment("browser", {"file_id": "{file}", "tools": [{"type": "browser"}]}),
    _attachment("an integer", {"file_id": 5, "tools": SEARCHED}, "attachments[0].file_id"),
    *metadata_cases("/threads/{thread}/messages", {"role": "user", "content": "x"}),
    unknown("GET", "/threads/{thread}/messages/msg_none", "msg_none"),
    unknown("POST", "/threads/{thread}/messages/msg_none", "msg_none", {"metadata": {}}),
    unknown("DELETE", "/threads/{thread}/messages/msg_none", "msg_none"),
    unknown("GET", "/threads/{busy_thread}/messages/{message}", "{message}"),
    post("/threads/{thread}/messages/{message}", {"metadata": "red"}, "metadata", code=TYPE),
]


def _run(param: str | None, says: str, code: str = ANY, **fields: Any) -> Case:
    body = {"assistant_id": "{assistant}", **fields}
    return post("/threads/{thread}/runs", body, param, says, code=code)


def _outputs(says: str, *outputs: Any, param: str | None = ANY) -> Case:
    path = "/threads/{busy_thread}/runs/{busy_run}/submit_tool_outputs"
    return post(path, {"tool_outputs": list(outputs)}, param, says)


RUN = "/threads/{thread}/runs/{run}"
ACTIVE = "Thread {busy_thread} already has an active run {busy_run}."
LOCKED = "Can't add messages to {busy_thread} while a run {busy_run} is active."
CALL = {"tool_call_id": "{call}", "output": "x"}
RUNS = [
    post("/threads/{thread}/runs", {}, "assistant_id", "assistant_id", code=MISSING),
    post("/threads/{thread}/runs", {"assistant_id": 5}, "assistant_id", "an integer", code=TYPE),
    unknown("POST", "/threads/{thread}/runs", NO_ASSISTANT, {"assistant_id": "asst_none"}),
    unknown("POST", "/threads/thread_none/runs", NO_THREAD, {"assistant_id": "{assistant}"}),
    unknown("POST", "/threads/runs", NO_ASSISTANT, {"assistant_id": "asst_none"}),
    post("/threads/runs", {"thread": {}}, "assistant_id", "assistant_id", code=MISSING),
    post("/threads/runs", {"assistant_id": "{assistant}", "thread": "x"}, "thread", code=TYPE),
    post(
        "/threads/runs",
        {"assistant_id": "{assistant}", "thread": {"messages": [{"role": "robot"}]}},
        "thread.messages[0].role",
        "robot",
    ),
    _run("max_completion_tokens", "255", max_completion_tokens=255),
    _run("max_prompt_tokens", "255", max_prompt_tokens=255),
    _run("max_prompt_tokens", "a string", TYPE, max_prompt_tokens="many"),
    _run(ANY, "middle", truncation_strategy={"type": "middle"}),
    _run(ANY, "0", truncation_strategy={"type": "last_messages", "last_messages": 0}),
    _run(ANY, "type", truncation_strategy={"last_messages": 1}),
    _run(ANY, "maybe", tool_choice="maybe"),
    _run(ANY, "function", tool_choice={"type": "function"}),
    _run(ANY, "browser", tool_choice={"type": "browser"}),
    _run("tools", "21", ARRAY_LONG, tools=[{"type": "file_search"}] * 21),
    _run("tools[0].type", "browser", tools=[{"type": "browser"}]),
    _run("temperature", "5", temperature=5),
    _run("top_p", "-1", top_p=-1),
    _run("instructions", "an integer", TYPE, instructions=5),
    _run("additional_instructions", "an array", TYPE, additional_instructions=[]),
    _run(ANY, "system", additional_messages=[{"role": "system", "content": "x"}]),
    _run("parallel_tool_calls", "parallel_tool_calls", parallel_tool_calls="perhaps"),
    _run("stream", "stream", stream="perhaps"),
    _run(ANY, "xml", response_format={"type": "xml"}),
    *metadata_cases("/threads/{thread}/runs", {"assistant_id": "{assistant}"}),
    post(
        "/threads/{busy_thread}/messages", {"role": "user", "content": "x"}, None, LOCKED, code=None
    ),
    post("/threads/{busy_thread}/runs", {"assistant_id": "{assistant}"}, None, ACTIVE, code=None),
    post(
        "/threads/{busy_thread}/runs",
        {
            "assistant_id": "{assistant}",
            "additional_messages": [{"role": "user", "content": "x"}],
        },
        None,
        "{busy_run}",
        code=None,
    ),
    _outputs(
        "Expected tool outputs for call_ids ['{call}', '{second_call}'], got ['{call}']", CALL
    ),
    _outputs("got []"),
    _outputs("call_none", {"tool_call_id": "call_none", "output": "x"}),
    _outputs("{call}", CALL, CALL),
    _outputs("an integer", {"tool_call_id": "{call}", "output": 5}),
    _outputs("a string", "{call}", param="tool_outputs[0]"),
    post(
        "/threads/{busy_thread}/runs/{busy_run}/submit_tool_outputs",
        {},
        "tool_outputs",
        "tool_outputs",
        code=MISSING,
    ),
    post(
        RUN + "/submit_tool_outputs",
        {"tool_outputs": [{"tool_call_id": "call_a", "output": "x"}]},
        None,
        'Runs in status "completed" do not accept tool outputs.',
        code=None,
    ),
    post(RUN + "/cancel", None, None, "Cannot cancel run with status 'completed'.", code=None),
    post(RUN, {"metadata": {"k": ["v"]}}, "metadata.k", "an array", code=TYPE),
    unknown("GET", "/threads/{thread}/runs/run_none", "run_none"),
    unknown("POST", "/threads/{thread}/runs/run_none", "run_none", {"metadata": {}}),
    unknown("POST", "/threads/{thread}/runs/run_none/cancel", "run_none"),
    unknown("GET", "/threads/{busy_thread}/runs/{run}", "{run}"),
    unknown("GET", "/threads/{thread}/runs/run_none/steps", "run_none"),
    unknown("GET", RUN + "/steps/step_none", "step_none"),
    unknown(
        "POST",
        "/threads/{thread}/runs/run_none/submit_tool_outputs",
        "run_none",
        {"tool_outputs": []},
    ),
]
