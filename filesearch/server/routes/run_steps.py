"""Routes of run steps."""

from __future__ import annotations

from typing import Any

from filesearch.server.context import CallerDep, ServerDep
from filesearch.server.lists import ListDep, list_body
from filesearch.server.routes.runs import IncludeDep
from filesearch.server.routing import answers, make_router
from filesearch.server.runs.objects import RESULT_CONTENT, step_object
from filesearch.server.wire.runs import RunStepBody, RunStepPage

router = make_router("Run steps")

_PATH = "/threads/{thread_id}/runs/{run_id}/steps"


@router.get(_PATH, **answers(RunStepPage))
def list_run_steps(
    server: ServerDep,
    caller: CallerDep,
    thread_id: str,
    run_id: str,
    query: ListDep,
    include: IncludeDep,
) -> dict[str, Any]:
    """List the steps of a run."""
    page = server.runs.steps(caller, thread_id, run_id, query)
    with_content = RESULT_CONTENT in include
    steps = [step_object(step, with_content=with_content) for step in page.items]
    return list_body(steps, has_more=page.has_more)


@router.get(f"{_PATH}/{{step_id}}", **answers(RunStepBody))
def retrieve_run_step(
    server: ServerDep,
    caller: CallerDep,
    thread_id: str,
    run_id: str,
    step_id: str,
    include: IncludeDep,
) -> dict[str, Any]:
    """Return a step."""
    step = server.runs.step(caller, thread_id, run_id, step_id)
    return step_object(step, with_content=RESULT_CONTENT in include)
