"""What becomes of runs when their process ends: nothing is lost, no thread stays locked."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from filesearch.event_log import EventLog
from filesearch.server.runs.recorder import RunRecorder
from filesearch.testing import ScriptedChatModel
from tests.server.assistants_api import (
    WEATHER,
    PatientModel,
    assistant_with,
    calling,
    outputs_of,
    poll,
    runs_of,
    texts,
    thread_with,
    wait_for_words,
    wait_until,
    waiting,
)


@pytest.fixture
def patient():
    model = PatientModel()
    yield model
    model.may_go_on.set()


def left_behind(live, run_id: str, status: str | None = None) -> None:
    """Make a run look as if the process that had it died."""
    with live.server.objects.writing() as tx:
        run = tx.find("run", run_id)
        tx.update(run, worker="worker_gone", status=status)


def test_a_queued_run_of_a_dead_process_is_executed(serve):
    live = serve(ScriptedChatModel([calling("Rome"), "Sunny."]))
    assistant, thread = assistant_with(live, WEATHER), thread_with(live, "Rain?")
    run = runs_of(live).create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    live.server.runs._begin = lambda _run_id: None  # as if it died before it began
    runs_of(live).submit_tool_outputs(run.id, thread_id=thread.id, tool_outputs=outputs_of(run))
    left_behind(live, run.id)
    live.server.runs._watch.inherit()
    assert poll(live, run).status == "completed"
    assert texts(live, thread.id)[-1] == "Sunny."


def test_a_queued_run_that_nobody_began_is_executed(serve):
    live = serve(ScriptedChatModel(["Yes."]))
    live.server.runs._watch.stop()  # a look of its own would count as one of the two below
    assistant, thread = assistant_with(live), thread_with(live, "Rain?")
    live.server.runs._begin = lambda _run_id: None  # as if the database had been busy
    run = runs_of(live).create(thread_id=thread.id, assistant_id=assistant.id)
    live.server.runs._watch.inherit()
    assert runs_of(live).retrieve(run.id, thread_id=thread.id).status == "queued"
    live.server.runs._watch.inherit()
    assert poll(live, run).status == "completed"


@pytest.mark.parametrize(
    ("status", "end", "reason"),
    [("in_progress", "failed", "run_failed"), ("cancelling", "cancelled", "run_cancelled")],
)
def test_a_run_under_way_of_a_dead_process_is_ended_with_its_message(
    serve, patient, status, end, reason
):
    live = serve(patient)
    assistant, thread = assistant_with(live), thread_with(live, "Rain?")
    run = runs_of(live).create(thread_id=thread.id, assistant_id=assistant.id)
    wait_for_words(live, run)
    left_behind(live, run.id, status)
    live.server.runs._watch.inherit()
    found = runs_of(live).retrieve(run.id, thread_id=thread.id)
    assert found.status == end
    message = live.client.beta.threads.messages.list(thread.id).data[0]
    assert (message.status, message.incomplete_details.reason) == ("incomplete", reason)
    assert message.content[0].text.value == "First "
    (step,) = runs_of(live).steps.list(run.id, thread_id=thread.id).data
    assert step.status == end
    live.client.beta.threads.messages.create(thread.id, role="user", content="Again?")
    patient.may_go_on.set()  # the thread that still executes it must not bring it back
    wait_until(lambda: not live.server.runs._controls)
    assert runs_of(live).retrieve(run.id, thread_id=thread.id).status == end


def test_a_run_that_its_own_thread_could_not_end_is_ended(serve, monkeypatch):
    live = serve(ScriptedChatModel(["Yes."]))
    finish = RunRecorder.finish
    monkeypatch.setattr(RunRecorder, "finish", lambda *_args, **_options: None)
    assistant, thread = assistant_with(live), thread_with(live, "Rain?")
    run = runs_of(live).create(thread_id=thread.id, assistant_id=assistant.id)
    wait_until(lambda: not live.server.runs._controls)
    monkeypatch.setattr(RunRecorder, "finish", finish)
    live.server.runs._watch.inherit()
    assert poll(live, run).status == "failed"


def test_a_run_that_waits_goes_on_after_a_restart(serve):
    first = serve(ScriptedChatModel([calling("Rome")]))
    assistant, thread = assistant_with(first, WEATHER), thread_with(first, "Rain?")
    run = runs_of(first).create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    first.server.stop()
    second = serve(ScriptedChatModel(["Sunny."]))
    assert runs_of(second).retrieve(run.id, thread_id=thread.id).status == "requires_action"
    run = runs_of(second).submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=thread.id,
        tool_outputs=outputs_of(run),
    )
    assert run.status == "completed"
    assert texts(second, thread.id)[-1] == "Sunny."
    (request,) = second.server.model_for("").requests
    assert [m.content for m in request.messages if m.role == "tool"] == ["sun"]


def test_two_servers_share_a_run(serve):
    """The one that did not execute it takes outputs, cancels, and sees what the other said."""
    one = serve(ScriptedChatModel([calling("Rome")]))
    two = serve(ScriptedChatModel(["Sunny."]))
    assistant, thread = assistant_with(one, WEATHER), thread_with(one, "Rain?")
    run = runs_of(one).create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    events = runs_of(two).submit_tool_outputs(
        run.id,
        thread_id=thread.id,
        tool_outputs=outputs_of(run),
        stream=True,
    )
    names = [event.event for event in events]
    assert (names[0], names[-1]) == ("thread.run.step.completed", "thread.run.completed")
    assert runs_of(one).retrieve(run.id, thread_id=thread.id).status == "completed"


def test_a_server_cancels_what_another_executes(serve, patient):
    one, two = serve(patient), serve(ScriptedChatModel([]))
    assistant, thread = assistant_with(one), thread_with(one, "Rain?")
    events = runs_of(one).create(thread_id=thread.id, assistant_id=assistant.id, stream=True)
    run = next(iter(events)).data
    wait_for_words(one, run)
    assert runs_of(two).cancel(run.id, thread_id=thread.id).status == "cancelling"
    assert [event.event for event in events][-3:] == [
        "thread.run.step.cancelled",
        "thread.message.incomplete",
        "thread.run.cancelled",
    ]


class LateCaller(PatientModel):
    """A ChatModel that calls a function when it is let go on."""

    def stream(self, request):
        assert self.may_go_on.wait(60)
        yield from ScriptedChatModel([calling("Rome")]).stream(request)


@pytest.mark.parametrize("is_of_thread", [False, True])
def test_a_run_that_begins_to_wait_while_another_server_cancels_it_tells_all_once(
    serve, monkeypatch, is_of_thread
):
    model = LateCaller()
    one, two = serve(model), serve(ScriptedChatModel([]))
    append, look = one.server.events.append, two.server.runs._await_events

    def append_slowly(object_id, name, data):
        time.sleep(1.5 if name == "thread.run.requires_action" else 0)
        return append(object_id, name, data)

    def look_before_it_waits(run):
        said = look(run)
        model.may_go_on.set()
        wait_until(lambda: find().status != "in_progress")
        return said

    monkeypatch.setattr(one.server.events, "append", append_slowly)
    monkeypatch.setattr(two.server.runs, "_await_events", look_before_it_waits)
    thread = thread_with(one, "Rain?")
    run = runs_of(one).create(thread_id=thread.id, assistant_id=assistant_with(one, WEATHER).id)

    def find():
        return one.server.objects.find("run", run.id)

    wait_until(lambda: find().status == "in_progress")
    if is_of_thread:
        two.server.runs.cancel_of_thread(thread.id)
    else:
        assert runs_of(two).cancel(run.id, thread_id=thread.id).status == "cancelling"
    for live in (one, two):
        live.server.events.flush()
    names = [event.name for event in EventLog(one.server.fs.database).read(run.id)]
    assert names.count("thread.run.requires_action") == 1
    assert names[-1] == "thread.run.cancelled"


def test_what_a_dead_process_never_said_of_a_run_is_not_waited_for(serve, monkeypatch):
    monkeypatch.setattr("filesearch.server.runs.service.EVENTS_WAIT_S", 600.0)
    live, run = waiting(serve, calling("Rome"))
    with live.server.objects.writing() as tx:
        found = tx.find("run", run.id)
        private = {**found.body["private"], "event_count": 99}
        tx.update(found, worker="worker_gone", body={**found.body, "private": private})
    assert runs_of(live).cancel(run.id, thread_id=run.thread_id).status == "cancelling"
    assert runs_of(live).retrieve(run.id, thread_id=run.thread_id).status == "cancelled"


def test_a_server_that_stops_ends_what_it_executes(serve, patient, monkeypatch):
    monkeypatch.setattr("filesearch.server.runs.service.STOP_S", 0.1)
    first = serve(patient)
    assistant, thread = assistant_with(first), thread_with(first, "Rain?")
    run = runs_of(first).create(thread_id=thread.id, assistant_id=assistant.id)
    wait_for_words(first, run)
    first.server.runs.stop()
    found = runs_of(first).retrieve(run.id, thread_id=thread.id)
    assert (found.status, found.last_error.code) == ("failed", "server_error")
    assert "stopped" in found.last_error.message


def test_a_run_under_way_ends_by_itself_when_the_server_stops(serve, patient):
    first = serve(patient)
    assistant, thread = assistant_with(first), thread_with(first, "Rain?")
    run = runs_of(first).create(thread_id=thread.id, assistant_id=assistant.id)
    wait_for_words(first, run)
    patient.may_go_on.set()
    first.server.runs.stop()
    assert runs_of(first).retrieve(run.id, thread_id=thread.id).status == "completed"


SERVE_FOREVER = """
import sys, time
from filesearch import FileSearch
from filesearch.messages import ChatDelta
from filesearch.server.context import Server
from filesearch.testing import HashingEmbedder

