"""Run objects: records of runs and steps -> the objects and deltas of the API. Pure.

A step keeps all it knows of a search; what a caller did not ask to include is left out here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from filesearch.messages import Source, Usage
from filesearch.objects import Record

RESULT_CONTENT: Final = "step_details.tool_calls[*].file_search.results[*].content"
"""What a caller includes to see the passages of searches in steps."""

DEFAULT_RANKING: Final[Mapping[str, Any]] = {
    "ranker": "default_2024_08_21",
    "score_threshold": 0.0,
}

_RUN_FIELDS = (
    "assistant_id",
    "required_action",
    "last_error",
    "started_at",
    "cancelled_at",
    "failed_at",
    "completed_at",
    "incomplete_details",
    "model",
    "instructions",
    "tools",
    "metadata",
    "usage",
    "temperature",
    "top_p",
    "max_prompt_tokens",
    "max_completion_tokens",
    "truncation_strategy",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
)


def run_object(run: Record) -> dict[str, Any]:
    """Return a run as the API shows it."""
    return {
        "id": run.id,
        "object": "thread.run",
        "created_at": run.created_at,
        "thread_id": run.parent,
        "status": run.status,
        "expires_at": run.expires_at,
        **{name: run.body[name] for name in _RUN_FIELDS},
    }


def step_object(step: Record, *, with_content: bool = False) -> dict[str, Any]:
    """Return a step as the API shows it, with the text of passages only when it is asked for."""
    body = step.body
    details = body["step_details"]
    if details["type"] == "tool_calls" and not with_content:
        calls = [_without_content(call) for call in details["tool_calls"]]
        details = {**details, "tool_calls": calls}
    ended = {f"{way}_at": body["ended_at"] if step.status == way else None for way in _ENDS}
    return {
        "id": step.id,
        "object": "thread.run.step",
        "created_at": step.created_at,
        "run_id": step.parent,
        "assistant_id": body["assistant_id"],
        "thread_id": body["thread_id"],
        "type": details["type"],
        "status": step.status,
        "step_details": details,
        "last_error": body["last_error"],
        **ended,
        # The specification names it expired_at, its examples expires_at.
        "expires_at": ended["expired_at"],
        "metadata": {},
        "usage": None if step.status == "in_progress" else body["usage"],
    }


_ENDS = ("expired", "cancelled", "failed", "completed")


def _without_content(call: Mapping[str, Any]) -> dict[str, Any]:
    if call["type"] != "file_search":
        return dict(call)
    search = call["file_search"]
    results = [{k: v for k, v in r.items() if k != "content"} for r in search["results"]]
    return {**call, "file_search": {**search, "results": results}}


def new_step_body(run: Record, step_details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a step that begins."""
    return {
        "assistant_id": run.body["assistant_id"],
        "thread_id": run.parent,
        "step_details": dict(step_details),
        "last_error": None,
        "ended_at": None,
        "usage": None,
    }


def usage_object(usage: Usage) -> dict[str, int]:
    """Return tokens as runs and steps show them."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }


def search_call(
    call_id: str, ranking: Mapping[str, Any], sources: Sequence[Source]
) -> dict[str, Any]:
    """Return a search and what it found as a step keeps it, passages included."""
    results = [
        {
            "file_id": source.result.file_id,
            "file_name": source.result.filename,
            "score": min(1.0, max(0.0, source.result.score)),
            "content": [{"type": "text", "text": source.result.text}],
        }
        for source in sources
    ]
    return {
        "id": call_id,
        "type": "file_search",
        "file_search": {"ranking_options": dict(ranking), "results": results},
    }


def function_call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    """Return a function's call as a step keeps it, before there is an output."""
    function = {"name": name, "arguments": arguments, "output": None}
    return {"id": call_id, "type": "function", "function": function}


def required_action(calls: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a run waits for, from the function calls of a step."""
    wanted = [
        {
            "id": call["id"],
            "type": "function",
            "function": {k: call["function"][k] for k in ("name", "arguments")},
        }
        for call in calls
    ]
    return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": wanted}}


# Deltas: clients add them up, numbers and texts alike, and find list items by their `index`.


def call_delta(step_id: str, index: int, call: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is new about the call at `index` of a tool_calls step."""
    return {
        "id": step_id,
        "object": "thread.run.step.delta",
        "delta": {"step_details": {"type": "tool_calls", "tool_calls": [{"index": index, **call}]}},
    }


def text_delta(
    message_id: str, value: str, annotations: Sequence[Mapping[str, Any]] | None
) -> dict[str, Any]:
    """Return the next characters of a message; None for annotations leaves them out."""
    text: dict[str, Any] = {"value": value}
    if annotations is not None:
        text["annotations"] = list(annotations)
    return {
        "id": message_id,
        "object": "thread.message.delta",
        "delta": {"content": [{"index": 0, "type": "text", "text": text}]},
    }
