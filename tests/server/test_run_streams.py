"""Streams of runs: their order, what the official client makes of them, and who may leave them."""

from __future__ import annotations

import json
import threading

import pytest
from openai import AssistantEventHandler

from filesearch.messages import ChatReply, Message, Usage
from filesearch.testing import ScriptedChatModel
from tests.server.assistants_api import (
    BEGINNING,
    END,
    MESSAGE,
    RETURNS,
    STEP,
    WEATHER,
    PatientModel,
    assistant_with,
    calling,
    expire,
    names,
    outputs_of,
    searched,
    searching,
    store_of,
    stream_of,
    texts,
    thread_with,
)


@pytest.fixture
def patient():
    model = PatientModel()
    yield model
    model.may_go_on.set()


# Order


def test_a_plain_answer_comes_in_the_order_of_the_contract(serve):
    live = serve(ScriptedChatModel(["Within thirty days."]))
    events = stream_of(live, assistant_with(live), thread_with(live, "How long?"))
    assert names(events) == [*BEGINNING, *MESSAGE, *END]


def test_a_stream_ends_with_done(serve):
    live = serve(ScriptedChatModel(["Yes."]))
    raw = live.client.beta.threads.runs.with_raw_response.create(
        thread_id=thread_with(live, "Rain?").id, assistant_id=assistant_with(live).id, stream=True
    )
    blocks = raw.http_response.read().decode().split("\n\n")
    assert raw.headers["content-type"].startswith("text/event-stream")
    assert blocks[-2:] == ["event: done\ndata: [DONE]", ""]
    assert all(block.startswith("event: thread.") for block in blocks[:-2])
    assert json.loads(blocks[0].split("data: ")[1])["status"] == "queued"


def test_a_new_thread_is_told_first(serve):
    live = serve(ScriptedChatModel(["Yes."]))
    events = live.client.beta.threads.create_and_run(
        assistant_id=assistant_with(live).id,
        thread={"messages": [{"role": "user", "content": "Rain?"}]},
        stream=True,
    )
    events = [(event.event, event.data) for event in events]
    assert names(events)[:2] == ["created", "run.created"]
    assert events[0][1].id == events[1][1].thread_id


def test_text_adds_up_to_the_message(serve):
    live = serve(ScriptedChatModel(["Within thirty days."]))
    events = stream_of(live, assistant_with(live), thread_with(live, "How long?"))
    pieces = [data.delta.content[0] for name, data in events if name == "thread.message.delta"]
    assert "".join(piece.text.value for piece in pieces) == "Within thirty days."
    assert (pieces[0].text.annotations, pieces[1].text.annotations) == ([], None)
    begun = next(data for name, data in events if name == "thread.message.created")
    assert (begun.content, begun.status) == ([], "in_progress")
    done = next(data for name, data in events if name == "thread.message.completed")
    assert done.content[0].text.value == "Within thirty days."


def test_a_call_of_a_function_comes_in_pieces(serve):
    live = serve(ScriptedChatModel([calling("Rome", "")]))
    events = stream_of(live, assistant_with(live, WEATHER), thread_with(live, "Rain?"))
    assert names(events) == [*BEGINNING, *STEP, "run.step.delta", "run.requires_action"]
    begun = next(data for name, data in events if name == "thread.run.step.created")
    assert (begun.type, begun.step_details.tool_calls) == ("tool_calls", [])
    calls = [
        data.delta.step_details.tool_calls[0]
        for name, data in events
        if name == "thread.run.step.delta"
    ]
    first, *rest = [call for call in calls if call.index == 0]
    assert (first.function.name, first.function.arguments) == ("weather", "")
    assert first.id in [output["tool_call_id"] for output in outputs_of(events[-1][1])]
    assert "".join(call.function.arguments for call in rest) == '{"city": "Rome"}'
    assert [call.function.arguments for call in calls if call.index == 1] == ["", "{}"]


def test_outputs_go_on_with_the_step_then_the_run(serve):
    live = serve(ScriptedChatModel([calling("Rome"), "Sunny."]))
    thread = thread_with(live, "Rain?")
    *_, (_, run) = stream_of(live, assistant_with(live, WEATHER), thread)
    events = live.client.beta.threads.runs.submit_tool_outputs(
        run.id,
        thread_id=thread.id,
        tool_outputs=outputs_of(run),
        stream=True,
    )
    events = [(event.event, event.data) for event in events]
    assert names(events) == ["run.step.completed", *BEGINNING[1:], *MESSAGE, *END]
    assert events[0][1].step_details.tool_calls[0].function.output == "sun"
    assert events[1][1].required_action is None


def test_text_before_a_call_ends_before_it_begins(serve):
    live = serve(ScriptedChatModel([calling("Rome", text="Let me see.")]))
    events = stream_of(live, assistant_with(live, WEATHER), thread_with(live, "Rain?"))
    ends = ["message.completed", "run.step.completed"]
    calls = [*STEP, "run.step.delta", "run.requires_action"]
    assert names(events) == [*BEGINNING, *MESSAGE, *ends, *calls]


def stream_until_words(live, end):
    """Stream a run, and have `end` called with it at its first words; returns all events."""
    assistant, thread = assistant_with(live), thread_with(live, "Rain?")
    events = []
    for event in live.client.beta.threads.runs.create(
        thread_id=thread.id, assistant_id=assistant.id, stream=True
    ):
        events.append((event.event, event.data))
        if event.event == "thread.message.delta":
            end(events[0][1])
    return events


