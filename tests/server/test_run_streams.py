"""Streams of runs: their order, what the official client makes of them, and who may leave them."""

from __future__ import annotations

import json
import threading
import time

import pytest
from openai import AssistantEventHandler
from sqlalchemy import update

from filesearch import schema as t
from filesearch.messages import ChatReply, Message, Usage
from filesearch.testing import ScriptedChatModel
from tests.server.assistants_api import (
    WEATHER,
    PatientModel,
    assistant_with,
    calling,
    poll,
    runs_of,
    searched,
    searching,
    store_of,
    texts,
    thread_with,
    wait_until,
)

RESULT_CONTENT = "step_details.tool_calls[*].file_search.results[*].content"
RETURNS = "Mugs can go back within 30 days of purchase.\n\nPlates cannot go back at all."


@pytest.fixture
def patient():
    model = PatientModel()
    yield model
    model.may_go_on.set()


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
    assert (first.id, first.function.name, first.function.arguments) == ("call_Rome", "weather", "")
    assert "".join(call.function.arguments for call in rest) == '{"city": "Rome"}'
    assert [call.function.arguments for call in calls if call.index == 1] == ["", "{}"]


def test_outputs_go_on_with_the_step_then_the_run(serve):
    live = serve(ScriptedChatModel([calling("Rome"), "Sunny."]))
    thread = thread_with(live, "Rain?")
    *_, (_, run) = stream_of(live, assistant_with(live, WEATHER), thread)
    events = live.client.beta.threads.runs.submit_tool_outputs(
        run.id,
        thread_id=thread.id,
        tool_outputs=[{"tool_call_id": "call_Rome", "output": "sun"}],
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


def test_a_cancelled_run_ends_its_step_then_its_message(serve, patient):
    live = serve(patient)
    assistant, thread = assistant_with(live), thread_with(live, "Rain?")
    events = []
    for event in live.client.beta.threads.runs.create(
        thread_id=thread.id, assistant_id=assistant.id, stream=True
    ):
        events.append((event.event, event.data))
        if event.event == "thread.message.delta":
            live.client.beta.threads.runs.cancel(events[0][1].id, thread_id=thread.id)
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
    live = serve(patient, run_lifetime_s=1)
    events = stream_of(live, assistant_with(live), thread_with(live, "Rain?"))
    ends = ["run.step.expired", "message.incomplete", "run.expired"]
    assert names(events) == [*BEGINNING, *MESSAGE, *ends]


# Searching


def test_a_search_is_a_step_before_the_message(serve):
    live = serve(ScriptedChatModel([searching("return a mug"), "30 days.【2:0†source】"]))
    assistant = assistant_with(live, {"type": "file_search"}, **searched(store_of(live, RETURNS)))
    events = stream_of(live, assistant, thread_with(live, "How long?"))
    calls = [*STEP, "run.step.delta", "run.step.completed"]
    assert names(events, is_short=False)[3:7] == calls
    assert names(events) == [*BEGINNING, *calls, *MESSAGE, *END]
    (call,) = events[5][1].delta.step_details.tool_calls
    assert call.file_search["results"] == []
    (found,) = events[6][1].step_details.tool_calls
    assert found.file_search.results[0].file_name == "returns.md"
    assert 0 <= found.file_search.results[0].score <= 1
    assert found.file_search.results[0].content is None
    assert events[6][1].usage.total_tokens == 15


def test_a_search_shows_its_passages_to_who_includes_them(serve):
    live = serve(ScriptedChatModel([searching("return a mug"), "30 days."]))
    assistant = assistant_with(live, {"type": "file_search"}, **searched(store_of(live, RETURNS)))
    thread = thread_with(live, "How long?")
    events = stream_of(live, assistant, thread, include=[RESULT_CONTENT])
    (found,) = events[6][1].step_details.tool_calls
    assert "30 days" in found.file_search.results[0].content[0].text
    steps = live.client.beta.threads.runs.steps
    run = events[0][1]
    for is_included in (True, False):
        include = [RESULT_CONTENT] if is_included else []
        listed = steps.list(run.id, thread_id=thread.id, order="asc", include=include).data[0]
        step = steps.retrieve(listed.id, thread_id=thread.id, run_id=run.id, include=include)
        assert listed == step
        result = step.step_details.tool_calls[0].file_search.results[0]
        assert (result.content is not None) == is_included


def test_a_citation_is_one_delta_whose_marker_stands_in_the_text(serve):
    live = serve(
        ScriptedChatModel(
            [
                searching("return a mug or a plate"),
                "Mugs: 30 days【2:0†source】. Plates cannot go back【2:0†source】. Yes.",
            ]
        )
    )
    assistant = assistant_with(live, {"type": "file_search"}, **searched(store_of(live, RETURNS)))
    thread = thread_with(live, "How long?")
    events = stream_of(live, assistant, thread)
    value, told = "", []
    for name, data in events:
        if name == "thread.message.delta":
            text = data.delta.content[0].text
            if text.annotations:
                (note,) = text.annotations
                assert (note.start_index, note.text) == (len(value), text.value)
                told.append(note)
            value += text.value
    (part,) = live.client.beta.threads.messages.list(thread.id).data[0].content
    assert part.text.value == value
    assert [note.index for note in told] == [0, 1]
    assert len({note.text for note in told}) == 2
    for note, kept in zip(told, part.text.annotations, strict=True):
        assert value[note.start_index : note.end_index] == note.text == kept.text
        assert (note.start_index, note.end_index) == (kept.start_index, kept.end_index)
        assert note.file_citation.file_id == kept.file_citation.file_id
        assert kept.file_citation.quote


def test_documents_are_quoted_without_any_language_model(live):
    assistant = assistant_with(live, {"type": "file_search"}, **searched(store_of(live, RETURNS)))
    thread = thread_with(live, "Within how many days of purchase can mugs go back?")
    events = stream_of(live, assistant, thread)
    assert events[-1][0] == "thread.run.completed"
    (part,) = live.client.beta.threads.messages.list(thread.id).data[0].content
    (note,) = part.text.annotations
    assert part.text.value == f"Mugs can go back within 30 days of purchase.{note.text}"
    assert events[-1][1].usage.total_tokens > 0


@pytest.fixture
def unread(serve):
    """A server that does not read files yet, a run of a store that has one, and the queue."""
    live = serve(ScriptedChatModel(["Yes."]))
    queue = live.server.fs.ingest_queue
    queue.stop()
    file = live.client.files.create(file=("returns.md", RETURNS.encode()), purpose="assistants")
    store = live.client.vector_stores.create(file_ids=[file.id])
    assistant = assistant_with(live, {"type": "file_search"}, **searched(store.id))
    thread = thread_with(live, "How long?")
    run = runs_of(live).create(thread_id=thread.id, assistant_id=assistant.id)
    wait_until(lambda: poll_once(live, run).status == "in_progress")
    return live, run, queue


def poll_once(live, run):
    return runs_of(live).retrieve(run.id, thread_id=run.thread_id)


def test_a_run_waits_for_the_files_of_its_store(unread):
    live, run, queue = unread
    time.sleep(0.2)
    assert poll_once(live, run).status == "in_progress"
    queue.start()
    assert poll(live, run).status == "completed"


def test_a_run_that_waits_for_files_can_be_cancelled(unread):
    live, run, _ = unread
    runs_of(live).cancel(run.id, thread_id=run.thread_id)
    assert poll(live, run).status == "cancelled"


def test_a_deleted_store_is_searched_like_an_empty_one(serve):
    live = serve(ScriptedChatModel([searching("mugs"), "Nothing."]))
    store_id = store_of(live, RETURNS)
    assistant = assistant_with(live, {"type": "file_search"}, **searched(store_id))
    live.server.stores.delete(store_id)
    events = stream_of(live, assistant, thread_with(live, "How long?"))
    assert events[-1][0] == "thread.run.completed"
    assert events[6][1].step_details.tool_calls[0].file_search.results == []


def test_an_expired_store_fails_the_run(serve):
    live = serve(ScriptedChatModel(["Yes."]))
    store_id = store_of(live, RETURNS)
    thread = thread_with(live, "How long?", **searched(store_id))
    live.server.stores.update(store_id, expires_after_days=1)
    with live.server.fs.database.writing() as sql:
        sql.execute(update(t.vector_stores).values(last_active_at=1))
    events = stream_of(live, assistant_with(live, {"type": "file_search"}), thread)
    assert events[-1][0] == "thread.run.failed"
    assert store_id in events[-1][1].last_error.message


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
        tool_outputs=[{"tool_call_id": "call_Rome", "output": "sun"}],
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


def test_a_question_that_was_answered_already_is_answered_again_from_documents(live):
    assistant = assistant_with(live, {"type": "file_search"}, **searched(store_of(live, RETURNS)))
    thread = thread_with(live, "Within how many days of purchase can mugs go back?")
    for _ in range(2):
        stream_of(live, assistant, thread)
    _, first, second = texts(live, thread.id)
    assert "30 days" in first
    assert "30 days" in second
