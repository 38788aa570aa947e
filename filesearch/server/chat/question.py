"""Chat question: a request for a completion that we answer -> what the assistant loop takes. Pure.

What a model that reads text cannot take is refused, with a way out, as Ollama and vLLM refuse it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from filesearch.functions import FILE_SEARCH
from filesearch.messages import Message, NamedTool, Role, ToolCall, ToolChoice, ToolSpec
from filesearch.server.errors import ApiError, invalid
from filesearch.server.given_files import (
    UNNAMED,
    GivenFile,
    check_count,
    check_size,
    decode_file,
)
from filesearch.server.wire.chat import (
    AssistantMessage,
    ChosenFunction,
    ChosenName,
    ChosenSearch,
    ChosenTools,
    FilePart,
    FileSearchTool,
    FunctionDefinition,
    FunctionMessage,
    FunctionTool,
    OwnChatRequest,
    OwnCompletionRequest,
    RefusalPart,
    SystemMessage,
    TextPart,
    ToolMessage,
    UserMessage,
)
from filesearch.tokens import decode_tokens


@dataclass(frozen=True, slots=True)
class Grounding:
    """What a chat is answered from; empty for the model's own knowledge.

    Attributes:
        store_ids: Vector stores.
        files: Of each message that has some, besides the stores: ids, or what came along.
        max_num_results: Passages of one search; None leaves it to the loop.
        filters, ranking_options: OpenAI's, of every search.
    """

    store_ids: tuple[str, ...] = ()
    files: tuple[tuple[str | GivenFile, ...], ...] = ()
    max_num_results: int | None = None
    filters: Mapping[str, Any] | None = None
    ranking_options: Mapping[str, Any] | None = None

    def __bool__(self) -> bool:
        return bool(self.store_ids or self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatQuestion:
    """A conversation to go on with.

    Attributes:
        model: As the client names it.
        stops: The answer ends before the first of these.
        calls_functions_the_old_way: Calls are wanted as `function_call`, one at most.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    temperature: float | None = None
    top_p: float | None = None
    max_completion_tokens: int | None = None
    response_format: Mapping[str, Any] | None = None
    stops: tuple[str, ...] = ()
    grounding: Grounding = field(default_factory=Grounding)
    calls_functions_the_old_way: bool = False


def asks_for_documents(fields: Mapping[str, Any]) -> bool:
    """Whether a request, as it came, names documents of ours to answer from."""
    tools, messages = fields.get("tools"), fields.get("messages")
    if fields.get("vector_store_ids"):
        return True
    if isinstance(tools, list) and any(_is(tool, FILE_SEARCH) for tool in tools):
        return True
    contents = [message.get("content") for message in messages or ()]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    files = [part.get("file") for part in parts if _is(part, "file")]
    return any(isinstance(file, dict) and file.get("file_id") for file in files)


def _is(value: object, kind: str) -> bool:
    return isinstance(value, dict) and value.get("type") == kind


def read_chat(request: OwnChatRequest) -> ChatQuestion:
    """Return what a request for a chat completion asks.

    Raises:
        ApiError: It asks for what is not done here.
    """
    _check_number(request.n, "n")
    if request.modalities and "audio" in request.modalities:
        raise invalid(
            "Invalid 'modalities': this model answers in text. Use ['text'].",
            "modalities",
            "invalid_value",
        )
    messages: list[Message] = []
    files: list[tuple[str | GivenFile, ...]] = []
    for number, message in enumerate(request.messages):
        its_files: list[str | GivenFile] = []
        messages.append(_read_message(message, f"messages[{number}]", messages, its_files))
        files += [tuple(its_files)] if its_files else []
    check_count(sum(map(len, files)), "messages")
    grounding = _read_grounding(request, files)
    tools = [tool.function for tool in request.tools or () if isinstance(tool, FunctionTool)]
    is_old = bool(request.functions) and not request.tools
    specs = tuple(_spec(function) for function in (request.functions or () if is_old else tools))
    choice, specs = _read_choice(request, specs, is_old=is_old, can_search=bool(grounding))
    if choice == "none" and grounding.files:
        # Files are part of what was said, not a tool: they are answered from all the same.
        choice, specs, grounding = "auto", (), replace(grounding, store_ids=())
    return ChatQuestion(
        model=request.model,
        messages=tuple(messages),
        tools=specs,
        tool_choice=choice,
        parallel_tool_calls=request.parallel_tool_calls is not False and not is_old,
        temperature=request.temperature,
        top_p=request.top_p,
        max_completion_tokens=request.max_completion_tokens or request.max_tokens,
        response_format=(
            request.response_format.model_dump(by_alias=True, exclude_none=True)
            if request.response_format
            else None
        ),
        stops=_read_stops(request.stop),
        grounding=grounding,
        calls_functions_the_old_way=is_old,
    )


def read_completion(request: OwnCompletionRequest) -> list[ChatQuestion]:
    """Return what a request for legacy completions asks: one question for each prompt.

    Raises:
        ApiError: It asks for what is not done here.
    """
    _check_number(request.n, "n")
    _check_number(request.best_of, "best_of")
    if request.suffix:
        raise invalid(
            "Invalid 'suffix': this model does not write into a gap. Leave it out.",
            "suffix",
            "invalid_value",
        )
    return [
        ChatQuestion(
            model=request.model,
            messages=(Message("user", prompt),),
            temperature=request.temperature,
            top_p=request.top_p,
            max_completion_tokens=request.max_tokens,
            stops=_read_stops(request.stop),
            grounding=Grounding(tuple(dict.fromkeys(request.vector_store_ids))),
        )
        for prompt in read_prompts(request.prompt)
    ]


