"""Responses in the background, and what becomes of those whose process dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from filesearch.testing import ScriptedChatModel
from tests.server.responses_api import wait_for


@pytest.fixture
def said(serve):
    """Starts a server whose model says these turns; returns its client and the model."""

    def start(*turns, **options):
        model = ScriptedChatModel(turns, **options)
        return serve(model).client.responses, model

    return start


def test_a_response_in_the_background_is_polled_until_it_is_done(said):
    responses, _ = said("Hello.")
    made = responses.create(model="m", input="Hi", background=True)
    assert (made.status, made.background, made.output) == ("queued", True, [])
    wait_for(lambda: responses.retrieve(made.id).status == "completed")
    assert responses.retrieve(made.id).output_text == "Hello."


def test_a_response_in_the_background_is_cancelled(said):
    going_on = threading.Event()
    responses, _ = said(lambda _request: going_on.wait(60) and "Too late.")
    made = responses.create(model="m", input="Hi", background=True)
    wait_for(lambda: responses.retrieve(made.id).status == "in_progress")
    assert responses.cancel(made.id).status == "cancelled"
    going_on.set()
    assert responses.cancel(made.id).status == "cancelled"
    assert responses.retrieve(made.id).output_text != "Too late."


def test_only_responses_in_the_background_are_cancelled(said):
    responses, _ = said("Hello.")
    made = responses.create(model="m", input="Hi")
    with pytest.raises(openai.BadRequestError, match="'background'"):
        responses.cancel(made.id)


def test_the_background_needs_the_store(said):
    responses, _ = said("Never.")
    with pytest.raises(openai.BadRequestError, match="'store'"):
        responses.create(model="m", input="Hi", background=True, store=False)


def test_nothing_goes_on_from_a_response_that_has_not_ended(said):
    going_on = threading.Event()
    responses, _ = said(lambda _request: going_on.wait(60) and "Late.", "Next.")
    made = responses.create(model="m", input="Hi", background=True)
    with pytest.raises(openai.BadRequestError, match="wait until it has ended"):
        responses.create(model="m", input="Hi", previous_response_id=made.id)
    going_on.set()


def test_many_begin_at_once(said):
    """More than there are connections to the database, none of which may wait for a second one."""
    responses, _ = said("Hello.", repeats=True)

    def begin(_number):
        return responses.create(model="m", input="Hi", background=True).id

    with ThreadPoolExecutor(40) as pool:
        made = list(pool.map(begin, range(40)))
    wait_for(lambda: responses.retrieve(made[-1]).status == "completed")


def test_what_a_dead_process_left_is_ended_or_made(serve, tmp_path):
    first = serve(ScriptedChatModel(["Hello."], repeats=True))
    begun = first.client.responses.create(model="m", input="Hi")
    queued = first.client.responses.create(model="m", input="Hi", background=True)
    wait_for(lambda: first.client.responses.retrieve(queued.id).status == "completed")
    first.server.responses._watch.stop()  # it would take over what the test gives to the second
    for response_id, status in ((begun.id, "in_progress"), (queued.id, "queued")):
        leave(first.server, response_id, status)
    second = serve(ScriptedChatModel(["Again."], repeats=True), index=tmp_path / "index")
    assert second.client.responses.retrieve(begun.id).status == "failed"
    wait_for(lambda: second.client.responses.retrieve(queued.id).status == "completed")
    assert second.client.responses.retrieve(queued.id).output_text == "Again."


def test_a_response_is_cancelled_and_followed_through_another_process(serve, tmp_path):
    going_on = threading.Event()
    slow = ScriptedChatModel([lambda _request: going_on.wait(60) and "Late."])
    first = serve(slow)
    second = serve(ScriptedChatModel([]), index=tmp_path / "index")
    made = first.client.responses.create(model="m", input="Hi", background=True)
    wait_for(lambda: second.client.responses.retrieve(made.id).status == "in_progress")
    stream = second.client.responses.retrieve(made.id, stream=True)
    assert next(iter(stream)).type == "response.created"
    assert second.client.responses.cancel(made.id).status == "cancelled"
    wait_for(lambda: not first.server.responses.jobs())
    going_on.set()
    assert "response.completed" not in [event.type for event in stream]
    assert first.client.responses.retrieve(made.id).status == "cancelled"


SERVE_FOREVER = """
import sys, time
from filesearch import FileSearch
from filesearch.event_log import EventLog
from filesearch.messages import ChatDelta
from filesearch.server.context import Caller, Server
from filesearch.server.wire.responses import CreateResponse
from filesearch.testing import HashingEmbedder

class Slow:
    name, calls_tools = "slow", True
    def stream(self, request):
        yield ChatDelta(text="First ")
        time.sleep(60)

fs = FileSearch(sys.argv[1], embedder=HashingEmbedder(), model=Slow(), db=sys.argv[2])
server = Server(fs)
server.start()
for is_background in (True, False):
    request = CreateResponse(model="m", input="Hi", background=is_background, stream=True)
    job = server.responses.create(request, Caller())
    server.responses.launch(job)
    on_disk = EventLog(fs.database)
    while not any(event.name == "response.output_text.delta" for event in on_disk.read(job.id)):
        time.sleep(0.02)
    print(job.id, flush=True)
time.sleep(60)
"""


def test_a_killed_server_leaves_no_response_half_made(serve, tmp_path, usual_db):
    index = tmp_path / "index"
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE_FOREVER, str(index), usual_db(index)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        response_ids = [process.stdout.readline().strip() for _ in range(2)]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        process.stdout.close()
    responses = serve(ScriptedChatModel([])).client.responses
    for response_id in response_ids:
        assert responses.retrieve(response_id).status == "failed"
        with pytest.raises(openai.APIError, match="stopped before"):
            list(responses.retrieve(response_id, stream=True))


def leave(server, response_id, status):
    """Make a response look like one that a killed process left."""
    with server.objects.writing() as tx:
        tx.sql.exec_driver_sql("DELETE FROM events")
        record = tx.find("response", response_id)
        response = record.body["response"] | {"status": status, "error": None}
        body = record.body | {"response": response, "output": []}
        tx.update(record, body=body, status=status, worker="worker_gone")
        tx.delete_children(response_id)


def test_a_stream_that_is_kept_no_longer_is_refused(serve, monkeypatch):
    live = serve(ScriptedChatModel(["Hello."]))
    responses = live.client.responses
    events = responses.create(model="m", input="Hi", background=True, stream=True)
    response_id = list(events)[-1].response.id
    wait_for(lambda: not live.server.events._live)  # all of them are in the database
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)
    assert list(responses.retrieve(response_id, stream=True))  # not purged yet
    live.server._purge_events()
    with pytest.raises(openai.BadRequestError, match="events are kept for 24 hours"):
        responses.retrieve(response_id, stream=True)
    assert responses.retrieve(response_id).output_text == "Hello."
