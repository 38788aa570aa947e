"""Response worker: one response, from what was asked to its end; nothing is stored here.

job -> a turn of the assistant loop -> its events, through ResponseOutput -> the ended response.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from filesearch.assistant import passages_for
from filesearch.config import Settings
from filesearch.errors import FilesearchError
from filesearch.events import ActionRequired, Cancelled, Completed, Failed, Incomplete, RunEnd
from filesearch.functions import FILE_SEARCH
from filesearch.messages import NamedTool, ToolChoice, ToolSpec
from filesearch.protocols import ChatModel
from filesearch.run import RunOptions
from filesearch.server.errors import ApiError, to_api_error
from filesearch.server.images import show_images
from filesearch.server.loop import make_loop
from filesearch.server.models import quotes
from filesearch.server.responses.files import stores_of_files, without_files
from filesearch.server.responses.items import Conversation, Item, read_items
from filesearch.server.responses.objects import ResponseObject, ended_response, failed_response
from filesearch.server.responses.output import ResponseOutput
from filesearch.server.responses.stream import Emitter, Events

if TYPE_CHECKING:
    from filesearch.server.context import Server

_ENDS = (Completed, Incomplete, ActionRequired, Cancelled, Failed)
_CODES = ("vector_store_timeout",)  # OpenAI's for failed responses, besides its "server_error"
_log = logging.getLogger("filesearch.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseJob:
    """A response that is to be made.

    Attributes:
        response: As it began.
        conversation: What it answers.
        before: Stored items that stand before its own input.
        given: The input of its own request, as stored items.
        output: What was made, once it has ended.
        include: What the request asked to see besides.
        owner: Of what is stored.
        events: Where its events go.
        emit: Sends them there.
        cancel: Set by anyone to end it.
    """

    response: ResponseObject
    conversation: Conversation
    before: tuple[Item, ...]
    given: tuple[Item, ...]
    include: tuple[str, ...]
    owner: str
    events: Events
    emit: Emitter
    cancel: threading.Event = field(default_factory=threading.Event)
    output: list[Item] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Of the response."""
        return str(self.response["id"])


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a response ended; `items` are its output."""

    response: ResponseObject
    items: list[Item]


def run_response(server: Server, job: ResponseJob) -> Outcome:
    """Make a response; whatever happens, it ends."""
    tools = job.response["tools"]
    functions = [tool["name"] for tool in tools if tool["type"] == "function"]
    output = ResponseOutput(
        functions,
        job.include,
        job.emit,
        shows_searches=_offers_search(job.response),
    )
    try:
        end = _run(server, job, output)
    except (ApiError, FilesearchError) as error:
        _log.error("response %s failed: %s", job.id, error)
        output.abandon()
        told = error if isinstance(error, ApiError) else to_api_error(error)
        code = told.code if told.code in _CODES else "server_error"
        return Outcome(failed_response(job.response, code, told.message), output.items)
    # The worker loop's edge: whatever was not foreseen ends this response, and is logged.
    except Exception:  # noqa: BLE001
        _log.exception("response %s failed", job.id)
        output.abandon()
        message = "The server had an error while making the response; its log says more."
        return Outcome(failed_response(job.response, "server_error", message), output.items)
    return Outcome(ended_response(job.response, end), output.items)


def _run(server: Server, job: ResponseJob, output: ResponseOutput) -> RunEnd:
    model = server.model_for(job.response["model"])
    setup = _Setup(job.response, model, server.settings)
    conversation = job.conversation
    if quotes(model):
        given = [*job.before, *job.given]
        if file_store_ids := stores_of_files(server, given, job.owner):
            setup.search_files(file_store_ids)
            conversation = read_items(without_files(job.before), without_files(job.given))
    else:
        conversation = _with_images(server, conversation)
    store_ids = [*setup.store_ids, *setup.file_store_ids]
    for store_id in server.stores.existing(store_ids):
        server.stores.touch(store_id)
    server.given_files.wait_until_read(
        setup.file_store_ids, "input", job.cancel, beside=setup.store_ids
    )
    loop = make_loop(
        server,
        model=job.response["model"],
        history=conversation.history,
        store_ids=setup.store_ids,
        unfiltered_ids=setup.file_store_ids,
        functions=setup.functions,
        options=setup.options,
        filters=setup.filters,
        ranking_options=setup.ranking_options,
        cancel=job.cancel,
    )
    for event in loop.events(conversation.state):
        output.take(event)
        if isinstance(event, _ENDS):
            return event
    raise AssertionError("a run ends with a RunEnd")


def _with_images(server: Server, conversation: Conversation) -> Conversation:
    """Return a conversation whose images are those that a model is shown."""
    length, state = len(conversation.history), conversation.state
    shown = show_images(server, [*conversation.history, *state.messages])
    return Conversation(tuple(shown[:length]), replace(state, messages=tuple(shown[length:])))


class _Setup:
    """What a response says of its tools and of how to answer, in the words of the loop."""

    def __init__(self, response: ResponseObject, model: ChatModel, settings: Settings) -> None:
        choice, allowed = tool_choice(response["tool_choice"])
        tools = [tool for tool in response["tools"] if allowed is None or _name(tool) in allowed]
        searches = [tool for tool in tools if tool["type"] == "file_search"]
        # They differ in their stores only.
        search: Mapping[str, Any] = searches[0] if searches else {}
        self.store_ids = [store_id for tool in searches for store_id in tool["vector_store_ids"]]
        self.file_store_ids: list[str] = []
        self.filters: Mapping[str, Any] | None = search.get("filters")
        self.ranking_options: Mapping[str, Any] | None = search.get("ranking_options")
        self.functions = [tool_spec(tool) for tool in tools if tool["type"] == "function"]
        most = search.get("max_num_results") or passages_for(model, settings)
        self.options = RunOptions(
            instructions=response["instructions"] or "",
            tool_choice=choice,
            parallel_tool_calls=response["parallel_tool_calls"],
            max_completion_tokens=response["max_output_tokens"],
            temperature=response["temperature"],
            top_p=response["top_p"],
            response_format=_response_format(response["text"]["format"]),
            max_num_results=most,
            max_searches=response["max_tool_calls"],
        )

    def search_files(self, store_ids: list[str]) -> None:
        """Search the files of the messages besides, which is no use of a tool.

        A function that must be called is called all the same.
        """
        choice = self.options.tool_choice
        if choice == "required" and self.functions and not self.store_ids:
            return
        if choice == "none":
            self.store_ids, self.functions = [], []
            self.options = replace(self.options, tool_choice="auto")
        self.file_store_ids = store_ids


def _offers_search(response: ResponseObject) -> bool:
    """Return whether the model may use file_search; files of messages are searched without it."""
    choice, allowed = tool_choice(response["tool_choice"])
    names = {tool["type"] for tool in response["tools"]}
    is_allowed = allowed is None or FILE_SEARCH in allowed
    return FILE_SEARCH in names and is_allowed and choice != "none"


def tool_choice(given: str | Mapping[str, Any]) -> tuple[ToolChoice, set[str] | None]:
    """Return a tool choice in the words of the loop, and the names of the tools that it allows.

    A tool that is never offered leaves the choice to the model.
    """
    if isinstance(given, str):
        return given, None  # type: ignore[return-value]
    if given["type"] == "allowed_tools":
        allowed = {tool.get("name") or tool["type"] for tool in given["tools"]}
        return given["mode"], allowed
    if given["type"] == "code_interpreter":
        return "auto", None
    return NamedTool(_name(given)), None


def _name(tool: Mapping[str, Any]) -> str:
    """Return the name that a model calls a tool by."""
    name = tool["name"] if tool["type"] == "function" else tool["type"]
    return FILE_SEARCH if name == "file_search" else str(name)


def tool_spec(tool: Mapping[str, Any]) -> ToolSpec:
    """Return a function as a model is told of it.

    `strict` is the default here, and refused by servers for schemas that are not made for it.
    """
    parameters = tool["parameters"] or {"type": "object", "properties": {}}
    return ToolSpec(
        name=tool["name"],
        description=tool["description"] or "",
        parameters=parameters,
        strict=tool["strict"] and parameters.get("additionalProperties") is False,
    )


def _response_format(given: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the format of a response as chat completions have it; None for plain text."""
    if given["type"] == "text":
        return None
    if given["type"] == "json_object":
        return {"type": "json_object"}
    inner = {name: value for name, value in given.items() if name != "type"}
    return {"type": "json_schema", "json_schema": inner}
