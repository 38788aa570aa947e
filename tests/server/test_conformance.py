"""Conformance: the judge itself, on responses made by hand."""

from __future__ import annotations

import asyncio
import json

import conformance
import pytest

JSON, EVENTS = "application/json", "text/event-stream; charset=utf-8"
FILE = {
    "id": "file-a",
    "object": "file",
    "bytes": 1,
    "created_at": 1,
    "filename": "a",
    "purpose": "assistants",
    "status": "processed",
}
ERROR = {"message": "m", "type": "invalid_request_error", "param": None, "code": None}


def check(method, path, status, body, content_type=JSON):
    text = body if isinstance(body, str) else json.dumps(body)
    return conformance.check(method, path, status, content_type, text.encode())


@pytest.mark.parametrize("path", sorted(conformance.document()["paths"]))
def test_every_operation_has_a_schema_that_compiles(path):
    for method, operation in conformance.document()["paths"][path].items():
        for media, content in operation["responses"]["200"].get("content", {}).items():
            if media == "application/json":
                conformance._fast_validator(content["schema"]["$ref"]).is_valid({})
        assert conformance.find_operation(method, "/v1" + path.replace("{", "").replace("}", ""))


def test_a_right_body_passes():
    assert check("GET", "/v1/files/file-a", 200, FILE) == []


def test_a_missing_field_is_named():
    [found] = check("GET", "/v1/files/file-a", 200, {**FILE, "bytes": "1"})
    assert "bytes" in found


def test_an_error_must_have_the_envelope():
    assert check("GET", "/v1/files/x", 404, {"error": ERROR}) == []
    assert check("GET", "/v1/files/x", 404, {"detail": "Not Found"})


def test_a_server_error_is_always_a_violation():
    assert check("GET", "/v1/files/x", 500, {"error": ERROR})


def test_nan_is_no_json():
    assert "NaN" in check("GET", "/v1/files/file-a", 200, '{"id": NaN}')[0]


def test_a_fixed_path_wins_over_one_with_a_parameter():
    run = conformance.find_operation("POST", "/threads/runs")
    assert run["operationId"] == "createThreadAndRun"


def test_a_model_may_have_slashes():
    assert conformance.find_operation("GET", "/v1/models/org/name:7b")


def test_events_are_judged_by_their_names():
    run = 'event: thread.run.created\ndata: {"id": "run_a"}\n\nevent: done\ndata: [DONE]\n\n'
    [found] = check("POST", "/v1/threads/t/runs", 200, ": ping\n\n" + run, EVENTS)
    assert "thread.run.created" in found


def test_unknown_events_are_found():
    text = "event: thread.run.paused\ndata: {}\n\nevent: done\ndata: [DONE]\n\n"
    [found] = check("POST", "/v1/threads/t/runs", 200, text, EVENTS)
    assert "not in the schema" in found


def test_a_stream_of_a_run_must_end_with_done():
    found = check("POST", "/v1/threads/runs", 200, "event: thread.created\ndata: {}\n\n", EVENTS)
    assert "not with done" in found[-1]


def test_gaps_in_sequence_numbers_are_found():
    event = "event: response.file_search_call.searching\ndata: "
    text = "".join(
        event
        + json.dumps(
            {
                "type": "response.file_search_call.searching",
                "output_index": 0,
                "item_id": "fs_a",
                "sequence_number": number,
            }
        )
        + "\n\n"
        for number in (0, 2)
    )
    [found] = check("POST", "/v1/responses", 200, text, EVENTS)
    assert "gaps" in found


def test_errors_in_streams_are_nested():
    text = f"event: error\ndata: {json.dumps({'error': ERROR})}\n\n"
    assert check("POST", "/v1/threads/runs", 200, text, EVENTS) == []
    numbered = {"type": "error", "sequence_number": 0, "error": ERROR}
    text = f"event: error\ndata: {json.dumps(numbered)}\n\n"
    assert check("POST", "/v1/responses", 200, text, EVENTS) == []


def test_chat_chunks_have_no_event_names():
    assert check("POST", "/v1/chat/completions", 200, "data: {}\n\ndata: [DONE]\n\n", EVENTS)


async def answer_wrongly(_scope, _receive, send):
    start = {"type": "http.response.start", "status": 200, "headers": [(b"Content-Type", b"x/y")]}
    await send(start)
    await send({"type": "http.response.body", "body": b"{}", "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def test_an_application_is_judged_before_its_client_has_the_answer():
    app = conformance.CheckedApp(answer_wrongly)
    seen = []

    async def send(message):
        seen.append((message["type"], len(app.violations)))

    scope = {"type": "http", "method": "GET", "path": "/v1/files/file-a"}
    asyncio.run(app(scope, None, send))
    assert seen[1:] == [("http.response.body", 0), ("http.response.body", 1)]
    assert "not JSON" in app.violations[0]
