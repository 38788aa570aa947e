"""A conversation over files, from end to end: bundled embedder, model that quotes, no network."""

from __future__ import annotations

import pytest

from filesearch import FileSearch

REFUNDS = """# Returns

A mug may be returned within 30 days of delivery. The buyer pays the postage.

Wholesale orders cannot be returned once they have left the studio.
"""
KILN = """# The kiln

The kiln reaches 1280 degrees after nine hours. It cools down over two days.

Nobody opens the kiln above 80 degrees.
"""
CONTENTS = "step_details.tool_calls[*].file_search.results[*].content"


@pytest.fixture(scope="module")
def live_bundled(serve_module, tmp_path_factory):
    """A server as it is without any settings."""
    return serve_module(fs=FileSearch(tmp_path_factory.mktemp("bundled") / "index"))


@pytest.fixture(scope="module")
def conversation(live_bundled):
    """Two files in a store, an assistant, a thread and a streamed run: what came of it."""
    client = live_bundled.client
    files = [
        client.files.create(file=(name, text.encode()), purpose="assistants")
        for name, text in (("refunds.md", REFUNDS), ("kiln.md", KILN))
    ]
    store = client.vector_stores.create(name="handbook")
    batch = client.vector_stores.file_batches.create_and_poll(
        store.id, file_ids=[file.id for file in files]
    )
    assert batch.file_counts.completed == 2
    assistant = client.beta.assistants.create(
        model="gpt-4o",
        instructions="Answer from the handbook.",
        tools=[{"type": "file_search"}],
        tool_resources={"file_search": {"vector_store_ids": [store.id]}},
    )
    question = "How many days after delivery may a mug be returned?"
    thread = client.beta.threads.create(messages=[{"role": "user", "content": question}])
    with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        events = list(stream)
    return files, thread, events


@pytest.fixture(scope="module")
def run(conversation):
    return next(e.data for e in conversation[2] if e.event == "thread.run.completed")


@pytest.fixture(scope="module")
def text(live_bundled, conversation):
    messages = live_bundled.client.beta.threads.messages.list(conversation[1].id, limit=1)
    return messages.data[0].content[0].text


def test_the_answer_is_in_the_file(text):
    assert "30 days" in text.value


def test_every_annotation_slices_its_marker(text):
    assert text.annotations
    for found in text.annotations:
        assert text.value[found.start_index : found.end_index] == found.text
    assert len({found.text for found in text.annotations}) == len(text.annotations)


def test_the_file_that_is_cited_is_the_uploaded_one(text, conversation):
    refunds, kiln = conversation[0]
    cited = [found.file_citation.file_id for found in text.annotations]
    assert cited[0] == refunds.id
    assert set(cited) <= {refunds.id, kiln.id}


def test_the_stream_adds_up_to_the_stored_message(text, conversation):
    deltas = [e.data for e in conversation[2] if e.event == "thread.message.delta"]
    pieces = [part.text.value or "" for data in deltas for part in data.delta.content]
    assert "".join(pieces) == text.value


def test_a_citation_comes_as_one_delta(text, conversation):
    deltas = [e.data for e in conversation[2] if e.event == "thread.message.delta"]
    parts = [part.text for data in deltas for part in data.delta.content]
    cited = [(p.value, a.text) for p in parts for a in p.annotations or ()]
    assert [marker for _, marker in cited] == [found.text for found in text.annotations]
    assert all(value == marker for value, marker in cited)


def test_the_events_come_in_the_documented_order(conversation):
    names = [event.event for event in conversation[2]]
    first = list(dict.fromkeys(names))
    assert first == [
        "thread.run.created",
        "thread.run.queued",
        "thread.run.in_progress",
        "thread.run.step.created",
        "thread.run.step.in_progress",
        "thread.run.step.delta",
        "thread.run.step.completed",
        "thread.message.created",
        "thread.message.in_progress",
        "thread.message.delta",
        "thread.message.completed",
        "thread.run.completed",
    ]
    assert names[-3:] == [
        "thread.message.completed",
        "thread.run.step.completed",
        "thread.run.completed",
    ]


def test_the_steps_show_the_search_with_scores(live_bundled, run, conversation):
    steps = live_bundled.client.beta.threads.runs.steps.list(
        run.id, thread_id=run.thread_id, order="asc"
    )
    search, creation = steps.data
    results = search.step_details.tool_calls[0].file_search.results
    assert creation.type == "message_creation"
    assert results[0].file_id == conversation[0][0].id
    assert results[0].file_name == "refunds.md"
    assert all(0 <= result.score <= 1 for result in results)
    assert [r.score for r in results] == sorted((r.score for r in results), reverse=True)
    assert all(result.content is None for result in results)


def test_the_steps_show_what_was_found_when_asked(live_bundled, run):
    steps = live_bundled.client.beta.threads.runs.steps.list(
        run.id, thread_id=run.thread_id, order="asc", include=[CONTENTS]
    )
    results = steps.data[0].step_details.tool_calls[0].file_search.results
    assert "within 30 days" in results[0].content[0].text


def test_a_run_counts_its_tokens(run):
    assert run.usage.total_tokens == run.usage.prompt_tokens + run.usage.completion_tokens > 0


def test_the_conversation_goes_on(live_bundled, run):
    """The same thread answers from the other file next."""
    client = live_bundled.client
    client.beta.threads.messages.create(
        run.thread_id, role="user", content="How hot does the kiln get?"
    )
    again = client.beta.threads.runs.create_and_poll(
        thread_id=run.thread_id, assistant_id=run.assistant_id
    )
    assert again.status == "completed"
    answer = client.beta.threads.messages.list(run.thread_id, limit=1).data[0]
    assert "1280 degrees" in answer.content[0].text.value
