"""Reading: what a server sends -> pieces of a reply, mended where servers differ. Pure.

One reading takes the chunks of a stream, or a whole completion as its only chunk. It leaves out
what a model thought aloud (`reasoning_content`, and `<think>...</think>` before the reply), and
gives tool calls the index and id that some servers forget.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from filesearch.budget import image_tokens
from filesearch.messages import (
    ChatDelta,
    ChatReply,
    ChatRequest,
    FinishReason,
    Message,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from filesearch.surrogates import join_surrogates
from filesearch.tokens import count_tokens

MAX_REPLY_CHARS = 8 << 20
# Besides a message's content OpenAI counts 3 tokens for each message and 3 for the reply's start
# (cookbook, "How to count tokens with tiktoken"); for other models it is an estimate.
_MESSAGE_TOKENS = 3
# JSON may escape a character as two surrogates, and a server may cut a text between them.
_HALF = re.compile("[\ud800-\udbff]")
_OPEN, _CLOSE = "<think>", "</think>"
# By what servers call them. Not here: a plain "stop".
_FINISH: dict[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
}
_BROKEN = frozenset(("abort", "error", "network_error", "insufficient_system_resource"))


class Unreadable(ValueError):
    """What a server sent is no part of a reply; the message says what is wrong with it."""


class Refused(ValueError):
    """A server sent an error in place of a reply.

    Args:
        message: What it says.
        code: What it calls it; may be empty.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.message, self.code = message, code


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class _Call(msgspec.Struct):
    index: int | float | str | None = None
    id: str | int | float | None = None
    function: _Function | None = None


class _Part(msgspec.Struct):
    text: str | None = None
    refusal: str | None = None


class _Said(msgspec.Struct):
    content: str | list[_Part] | None = None
    refusal: Any = None  # text, where the server knows it at all
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    delta: _Said | None = None
    message: _Said | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: Any = None


@dataclass(slots=True)
class _OpenCall:
    """A tool call that is still coming."""

    id: str
    name: str = ""
    arguments: str = ""
    is_given: bool = False


