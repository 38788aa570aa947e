"""`/threads` through the official client, over a real socket."""

from __future__ import annotations

import httpx
import openai
import pytest

DAYS = 7


def upload(live, name, content):
    return live.client.files.create(file=(name, content), purpose="assistants")


def test_a_thread_needs_nothing(live):
    thread = live.client.beta.threads.create()
    assert thread.id.startswith("thread_")
    assert thread.id.removeprefix("thread_").isalnum()
    assert thread.model_dump(exclude={"id", "created_at"}, exclude_unset=True) == {
        "object": "thread",
        "metadata": {},
        "tool_resources": {},
    }
    assert live.client.beta.threads.retrieve(thread.id) == thread


def test_a_thread_can_be_made_without_a_body(live):
    answer = httpx.post(f"{live.base_url}/threads", headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert answer.json()["object"] == "thread"


def test_a_thread_begins_with_its_messages_in_order(live):
    thread = live.client.beta.threads.create(
        messages=[
            {"role": "user", "content": "first", "metadata": {"n": "1"}},
            {"role": "assistant", "content": "second"},
        ],
        metadata={"topic": "mugs"},
    )
    assert thread.metadata == {"topic": "mugs"}
    messages = live.client.beta.threads.messages.list(thread.id, order="asc").data
    assert [(m.role, m.content[0].text.value, m.metadata) for m in messages] == [
        ("user", "first", {"n": "1"}),
        ("assistant", "second", {}),
    ]


def test_a_change_keeps_what_it_does_not_name(live):
    store = live.client.vector_stores.create()
    resources = {"file_search": {"vector_store_ids": [store.id]}}
    thread = live.client.beta.threads.create(tool_resources=resources, metadata={"a": "1"})
    changed = live.client.beta.threads.update(thread.id, metadata={"b": "2"})
    assert changed.metadata == {"b": "2"}
    assert changed.tool_resources == thread.tool_resources
    changed = live.client.beta.threads.update(thread.id, tool_resources=None)
    assert changed.tool_resources.to_dict() == {}
    assert changed.metadata == {"b": "2"}


def test_the_store_of_a_threads_helper_expires(live):
    file = upload(live, "a.txt", b"Mugs may be returned.")
    thread = live.client.beta.threads.create(
        tool_resources={"file_search": {"vector_stores": [{"file_ids": [file.id]}]}}
    )
    (store_id,) = thread.tool_resources.file_search.vector_store_ids
    store = live.client.vector_stores.retrieve(store_id)
    assert store.expires_after.to_dict() == {"anchor": "last_active_at", "days": DAYS}
    assert [f.id for f in live.client.vector_stores.files.list(store_id)] == [file.id]


def test_the_first_attachment_makes_the_threads_store(live):
    file = upload(live, "a.txt", b"Mugs may be returned.")
    thread = live.client.beta.threads.create(
        messages=[
            {
                "role": "user",
                "content": "May I return it?",
                "attachments": [{"file_id": file.id, "tools": [{"type": "file_search"}]}],
            }
        ]
    )
    (store_id,) = thread.tool_resources.file_search.vector_store_ids
    store = live.client.vector_stores.retrieve(store_id)
    assert store.expires_after.days == DAYS
    assert [f.id for f in live.client.vector_stores.files.list(store_id)] == [file.id]


def test_attachments_join_the_store_that_the_thread_is_given(live):
    store = live.client.vector_stores.create()
    file = upload(live, "a.txt", b"Mugs may be returned.")
    thread = live.client.beta.threads.create(
        tool_resources={"file_search": {"vector_store_ids": [store.id]}},
        messages=[
            {
                "role": "user",
                "content": "May I return it?",
                "attachments": [
                    {
                        "file_id": file.id,
                        "tools": [{"type": "file_search"}, {"type": "code_interpreter"}],
                    }
                ],
            }
        ],
    )
    assert thread.tool_resources.to_dict() == {
        "file_search": {"vector_store_ids": [store.id]},
        "code_interpreter": {"file_ids": [file.id]},
    }
    assert [f.id for f in live.client.vector_stores.files.list(store.id)] == [file.id]


def test_a_deleted_thread_takes_its_messages_along(live):
    thread = live.client.beta.threads.create(messages=[{"role": "user", "content": "hello"}])
    (message,) = live.client.beta.threads.messages.list(thread.id).data
    gone = live.client.beta.threads.delete(thread.id)
    assert gone.to_dict() == {"id": thread.id, "object": "thread.deleted", "deleted": True}
    for call in (
        lambda: live.client.beta.threads.retrieve(thread.id),
        lambda: live.client.beta.threads.messages.list(thread.id),
        lambda: live.client.beta.threads.messages.retrieve(message.id, thread_id=thread.id),
    ):
        with pytest.raises(openai.NotFoundError) as caught:
            call()
        assert caught.value.body["message"] == f"No thread found with id '{thread.id}'."


def test_a_conversation_of_the_library_is_a_thread(live):
    thread = live.server.fs.threads.create({"from": "chat"})
    live.server.fs.threads.append(thread.id, "user", "May I return it?")
    shown = live.client.beta.threads.retrieve(thread.id)
    assert (shown.metadata, shown.tool_resources.to_dict()) == ({"from": "chat"}, {})
    (message,) = live.client.beta.threads.messages.list(thread.id).data
    assert (message.status, message.attachments, message.run_id) == ("completed", [], None)
    assert message.content[0].text.value == "May I return it?"


def test_answers_of_the_library_keep_their_citations(live, tmp_path):
    document = tmp_path / "returns.txt"
    document.write_text("Mugs may be returned within 30 days.")
    fs = live.server.fs
    fs.ingest(document)
    thread = fs.threads.create()
    for _ in fs.stream("When may mugs be returned?", thread_id=thread.id):
        pass
    answer, question = live.client.beta.threads.messages.list(thread.id).data
    assert (question.role, answer.role) == ("user", "assistant")
    text = answer.content[0].text
    (annotation, *_) = text.annotations
    assert text.value[annotation.start_index : annotation.end_index] == annotation.text
    assert annotation.file_citation.quote == "Mugs may be returned within 30 days."
