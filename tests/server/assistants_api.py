"""What the tests of runs share: models that call functions, and assistants that have them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from filesearch.messages import ChatDelta, ChatReply, ChatRequest, Message, ToolCall, Usage
from filesearch.testing import ScriptedChatModel

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}

RETURNS = "Mugs can go back within 30 days of purchase.\n\nPlates cannot go back at all."


def calling(*cities: str, text: str = "", name: str = "weather") -> ChatReply:
    """Return a reply that asks for the weather of each city."""
    calls = tuple(
        ToolCall(f"call_{city}", name, json.dumps({"city": city}) if city else "")
        for city in cities
    )
    return ChatReply(Message("assistant", text, tool_calls=calls), "tool_calls", Usage(10, 5))


def searching(*queries: str) -> ChatReply:
    """Return a reply that searches the documents."""
    return searching_apart(queries)


def searching_apart(*calls: Sequence[str]) -> ChatReply:
    """Return a reply that searches the documents with several calls, each of some queries."""
    made = tuple(
        ToolCall(f"call_s{number}", "file_search", json.dumps({"queries": list(queries)}))
        for number, queries in enumerate(calls)
    )
    return ChatReply(Message("assistant", "", tool_calls=made), "tool_calls", Usage(10, 5))


class PatientModel:
    """A ChatModel that says one word, and the next when it is let go on."""

    name = "patient"
    calls_tools = True

    def __init__(self) -> None:
        self.may_go_on = threading.Event()

    def complete(self, request: ChatRequest) -> ChatReply:
        raise NotImplementedError

    def stream(self, _request: ChatRequest) -> Iterator[ChatDelta]:
        yield ChatDelta(text="First ")
        assert self.may_go_on.wait(60)
        yield ChatDelta(text="second.", finish_reason="stop", usage=Usage(3, 2))


def assistant_with(live, *tools, **options):
    return live.client.beta.assistants.create(model="gpt-4o", tools=list(tools), **options)


def thread_with(live, *questions: str, **options):
    messages = [{"role": "user", "content": question} for question in questions]
    return live.client.beta.threads.create(messages=messages, **options)


def texts(live, thread_id: str) -> Sequence[str]:
    """Return the texts of a thread's messages, the oldest first."""
    messages = live.client.beta.threads.messages.list(thread_id, order="asc").data
    return [message.content[0].text.value for message in messages]


def store_of(live, text: str, name: str = "returns.md") -> str:
    """Return the id of a vector store with a file."""
    store = live.client.vector_stores.create()
    file = live.client.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=(name, text.encode())
    )
    assert file.status == "completed"
    return store.id


def searched(store_id: str):
    """Return the options of an assistant that searches a store."""
    return {"tool_resources": {"file_search": {"vector_store_ids": [store_id]}}}


def wait_until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for_words(live, run) -> None:
    """Return once a run has said the first words of its message."""
    read = live.server.events.read
    wait_until(lambda: any(event.name == "thread.message.delta" for event in read(run.id)))


def expire(live, run) -> int:
    """Have the time of a run be over; returns when it was, in unix seconds."""
    over = int(time.time()) - 1
    with live.server.objects.writing() as tx:
        tx.update(tx.find("run", run.id), expires_at=over)
    live.server.runs._watch.tick()
    return over


def runs_of(live):
    return live.client.beta.threads.runs


def poll(live, run):
    """Return a run once it has ended or waits."""
    return runs_of(live).poll(run.id, thread_id=run.thread_id, poll_interval_ms=20)


def waiting(serve, *replies: ChatReply | str, **options):
    """Return a server and a run that waits for outputs of functions."""
    live = serve(ScriptedChatModel(list(replies)), **options)
    run = runs_of(live).create_and_poll(
        thread_id=thread_with(live, "Rain?").id, assistant_id=assistant_with(live, WEATHER).id
    )
    assert run.status == "requires_action"
    return live, run


def outputs_of(run, output: str = "sun"):
    """Return what a run waits for: one output for each call."""
    owed = run.required_action.submit_tool_outputs.tool_calls
    return [{"tool_call_id": call.id, "output": output} for call in owed]


def stream_of(live, assistant, thread, **options):
    """Return all events of a new run: names and data."""
    events = live.client.beta.threads.runs.create(
        thread_id=thread.id, assistant_id=assistant.id, stream=True, **options
    )
    return [(event.event, event.data) for event in events]


def names(events, *, is_short=True):
    """Return the names of events; is_short writes a row of one name as one."""
    found = [name.removeprefix("thread.") for name, _ in events]
    return [n for i, n in enumerate(found) if not is_short or n not in found[i - 1 : i]]


BEGINNING = ["run.created", "run.queued", "run.in_progress"]
STEP = ["run.step.created", "run.step.in_progress"]
MESSAGE = [*STEP, "message.created", "message.in_progress", "message.delta"]
END = ["message.completed", "run.step.completed", "run.completed"]
