"""Run requests: what a client asks for and what its assistant says -> the body of a new run.

An override that is null or absent is the assistant's. Nothing here touches the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from filesearch.functions import FILE_SEARCH
from filesearch.objects import Record
from filesearch.server.assistants import wire, wire_list
from filesearch.server.errors import invalid
from filesearch.server.runs.objects import RESULT_CONTENT
from filesearch.server.tool_resources import store_ids_of
from filesearch.server.wire.assistants import ToolResources
from filesearch.server.wire.runs import CreateRun, RunFields, SubmitToolOutputs

_TRUNCATION: Mapping[str, Any] = {"type": "auto", "last_messages": None}


def run_body(
    request: RunFields,
    assistant: Record,
    *,
    include: Sequence[str] = (),
    resources: ToolResources | None = None,
) -> dict[str, Any]:
    """Return the body of a new run.

    Args:
        request: What the client asks for.
        assistant: That the run is of.
        include: What the client wants to see in the steps that are streamed.
        resources: In the place of the assistant's.

    Raises:
        ApiError: The tools and the choice among them do not go together.
    """
    said = assistant.body
    tools = said["tools"] if request.tools is None else wire_list(request.tools)
    choice: Any = request.tool_choice or "auto"
    choice = choice if isinstance(choice, str) else wire(choice)
    _check_tools(tools, choice)
    instructions = request.instructions
    if instructions is None:
        instructions = said["instructions"] or ""
    if isinstance(request, CreateRun) and request.additional_instructions:
        added = request.additional_instructions
        instructions = f"{instructions}\n\n{added}" if instructions else added
    form: Any = request.response_format or said["response_format"]
    held = said["tool_resources"] if resources is None else wire(resources)
    truncation = request.truncation_strategy
    return {
        "assistant_id": assistant.id,
        "model": request.model or said["model"],
        "instructions": instructions,
        "tools": tools,
        "metadata": request.metadata or {},
        "temperature": _either(request.temperature, said["temperature"]),
        "top_p": _either(request.top_p, said["top_p"]),
        "response_format": form if isinstance(form, (str, dict)) else wire(form),
        "tool_choice": choice,
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "max_prompt_tokens": request.max_prompt_tokens,
        "max_completion_tokens": request.max_completion_tokens,
        "truncation_strategy": {**_TRUNCATION, **(wire(truncation) if truncation else {})},
        "required_action": None,
        "last_error": None,
        "incomplete_details": None,
        "started_at": None,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": None,
        "usage": None,
        "private": {
            "store_ids": store_ids_of(held),
            "with_content": RESULT_CONTENT in {*include, *(request.include or ())},
            "state": None,
        },
    }


def _either(own: float | None, other: float | None) -> float | None:
    return other if own is None else own


def _check_tools(tools: Sequence[Mapping[str, Any]], choice: str | Mapping[str, Any]) -> None:
    functions = Counter(_name(tool) for tool in tools if tool["type"] == "function")
    for number, tool in enumerate(tools):
        name = _name(tool)
        if tool["type"] == "function" and (functions[name] > 1 or name == FILE_SEARCH):
            why = "is the search's" if name == FILE_SEARCH else "belongs to another function too"
            raise invalid(
                f"Invalid 'tools[{number}].function.name': the name '{name}' {why}; choose "
                "another one.",
                f"tools[{number}].function.name",
                "invalid_value",
            )
    if not isinstance(choice, str) and _name(choice) not in {_name(tool) for tool in tools}:
        raise invalid(
            f"Tool choice '{_name(choice)}' not found in 'tools' parameter.",
            "tool_choice",
            "invalid_value",
        )


def _name(tool: Mapping[str, Any]) -> str:
    return str(tool["function"]["name"] if tool["type"] == "function" else tool["type"])


def outputs_of(request: SubmitToolOutputs, owed: Sequence[str]) -> dict[str, str]:
    """Return the outputs that a request brings, by call id.

    Args:
        request: Of the client.
        owed: Ids of the calls that the run waits for.

    Raises:
        ApiError: One of them is missing, comes twice, or is of no such call.
    """
    given = [output.tool_call_id for output in request.tool_outputs]
    if sorted(given) != sorted(owed):
        raise invalid(f"Expected tool outputs for call_ids {list(owed)}, got {given}")
    return {output.tool_call_id: output.output or "" for output in request.tool_outputs}