class Reading:
    """Reads one reply, chunk by chunk.

    Args:
        request: What was asked, for counting where the server sends no usage.
    """

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._names = frozenset(tool.name for tool in request.tools)
        self._calls: list[_OpenCall] = []
        self._number_of: dict[int, int] = {}  # the server's index -> the position in _calls
        self._has_choice = False
        self._finish: str | None = None
        self._usage: Usage | None = None
        self._ends_with_usage = False
        self._thoughts = _Thoughts()
        self._half = ""
        self._text: list[str] = []
        self._length = 0

    def take(self, chunk: object) -> ChatDelta | None:
        """Return what a chunk adds to the reply, None when that is nothing.

        Raises:
            Refused: It is an error.
            Unreadable: It is not of the shape of a chunk or completion.
        """
        if isinstance(chunk, dict) and not chunk.get("choices") and (error := read_error(chunk)):
            raise Refused(*error)
        try:
            read = msgspec.convert(chunk, _Chunk)
        except (msgspec.ValidationError, RecursionError) as failure:
            raise Unreadable(f"is no chat completion: {failure}") from failure
        if read.choices is None and read.usage is None:
            raise Unreadable("is no chat completion: it has no choices")
        usage = _read_usage(read.usage)
        self._usage = usage or self._usage
        # In a chunk of its own it is the last of all; some servers count in every chunk.
        self._ends_with_usage = not read.choices and (bool(usage) or self._ends_with_usage)
        if not read.choices:
            return None
        self._has_choice = True
        choice = read.choices[0]
        self._finish = choice.finish_reason or self._finish
        said = choice.delta or choice.message
        if said is None:
            return None
        text = self._thoughts.leave_out(self._take_text(_plain(said)))
        calls = tuple(piece for call in said.tool_calls or () for piece in self._take_call(call))
        self._text.append(text)
        self._length += len(text) + sum(len(call.arguments) for call in calls)
        if self._length > MAX_REPLY_CHARS:
            raise Unreadable(f"is longer than {MAX_REPLY_CHARS} characters")
        return ChatDelta(text=text, tool_calls=calls) if text or calls else None

    def _take_text(self, piece: str) -> str:
        """Return a piece without the half of a character at its end, which waits for the other."""
        piece, self._half = self._half + piece, ""
        if _HALF.match(piece[-1:]):
            piece, self._half = piece[:-1], piece[-1]
        return join_surrogates(piece)

    def _take_call(self, call: _Call) -> list[ToolCallDelta]:
        function = call.function or _Function()
        name = function.name or ""
        number = self._number(_whole(call.index), "" if call.id is None else str(call.id), name)
        opened = self._calls[number]
        piece = function.arguments or ""
        if isinstance(piece, dict):
            piece = json.dumps(piece, ensure_ascii=False)
        piece = join_surrogates(piece)
        opened.arguments += piece
        if opened.is_given:
            return [ToolCallDelta(number, arguments=piece)] if piece else []
        opened.name = _join_name(opened.name, name, self._names)
        # The rest of a name may come, until there are arguments. Calls are given in their order.
        return self._give_calls(number + 1) if opened.name and opened.arguments else []

    def _give_calls(self, end: int) -> list[ToolCallDelta]:
        """Return the first pieces of those of the first `end` calls that were not given yet."""
        given = []
        for number, opened in enumerate(self._calls[:end]):
            if not opened.name:
                break
            if not opened.is_given:
                opened.is_given = True
                given.append(ToolCallDelta(number, opened.id, opened.name, opened.arguments))
        return given

    def _number(self, index: int | None, call_id: str, name: str) -> int:
        """Return which call a piece belongs to, opening a new one where it starts one.

        Some servers give no index, or the same to all calls; then another id, or another name
        without an id, starts a new one.
        """
        last = len(self._calls) - 1
        number = last if index is None else self._number_of.get(index, -1)
        if number >= 0:
            opened = self._calls[number]
            is_other = bool(call_id) and call_id != opened.id
            is_unnumbered = index is None and not call_id
            if not (name and opened.name and (is_other or is_unnumbered)):
                return number
        is_new = bool(call_id) and call_id not in {opened.id for opened in self._calls}
        self._calls.append(_OpenCall(call_id if is_new else _make_id()))
        if index is not None:
            self._number_of[index] = last + 1
        return last + 1

    def finish(self, *, is_whole: bool = False) -> list[ChatDelta]:
        """Return the last pieces: what was held back, then the reason to end and the usage.

        Args:
            is_whole: The server said that nothing more comes. That and its usage stand for the
                reason to end, which some leave out.

        Raises:
            Unreadable: The reply ended before it was whole, or the server gave it up.
        """
        if not self._has_choice:
            raise Unreadable("is no chat completion: it has no choices")
        is_counted = self._usage is not None and (is_whole or self._ends_with_usage)
        if self._finish is None and not is_counted:
            raise Unreadable("ends before the reply does")
        if self._finish in _BROKEN:
            raise Unreadable(f"ends with '{self._finish}'")
        if not all(call.name for call in self._calls):
            raise Unreadable("has a tool call without a name")
        late = self._give_calls(len(self._calls))
        held = self._thoughts.leave_out(join_surrogates(self._half)) + self._thoughts.rest()
        self._text.append(held)
        empty = (
            ToolCallDelta(number, arguments="{}")
            for number, call in enumerate(self._calls)
            if not call.arguments.strip()
        )
        reason = _FINISH.get(self._finish or "", "stop")
        if reason == "stop" and self._calls:
            reason = "tool_calls"
        elif reason == "tool_calls" and not self._calls:
            reason = "stop"
        calls = (*late, *empty)
        rest = [ChatDelta(text=held, tool_calls=calls)] if held or calls else []
        return [*rest, ChatDelta(finish_reason=reason, usage=self._usage or self._count())]

    def _count(self) -> Usage:
        prompt = _MESSAGE_TOKENS
        for message in self._request.messages:
            prompt += _MESSAGE_TOKENS + count_tokens(message.content)
            prompt += sum(map(image_tokens, message.images))
            prompt += sum(count_tokens(f"{c.name} {c.arguments}") for c in message.tool_calls)
        for tool in self._request.tools:
            schema = json.dumps(dict(tool.parameters), ensure_ascii=False)
            prompt += count_tokens(f"{tool.name} {tool.description} {schema}")
        completion = count_tokens("".join(self._text))
        completion += sum(count_tokens(f"{call.name} {call.arguments}") for call in self._calls)
        return Usage(prompt, completion, is_counted=True)


