"""Chat answer: a question -> pieces of its answer, as they come.

Without documents the model is asked as it is; with some, the assistant loop searches them, and
the answer carries a marker and an annotation at every place that rests on a passage.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from filesearch.cite import annotation
from filesearch.errors import ContextExceeded
from filesearch.events import (
    ActionRequired,
    Cancelled,
    CitationAdded,
    Completed,
    Failed,
    Incomplete,
    SearchStarted,
    TextDelta,
)
from filesearch.interruptible import Interrupted, interruptible
from filesearch.messages import ChatRequest, FinishReason, Message, ToolCallDelta, Usage
from filesearch.protocols import ChatModel
from filesearch.run import Run, RunOptions
from filesearch.server.chat.question import ChatQuestion
from filesearch.server.errors import ApiError
from filesearch.server.loop import make_loop
from filesearch.tokens import count_tokens

if TYPE_CHECKING:
    from filesearch.server.context import Server


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer.

    Attributes:
        text: The next characters.
        calls: The next pieces of function calls.
        annotations: Citations whose marker is `text`; see cite.annotation.
        finish: Why the answer ends; in the last piece alone, with the usage.
    """

    text: str = ""
    calls: tuple[ToolCallDelta, ...] = ()
    annotations: tuple[dict[str, Any], ...] = ()
    finish: FinishReason | None = None
    usage: Usage | None = None


def answer(
    server: Server, question: ChatQuestion, file_store_ids: Sequence[str], stop: threading.Event
) -> Iterator[Piece]:
    """Yield the pieces of an answer; the last one has `finish` and `usage`.

    Args:
        file_store_ids: Vector stores of the files of messages. Without them, and without those
            that the question names, the model is asked alone.
        stop: Set by anyone to end it; no last piece comes then.

    Raises:
        ApiError: The conversation is too long for the model.
        ChatFailed: The model gives no answer.
    """
    model = server.model_for(question.model)
    pieces = (
        _grounded(_loop(server, question, file_store_ids, stop))
        if question.grounding
        else _plain(model, question, stop)
    )
    try:
        yield from _until_stop(pieces, question) if question.stops else pieces
    except ContextExceeded as error:
        raise ApiError(400, str(error), param="messages", code="context_length_exceeded") from error
    except Interrupted:
        return


def _plain(model: ChatModel, question: ChatQuestion, stop: threading.Event) -> Iterator[Piece]:
    request = ChatRequest(
        messages=question.messages,
        tools=question.tools,
        tool_choice=question.tool_choice,
        parallel_tool_calls=question.parallel_tool_calls,
        temperature=question.temperature,
        top_p=question.top_p,
        max_completion_tokens=question.max_completion_tokens,
        response_format=question.response_format,
    )
    last = Piece(finish="stop", usage=Usage())
    for delta in interruptible(model.stream(request), stop):
        if delta.text or delta.tool_calls:
            yield Piece(delta.text, delta.tool_calls)
        last = replace(
            last, finish=delta.finish_reason or last.finish, usage=delta.usage or last.usage
        )
    yield last


def _loop(
    server: Server, question: ChatQuestion, file_store_ids: Sequence[str], stop: threading.Event
) -> Run:
    instructions = [m.content for m in question.messages if m.role == "system" and m.content]
    grounding = question.grounding
    options = RunOptions(
        instructions="\n\n".join(instructions),
        tool_choice=question.tool_choice,
        parallel_tool_calls=question.parallel_tool_calls,
        max_completion_tokens=question.max_completion_tokens,
        temperature=question.temperature,
        top_p=question.top_p,
        response_format=question.response_format,
    )
    if grounding.max_num_results is not None:
        options = replace(options, max_num_results=grounding.max_num_results)
    return make_loop(
        server,
        model=question.model,
        history=[m for m in question.messages if m.role != "system"] or [Message("user")],
        store_ids=grounding.store_ids,
        unfiltered_ids=file_store_ids,
        functions=question.tools,
        options=options,
        filters=grounding.filters,
        ranking_options=grounding.ranking_options,
        cancel=stop,
    )


def _grounded(run: Run) -> Iterator[Piece]:
    written = ""
    for event in run.events():
        match event:
            case SearchStarted() if written and not written[-1].isspace():
                # What the model said before it searched on is a paragraph of its own.
                written += "\n\n"
                yield Piece("\n\n")
            case TextDelta(text):
                written += text
                yield Piece(text)
            case CitationAdded(citation):
                cited = annotation(citation, len(written))
                written += citation.marker
                yield Piece(citation.marker, annotations=(cited,))
            case ActionRequired(state):
                calls = tuple(
                    ToolCallDelta(index, call.id, call.name, call.arguments)
                    for index, call in enumerate(state.pending)
                )
                yield Piece(calls=calls)
                yield Piece(finish="tool_calls", usage=state.usage)
            case Completed(_, state):
                yield Piece(finish="stop", usage=state.usage)
            case Incomplete("max_prompt_tokens", _, _):
                raise ContextExceeded(
                    "the conversation is longer than FSEARCH_CHAT_CONTEXT_TOKENS allows; send "
                    "fewer or shorter messages"
                )
            case Incomplete(reason, _, state):
                filtered = reason == "content_filter"
                yield Piece(finish="content_filter" if filtered else "length", usage=state.usage)
            case Failed():
                raise event.error
            case Cancelled():
                raise Interrupted
            case _:
                pass


def _until_stop(pieces: Iterator[Piece], question: ChatQuestion) -> Iterator[Piece]:
    """Yield the pieces up to the first stop sequence, which may be spread over several."""
    held = written = ""
    for piece in pieces:
        is_words = bool(piece.text) and not piece.annotations
        held += piece.text if is_words else ""
        places = [at for stop in question.stops if (at := held.find(stop)) >= 0]
        if places:
            written += held[: min(places)]
            if held[: min(places)]:
                yield Piece(held[: min(places)])
            close = getattr(pieces, "close", None)
            if close is not None:
                with suppress(ValueError):
                    close()
            yield Piece(finish="stop", usage=_counted(question, written))
            return
        keep = _open_length(held, question.stops) if is_words else 0
        free, held = held[: len(held) - keep], held[len(held) - keep :]
        written += free
        if free:
            yield Piece(free)
        if not is_words:
            written += piece.text
            yield piece
        elif piece.calls:
            yield replace(piece, text="")


def _open_length(text: str, stops: Sequence[str]) -> int:
    """Return how many of the last characters may be the beginning of a stop sequence."""
    longest = max(map(len, stops)) - 1
    return next(
        (
            size
            for size in range(min(longest, len(text)), 0, -1)
            if any(stop.startswith(text[-size:]) for stop in stops)
        ),
        0,
    )


def _counted(question: ChatQuestion, text: str) -> Usage:
    prompt = sum(count_tokens(message.content) for message in question.messages)
    return Usage(prompt, count_tokens(text), is_counted=True)
