"""`/chat/completions/{id}`: stored chat completions: list, retrieve, change and delete."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request

from filesearch.paging import PageQuery
from filesearch.server.chat.stored import chat_object, find_chat, list_chats, list_messages
from filesearch.server.context import CallerDep, ServerDep
from filesearch.server.lists import MAX_LIMIT, list_body
from filesearch.server.routing import make_router
from filesearch.server.wire.chat import UpdateChatCompletion
from filesearch.server.wire.common import Plain

router = make_router("Chat")

_METADATA = re.compile(r"metadata\[(.+)\]")
_METADATA_PARAMETER = {
    "name": "metadata",
    "in": "query",
    "style": "deepObject",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}


async def _oldest_first(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 20,
    order: Literal["asc", "desc"] = "asc",
    after: Plain | None = None,
) -> PageQuery:
    return PageQuery(limit, order, after or None, None)


_ListDep = Annotated[PageQuery, Depends(_oldest_first)]


@router.get("/chat/completions", openapi_extra={"parameters": [_METADATA_PARAMETER]})
def list_chat_completions(
    request: Request,
    server: ServerDep,
    caller: CallerDep,
    query: _ListDep,
    model: Plain | None = None,
) -> dict[str, Any]:
    """List stored chat completions; `metadata[KEY]=VALUE` narrows the list."""
    pairs = request.query_params.multi_items()
    metadata = {found[1]: value for key, value in pairs if (found := _METADATA.fullmatch(key))}
    page = list_chats(server, caller, query, model=model, metadata=metadata)
    return list_body([chat_object(record) for record in page.items], has_more=page.has_more)


@router.get("/chat/completions/{completion_id}")
def retrieve_chat_completion(
    completion_id: str, server: ServerDep, caller: CallerDep
) -> dict[str, Any]:
    """Retrieve a stored chat completion."""
    with server.objects.reading() as tx:
        return chat_object(find_chat(tx, completion_id, caller))


@router.post("/chat/completions/{completion_id}")
def update_chat_completion(
    completion_id: str, body: UpdateChatCompletion, server: ServerDep, caller: CallerDep
) -> dict[str, Any]:
    """Change the metadata of a stored chat completion."""
    with server.objects.writing() as tx:
        record = find_chat(tx, completion_id, caller)
        changed = {**record.body, "metadata": body.metadata or {}}
        return chat_object(tx.update(record, body=changed))


@router.delete("/chat/completions/{completion_id}")
def delete_chat_completion(
    completion_id: str, server: ServerDep, caller: CallerDep
) -> dict[str, Any]:
    """Forget a stored chat completion."""
    with server.objects.writing() as tx:
        tx.delete(find_chat(tx, completion_id, caller))
    return {"id": completion_id, "object": "chat.completion.deleted", "deleted": True}


@router.get("/chat/completions/{completion_id}/messages")
def list_chat_messages(
    completion_id: str, server: ServerDep, caller: CallerDep, query: _ListDep
) -> dict[str, Any]:
    """List the messages that a stored chat completion answers."""
    with server.objects.reading() as tx:
        page = list_messages(find_chat(tx, completion_id, caller), query)
    return list_body(page.items, has_more=page.has_more)
