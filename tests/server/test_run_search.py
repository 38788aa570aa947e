"""File search in runs: steps, scores and citations, and the stores that are searched."""

from __future__ import annotations

import openai
import pytest
from sqlalchemy import update

from filesearch import schema as t
from filesearch.stores import VectorStores
from filesearch.testing import ScriptedChatModel
from tests.server.assistants_api import (
    BEGINNING,
    END,
    MESSAGE,
    RETURNS,
    STEP,
    assistant_with,
    names,
    poll,
    runs_of,
    searched,
    searching,
    searching_apart,
    store_of,
    stream_of,
    texts,
    thread_with,
    wait_until,
)

RESULT_CONTENT = "step_details.tool_calls[*].file_search.results[*].content"


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


def test_the_searches_of_one_reply_are_one_step(serve):
    """Clients take a second step's call, at index 0 again, for a piece of the first one's."""
    live = serve(
        ScriptedChatModel(
            [searching_apart(["mugs"], ["plates"]), "30 days.【2:0†source】 None.【3:0†source】"]
        )
    )
    assistant = assistant_with(live, {"type": "file_search"}, **searched(store_of(live, RETURNS)))
    events = stream_of(live, assistant, thread_with(live, "How long?"))
    calls = [*STEP, *["run.step.delta"] * 2, "run.step.completed"]
    assert names(events, is_short=False)[3:8] == calls
    told = [events[number][1].delta.step_details.tool_calls[0] for number in (5, 6)]
    done = events[7][1].step_details.tool_calls
    assert [call.index for call in told] == [0, 1]
    assert [call.id for call in told] == [call.id for call in done]
    assert all(call.file_search.results for call in done)
    assert events[-1][0] == "thread.run.completed"


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


def test_a_run_waits_for_the_files_of_its_store(unread, monkeypatch):
    live, run, queue = unread
    is_ready, looks = VectorStores._is_ready, []
    monkeypatch.setattr(
        VectorStores, "_is_ready", lambda self, ids: looks.append(ids) or is_ready(self, ids)
    )
    wait_until(lambda: len(looks) >= 2)
    assert poll_once(live, run).status == "in_progress"
    assert live.server.model_for("").requests == []
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


def test_a_question_that_was_answered_already_is_answered_again_from_documents(live):
    assistant = assistant_with(live, {"type": "file_search"}, **searched(store_of(live, RETURNS)))
    thread = thread_with(live, "Within how many days of purchase can mugs go back?")
    for _ in range(2):
        stream_of(live, assistant, thread)
    _, first, second = texts(live, thread.id)
    assert "30 days" in first
    assert "30 days" in second


def found_names(live, run) -> set[str]:
    """Return the names of the files that the searches of a run found."""
    return {
        result.file_name
        for step in runs_of(live).steps.list(run.id, thread_id=run.thread_id)
        if step.type == "tool_calls"
        for result in step.step_details.tool_calls[0].file_search.results
    }


def test_the_stores_of_assistant_and_thread_are_both_searched(serve):
    live = serve(ScriptedChatModel([searching("go back"), "Both."]))
    assistant = assistant_with(
        live, {"type": "file_search"}, **searched(store_of(live, RETURNS, "one.md"))
    )
    thread = thread_with(
        live, "How long?", **searched(store_of(live, "Tiles go back in May.", "two.md"))
    )
    run = runs_of(live).create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert found_names(live, run) == {"one.md", "two.md"}


def test_a_file_that_is_attached_to_a_message_is_searched_by_the_next_run(serve):
    live = serve(ScriptedChatModel([searching("mugs go back"), "30 days."]))
    file = live.client.files.create(file=("mine.md", RETURNS.encode()), purpose="assistants")
    attachment = {"file_id": file.id, "tools": [{"type": "file_search"}]}
    run = live.client.beta.threads.create_and_run_poll(
        assistant_id=assistant_with(live, {"type": "file_search"}).id,
        thread={
            "messages": [{"role": "user", "content": "How long?", "attachments": [attachment]}]
        },
    )
    assert run.status == "completed"
    assert found_names(live, run) == {"mine.md"}


def test_resources_given_with_a_run_take_the_place_of_the_assistants(serve):
    live = serve(ScriptedChatModel([searching("go back"), "May."]))
    assistant = assistant_with(
        live, {"type": "file_search"}, **searched(store_of(live, RETURNS, "one.md"))
    )
    run = live.client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id,
        thread={"messages": [{"role": "user", "content": "When?"}]},
        **searched(store_of(live, "Tiles go back in May.", "two.md")),
    )
    assert found_names(live, run) == {"two.md"}


def test_keys_that_are_kept_apart_run_with_their_own_stores_and_files_alone(serve_keys):
    live, secrets = serve_keys(ScriptedChatModel([]), [{}, {}], isolates_keys=True)
    mine, other = (live.client.with_options(api_key=secret) for secret in secrets)
    store = mine.vector_stores.create()
    file = mine.files.create(file=("mine.md", RETURNS.encode()), purpose="assistants")
    assistant = other.beta.assistants.create(model="m", tools=[{"type": "file_search"}])
    for resources in (searched(store.id), code_files(file.id)):
        with pytest.raises(openai.NotFoundError):
            other.beta.threads.create_and_run(assistant_id=assistant.id, **resources)


def code_files(file_id):
    return {"tool_resources": {"code_interpreter": {"file_ids": [file_id]}}}


def test_a_tools_settings_bound_what_is_found(serve):
    live = serve(ScriptedChatModel([searching("go back"), "Yes.", searching("go back"), "Yes."]))
    store = store_of(live, RETURNS, "one.md")
    file = live.client.vector_stores.files.upload_and_poll(
        vector_store_id=store, file=("two.md", b"Tiles go back in May.")
    )
    assert file.status == "completed"
    for settings, count in (
        ({"max_num_results": 1}, 1),
        ({"ranking_options": {"score_threshold": 1.0}}, 0),
    ):
        tool = {"type": "file_search", "file_search": settings}
        assistant = assistant_with(live, tool, **searched(store))
        run = runs_of(live).create_and_poll(
            thread_id=thread_with(live, "How?").id, assistant_id=assistant.id
        )
        assert len(found_names(live, run)) == count


def test_a_run_without_any_store_has_nothing_to_search(serve):
    model = ScriptedChatModel(["Yes."])
    live = serve(model)
    assistant = assistant_with(live, {"type": "file_search"})
    run = runs_of(live).create_and_poll(
        thread_id=thread_with(live, "How?").id,
        assistant_id=assistant.id,
        tool_choice={"type": "file_search"},
    )
    assert (run.status, model.requests[0].tools) == ("completed", ())