class Slow:
    name, calls_tools = "slow", True
    def stream(self, request):
        yield ChatDelta(text="First ")
        time.sleep(60)

from filesearch.event_log import EventLog
from filesearch.server.context import Caller
from filesearch.server.assistants import create_assistant
from filesearch.server.threads import create_thread
from filesearch.server.wire.assistants import CreateAssistant
from filesearch.server.wire.threads import CreateThread
from filesearch.server.wire.runs import CreateRun

fs = FileSearch(sys.argv[1], embedder=HashingEmbedder(), model=Slow(), db=sys.argv[2])
server = Server(fs)
server.start()
assistant = create_assistant(server, Caller(), CreateAssistant(model="m"))
body = {"messages": [{"role": "user", "content": "Rain?"}]}
thread = create_thread(server, Caller(), CreateThread.model_validate(body))
run = server.runs.create(Caller(), thread.id, CreateRun(assistant_id=assistant.id))
on_disk = EventLog(fs.database)
while not any(event.name == "thread.message.delta" for event in on_disk.read(run.id)):
    time.sleep(0.02)
print(thread.id, run.id, flush=True)
time.sleep(60)
"""


def test_a_killed_server_leaves_no_thread_locked(serve, tmp_path, usual_db):
    index = tmp_path / "index"
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE_FOREVER, str(index), usual_db(index)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        thread_id, run_id = process.stdout.readline().split()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        process.stdout.close()
    live = serve(ScriptedChatModel(["Sunny."]))
    found = runs_of(live).retrieve(run_id, thread_id=thread_id)
    assert (found.status, found.last_error.code) == ("failed", "server_error")
    assert texts(live, thread_id) == ["Rain?", "First "]
    live.client.beta.threads.messages.create(thread_id, role="user", content="Again?")
