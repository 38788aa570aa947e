"""Scripted model: a chat model whose answers follow from the question, for any number of clients.

A request -> a reply, by the rules of `reply_to`. Nothing is recorded, so a server that runs for
hours on it does not grow.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from itertools import takewhile

from filesearch.messages import ChatDelta, ChatReply, ChatRequest, Message, ToolCall, Usage
from filesearch.testing import ScriptedChatModel

COUNTED = re.compile(r"count to (\d+)", re.IGNORECASE)
WAITED = re.compile(r"wait (\d+(?:\.\d+)?) s", re.IGNORECASE)
PLACES = re.compile(r"weather in (\w+)(?: and (\w+))?", re.IGNORECASE)


class RuleModel:
    """A ChatModel that answers by rule.

    Args:
        delay_s: Pause before each streamed piece.
    """

    name = "scripted"
    calls_tools = True

    def __init__(self, delay_s: float = 0.0) -> None:
        self._delay_s = delay_s

    def complete(self, request: ChatRequest) -> ChatReply:
        """Return the whole reply."""
        return ScriptedChatModel([reply_to]).complete(request)

    def stream(self, request: ChatRequest) -> Iterator[ChatDelta]:
        """Yield the reply in pieces."""
        for delta in ScriptedChatModel([reply_to]).stream(request):
            if self._delay_s:
                time.sleep(self._delay_s)
            yield delta


def reply_to(request: ChatRequest) -> ChatReply | str:
    """Return what the model says.

    - What tools returned is repeated; of passages, the first sentence of the first of each file,
      with its marker.
    - With the tool `file_search` it searches for the question; with `get_weather`, asked for the
      "weather in X and Y", it calls that for both at once.
    - "Count to N" is answered with the numbers, "wait N s" after that time, and a `json_schema`
      with an object of empty values.
    - Everything else is repeated.
    """
    outputs = list(takewhile(lambda message: message.role == "tool", reversed(request.messages)))
    if outputs:
        return _repeat_outputs(request, outputs[::-1])
    question = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
    waited = WAITED.search(question)
    if waited:
        time.sleep(float(waited[1]))
    calls = _calls(request, question)
    if calls:
        usage = Usage(len(question.split()), 2 * len(calls))
        return ChatReply(Message("assistant", tool_calls=calls), "tool_calls", usage)
    counted = COUNTED.search(question)
    if counted:
        return " ".join(str(number) for number in range(1, int(counted[1]) + 1))
    if request.response_format and request.response_format.get("type") == "json_schema":
        schema = request.response_format["json_schema"]["schema"]
        return json.dumps(dict.fromkeys(schema.get("properties", ()), "Paris"))
    return f"You said: {question}"


def _repeat_outputs(request: ChatRequest, outputs: list[Message]) -> str:
    texts = [message.content for message in outputs if "†source】" not in message.content]
    said = [f"The tool says: {text}." for text in texts]
    seen = set()
    for source in request.sources:
        if source.result.file_id not in seen:
            seen.add(source.result.file_id)
            said.append(f"{_first_sentence(source.result.text)} {source.marker}")
    return " ".join(said)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0]


def _calls(request: ChatRequest, question: str) -> tuple[ToolCall, ...]:
    names = {tool.name for tool in request.tools}
    if request.tool_choice == "none":
        return ()
    places = PLACES.search(question)
    if places and "get_weather" in names:
        found = [place for place in places.groups() if place]
        return tuple(
            ToolCall(f"call_{number}{place}", "get_weather", json.dumps({"place": place}))
            for number, place in enumerate(found)
        )
    if "file_search" in names:
        return (ToolCall("call_0search", "file_search", json.dumps({"queries": [question]})),)
    return ()
