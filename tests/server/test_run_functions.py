"""Functions in runs through the official client: calls, their ids, and outputs that fit them."""

from __future__ import annotations

import re
import threading
import time

import openai
import pytest

from filesearch.testing import ScriptedChatModel
from tests.server.assistants_api import (
    WEATHER,
    assistant_with,
    calling,
    outputs_of,
    poll,
    runs_of,
    texts,
    thread_with,
    waiting,
)


def test_a_function_is_called_by_the_client(serve):
    live, run = waiting(serve, calling("Rome"), "Sunny.")
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    assert (call.function.name, call.function.arguments) == ("weather", '{"city": "Rome"}')
    run = runs_of(live).submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=run.thread_id,
        tool_outputs=[{"tool_call_id": call.id, "output": "sun"}],
    )
    assert (run.status, run.required_action) == ("completed", None)
    assert run.usage.total_tokens > 15
    assert texts(live, run.thread_id)[-1] == "Sunny."
    called, written = runs_of(live).steps.list(run.id, thread_id=run.thread_id, order="asc").data
    assert called.step_details.tool_calls[0].function.output == "sun"
    assert (called.status, written.status) == ("completed", "completed")


def test_two_functions_are_called_in_one_turn(serve):
    live, run = waiting(serve, calling("Rome", "Oslo"), "Sunny and cold.")
    calls = run.required_action.submit_tool_outputs.tool_calls
    assert [call.function.arguments for call in calls] == ['{"city": "Rome"}', '{"city": "Oslo"}']
    outputs = [{"tool_call_id": call.id, "output": call.id} for call in calls]
    run = runs_of(live).submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs[::-1]
    )
    assert run.status == "completed"
    said = live.server.model_for("").requests[-1].messages
    assert [(m.tool_call_id, m.content) for m in said if m.role == "tool"] == [
        ("call_Rome", calls[0].id),
        ("call_Oslo", calls[1].id),
    ]


def test_a_function_without_arguments_gets_an_empty_object(serve):
    _, run = waiting(serve, calling(""))
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    assert call.function.arguments == "{}"


def test_every_call_of_a_run_has_an_id_of_its_own(serve):
    """Models may name their calls alike in each reply, and as they like."""
    for name in ("Rome", "a-b_c"):
        live, run = waiting(serve, calling(name), calling(name), "Fine.")
        shown = []
        while run.status == "requires_action":
            (call,) = run.required_action.submit_tool_outputs.tool_calls
            shown.append(call.id)
            output = {"tool_call_id": call.id, "output": f"output {len(shown)}"}
            run = runs_of(live).submit_tool_outputs_and_poll(
                run_id=run.id, thread_id=run.thread_id, tool_outputs=[output]
            )
        assert run.status == "completed"
        assert len(set(shown)) == 2
        assert all(re.fullmatch("call_[A-Za-z0-9]{24}", call_id) for call_id in shown)
        steps = runs_of(live).steps.list(run.id, thread_id=run.thread_id, order="asc").data[:2]
        outputs = [step.step_details.tool_calls[0].function.output for step in steps]
        assert outputs == ["output 1", "output 2"]
        said = live.server.model_for("").requests[-1].messages
        assert [m.content for m in said if m.role == "tool"] == outputs


def test_the_model_that_quotes_names_no_two_calls_alike(live):
    tool = {"type": "function", "function": {"name": "weather", "parameters": {}}}
    shown = set()
    for _ in range(2):
        reply = live.client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "Hi"}],
            tools=[tool],
            tool_choice="required",
        )
        shown.add(reply.choices[0].message.tool_calls[0].id)
    assert len(shown) == 2


def test_a_call_of_an_unknown_function_is_kept_from_the_client(serve):
    live = serve(ScriptedChatModel([calling("Rome", name="made_up"), "I cannot."]))
    run = runs_of(live).create_and_poll(
        thread_id=thread_with(live, "Rain?").id, assistant_id=assistant_with(live, WEATHER).id
    )
    assert run.status == "completed"
    steps = runs_of(live).steps.list(run.id, thread_id=run.thread_id).data
    assert [step.type for step in steps] == ["message_creation"]


def test_text_before_a_call_is_a_message_of_its_own(serve):
    live, run = waiting(serve, calling("Rome", text="Let me see."))
    assert texts(live, run.thread_id) == ["Rain?", "Let me see."]
    steps = runs_of(live).steps.list(run.id, thread_id=run.thread_id, order="asc").data
    assert [(s.type, s.status) for s in steps] == [
        ("message_creation", "completed"),
        ("tool_calls", "in_progress"),
    ]


@pytest.mark.parametrize("given", ["{1}", "{0} {0}", "{0} x", ""])
def test_outputs_must_answer_each_call_once(serve, given):
    live, run = waiting(serve, calling("Rome", "Oslo"))
    owed = [call.id for call in run.required_action.submit_tool_outputs.tool_calls]
    ids = given.format(*owed).split()
    with pytest.raises(openai.BadRequestError) as caught:
        runs_of(live).submit_tool_outputs(
            run.id, thread_id=run.thread_id, tool_outputs=[{"tool_call_id": i} for i in ids]
        )
    wanted = f"Expected tool outputs for call_ids {owed}, got {ids}"
    assert caught.value.body["message"] == wanted


def test_a_run_that_does_not_wait_takes_no_outputs(serve):
    live = serve(ScriptedChatModel(["Yes."]))
    run = runs_of(live).create_and_poll(
        thread_id=thread_with(live, "Rain?").id, assistant_id=assistant_with(live).id
    )
    with pytest.raises(openai.BadRequestError) as caught:
        runs_of(live).submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=[])
    message = 'Runs in status "completed" do not accept tool outputs.'
    assert caught.value.body["message"] == message


def test_a_message_deleted_while_a_run_waits_does_not_stop_it(serve):
    live, run = waiting(serve, calling("Rome"), "Sunny.")
    messages = live.client.beta.threads.messages
    messages.delete(messages.list(run.thread_id).data[0].id, thread_id=run.thread_id)
    run = runs_of(live).submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs_of(run)
    )
    assert run.status == "completed"


def test_outputs_wait_until_all_is_said_that_came_before_them(serve, monkeypatch):
    """A client that polls may see that outputs are wanted before the log says so."""
    live = serve(ScriptedChatModel([calling("Rome"), "Sunny."]))
    append, look = live.server.events.append, live.server.runs._await_events
    is_awaited, was_said = threading.Event(), []

    def append_late(object_id, name, data):
        if name == "thread.run.requires_action":
            assert is_awaited.wait(30)
            time.sleep(0.3)  # longer than it takes not to wait
        return append(object_id, name, data)

    def tell_and_look(run):
        is_awaited.set()
        count = look(run)
        events = live.server.events.read(run.id)
        was_said.append("thread.run.requires_action" in [event.name for event in events])
        return count

    monkeypatch.setattr(live.server.events, "append", append_late)
    monkeypatch.setattr(live.server.runs, "_await_events", tell_and_look)
    run = runs_of(live).create(
        thread_id=thread_with(live, "Rain?").id, assistant_id=assistant_with(live, WEATHER).id
    )
    run = poll(live, run)
    events = runs_of(live).submit_tool_outputs(
        run.id,
        thread_id=run.thread_id,
        tool_outputs=outputs_of(run),
        stream=True,
    )
    names = [event.event for event in events]
    assert (names[0], names[-1]) == ("thread.run.step.completed", "thread.run.completed")
    assert was_said == [True]
