"""Wire: a ChatRequest -> the JSON of OpenAI's chat completions, as one server takes it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from filesearch.chat.quirks import Quirks
from filesearch.messages import (
    ChatRequest,
    Image,
    Message,
    NamedTool,
    ToolSpec,
    join_parts,
    parts_of,
    replace_images,
)

# What is added where a server wants the user to have the last word.
NUDGE = "Please go on."
# What stands for an image where it cannot, and before those that stand elsewhere.
UNSEEN = "[an image, which this model cannot see]"
ELSEWHERE = "[image]"
SHOWN_HERE = "What is marked [image] above, in this order:"


def request_fields(
    model: str, request: ChatRequest, quirks: Quirks, *, stream: bool
) -> dict[str, Any]:
    """Return the body of a request; what it leaves to the server is left out."""
    messages = shape_messages(request.messages, quirks)
    fields: dict[str, Any] = {
        "model": model,
        "messages": [_message_fields(message) for message in messages],
    }
    if request.tools and quirks.calls_tools:
        fields |= _tool_fields(request, quirks)
    if quirks.takes_sampling:
        fields |= {"temperature": request.temperature, "top_p": request.top_p}
    limit = "max_completion_tokens" if quirks.limits_completion else "max_tokens"
    fields[limit] = request.max_completion_tokens
    fields["response_format"] = request.response_format and dict(request.response_format)
    if stream:
        fields["stream"] = True
        fields["stream_options"] = {"include_usage": True} if quirks.streams_usage else None
    return {name: value for name, value in fields.items() if value is not None}


def shape_messages(messages: Sequence[Message], quirks: Quirks) -> list[Message]:
    """Return the messages in the order and of the roles that a server takes."""
    if quirks.takes_images:
        shaped = _shown_by_user(messages)
    else:
        shaped = [replace_images(message, lambda _: UNSEEN) for message in messages]
    if not quirks.calls_tools:
        shaped = _without_tools(shaped)
    if quirks.one_system:
        said = [message.content for message in shaped if message.role == "system"]
        shaped = [message for message in shaped if message.role != "system"]
        if said:
            shaped.insert(0, Message("system", "\n\n".join(said)))
    if quirks.alternates or not quirks.calls_tools:
        shaped = _joined(shaped)
    if quirks.needs_user_turn and shaped and shaped[-1].role == "assistant":
        shaped.append(Message("user", NUDGE))
    return shaped


def _shown_by_user(messages: Sequence[Message]) -> list[Message]:
    """Return messages in which only the user shows images, as the wire has it.

    Those of others follow in a message of the user's, behind all that one answer's calls returned.
    """
    shaped: list[Message] = []
    waiting: list[Image] = []
    for message in messages:
        if waiting and message.role != "tool":
            shaped.append(join_parts("user", [SHOWN_HERE, *waiting]))
            waiting = []
        if message.role == "user":
            shaped.append(message)
        else:
            waiting += message.images
            shaped.append(replace_images(message, lambda _: ELSEWHERE))
    return [*shaped, join_parts("user", [SHOWN_HERE, *waiting])] if waiting else shaped


def _without_tools(messages: Sequence[Message]) -> list[Message]:
    """Return what tools returned as the user's text, and no calls."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    shaped = []
    for message in messages:
        if message.role == "tool":
            name = names.get(message.tool_call_id, "a tool")
            shaped.append(Message("user", f"Result of {name}:\n\n{message.content}"))
        elif message.content or not message.tool_calls:
            shaped.append(replace(message, tool_calls=()))
    return shaped


def _joined(messages: Sequence[Message]) -> list[Message]:
    """Return neighbours of one role as one message, those about tools apart."""
    shaped: list[Message] = []
    for message in messages:
        last = shaped[-1] if shaped else None
        is_plain = message.role in ("user", "assistant") and not message.tool_calls
        if last and is_plain and last.role == message.role and not last.tool_calls:
            shaped[-1] = join_parts(message.role, [*parts_of(last), *parts_of(message)])
        else:
            shaped.append(message)
    return shaped


def _message_fields(message: Message) -> dict[str, Any]:
    content = [_part(part) for part in parts_of(message)] if message.images else message.content
    fields: dict[str, Any] = {"role": message.role, "content": content}
    if message.tool_calls:
        fields["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    if message.role == "tool":
        fields["tool_call_id"] = message.tool_call_id
    return fields


def _part(part: str | Image) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    shown = {"url": part.url}
    if part.detail != "auto":  # some servers know no such field
        shown["detail"] = part.detail
    return {"type": "image_url", "image_url": shown}


def _tool_fields(request: ChatRequest, quirks: Quirks) -> dict[str, Any]:
    choice = request.tool_choice
    if not quirks.chooses_tools and choice == "none":
        return {}
    fields: dict[str, Any] = {"tools": [_tool_spec(tool, quirks) for tool in request.tools]}
    if quirks.chooses_tools and isinstance(choice, NamedTool):
        fields["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    elif quirks.chooses_tools and choice != "auto":
        fields["tool_choice"] = choice
    if quirks.parallel_tools and not request.parallel_tool_calls:
        fields["parallel_tool_calls"] = False
    return fields


def _tool_spec(tool: ToolSpec, quirks: Quirks) -> dict[str, Any]:
    function: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    if tool.strict and quirks.strict_tools:
        function["strict"] = True
    return {"type": "function", "function": function}
