"""`/threads`: create, retrieve, change and delete. There is no list of threads."""

from __future__ import annotations

from typing import Any

from filesearch.server.context import CallerDep, ServerDep
from filesearch.server.routing import answers, make_router
from filesearch.server.threads import (
    create_thread,
    delete_thread,
    find_thread,
    thread_object,
    update_thread,
)
from filesearch.server.wire.threads import CreateThread, ThreadBody, ThreadDeleted, UpdateThread

router = make_router("Threads")


@router.post("/threads", **answers(ThreadBody))
def create(
    server: ServerDep, caller: CallerDep, body: CreateThread | None = None
) -> dict[str, Any]:
    """Create a thread."""
    return thread_object(create_thread(server, caller, body or CreateThread()))


@router.get("/threads/{thread_id}", **answers(ThreadBody))
def retrieve(server: ServerDep, caller: CallerDep, thread_id: str) -> dict[str, Any]:
    """Retrieve a thread."""
    return thread_object(find_thread(server.objects, thread_id, caller))


@router.post("/threads/{thread_id}", **answers(ThreadBody))
def update(
    server: ServerDep, caller: CallerDep, thread_id: str, body: UpdateThread
) -> dict[str, Any]:
    """Change a thread."""
    return thread_object(update_thread(server, caller, thread_id, body))


@router.delete("/threads/{thread_id}", **answers(ThreadDeleted))
def delete(server: ServerDep, caller: CallerDep, thread_id: str) -> dict[str, Any]:
    """Delete a thread."""
    delete_thread(server, caller, thread_id)
    return {"id": thread_id, "object": "thread.deleted", "deleted": True}
