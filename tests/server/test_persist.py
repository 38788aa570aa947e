"""What a model has said is kept where the database is away at its end."""

from __future__ import annotations

import threading

import openai
import pytest

from filesearch.errors import DatabaseAway
from filesearch.server.persist import persist
from filesearch.server.responses import service
from filesearch.server.runs.recorder import RunRecorder
from filesearch.testing import ScriptedChatModel
from tests.server.assistants_api import (
    WEATHER,
    assistant_with,
    calling,
    outputs_of,
    runs_of,
    texts,
    thread_with,
)


@pytest.fixture
def fail_twice(monkeypatch):
    """Lets a function raise, the first two times, once it has done its work or before."""

    def install(place, name, *, is_after=True):
        left, work = [DatabaseAway("away"), DatabaseAway("away")], getattr(place, name)

        def fail_at_first(*args, **options):
            if left and not is_after:
                raise left.pop()
            done = work(*args, **options)
            if left:
                raise left.pop()
            return done

        monkeypatch.setattr(place, name, fail_at_first)

    return install


@pytest.mark.parametrize("answer", ["Sunny.", ""])
def test_a_run_ends_as_it_did_once_the_database_is_back(serve, fail_twice, answer):
    fail_twice(RunRecorder, "_finish")  # in a transaction, which is undone
    live = serve(ScriptedChatModel([answer]))
    thread = thread_with(live, "Rain?")
    events = list(
        runs_of(live).create(thread_id=thread.id, assistant_id=assistant_with(live).id, stream=True)
    )
    assert events[-1].event == "thread.run.completed"
    assert texts(live, thread.id) == ["Rain?", answer]


def test_a_run_waits_for_outputs_once_the_database_is_back(serve, fail_twice):
    fail_twice(RunRecorder, "_finish")
    live = serve(ScriptedChatModel([calling("Rome", "Oslo", text="Let me see."), "Sunny."]))
    thread = thread_with(live, "Rain?")
    run = runs_of(live).create_and_poll(
        thread_id=thread.id, assistant_id=assistant_with(live, WEATHER).id
    )
    assert run.status == "requires_action"
    assert len(outputs_of(run)) == 2
    run = runs_of(live).submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=thread.id, tool_outputs=outputs_of(run)
    )
    assert run.status == "completed"
    assert texts(live, thread.id) == ["Rain?", "Let me see.", "Sunny."]
    steps = runs_of(live).steps.list(run.id, thread_id=thread.id).data
    assert [step.status for step in steps] == ["completed"] * 3


# After: it was stored, and only the word of it was lost.
@pytest.mark.parametrize("is_after", [True, False])
@pytest.mark.parametrize("in_conversation", [True, False])
def test_a_response_ends_as_it_did_once_the_database_is_back(
    serve, fail_twice, is_after, in_conversation
):
    fail_twice(service, "store_end", is_after=is_after)
    client = serve(ScriptedChatModel(["Hello."])).client
    kept = client.conversations.create().id
    options = {"conversation": kept} if in_conversation else {}
    events = list(client.responses.create(model="m", input="Hi", stream=True, **options))
    assert events[-1].type == "response.completed"
    assert client.responses.retrieve(events[-1].response.id).output_text == "Hello."
    items = client.conversations.items.list(kept).data
    assert [item.role for item in items] == ["assistant", "user"] * in_conversation


@pytest.mark.parametrize("store", [True, False])
def test_a_response_that_cannot_be_stored_has_an_end_that_says_so(serve, monkeypatch, store):
    def refuse(*_args):
        raise ValueError

    monkeypatch.setattr(service, "store_end", refuse)
    client = serve(ScriptedChatModel(["Hello."])).client
    events = client.responses.create(model="m", input="Hi", stream=True, store=store)
    with pytest.raises(openai.APIError, match="could not be stored"):
        list(events)


def test_a_server_that_stops_waits_for_no_database():
    stopping, tries = threading.Event(), []

    def write():
        tries.append(0)
        if len(tries) == 2:
            stopping.set()
        raise DatabaseAway("away")

    with pytest.raises(DatabaseAway):
        persist(write, stopping)
    assert len(tries) == 2