def _read_usage(usage: object) -> Usage | None:
    """Return the tokens that a server counted; None where it counted none, or not so."""
    if not isinstance(usage, dict):
        return None
    prompt, completion = _whole(usage.get("prompt_tokens")), _whole(usage.get("completion_tokens"))
    if prompt is None or completion is None or min(prompt, completion) < 0:
        return None
    return Usage(prompt, completion)


def _whole(number: object) -> int | None:
    """Return a number as some servers write it, such as 2.0 or "2"; None for anything else."""
    if isinstance(number, bool) or not isinstance(number, int | float | str):
        return None
    try:
        return int(float(number))
    except (ValueError, OverflowError):
        return None


def _join_name(name: str, piece: str, known: Collection[str]) -> str:
    """Return the name of a tool with its next piece: the rest of it, or all of it once more."""
    if name + piece in known:
        return name + piece
    if not piece or name in known or piece == name:
        return name
    return piece if piece in known or piece.startswith(name) else name + piece


def _make_id() -> str:
    return f"call_{uuid.uuid4().hex[:24]}"


def read_error(body: object) -> tuple[str, str] | None:
    """Return what an error says and what it is called; None for what is no error.

    Shapes: `{"error": {"message", "code"}}` (OpenAI), the same without `error` around it (vLLM,
    Spark), `{"error": "..."}` (Ollama), `{"detail": ...}` (FastAPI), and
    `{"base_resp": {"status_code", "status_msg"}}` (MiniMax, whose code 0 means success).
    """
    if not isinstance(body, dict):
        return None
    inner = body.get("error") or body.get("base_resp") or body
    if not isinstance(inner, dict):
        return str(inner), ""
    message = inner.get("message") or inner.get("status_msg") or inner.get("detail")
    code = inner.get("code") or inner.get("status_code") or inner.get("type") or ""
    if not message or (inner.get("status_code") == 0) or (inner is body and inner.get("code") == 0):
        return None
    return str(message), str(code)


def _plain(said: _Said) -> str:
    """Return what a model says; what it says where it declines to answer is its answer."""
    content = said.content or ""
    if not isinstance(content, str):
        content = "".join(part.text or part.refusal or "" for part in content)
    return content + (said.refusal if isinstance(said.refusal, str) else "")


class _Thoughts:
    """Leaves out `<think>...</think>` at the start of a text that comes in pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "before"

    def leave_out(self, piece: str) -> str:
        """Return what of the text so far is surely reply and was not returned yet."""
        if self._state == "after":
            return piece
        self._held += piece
        if self._state == "before":
            start = self._held.lstrip()
            if start.startswith(_OPEN):
                self._state, self._held = "in", start[len(_OPEN) :]
            elif not _OPEN.startswith(start):
                self._state = "after"
                return self.rest()
        if self._state == "in":
            _thought, closing, reply = self._held.partition(_CLOSE)
            if not closing:
                self._held = self._held[-len(_CLOSE) :]
                return ""
            self._state, self._held = "blank", reply
        if self._state == "blank" and self._held.strip():
            self._state = "after"
            self._held = self._held.lstrip()
            return self.rest()
        return ""

    def rest(self) -> str:
        """Return what is held back, once: nothing of a thought that never ended."""
        held = self._held if self._state in ("before", "after") else ""
        self._held = ""
        return held


def join_deltas(deltas: Iterable[ChatDelta]) -> ChatReply:
    """Return the reply whose pieces these are; usage and reason default to none and "stop"."""
    text: list[str] = []
    calls: list[ToolCall] = []
    reason: FinishReason = "stop"
    usage = Usage()
    for delta in deltas:
        text.append(delta.text)
        for piece in delta.tool_calls:
            if piece.index == len(calls):
                calls.append(ToolCall(piece.id, piece.name, piece.arguments))
            else:
                known = calls[piece.index]
                calls[piece.index] = replace(known, arguments=known.arguments + piece.arguments)
        reason = delta.finish_reason or reason
        usage = delta.usage or usage
    return ChatReply(Message("assistant", "".join(text), tuple(calls)), reason, usage)
