"""Runs through the official client: what they are made of, how they end, the lock."""

from __future__ import annotations

import openai
import pytest

from filesearch.errors import ChatFailed, RateLimited
from filesearch.messages import ChatReply, Message, NamedTool, Usage
from filesearch.server.runs.states import ACTIVE, MOVES, RunOvertaken, move
from filesearch.server.wire.runs import RunPage, RunStepPage
from filesearch.testing import ScriptedChatModel
from tests.server.assistants_api import (
    WEATHER,
    PatientModel,
    assistant_with,
    calling,
    expire,
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


# What a run is


def test_a_run_ends_with_the_models_answer_on_the_thread(serve):
    live = serve(ScriptedChatModel(["Thirty days."]))
    assistant, thread = assistant_with(live), thread_with(live, "How long?")
    run = runs_of(live).create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert run.status == "completed"
    newest = live.client.beta.threads.messages.list(thread.id).data[0]
    assert newest.content[0].text.value == "Thirty days."
    assert (newest.run_id, newest.assistant_id) == (run.id, assistant.id)
    assert (newest.status, newest.incomplete_details) == ("completed", None)


def test_a_run_says_what_it_was_made_with(serve):
    live = serve(ScriptedChatModel(["Yes."]))
    assistant = assistant_with(live, WEATHER, instructions="Be brief.", temperature=0.5)
    thread = thread_with(live, "Rain?")
    run = runs_of(live).create(thread_id=thread.id, assistant_id=assistant.id)
    assert (run.status, run.model, run.instructions) == ("queued", "gpt-4o", "Be brief.")
    assert run.tools[0].function.name == "weather"
    assert (run.temperature, run.top_p, run.tool_choice) == (0.5, 1.0, "auto")
    assert run.truncation_strategy.type == "auto"
    assert (run.response_format, run.parallel_tool_calls) == ("auto", True)
    assert (run.expires_at, run.usage) == (run.created_at + 600, None)


def test_a_run_that_ended_has_usage_and_no_time_limit(serve):
    reply = ChatReply(Message("assistant", "Yes."), "stop", Usage(12, 3))
    live = serve(ScriptedChatModel([reply]))
    assistant, thread = assistant_with(live), thread_with(live, "Rain?")
    run = runs_of(live).create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert (run.usage.prompt_tokens, run.usage.completion_tokens) == (12, 3)
    assert run.usage.total_tokens == 15
    assert run.expires_at is None
    assert run.started_at is not None
    assert run.completed_at is not None
    (step,) = runs_of(live).steps.list(run.id, thread_id=thread.id).data
    assert (step.type, step.status, step.usage.total_tokens) == (
        "message_creation",
        "completed",
        15,
    )


def test_what_a_run_overrides_reaches_the_model(serve):
    model = ScriptedChatModel(["Yes."])
    live = serve(model)
    assistant, thread = assistant_with(live, instructions="Be brief."), thread_with(live, "Rain?")
    run = runs_of(live).create_and_poll(
        thread_id=thread.id,
        assistant_id=assistant.id,
        model="other",
        instructions="Be long.",
        additional_instructions="Be kind.",
        additional_messages=[{"role": "user", "content": "And snow?"}],
        tools=[WEATHER],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        parallel_tool_calls=False,
        temperature=0.1,
        top_p=0.2,
        max_completion_tokens=300,
        response_format={"type": "json_object"},
        truncation_strategy={"type": "last_messages", "last_messages": 1},
        metadata={"a": "b"},
    )
    (request,) = model.requests
    assert [m.content for m in request.messages] == ["Be long.\n\nBe kind.", "And snow?"]
    assert (request.temperature, request.top_p, request.max_completion_tokens) == (0.1, 0.2, 300)
    assert request.tool_choice == NamedTool("weather")
    assert request.parallel_tool_calls is False
    assert request.response_format == {"type": "json_object"}
    assert (run.model, run.metadata, run.max_completion_tokens) == ("other", {"a": "b"}, 300)
    assert texts(live, thread.id) == ["Rain?", "And snow?", "Yes."]


def test_a_thread_and_its_run_are_made_at_once(serve):
    live = serve(ScriptedChatModel(["Thirty days."]))
    run = live.client.beta.threads.create_and_run_poll(
        assistant_id=assistant_with(live).id,
        thread={"messages": [{"role": "user", "content": "How long?"}]},
    )
    assert run.status == "completed"
    assert texts(live, run.thread_id) == ["How long?", "Thirty days."]


def test_an_assistant_may_have_the_last_word_already(serve):
    model = ScriptedChatModel(["One.", "Two."])
    live = serve(model)
    assistant, thread = assistant_with(live), thread_with(live, "Say.")
    for _ in range(2):
        runs_of(live).create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert [m.content for m in model.requests[1].messages] == ["Say.", "One."]
    assert texts(live, thread.id) == ["Say.", "One.", "Two."]


def test_a_code_interpreter_is_kept_and_passed_over(serve):
    model = ScriptedChatModel(["Four."])
    live = serve(model)
    assistant = assistant_with(live, {"type": "code_interpreter"})
    run = runs_of(live).create_and_poll(
        thread_id=thread_with(live, "2 + 2?").id,
        assistant_id=assistant.id,
        tool_choice={"type": "code_interpreter"},
    )
    assert (run.status, run.tools[0].type) == ("completed", "code_interpreter")
    assert (model.requests[0].tools, model.requests[0].tool_choice) == ((), "auto")


def test_metadata_of_a_run_can_be_changed(serve):
    live = serve(ScriptedChatModel(["Yes."]))
    run = runs_of(live).create_and_poll(
        thread_id=thread_with(live, "Rain?").id, assistant_id=assistant_with(live).id
    )
    runs_of(live).update(run.id, thread_id=run.thread_id, metadata={"seen": "yes"})
    found = runs_of(live).retrieve(run.id, thread_id=run.thread_id)
    assert (found.metadata, found.status) == ({"seen": "yes"}, "completed")


def test_runs_are_listed_the_newest_first(serve):
    live = serve(ScriptedChatModel(["Yes."], repeats=True))
    assistant, thread = assistant_with(live), thread_with(live, "Rain?")
    made = [
        runs_of(live).create_and_poll(thread_id=thread.id, assistant_id=assistant.id).id
        for _ in range(3)
    ]
    assert [run.id for run in runs_of(live).list(thread.id, limit=2)] == made[::-1]


def test_a_run_says_how_soon_to_ask_again(serve):
    live = serve(ScriptedChatModel(["Yes."]))
    run = runs_of(live).create(
        thread_id=thread_with(live, "Rain?").id, assistant_id=assistant_with(live).id
    )
    raw = runs_of(live).with_raw_response.retrieve(run.id, thread_id=run.thread_id)
    assert 0 < int(raw.headers["openai-poll-after-ms"]) <= 1000


def test_answers_have_the_documented_shape(serve):
    live = serve(ScriptedChatModel([calling("Rome")]))
    thread, assistant = thread_with(live, "Rain?"), assistant_with(live, WEATHER)
    run = runs_of(live).create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    for answer, shape in (
        (runs_of(live).with_raw_response.list(thread.id), RunPage),
        (runs_of(live).steps.with_raw_response.list(run.id, thread_id=thread.id), RunStepPage),
    ):
        shape.model_validate_json(answer.text)


# Ends


def test_a_run_is_cancelled_while_the_model_speaks(serve, patient):
    live = serve(patient)
    assistant, thread = assistant_with(live), thread_with(live, "Rain?")
    run = runs_of(live).create(thread_id=thread.id, assistant_id=assistant.id)
    wait_for_words(live, run)
    assert runs_of(live).cancel(run.id, thread_id=thread.id).status == "cancelling"
    run = poll(live, run)
    assert (run.status, run.cancelled_at is not None) == ("cancelled", True)
    message = live.client.beta.threads.messages.list(thread.id).data[0]
    assert (message.status, message.incomplete_details.reason) == ("incomplete", "run_cancelled")
    assert message.content[0].text.value.startswith("First")
    (step,) = runs_of(live).steps.list(run.id, thread_id=thread.id).data
    assert (step.status, step.cancelled_at is not None) == ("cancelled", True)


def test_a_run_that_waits_is_cancelled_at_once(serve):
    live, run = waiting(serve, calling("Rome"))
    runs_of(live).cancel(run.id, thread_id=run.thread_id)
    run = runs_of(live).retrieve(run.id, thread_id=run.thread_id)
    assert (run.status, run.required_action) == ("cancelled", None)
    (step,) = runs_of(live).steps.list(run.id, thread_id=run.thread_id).data
    assert step.status == "cancelled"


def test_a_run_that_is_over_cannot_be_cancelled(serve):
    live, run = waiting(serve, calling("Rome"))
    runs_of(live).cancel(run.id, thread_id=run.thread_id)
    with pytest.raises(openai.BadRequestError) as caught:
        runs_of(live).cancel(run.id, thread_id=run.thread_id)
    assert caught.value.body["message"] == "Cannot cancel run with status 'cancelled'."


@pytest.mark.parametrize(
    ("kind", "code"), [(ChatFailed, "server_error"), (RateLimited, "rate_limit_exceeded")]
)
def test_a_fault_of_the_model_fails_the_run(serve, kind, code):
    live = serve(ScriptedChatModel([kind("the model is out")]))
    assistant, thread = assistant_with(live), thread_with(live, "Rain?")
    run = runs_of(live).create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert (run.status, run.last_error.code) == ("failed", code)
    assert "the model is out" in run.last_error.message
    live.client.beta.threads.messages.create(thread.id, role="user", content="Again?")


def test_a_reply_that_breaks_off_stays_as_an_incomplete_message(serve):
    live = serve(ScriptedChatModel(["It will rain."], breaks_after=2))
    assistant, thread = assistant_with(live), thread_with(live, "Rain?")
    run = runs_of(live).create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert run.status == "failed"
    message = live.client.beta.threads.messages.list(thread.id).data[0]
    assert (message.status, message.incomplete_details.reason) == ("incomplete", "run_failed")
    (step,) = runs_of(live).steps.list(run.id, thread_id=thread.id).data
    assert (step.status, step.last_error.code) == ("failed", "server_error")


def test_an_answer_that_is_too_long_is_incomplete_and_stays(serve):
    reply = ChatReply(Message("assistant", "It will"), "length", Usage(5, 256))
    live = serve(ScriptedChatModel([reply]))
    assistant, thread = assistant_with(live), thread_with(live, "Rain?")
    run = runs_of(live).create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, max_completion_tokens=256
    )
    assert (run.status, run.incomplete_details.reason) == ("incomplete", "max_completion_tokens")
    message = live.client.beta.threads.messages.list(thread.id).data[0]
    assert (message.status, message.incomplete_details.reason) == ("incomplete", "max_tokens")
    assert message.content[0].text.value == "It will"


