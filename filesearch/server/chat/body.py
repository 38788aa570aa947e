"""Chat body: pieces of an answer -> OpenAI's chat completion, whole or in chunks. Pure.

Of legacy completions as well.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from filesearch.ids import new_id
from filesearch.messages import FinishReason, ToolCallDelta, Usage
from filesearch.server.chat.answer import Piece


@dataclass
class ChatBody:
    """One chat completion as it goes over the wire.

    Attributes:
        model: As the client named it.
        files_url: Where files are served, for citations.
        sends_usage: Whether a stream ends with the usage.
        is_old: Whether a call goes as `function_call`.
    """

    model: str
    files_url: str
    sends_usage: bool = False
    is_old: bool = False
    id: str = field(default_factory=lambda: new_id("chatcmpl"))
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, pieces: Iterable[Piece]) -> dict[str, Any]:
        """Return the completion."""
        text = ""
        annotations: list[dict[str, Any]] = []
        calls: list[dict[str, Any]] = []
        finish: FinishReason | None = None
        usage = Usage()
        for piece in pieces:
            text += piece.text
            annotations += [self._annotation(cited) for cited in piece.annotations]
            for call in piece.calls:
                if call.index == len(calls):
                    calls.append(_call(call))
                else:
                    calls[call.index]["function"]["arguments"] += call.arguments
            finish, usage = piece.finish or finish, piece.usage or usage
        message: dict[str, Any] = {
            "role": "assistant",
            "content": text if text or not calls else None,
            "refusal": None,
        }
        if annotations:
            message["annotations"] = annotations
        if calls and self.is_old:
            message["function_call"] = calls[0]["function"]
        elif calls:
            message["tool_calls"] = calls
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self._finish(finish),
        }
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": usage_fields(usage),
        }

    def chunks(self, pieces: Iterable[Piece]) -> Iterable[dict[str, Any]]:
        """Yield the chunks of a stream, in order."""
        yield self._chunk({"role": "assistant", "content": "", "refusal": None})
        count = 0
        for piece in pieces:
            delta: dict[str, Any] = {}
            if piece.text:
                delta["content"] = piece.text
            if piece.annotations:
                # SDKs join lists of a stream by `index`.
                delta["annotations"] = [
                    {"index": count + i, **self._annotation(cited)}
                    for i, cited in enumerate(piece.annotations)
                ]
                count += len(piece.annotations)
            if piece.calls and self.is_old:
                delta["function_call"] = _function(piece.calls[0])
            elif piece.calls:
                delta["tool_calls"] = [_call_delta(call) for call in piece.calls]
            if delta:
                yield self._chunk(delta)
            if piece.finish:
                yield self._chunk({}, piece.finish)
            if piece.usage and self.sends_usage:
                yield {
                    **self._head("chat.completion.chunk"),
                    "choices": [],
                    "usage": usage_fields(piece.usage),
                }

    def _chunk(self, delta: dict[str, Any], finish: FinishReason | None = None) -> dict[str, Any]:
        choice = {
            "index": 0,
            "delta": delta,
            "logprobs": None,
            "finish_reason": self._finish(finish) if finish else None,
        }
        usage = {"usage": None} if self.sends_usage else {}
        return {**self._head("chat.completion.chunk"), "choices": [choice], **usage}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _finish(self, finish: FinishReason | None) -> str:
        if finish == "tool_calls" and self.is_old:
            return "function_call"
        return finish or "stop"

    def _annotation(self, cited: dict[str, Any]) -> dict[str, Any]:
        """Return a citation in the one shape that chat completions have, ours beside it."""
        place = cited["file_citation"]
        page = "" if place["page"] is None else f"#page={place['page']}"
        return {
            "type": "url_citation",
            "url_citation": {
                "start_index": cited["start_index"],
                "end_index": cited["end_index"],
                "title": place["filename"],
                "url": f"{self.files_url}/{place['file_id']}/content{page}",
            },
            "text": cited["text"],
            "file_citation": place,
        }


@dataclass
class TextBody:
    """Legacy completions of one request as they go over the wire; one choice for each prompt."""

    model: str
    sends_usage: bool = False
    id: str = field(default_factory=lambda: new_id("cmpl"))
    created: int = field(default_factory=lambda: int(time.time()))
    usage: Usage = field(default_factory=Usage)

    def whole(self, answers: Iterable[tuple[str, Iterable[Piece]]]) -> dict[str, Any]:
        """Return the completions; each answer comes with the text that it begins with."""
        choices = []
        for index, (text, pieces) in enumerate(answers):
            finish: FinishReason | None = None
            for piece in pieces:
                text += piece.text
                finish = piece.finish or finish
                self.usage += piece.usage or Usage()
            choices.append(_text_choice(index, text, finish or "stop"))
        return {**self._head(), "choices": choices, "usage": usage_fields(self.usage)}

    def chunks(self, answers: Iterable[tuple[str, Iterable[Piece]]]) -> Iterable[dict[str, Any]]:
        """Yield the chunks of a stream, one choice after the other."""
        for index, (text, pieces) in enumerate(answers):
            if text:
                yield self._chunk(index, text, None)
            for piece in pieces:
                if piece.text or piece.finish:
                    yield self._chunk(index, piece.text, piece.finish)
                self.usage += piece.usage or Usage()
        if self.sends_usage:
            yield {**self._head(), "choices": [], "usage": usage_fields(self.usage)}

    def _chunk(self, index: int, text: str, finish: FinishReason | None) -> dict[str, Any]:
        usage = {"usage": None} if self.sends_usage else {}
        return {**self._head(), "choices": [_text_choice(index, text, finish)], **usage}

    def _head(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
        }


def usage_fields(usage: Usage) -> dict[str, int]:
    """Return a usage as chat completions have it."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }


def _text_choice(index: int, text: str, finish: FinishReason | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}


def _call(call: ToolCallDelta) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _call_delta(call: ToolCallDelta) -> dict[str, Any]:
    fields: dict[str, Any] = {"index": call.index, "function": _function(call)}
    return {**fields, "id": call.id, "type": "function"} if call.id else fields


def _function(call: ToolCallDelta) -> dict[str, str]:
    named = {"name": call.name} if call.name else {}
    return {**named, "arguments": call.arguments}
