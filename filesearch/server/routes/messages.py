"""`/threads/{thread_id}/messages`: create, list, retrieve, change and delete."""

from __future__ import annotations

from typing import Any

from filesearch.server.context import CallerDep, ServerDep
from filesearch.server.lists import ListDep, list_body
from filesearch.server.routing import answers, make_router
from filesearch.server.threads import (
    add_message,
    delete_message,
    find_message,
    message_object,
    page_of_messages,
    update_message,
)
from filesearch.server.wire.threads import (
    CreateMessage,
    MessageBody,
    MessageDeleted,
    MessagePage,
    UpdateMessage,
)

router = make_router("Messages")
_PATH = "/threads/{thread_id}/messages"


@router.post(_PATH, **answers(MessageBody))
def create(
    server: ServerDep, caller: CallerDep, thread_id: str, body: CreateMessage
) -> dict[str, Any]:
    """Create a message."""
    return message_object(add_message(server, caller, thread_id, body))


@router.get(_PATH, **answers(MessagePage))
def list_all(
    server: ServerDep, caller: CallerDep, thread_id: str, query: ListDep, run_id: str | None = None
) -> dict[str, Any]:
    """List the messages of a thread, or those that a run wrote."""
    page = page_of_messages(server, caller, thread_id, query, run_id=run_id)
    return list_body([message_object(record) for record in page.items], has_more=page.has_more)


@router.get(_PATH + "/{message_id}", **answers(MessageBody))
def retrieve(
    server: ServerDep, caller: CallerDep, thread_id: str, message_id: str
) -> dict[str, Any]:
    """Retrieve a message."""
    return message_object(find_message(server.objects, thread_id, message_id, caller))


@router.post(_PATH + "/{message_id}", **answers(MessageBody))
def update(
    server: ServerDep, caller: CallerDep, thread_id: str, message_id: str, body: UpdateMessage
) -> dict[str, Any]:
    """Change a message's metadata."""
    return message_object(update_message(server, caller, thread_id, message_id, body))


@router.delete(_PATH + "/{message_id}", **answers(MessageDeleted))
def delete(server: ServerDep, caller: CallerDep, thread_id: str, message_id: str) -> dict[str, Any]:
    """Delete a message."""
    delete_message(server, caller, thread_id, message_id)
    return {"id": message_id, "object": "thread.message.deleted", "deleted": True}