def test_a_cancelled_run_ends_its_step_then_its_message(serve, patient):
    live = serve(patient)
    events = stream_until_words(
        live,
        lambda run: live.client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id),
    )
    ends = ["run.cancelling", "run.step.cancelled", "message.incomplete", "run.cancelled"]
    assert names(events) == [*BEGINNING, *MESSAGE, *ends]


def test_a_failed_run_ends_its_step_then_its_message(serve):
    live = serve(ScriptedChatModel(["It will rain."], breaks_after=2))
    events = stream_of(live, assistant_with(live), thread_with(live, "Rain?"))
    ends = ["run.step.failed", "message.incomplete", "run.failed"]
    assert names(events) == [*BEGINNING, *MESSAGE, *ends]


def test_an_answer_that_is_too_long_ends_incomplete(serve):
    reply = ChatReply(Message("assistant", "It will"), "length", Usage(5, 256))
    live = serve(ScriptedChatModel([reply]))
    events = stream_of(live, assistant_with(live), thread_with(live, "Rain?"))
    ends = ["run.step.completed", "message.incomplete", "run.incomplete"]
    assert names(events) == [*BEGINNING, *MESSAGE, *ends]


def test_an_expired_run_ends_its_step_then_its_message(serve, patient):
    live = serve(patient)
    events = stream_until_words(live, lambda run: expire(live, run))
    ends = ["run.step.expired", "message.incomplete", "run.expired"]
    assert names(events) == [*BEGINNING, *MESSAGE, *ends]


# What the official client makes of it


class Answering(AssistantEventHandler):
    """Calls functions from inside the handler, as the official guide does."""

    def __init__(self, client, seen):
        super().__init__()
        self.client, self.seen = client, seen

    def on_event(self, event):
        self.seen.append(event.event)
        if event.event == "thread.run.requires_action":
            run = event.data
            outputs = [
                {"tool_call_id": call.id, "output": "sun"}
                for call in run.required_action.submit_tool_outputs.tool_calls
            ]
            with self.client.beta.threads.runs.submit_tool_outputs_stream(
                thread_id=self.current_run.thread_id,
                run_id=self.current_run.id,
                tool_outputs=outputs,
                event_handler=Answering(self.client, self.seen),
            ) as stream:
                stream.until_done()
            self.seen.append("inner done")


def test_outputs_are_given_from_inside_the_open_stream(serve):
    live = serve(ScriptedChatModel([calling("Rome", "Oslo"), calling("Bern"), "Sunny."]))
    thread, seen = thread_with(live, "Rain?"), []
    with live.client.beta.threads.runs.stream(
        thread_id=thread.id,
        assistant_id=assistant_with(live, WEATHER).id,
        event_handler=Answering(live.client, seen),
    ) as stream:
        stream.until_done()
    assert seen[-3:] == ["thread.run.completed", "inner done", "inner done"]
    assert texts(live, thread.id) == ["Rain?", "Sunny."]


def test_the_clients_helpers_see_texts_calls_and_citations(serve):
    live = serve(
        ScriptedChatModel([searching("mug"), calling("Rome"), "30 days.【2:0†source】", "Yes."])
    )
    assistant = assistant_with(
        live, {"type": "file_search"}, WEATHER, **searched(store_of(live, RETURNS))
    )
    with live.client.beta.threads.runs.stream(
        thread_id=thread_with(live, "How long?").id, assistant_id=assistant.id
    ) as stream:
        stream.until_done()
        searched_step, called = stream.get_final_run_steps()
        run = stream.get_final_run()
    assert searched_step.step_details.tool_calls[0].type == "file_search"
    assert called.step_details.tool_calls[0].function.arguments == '{"city": "Rome"}'
    with live.client.beta.threads.runs.submit_tool_outputs_stream(
        thread_id=run.thread_id,
        run_id=run.id,
        tool_outputs=outputs_of(run),
    ) as stream:
        assert next(iter(stream.text_deltas)) == "30 da"
        (message,) = stream.get_final_messages()
    (note,) = message.content[0].text.annotations
    assert message.content[0].text.value == f"30 days.{note.text}"
    assert note.start_index == 8


# Who may leave


def test_a_client_that_leaves_does_not_end_the_run(serve, patient):
    live = serve(patient)
    assistant, thread = assistant_with(live), thread_with(live, "Rain?")
    runs = live.client.beta.threads.runs
    events = runs.create(thread_id=thread.id, assistant_id=assistant.id, stream=True)
    run = next(iter(events)).data
    events.close()
    patient.may_go_on.set()
    assert runs.poll(run.id, thread_id=thread.id, poll_interval_ms=20).status == "completed"
    assert texts(live, thread.id) == ["Rain?", "First second."]


def test_many_streams_at_once_lose_nothing(serve):
    live = serve(ScriptedChatModel(["Within thirty days, with the receipt."], repeats=True))
    assistant, seen = assistant_with(live), {}

    def watch(number):
        seen[number] = stream_of(live, assistant, thread_with(live, "How long?"))

    threads = [threading.Thread(target=watch, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(seen) == 20
    assert all(names(events) == [*BEGINNING, *MESSAGE, *END] for events in seen.values())


def test_what_was_said_can_be_read_again_later(serve):
    live = serve(ScriptedChatModel(["Within thirty days."]))
    events = stream_of(live, assistant_with(live), thread_with(live, "How long?"))
    live.server.events.flush()
    again = live.server.events.read(events[0][1].id)
    assert [event.name for event in again] == [name for name, _ in events]
