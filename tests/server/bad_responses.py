"""Bad requests, continued: responses, conversations, chat, embeddings; see bad_requests.py."""

from __future__ import annotations

from typing import Any

from bad_requests import (
    ANY,
    ARRAY_LONG,
    MISSING,
    NO_STORE,
    TYPE,
    Case,
    metadata_cases,
    post,
    unknown,
)


def _response(param: str | None, says: str, code: str | None = ANY, **fields: Any) -> Case:
    body = {"model": "gpt-4o", "input": "Hello", **fields}
    return post("/responses", body, param, says, code=code)


RESPONSES = [
    post("/responses", {"model": "m", "input": 5}, "input", "an integer", code=TYPE),
    post("/responses", {"model": 5, "input": "x"}, "model", "an integer", code=TYPE),
    _response(ANY, "robot", input=[{"role": "robot", "content": "x"}]),
    _response(ANY, "", input=[{"type": "no_such_item"}]),
    _response(
        ANY,
        "Previous response with id 'resp_none' not found.",
        "previous_response_not_found",
        previous_response_id="resp_none",
    ),
    _response(
        ANY,
        "conversation",
        previous_response_id="{response}",
        conversation="{conversation}",
    ),
    post(
        "/responses",
        {"model": "m", "input": "x", "conversation": "conv_none"},
        ANY,
        "conv_none",
        status=404,
    ),
    _response("max_output_tokens", "15", max_output_tokens=15),
    _response("temperature", "3", temperature=3),
    _response("top_p", "2", top_p=2),
    _response("truncation", "middle", truncation="middle"),
    _response("tools[0].type", "browser", tools=[{"type": "browser"}]),
    _response("tools", "a string", TYPE, tools="file_search"),
    _response(
        "tools[0].vector_store_ids", "vector_store_ids", MISSING, tools=[{"type": "file_search"}]
    ),
    _response(
        "tools[0].max_num_results",
        "51",
        tools=[{"type": "file_search", "vector_store_ids": ["{store}"], "max_num_results": 51}],
    ),
    _response(
        ANY,
        "like",
        tools=[
            {
                "type": "file_search",
                "vector_store_ids": ["{store}"],
                "filters": {"type": "like", "key": "k", "value": "v"},
            }
        ],
    ),
    post(
        "/responses",
        {
            "model": "m",
            "input": "x",
            "tools": [{"type": "file_search", "vector_store_ids": [NO_STORE]}],
        },
        ANY,
        NO_STORE,
        status=404,
    ),
    _response(ANY, "name", tools=[{"type": "function", "parameters": {}}]),
    _response("tools[0].name", "129", tools=[{"type": "function", "name": "x" * 129}]),
    _response(ANY, "maybe", tool_choice="maybe"),
    _response(ANY, "xml", text={"format": {"type": "xml"}}),
    _response(ANY, "secrets", include=["secrets"]),
    *metadata_cases("/responses", {"model": "m", "input": "x"}),
    unknown("GET", "/responses/resp_none", "resp_none"),
    unknown("DELETE", "/responses/resp_none", "resp_none"),
    unknown("POST", "/responses/resp_none/cancel", "resp_none"),
    unknown("GET", "/responses/resp_none/input_items", "resp_none"),
    unknown("GET", "/responses/{forgotten_response}", "{forgotten_response}"),
    _response(
        ANY,
        "{forgotten_response}",
        "previous_response_not_found",
        previous_response_id="{forgotten_response}",
    ),
    post("/responses/{response}/cancel", None, ANY, ""),
    unknown("GET", "/conversations/conv_none", "conv_none"),
    unknown("POST", "/conversations/conv_none", "conv_none", {"metadata": {}}),
    unknown("DELETE", "/conversations/conv_none", "conv_none"),
    unknown("GET", "/conversations/conv_none/items", "conv_none"),
    unknown("GET", "/conversations/{conversation}/items/msg_none", "msg_none"),
    unknown("DELETE", "/conversations/{conversation}/items/msg_none", "msg_none"),
    post(
        "/conversations",
        {"items": [{"type": "message", "role": "user", "content": "x"}] * 21},
        "items",
        "21",
        code=ARRAY_LONG,
    ),
    post("/conversations", {"items": "x"}, "items", "a string", code=TYPE),
    post("/conversations/{conversation}/items", {}, "items", "items", code=MISSING),
    *metadata_cases("/conversations", {}),
]


def _chat(param: str | None, says: str, code: str = ANY, **fields: Any) -> Case:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], **fields}
    return post("/chat/completions", body, param, says, code=code)


CHAT = [
    post("/chat/completions", {"model": "m"}, "messages", "messages", code=MISSING),
    post("/chat/completions", {"messages": []}, ANY, ""),
    _chat("messages", "messages", messages=[]),
    _chat("messages", "a string", TYPE, messages="x"),
    _chat(ANY, "robot", messages=[{"role": "robot", "content": "x"}]),
    _chat("temperature", "3", temperature=3),
    _chat("tools", "a string", TYPE, tools="x"),
    _chat("max_tokens", "a string", TYPE, max_tokens="many"),
    post("/completions", {"prompt": "x"}, "model", "model", code=MISSING),
    post("/completions", {"model": "m", "prompt": {"a": 1}}, "prompt", "prompt"),
    post("/embeddings", {"model": "m"}, "input", "input", code=MISSING),
    post("/embeddings", {"input": "x"}, "model", "model", code=MISSING),
    post("/embeddings", {"model": "m", "input": {"a": 1}}, "input", "an object"),
    post("/embeddings", {"model": "m", "input": ["x", 5.5]}, ANY, ""),
    post("/embeddings", {"model": "m", "input": []}, "input", "empty"),
    post("/embeddings", {"model": "m", "input": ["x"] * 2049}, "input", "2049"),
    post("/embeddings", {"model": "m", "input": [[99_999_999]]}, ANY, "99999999"),
    post(
        "/embeddings",
        {"model": "m", "input": "x", "encoding_format": "hex"},
        "encoding_format",
        "hex",
    ),
    post("/embeddings", {"model": "m", "input": "x", "dimensions": 0}, "dimensions", "0"),
    post(
        "/embeddings", {"model": "m", "input": "x", "dimensions": 100_000}, "dimensions", "100000"
    ),
]