def test_a_conversation_that_does_not_fit_is_incomplete(serve):
    live = serve(ScriptedChatModel(["No."]))
    assistant, thread = assistant_with(live), thread_with(live, "Rain? " * 400)
    run = runs_of(live).create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, max_prompt_tokens=256
    )
    assert (run.status, run.incomplete_details.reason) == ("incomplete", "max_prompt_tokens")


def test_a_run_that_waits_too_long_expires(serve):
    live, run = waiting(serve, calling("Rome"))
    expired_at = expire(live, run)
    found = runs_of(live).retrieve(run.id, thread_id=run.thread_id)
    assert (found.status, found.expires_at) == ("expired", expired_at)
    (step,) = runs_of(live).steps.list(run.id, thread_id=run.thread_id).data
    assert step.status == "expired"
    live.client.beta.threads.messages.create(run.thread_id, role="user", content="Again?")


def test_a_run_whose_model_is_silent_too_long_expires(serve, patient):
    live = serve(patient)
    run = runs_of(live).create(
        thread_id=thread_with(live, "Rain?").id, assistant_id=assistant_with(live).id
    )
    wait_for_words(live, run)
    expire(live, run)
    assert poll(live, run).status == "expired"
    message = live.client.beta.threads.messages.list(run.thread_id).data[0]
    assert (message.status, message.incomplete_details.reason) == ("incomplete", "run_expired")


