"""Routes of runs: create, watch, steer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query, Response

from filesearch.server.context import CallerDep, ServerDep
from filesearch.server.lists import ListDep, list_body
from filesearch.server.routing import answers, make_router
from filesearch.server.runs.objects import run_object
from filesearch.server.sse import event_stream
from filesearch.server.wire.runs import (
    CreateRun,
    CreateThreadAndRun,
    RunBody,
    RunPage,
    SubmitToolOutputs,
    UpdateRun,
)

router = make_router("Runs")

_DONE = "event: done\ndata: [DONE]\n\n"
_RUN_OR_STREAM: dict[str, Any] = {
    "response_model": None,
    "responses": {200: {"model": RunBody, "content": {"text/event-stream": {}}}},
}


async def _include(
    bracketed: Annotated[tuple[str, ...], Query(alias="include[]")] = (),
    plain: Annotated[tuple[str, ...], Query(alias="include")] = (),
) -> list[str]:
    return [*bracketed, *plain]


IncludeDep = Annotated[list[str], Depends(_include)]
"""What the client wants to see besides, in both spellings of the parameter."""


@router.post("/threads/runs", **_RUN_OR_STREAM)
def create_thread_and_run(
    server: ServerDep, caller: CallerDep, body: CreateThreadAndRun, include: IncludeDep
) -> dict[str, Any] | Response:
    """Make a thread and run it."""
    run = server.runs.create_with_thread(caller, body, include=include)
    if body.stream:
        return event_stream(server.runs.follow(run.id), end=_DONE)
    return run_object(run)


@router.post("/threads/{thread_id}/runs", **_RUN_OR_STREAM)
def create_run(
    server: ServerDep,
    caller: CallerDep,
    thread_id: str,
    body: CreateRun,
    include: IncludeDep,
) -> dict[str, Any] | Response:
    """Let an assistant answer a thread."""
    run = server.runs.create(caller, thread_id, body, include=include)
    if body.stream:
        return event_stream(server.runs.follow(run.id), end=_DONE)
    return run_object(run)


@router.get("/threads/{thread_id}/runs", **answers(RunPage))
def list_runs(
    server: ServerDep, caller: CallerDep, thread_id: str, query: ListDep
) -> dict[str, Any]:
    """List the runs of a thread."""
    page = server.runs.page(caller, thread_id, query)
    return list_body([run_object(run) for run in page.items], has_more=page.has_more)


@router.get("/threads/{thread_id}/runs/{run_id}", **answers(RunBody))
def retrieve_run(
    server: ServerDep, caller: CallerDep, thread_id: str, run_id: str, response: Response
) -> dict[str, Any]:
    """Return a run, and how soon to ask again."""
    response.headers["openai-poll-after-ms"] = str(server.options.poll_after_ms)
    return run_object(server.runs.get(caller, thread_id, run_id))


@router.post("/threads/{thread_id}/runs/{run_id}", **answers(RunBody))
def modify_run(
    server: ServerDep, caller: CallerDep, thread_id: str, run_id: str, body: UpdateRun
) -> dict[str, Any]:
    """Change the metadata of a run."""
    return run_object(server.runs.update(caller, thread_id, run_id, body))


@router.post("/threads/{thread_id}/runs/{run_id}/cancel", **answers(RunBody))
def cancel_run(server: ServerDep, caller: CallerDep, thread_id: str, run_id: str) -> dict[str, Any]:
    """Cancel a run."""
    return run_object(server.runs.cancel(caller, thread_id, run_id))


@router.post("/threads/{thread_id}/runs/{run_id}/submit_tool_outputs", **_RUN_OR_STREAM)
def submit_tool_outputs(
    server: ServerDep, caller: CallerDep, thread_id: str, run_id: str, body: SubmitToolOutputs
) -> dict[str, Any] | Response:
    """Give a run the outputs that it waits for."""
    run, after = server.runs.submit(caller, thread_id, run_id, body)
    if body.stream:
        return event_stream(server.runs.follow(run.id, after), end=_DONE)
    return run_object(run)
