"""Budget: a conversation and what was found -> the messages that fit what a model may read.

Instructions, the newest message of the user, and what the run itself has done always go along;
older messages are left out from the oldest on, a call and what it returned together, passages from
the worst on, of every search alike.
Counted in cl100k_base tokens, with what OpenAI documents as the cost of a message around its text.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from filesearch.events import RunState
from filesearch.grounding import MAX_RESULT_TOKENS, drop_worst, fit_sources, render_sources
from filesearch.messages import ChatRequest, Image, Message, Source, ToolSpec
from filesearch.tokens import count_tokens

_MESSAGE_TOKENS = 4
_MIN_RESULT_TOKENS = 200
# OpenAI's guide to images, "Calculating costs": any image in low detail, and one of 1024 x 1024 in
# high. How large an image is, is not looked at here.
_LOW_IMAGE_TOKENS, _IMAGE_TOKENS = 85, 765


@dataclass(frozen=True, slots=True)
class PromptBudget:
    """What a model may be given to read.

    Attributes:
        max_prompt_tokens: Everything together; None for no limit of ours.
        last_messages: How many of the newest messages of the conversation, at most; None for as
            many as fit.
        max_result_tokens: Passages, all searches together.
    """

    max_prompt_tokens: int | None = None
    last_messages: int | None = None
    max_result_tokens: int = MAX_RESULT_TOKENS

    def smaller(self, request: ChatRequest) -> PromptBudget | None:
        """Return half of what `request` took; None if that would leave nothing to read."""
        tokens = sum(message_tokens(message) for message in request.messages) // 2
        results = tokens // 2
        if results < _MIN_RESULT_TOKENS:
            return None
        return replace(self, max_prompt_tokens=tokens, max_result_tokens=results)


def message_tokens(message: Message) -> int:
    """Return what a message costs to read, in cl100k_base tokens."""
    calls = sum(count_tokens(c.name + c.arguments) + _MESSAGE_TOKENS for c in message.tool_calls)
    images = sum(map(image_tokens, message.images))
    return _MESSAGE_TOKENS + count_tokens(message.content) + calls + images


def image_tokens(image: Image) -> int:
    """Return what an image costs to read: an estimate, whatever its size."""
    return _LOW_IMAGE_TOKENS if image.detail == "low" else _IMAGE_TOKENS


def fit_messages(
    instructions: str,
    history: Sequence[Message],
    state: RunState,
    budget: PromptBudget,
    *,
    tools: Sequence[ToolSpec] = (),
) -> tuple[tuple[Message, ...] | None, tuple[Source, ...]]:
    """Return the messages of a request that fit `budget`, and the passages in them.

    Returns:
        None for the messages when what must go along does not fit.
    """
    limit = budget.max_prompt_tokens
    sources = fit_sources(state.sources, budget.max_result_tokens)
    head = [Message("system", instructions)] if instructions else []
    own = _with_passages(state, sources, first=len(history))
    starts = _starts(history)
    asked = max((i for i, m in enumerate(history) if m.role == "user"), default=len(history) - 1)
    newest = max((start for start in starts if start <= asked), default=0)
    older = [start for start in starts if start < newest]
    if budget.last_messages is not None:
        older = [start for start in older if len(history) - start <= budget.last_messages]
    if limit is None:
        return (*head, *history[min(older, default=newest) :], *own), sources
    must = [*head, *history[newest:], *own]
    spent = sum(message_tokens(m) for m in must) + sum(tool_tokens(tool) for tool in tools)
    while spent > limit and sources:
        sources = drop_worst(sources)
        own = _with_passages(state, sources, first=len(history))
        must = [*head, *history[newest:], *own]
        spent = sum(message_tokens(m) for m in must) + sum(tool_tokens(tool) for tool in tools)
    if spent > limit:
        return None, sources
    first = newest
    for start in reversed(older):
        spent += sum(message_tokens(m) for m in history[start:first])
        if spent > limit:
            break
        first = start
    return (*head, *history[first:], *own), sources


def _starts(messages: Sequence[Message]) -> list[int]:
    """Return where a conversation may begin: anywhere but between a call and what it returned.

    Servers refuse an output whose call they do not see, and a call that lacks an output.
    """
    asked: dict[str, int] = {}
    ends = list(range(len(messages)))  # the last message that each needs behind it
    for i, message in enumerate(messages):
        asked |= {call.id: i for call in message.tool_calls}
        if message.role == "tool" and message.tool_call_id in asked:
            ends[asked[message.tool_call_id]] = i
    starts, needed = [], -1
    for i, end in enumerate(ends):
        if i > needed:
            starts.append(i)
        needed = max(needed, end)
    return starts


def _with_passages(state: RunState, sources: Sequence[Source], *, first: int) -> list[Message]:
    """Return the run's own messages, passages written into those of its searches."""
    found = Counter(source.call for source in state.sources)
    messages = []
    for call, message in enumerate(state.messages, start=first):
        if message.role == "tool" and not message.content:
            given = [source for source in sources if source.call == call]
            content = render_sources(given, left_out=found[call] - len(given))
            messages.append(replace(message, content=content))
        else:
            messages.append(message)
    return messages


def tool_tokens(tool: ToolSpec) -> int:
    """Return what being told of a tool costs to read, in cl100k_base tokens."""
    return count_tokens(json.dumps(dict(tool.parameters)) + tool.name + tool.description)