# The lock


def test_a_thread_takes_no_message_and_no_run_while_one_is_active(serve):
    live, run = waiting(serve, calling("Rome"))
    with pytest.raises(openai.BadRequestError) as caught:
        live.client.beta.threads.messages.create(run.thread_id, role="user", content="Hello?")
    assert caught.value.body["message"] == (
        f"Can't add messages to {run.thread_id} while a run {run.id} is active."
    )
    with pytest.raises(openai.BadRequestError) as caught:
        runs_of(live).create(thread_id=run.thread_id, assistant_id=run.assistant_id)
    assert caught.value.body["message"] == (
        f"Thread {run.thread_id} already has an active run {run.id}."
    )


def test_a_thread_can_be_deleted_while_it_runs(serve, patient):
    live = serve(patient)
    assistant, thread = assistant_with(live), thread_with(live, "Rain?")
    run = runs_of(live).create(thread_id=thread.id, assistant_id=assistant.id)
    wait_for_words(live, run)
    live.client.beta.threads.delete(thread.id)
    with pytest.raises(openai.NotFoundError):
        runs_of(live).retrieve(run.id, thread_id=thread.id)
    wait_until(lambda: not live.server.runs._controls)
    with live.server.objects.reading() as tx:
        assert not tx.select("message", parent=thread.id)
        assert not tx.select("step", parent=run.id)


