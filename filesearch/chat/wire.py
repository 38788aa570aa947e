"""Wire: a ChatRequest -> the JSON of OpenAI's chat completions, as one server takes it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from filesearch.chat.quirks import Quirks
from filesearch.messages import ChatRequest, Message, NamedTool, ToolSpec

# What is added where a server wants the user to have the last word.
NUDGE = "Please go on."


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
    shaped = list(messages)
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
            text = "\n\n".join(part for part in (last.content, message.content) if part)
            shaped[-1] = Message(message.role, text)
        else:
            shaped.append(message)
    return shaped


def _message_fields(message: Message) -> dict[str, Any]:
    fields: dict[str, Any] = {"role": message.role, "content": message.content}
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
