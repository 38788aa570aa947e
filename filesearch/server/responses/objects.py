"""Response object: a request -> the response as clients see it, and how it ends. Pure."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from filesearch.events import ActionRequired, Cancelled, Completed, Failed, Incomplete, RunEnd
from filesearch.grounding import MAX_RESULTS
from filesearch.messages import Usage
from filesearch.server.errors import INVALID_REQUEST
from filesearch.server.responses.items import Item, shown_parts, wire_items
from filesearch.server.wire.responses import CreateResponse, Prompt

STOPPED = "The server was stopped before the response was complete; ask again."
NOT_STORED = "The end of the response could not be stored; the server's log says why."
# By the code; that of others is "server_error".
_ERROR_TYPES = {"rate_limit_exceeded": "requests", "invalid_prompt": INVALID_REQUEST}
TERMINAL = ("completed", "failed", "cancelled", "incomplete")

ResponseObject = dict[str, Any]
"""A response nearly as on the wire; its output is kept apart until it is shown."""


def new_response(request: CreateResponse, response_id: str, created_at: int) -> ResponseObject:
    """Return the response to a request as it begins: all that was asked for, with its defaults."""
    is_background = bool(request.background)
    text = request.text
    shape = text.format.model_dump(by_alias=True, exclude_none=True) if text and text.format else {}
    given: ResponseObject = {
        "id": response_id,
        "object": "response",
        "created_at": created_at,
        "status": "queued" if is_background else "in_progress",
        "background": is_background,
        "completed_at": None,
        "conversation": {"id": request.conversation_id} if request.conversation_id else None,
        "error": None,
        "incomplete_details": None,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": request.max_tool_calls,
        "metadata": dict(request.metadata or {}),
        "model": request.model,
        "output": [],
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": request.previous_response_id,
        "prompt_cache_key": request.prompt_cache_key,
        "reasoning": {"effort": None, "summary": None} | _given(request.reasoning),
        "safety_identifier": request.safety_identifier,
        "service_tier": request.service_tier or "auto",
        "store": request.store is not False,
        "temperature": request.temperature,
        "text": {
            "format": shape or {"type": "text"},
            "verbosity": (text and text.verbosity) or "medium",
        },
        "tool_choice": _tool_choice(request),
        "tools": [tool.echo() for tool in request.tools or ()],
        "top_logprobs": request.top_logprobs or 0,
        "top_p": request.top_p,
        "truncation": request.truncation or "disabled",
        "usage": None,
        "user": request.user,
    }
    if request.prompt is not None:
        given["prompt"] = _prompt(request.prompt)
    if request.prompt_cache_retention is not None:
        given["prompt_cache_retention"] = request.prompt_cache_retention.replace("-", "_")
    return given


def _prompt(prompt: Prompt) -> dict[str, Any]:
    shown = prompt.model_dump(exclude_none=True, exclude={"variables"})
    if prompt.variables is None:
        return shown
    return shown | {
        "variables": {
            name: value if isinstance(value, str) else shown_parts([value], "input_text")[0]
            for name, value in prompt.variables.items()
        }
    }


def _given(model: BaseModel | None) -> dict[str, Any]:
    return {} if model is None else model.model_dump(exclude_none=True)


def _tool_choice(request: CreateResponse) -> str | dict[str, Any]:
    choice = request.tool_choice
    if choice is None or isinstance(choice, str):
        return choice or "auto"
    return choice.model_dump(exclude_none=True)


def shown_response(
    response: ResponseObject, items: Iterable[Item], include: Collection[str]
) -> ResponseObject:
    """Return a response as on the wire, with its output, and OpenAI's defaults for ours."""
    return response | {
        "tools": [tool | _search_defaults(tool) for tool in response["tools"]],
        "output": wire_items(items, include),
        "temperature": 1.0 if response["temperature"] is None else response["temperature"],
        "top_p": 1.0 if response["top_p"] is None else response["top_p"],
    }


def _search_defaults(tool: Mapping[str, Any]) -> dict[str, Any]:
    if tool["type"] != "file_search":
        return {}
    ranking = {"ranker": "auto", "score_threshold": 0.0} | (tool["ranking_options"] or {})
    return {"max_num_results": tool["max_num_results"] or MAX_RESULTS, "ranking_options": ranking}


def ended_response(response: ResponseObject, end: RunEnd) -> ResponseObject:
    """Return a response as the run's end leaves it."""
    ended = response | {"usage": usage_object(end.state.usage)}
    match end:
        case Completed() | ActionRequired():
            return ended | {"status": "completed", "completed_at": int(time.time())}
        case Incomplete("max_prompt_tokens"):
            message = "the input is longer than the model can read; send less of it"
            return failed_response(ended, "invalid_prompt", message)
        case Incomplete("content_filter"):
            return ended | {
                "status": "incomplete",
                "incomplete_details": {"reason": "content_filter"},
            }
        case Incomplete():
            return ended | {
                "status": "incomplete",
                "incomplete_details": {"reason": "max_output_tokens"},
            }
        case Cancelled():
            return ended | {"status": "cancelled", "usage": None}
        case Failed():
            return failed_response(ended, end.code, end.message)


def failed_response(response: ResponseObject, code: str, message: str) -> ResponseObject:
    """Return a response that has failed.

    Its error has the four keys of the error envelope: OpenAI's schema asks for code and message
    alone, and there are clients (Vercel's AI SDK) that read no error without a type.
    """
    kind = _ERROR_TYPES.get(code, "server_error")
    return response | {
        "status": "failed",
        "error": {"message": message, "type": kind, "param": None, "code": code},
        "usage": None,
    }


def usage_object(usage: Usage) -> dict[str, Any]:
    """Return what was read and written, as responses say it."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.total_tokens,
    }