# Bad requests


def test_what_is_not_there_is_said_with_its_id(serve):
    live = serve(ScriptedChatModel(["Yes."]))
    assistant, thread = assistant_with(live), thread_with(live, "Rain?")
    with pytest.raises(openai.NotFoundError, match="No assistant found with id 'asst_x'"):
        runs_of(live).create(thread_id=thread.id, assistant_id="asst_x")
    with pytest.raises(openai.NotFoundError, match="No thread found with id 'thread_x'"):
        runs_of(live).create(thread_id="thread_x", assistant_id=assistant.id)
    with pytest.raises(openai.NotFoundError, match="No run found with id 'run_x'"):
        runs_of(live).retrieve("run_x", thread_id=thread.id)


@pytest.mark.parametrize(
    ("field", "value", "param"),
    [
        ("max_completion_tokens", 255, "max_completion_tokens"),
        ("max_prompt_tokens", 1, "max_prompt_tokens"),
        ("temperature", 2.1, "temperature"),
        ("tool_choice", "always", "tool_choice"),
        ("tool_choice", {"type": "function"}, "tool_choice.function"),
        ("tool_choice", {"type": "function", "function": {"name": "f"}}, "tool_choice"),
        ("tools", [WEATHER] * 21, "tools"),
        ("tools", [WEATHER] * 2, "tools[0].function.name"),
        (
            "tools",
            [{"type": "function", "function": {"name": "file_search"}}],
            "tools[0].function.name",
        ),
        (
            "truncation_strategy",
            {"type": "last_messages", "last_messages": 0},
            "truncation_strategy.last_messages",
        ),
        ("additional_messages", [{"role": "user"}], "additional_messages[0].content"),
    ],
)
def test_a_bad_request_names_its_parameter(serve, field, value, param):
    live = serve(ScriptedChatModel(["Yes."]))
    with pytest.raises(openai.BadRequestError) as caught:
        runs_of(live).create(
            thread_id=thread_with(live, "Rain?").id,
            assistant_id=assistant_with(live).id,
            extra_body={field: value},
        )
    assert caught.value.body["param"] == param


# The table


def test_every_state_can_be_reached_and_left_as_the_contract_says():
    assert set().union(*MOVES.values()) == set(MOVES)
    assert set(ACTIVE) == {"queued", "in_progress", "requires_action", "cancelling"}
    assert MOVES["cancelling"] == {"cancelled"}


def test_an_illegal_move_cannot_be_made(serve):
    live, run = waiting(serve, calling("Rome"))
    for to in set(MOVES) - MOVES["requires_action"]:
        with live.server.objects.writing() as tx, pytest.raises(RunOvertaken):
            move(tx, run.id, to)
    assert runs_of(live).retrieve(run.id, thread_id=run.thread_id).status == "requires_action"
