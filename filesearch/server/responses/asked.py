"""Asked: what a request asks a model to read, without asking it: to count it, or to compact it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from filesearch.budget import message_tokens, tool_tokens
from filesearch.messages import Message
from filesearch.server.conversations import resolve_references
from filesearch.server.models import quotes
from filesearch.server.responses.compact import compact
from filesearch.server.responses.files import read_files
from filesearch.server.responses.items import Item, read_items, stored_items
from filesearch.server.responses.requests import check_request, items_before
from filesearch.server.responses.worker import tool_spec
from filesearch.server.wire.responses import CompactResponse, CountTokens, FunctionTool

if TYPE_CHECKING:
    from filesearch.server.context import Caller, Server


def count_input_tokens(server: Server, request: CountTokens, caller: Caller) -> int:
    """Return how many tokens a request would give to the model, passages not counted.

    Raises:
        ApiError: What is wrong with the request.
    """
    before, given = _items(server, request, caller.scope)
    read = read_items(before, given)
    messages = [*read.history, *read.state.messages]
    if request.model and quotes(server.model_for(request.model)):  # it reads no images
        messages = [replace(message, images=()) for message in messages]
    if request.instructions:
        messages.insert(0, Message("system", request.instructions))
    specs = [tool_spec(t.echo()) for t in request.tools or () if isinstance(t, FunctionTool)]
    return sum(map(message_tokens, messages)) + sum(map(tool_tokens, specs))


def compact_input(server: Server, request: CompactResponse, caller: Caller) -> dict[str, Any]:
    """Return the conversation of a request in short; see compact.py.

    Raises:
        ApiError: What is wrong with the request, or the model gave no summary.
    """
    before, given = _items(server, request, caller.scope)
    return compact(server, request.model, [*before, *given])


def _items(
    server: Server, request: CountTokens, scope: str | None
) -> tuple[list[Item], list[Item]]:
    """Return what stands before a request, and its own input, as stored items."""
    check_request(server, request, scope)
    items = read_files(server, stored_items(request.input), scope)
    with server.objects.reading() as tx:
        before = items_before(
            tx,
            previous_response_id=request.previous_response_id,
            conversation_id=request.conversation_id,
            scope=scope,
        )
        return before, resolve_references(tx, items, scope)
