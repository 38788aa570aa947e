"""`/assistants`: create, list, retrieve, change and delete."""

from __future__ import annotations

from typing import Any

from filesearch.server.assistants import (
    assistant_object,
    create_assistant,
    delete_assistant,
    find_assistant,
    update_assistant,
)
from filesearch.server.context import CallerDep, ServerDep
from filesearch.server.lists import ListDep, list_body
from filesearch.server.routing import answers, make_router
from filesearch.server.wire.assistants import (
    AssistantBody,
    AssistantDeleted,
    AssistantPage,
    CreateAssistant,
    UpdateAssistant,
)

router = make_router("Assistants")


@router.post("/assistants", **answers(AssistantBody))
def create(server: ServerDep, caller: CallerDep, body: CreateAssistant) -> dict[str, Any]:
    """Create an assistant."""
    return assistant_object(create_assistant(server, caller, body))


@router.get("/assistants", **answers(AssistantPage))
def list_all(server: ServerDep, caller: CallerDep, query: ListDep) -> dict[str, Any]:
    """List assistants."""
    page = server.objects.page("assistant", query, owner=caller.scope)
    return list_body([assistant_object(record) for record in page.items], has_more=page.has_more)


@router.get("/assistants/{assistant_id}", **answers(AssistantBody))
def retrieve(server: ServerDep, caller: CallerDep, assistant_id: str) -> dict[str, Any]:
    """Retrieve an assistant."""
    return assistant_object(find_assistant(server.objects, assistant_id, caller))


@router.post("/assistants/{assistant_id}", **answers(AssistantBody))
def update(
    server: ServerDep, caller: CallerDep, assistant_id: str, body: UpdateAssistant
) -> dict[str, Any]:
    """Change an assistant."""
    return assistant_object(update_assistant(server, caller, assistant_id, body))


@router.delete("/assistants/{assistant_id}", **answers(AssistantDeleted))
def delete(server: ServerDep, caller: CallerDep, assistant_id: str) -> dict[str, Any]:
    """Delete an assistant."""
    delete_assistant(server, caller, assistant_id)
    return {"id": assistant_id, "object": "assistant.deleted", "deleted": True}