def read_prompts(given: str | Sequence[Any] | None) -> list[str]:
    """Return the prompts of a request; tokens become text.

    Raises:
        ApiError: None at all, or what is no token.
    """
    if given is None or isinstance(given, str):
        return [given or ""]
    if not given:
        raise invalid("Invalid 'prompt': empty array. Give one prompt or more.", "prompt")
    if isinstance(given[0], int):
        given = [given]
    try:
        return [one if isinstance(one, str) else decode_tokens(one) for one in given]
    except ValueError as error:
        raise invalid(f"Invalid 'prompt': {error}.", "prompt", "invalid_value") from error


def _check_number(number: int | None, name: str) -> None:
    if number is not None and number > 1:
        raise invalid(
            f"Invalid '{name}': this model gives one choice, but got {number} instead. Ask again "
            "for another.",
            name,
            "integer_above_max_value",
        )


def _read_stops(given: str | Sequence[str] | None) -> tuple[str, ...]:
    stops = (given,) if isinstance(given, str) else tuple(given or ())
    return tuple(stop for stop in stops if stop)


# Messages


def _read_message(
    message: object, at: str, before: Sequence[Message], files: list[str | GivenFile]
) -> Message:
    """Return one message; its files, or their ids, are added to `files`."""
    if isinstance(message, SystemMessage):
        return Message("system", _text(message.content, at, files))
    if isinstance(message, UserMessage):
        return Message("user", _text(message.content, at, files))
    if isinstance(message, ToolMessage):
        content = _text(message.content, at, files)
        return Message("tool", content, tool_call_id=message.tool_call_id)
    if isinstance(message, FunctionMessage):
        # The call of that name that was made last; it had no id.
        call_id = next(
            (c.id for m in reversed(before) for c in m.tool_calls if c.name == message.name),
            f"call_{message.name}",
        )
        return Message("tool", message.content or "", tool_call_id=call_id)
    assert isinstance(message, AssistantMessage)
    calls = [
        ToolCall(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or ()
    ]
    if message.function_call is not None:
        old = message.function_call
        calls.append(ToolCall(f"call_{len(before)}", old.name, old.arguments))
    text = _text(message.content, at, files) or message.refusal or ""
    role: Role = "assistant"
    return Message(role, text, tuple(calls))


def _text(content: str | Sequence[object] | None, at: str, files: list[str | GivenFile]) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    texts: list[str] = []
    for number, part in enumerate(content):
        if isinstance(part, (TextPart, RefusalPart)):
            texts.append(part.text if isinstance(part, TextPart) else part.refusal)
            continue
        path = f"{at}.content[{number}]"
        if isinstance(part, FilePart):
            files.append(_file(part, f"{path}.file"))
            continue
        kind = getattr(part, "type", "")
        raise invalid(
            f"Invalid content type. {kind} is only supported by certain models, and this one "
            "reads text alone: leave it out, or map the model's name to one that takes it "
            "(chat_models in the settings).",
            path,
            "invalid_value",
        )
    return "\n\n".join(texts)


def _file(part: FilePart, at: str) -> str | GivenFile:
    file = part.file
    if file.file_id:
        return file.file_id
    if file.file_data is None:
        raise invalid(f"Invalid '{at}': give 'file_id' or 'file_data'.", at, "invalid_value")
    found = GivenFile(file.filename or UNNAMED, decode_file(file.file_data, f"{at}.file_data"))
    check_size(found.filename, found.data, f"{at}.file_data")
    return found


# Tools


def _spec(function: FunctionDefinition) -> ToolSpec:
    return ToolSpec(
        function.name,
        function.description or "",
        function.parameters or {"type": "object", "properties": {}},
        strict=bool(function.strict),
    )


def _read_grounding(
    request: OwnChatRequest, files: Sequence[tuple[str | GivenFile, ...]]
) -> Grounding:
    """Return what the search covers: all that the request names, together."""
    store_ids = list(request.vector_store_ids)
    found = Grounding(tuple(store_ids), tuple(files))
    for number, tool in enumerate(request.tools or ()):
        if not isinstance(tool, FileSearchTool):
            continue
        given = tool.settings
        store_ids += given.vector_store_ids
        if not store_ids and not files:
            at = f"tools[{number}].vector_store_ids"
            raise invalid(f"Missing required parameter: '{at}'.", at, "missing_required_parameter")
        found = replace(
            found,
            store_ids=tuple(dict.fromkeys(store_ids)),
            max_num_results=given.max_num_results,
            filters=given.filters,
            ranking_options=given.ranking_options,
        )
    return found


def _read_choice(
    request: OwnChatRequest, specs: tuple[ToolSpec, ...], *, is_old: bool, can_search: bool
) -> tuple[ToolChoice, tuple[ToolSpec, ...]]:
    """Return which tool is to be called, and the tools that may be."""
    given = request.function_call if is_old else request.tool_choice
    names = {spec.name for spec in specs} | ({FILE_SEARCH} if can_search else set())
    if given is None or isinstance(given, str):
        if given == "required" and not names:
            raise _no_tool("required")
        return given or "auto", specs
    if isinstance(given, ChosenTools):
        allowed = given.allowed_tools
        kept = {_chosen_name(tool) for tool in allowed.tools}
        return allowed.mode, tuple(spec for spec in specs if spec.name in kept)
    name = _chosen_name(given)
    if name not in names:
        raise _no_tool(name)
    return NamedTool(name), specs


def _chosen_name(choice: ChosenFunction | ChosenName | ChosenSearch) -> str:
    if isinstance(choice, ChosenFunction):
        return choice.function.name
    return choice.name if isinstance(choice, ChosenName) else FILE_SEARCH


def _no_tool(name: str) -> ApiError:
    return invalid(
        f"Invalid value for 'tool_choice': '{name}' needs a tool that is among 'tools'.",
        "tool_choice",
        "invalid_value",
    )
