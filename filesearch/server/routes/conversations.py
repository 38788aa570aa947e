"""Routes of the Conversations API."""

from __future__ import annotations

from typing import Any

from filesearch.server.context import CallerDep, ServerDep
from filesearch.server.conversations import (
    add_items,
    conversation_object,
    create_conversation,
    item_object,
    require_conversation,
    require_item,
    resolve_references,
)
from filesearch.server.include import IncludeDep
from filesearch.server.lists import ListDep, list_body
from filesearch.server.responses.files import read_files
from filesearch.server.responses.items import stored_items
from filesearch.server.routing import make_router
from filesearch.server.wire.conversations import AddItems, CreateConversation, UpdateConversation

router = make_router("Conversations")


@router.post("/conversations")
async def create(
    server: ServerDep, caller: CallerDep, request: CreateConversation | None = None
) -> dict[str, Any]:
    """Begin a conversation."""
    asked = request or CreateConversation()

    def make() -> dict[str, Any]:
        items = read_files(server, stored_items(asked.items), caller.scope)
        with server.objects.writing() as tx:
            conversation = create_conversation(
                tx,
                items,
                metadata=asked.metadata or {},
                owner=caller.owner,
                scope=caller.scope,
            )
        return conversation_object(conversation)

    return await server.reading.run(asked.items, make)


@router.get("/conversations/{conversation_id}")
def get(conversation_id: str, server: ServerDep, caller: CallerDep) -> dict[str, Any]:
    """Return a conversation."""
    with server.objects.reading() as tx:
        return conversation_object(require_conversation(tx, conversation_id, caller.scope))


@router.post("/conversations/{conversation_id}")
def update(
    conversation_id: str, request: UpdateConversation, server: ServerDep, caller: CallerDep
) -> dict[str, Any]:
    """Replace a conversation's metadata."""
    with server.objects.writing() as tx:
        conversation = require_conversation(tx, conversation_id, caller.scope)
        body = conversation.body | {"metadata": request.metadata or {}}
        return conversation_object(tx.update(conversation, body=body))


@router.delete("/conversations/{conversation_id}")
def delete(conversation_id: str, server: ServerDep, caller: CallerDep) -> dict[str, Any]:
    """Forget a conversation and its items."""
    with server.objects.writing() as tx:
        conversation = require_conversation(tx, conversation_id, caller.scope)
        tx.delete_children(conversation_id)
        tx.delete(conversation)
    return {"id": conversation_id, "object": "conversation.deleted", "deleted": True}


@router.post("/conversations/{conversation_id}/items")
async def create_items(
    conversation_id: str,
    request: AddItems,
    server: ServerDep,
    caller: CallerDep,
    include: IncludeDep,
) -> dict[str, Any]:
    """Add items to a conversation."""

    def add() -> dict[str, Any]:
        items = read_files(server, stored_items(request.items), caller.scope)
        with server.objects.writing() as tx:
            conversation = require_conversation(tx, conversation_id, caller.scope)
            added = add_items(tx, conversation, resolve_references(tx, items, caller.scope))
        return list_body([item_object(item, include) for item in added], has_more=False)

    return await server.reading.run(request.items, add)


@router.get("/conversations/{conversation_id}/items")
def list_items(
    conversation_id: str,
    server: ServerDep,
    caller: CallerDep,
    query: ListDep,
    include: IncludeDep,
) -> dict[str, Any]:
    """List the items of a conversation."""
    with server.objects.reading() as tx:
        conversation = require_conversation(tx, conversation_id, caller.scope)
        page = tx.page("item", query, parent=conversation.id)
    return list_body([item_object(item, include) for item in page.items], has_more=page.has_more)


@router.get("/conversations/{conversation_id}/items/{item_id}")
def get_item(
    conversation_id: str,
    item_id: str,
    server: ServerDep,
    caller: CallerDep,
    include: IncludeDep,
) -> dict[str, Any]:
    """Return an item of a conversation."""
    with server.objects.reading() as tx:
        conversation = require_conversation(tx, conversation_id, caller.scope)
        return item_object(require_item(tx, conversation, item_id), include)


@router.delete("/conversations/{conversation_id}/items/{item_id}")
def delete_item(
    conversation_id: str, item_id: str, server: ServerDep, caller: CallerDep
) -> dict[str, Any]:
    """Take an item out of a conversation."""
    with server.objects.writing() as tx:
        conversation = require_conversation(tx, conversation_id, caller.scope)
        tx.delete(require_item(tx, conversation, item_id))
    return conversation_object(conversation)
