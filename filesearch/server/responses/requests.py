"""Response requests: whether what a request asks for can be done, and what it goes on from.

Pydantic has checked each value by itself; here they are checked against each other and against what
is stored. Everything wrong is told before a response begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from filesearch.errors import InputError, NotFound
from filesearch.filters import compile_filter
from filesearch.functions import FILE_SEARCH
from filesearch.objects import Record, Transaction
from filesearch.ranking_options import parse_ranking_options
from filesearch.server.conversations import items_of, require_conversation
from filesearch.server.errors import ApiError, check_id, invalid, not_found
from filesearch.server.formats import check_format
from filesearch.server.responses.items import Item
from filesearch.server.wire.responses import (
    AllowedToolsChoice,
    CountTokens,
    CreateResponse,
    FileSearchTool,
    FunctionTool,
    FunctionToolChoice,
    HostedToolChoice,
)

if TYPE_CHECKING:
    from filesearch.server.context import Server


def check_request(server: Server, request: CountTokens, scope: str | None) -> None:
    """See that a request can be answered.

    Raises:
        ApiError: What is wrong, and the way out.
    """
    given = (request.input, request.previous_response_id, request.conversation)
    if all(value is None for value in given) and not getattr(request, "prompt", None):
        raise invalid(
            'One of "input" or "previous_response_id" or "prompt" or "conversation" must be '
            "provided.",
            code="missing_required_parameter",
        )
    if request.previous_response_id and request.conversation_id:
        raise invalid(
            "Mutually exclusive parameters: Ensure you are only providing one of: "
            "'previous_response_id' or 'conversation'.",
            code="mutually_exclusive_parameters",
        )
    if isinstance(request, CreateResponse) and request.background and request.store is False:
        raise invalid("Background mode requires 'store' to be true.", "background")
    _check_tools(server, request, scope)
    _check_choice(request)
    if isinstance(request, CreateResponse) and request.text and request.text.format:
        check_format(server, request.model, {"type": request.text.format.type}, "text.format")


def _check_tools(server: Server, request: CountTokens, scope: str | None) -> None:
    names: set[str] = set()
    searches: list[FileSearchTool] = []
    for number, tool in enumerate(request.tools or ()):
        param = f"tools[{number}]"
        if isinstance(tool, FunctionTool):
            name = tool.name
            if name == FILE_SEARCH:
                raise invalid(
                    f"Invalid '{param}.name': '{name}' is the name of a tool of ours; give the "
                    "function another one.",
                    f"{param}.name",
                )
        else:
            name = tool.type
        if isinstance(tool, FileSearchTool):
            _check_search(server, tool, param, scope)
            searches.append(tool)
            if not tool.searches_as(searches[0]):
                raise invalid(
                    f"'{param}' searches otherwise than the file_search before it; give both the "
                    "same options, or search the stores in separate responses.",
                    param,
                )
        elif name in names:
            raise invalid(f"Duplicate tool '{name}'; name every tool once.", param)
        names.add(name)


def _check_search(server: Server, tool: FileSearchTool, param: str, scope: str | None) -> None:
    for number, store_id in enumerate(tool.vector_store_ids):
        try:
            server.stores.get(store_id, owner=scope)
        except NotFound as error:
            check_id("vs_", store_id, name=f"{param}.vector_store_ids[{number}]")
            raise not_found(f"Vector store with id '{store_id}' not found.") from error
    ranking = tool.ranking_options
    try:
        at = "filters"
        compile_filter(tool.filters)
        at = "ranking_options"
        parse_ranking_options(ranking.model_dump(exclude_none=True) if ranking else None)
    except InputError as error:
        raise invalid(str(error), f"{param}.{at}", "invalid_value") from error


def _check_choice(request: CountTokens) -> None:
    choice = request.tool_choice
    tools = request.tools or ()
    if choice == "required" and not tools:
        raise invalid(
            "Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice"
        )
    known = {tool.name if isinstance(tool, FunctionTool) else tool.type for tool in tools}
    wanted: list[str] = []
    if isinstance(choice, FunctionToolChoice):
        wanted = [choice.name]
    elif isinstance(choice, HostedToolChoice):
        wanted = [choice.type]
    elif isinstance(choice, AllowedToolsChoice):
        wanted = [tool.name or tool.type for tool in choice.tools]
    for name in wanted:
        if name not in known:
            raise invalid(f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice")


# What a response goes on from


def check_before(tx: Transaction, request: CountTokens, scope: str | None) -> None:
    """See that what a request goes on from is there, which `items_before` then returns.

    Raises:
        ApiError: As `items_before`.
    """
    if request.conversation_id is not None:
        require_conversation(tx, request.conversation_id, scope, name="conversation")
    elif request.previous_response_id is not None:
        _previous(tx, request.previous_response_id, scope)


def items_before(
    tx: Transaction,
    *,
    previous_response_id: str | None,
    conversation_id: str | None,
    scope: str | None,
) -> list[Item]:
    """Return the stored items that stand before the input of a request, the oldest first.

    Raises:
        ApiError: There is no such response or conversation, or it has not ended.
    """
    if conversation_id is not None:
        return items_of(tx, require_conversation(tx, conversation_id, scope, name="conversation"))
    if previous_response_id is None:
        return []
    return _chain(tx, _previous(tx, previous_response_id, scope))


def _previous(tx: Transaction, response_id: str, scope: str | None) -> Record:
    check_id("resp_", response_id, name="previous_response_id")
    found = tx.find("response", response_id, owner=scope)
    if found is None:
        raise ApiError(
            400,
            f"Previous response with id '{response_id}' not found.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    if found.status in ("queued", "in_progress"):
        raise invalid(
            f"Previous response with id '{response_id}' is {found.status}; wait until it has "
            "ended.",
            "previous_response_id",
        )
    return found


def _chain(tx: Transaction, last: Record) -> list[Item]:
    """Return inputs and outputs from the first response of a chain to its last.

    Of a response in a conversation, they are what that held when the response ended.
    One that was deleted meanwhile ends the chain: what it held is forgotten.
    """
    links: list[Sequence[Item]] = []
    link: Record | None = last
    while link is not None:
        response = link.body["response"]
        links.append([*link.body["input"], *link.body["output"]])
        if response["conversation"] is not None:
            conversation = tx.find("conversation", response["conversation"]["id"])
            if conversation is not None:
                until = link.body.get("conversation_seq")
                links[-1] = items_of(tx, conversation, until=until)
            break
        before = response["previous_response_id"]
        link = None if before is None else tx.find("response", before)
    return [item for part in reversed(links) for item in part]
