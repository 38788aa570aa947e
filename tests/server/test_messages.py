"""`/threads/{id}/messages` through the official client, over a real socket."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import openai
import pytest


@pytest.fixture
def thread(live):
    return live.client.beta.threads.create()


def upload(live, name, content, purpose="assistants"):
    return live.client.files.create(file=(name, content), purpose=purpose)


def text_of(message):
    return message.content[0].text.value


def test_a_message_comes_back_as_it_was_sent(live, thread):
    made = live.client.beta.threads.messages.create(
        thread.id, role="user", content="May I return it?", metadata={"a": "1"}
    )
    assert made.id.startswith("msg_")
    assert made.model_dump(exclude={"id", "created_at", "completed_at"}, exclude_unset=True) == {
        "object": "thread.message",
        "thread_id": thread.id,
        "status": "completed",
        "incomplete_details": None,
        "incomplete_at": None,
        "role": "user",
        "content": [{"type": "text", "text": {"value": "May I return it?", "annotations": []}}],
        "assistant_id": None,
        "run_id": None,
        "attachments": [],
        "metadata": {"a": "1"},
    }
    assert live.client.beta.threads.messages.retrieve(made.id, thread_id=thread.id) == made


def test_a_message_may_have_several_parts(live, thread):
    image = upload(live, "mug.png", b"\x89PNG\r\n\x1a\n", purpose="vision")
    made = live.client.beta.threads.messages.create(
        thread.id,
        role="user",
        content=[
            {"type": "text", "text": "Which mug is this?"},
            {"type": "image_file", "image_file": {"file_id": image.id}},
            {"type": "image_url", "image_url": {"url": "https://x.org/m.png", "detail": "low"}},
        ],
    )
    assert [part.to_dict() for part in made.content] == [
        {"type": "text", "text": {"value": "Which mug is this?", "annotations": []}},
        {"type": "image_file", "image_file": {"file_id": image.id, "detail": "auto"}},
        {"type": "image_url", "image_url": {"url": "https://x.org/m.png", "detail": "low"}},
    ]


def test_messages_are_listed_newest_first(live, thread):
    for text in ("one", "two", "three"):
        live.client.beta.threads.messages.create(thread.id, role="user", content=text)
    listed = live.client.beta.threads.messages.list
    assert [text_of(m) for m in listed(thread.id, limit=1)] == ["three", "two", "one"]
    oldest = listed(thread.id, order="asc", limit=1)
    assert ([text_of(m) for m in oldest.data], oldest.has_more) == (["one"], True)
    before = listed(thread.id, before=oldest.data[0].id, limit=1)
    assert ([text_of(m) for m in before.data], before.has_more) == (["two"], True)


def test_the_messages_of_one_run_can_be_listed(live, thread):
    with live.server.objects.writing() as tx:
        for number in range(4):
            body = {
                "role": "assistant",
                "content": [{"type": "text", "text": {"value": f"{number}", "annotations": []}}],
                "metadata": {},
                "run_id": "run_odd" if number % 2 else "run_even",
            }
            tx.insert("message", body, parent=thread.id, status="completed")
    listed = live.client.beta.threads.messages.list
    assert [text_of(m) for m in listed(thread.id, run_id="run_odd")] == ["3", "1"]
    page = listed(thread.id, run_id="run_even", limit=1)
    assert ([text_of(m) for m in page.data], page.has_more) == (["2"], True)
    assert listed(thread.id, run_id="run_none").data == []


def test_only_the_metadata_of_a_message_changes(live, thread):
    made = live.client.beta.threads.messages.create(thread.id, role="user", content="x")
    changed = live.client.beta.threads.messages.update(
        made.id, thread_id=thread.id, metadata={"a": "1"}
    )
    assert changed.metadata == {"a": "1"}
    assert changed.content == made.content


def test_a_deleted_message_is_gone_but_may_be_a_cursor(live, thread):
    first, second = (
        live.client.beta.threads.messages.create(thread.id, role="user", content=text)
        for text in ("one", "two")
    )
    gone = live.client.beta.threads.messages.delete(second.id, thread_id=thread.id)
    assert gone.to_dict() == {
        "id": second.id,
        "object": "thread.message.deleted",
        "deleted": True,
    }
    with pytest.raises(openai.NotFoundError, match=second.id):
        live.client.beta.threads.messages.retrieve(second.id, thread_id=thread.id)
    page = live.client.beta.threads.messages.list(thread.id, after=second.id)
    assert [m.id for m in page.data] == [first.id]


def test_a_message_is_found_in_its_own_thread_only(live, thread):
    made = live.client.beta.threads.messages.create(thread.id, role="user", content="x")
    other = live.client.beta.threads.create()
    with pytest.raises(openai.NotFoundError) as caught:
        live.client.beta.threads.messages.retrieve(made.id, thread_id=other.id)
    assert caught.value.body["message"] == f"No message found with id '{made.id}'."


def test_attachments_go_into_one_store_of_the_thread(live, thread):
    files = [upload(live, f"{n}.txt", f"Text {n}.".encode()) for n in range(2)]
    for file in files:
        message = live.client.beta.threads.messages.create(
            thread.id,
            role="user",
            content="Read this.",
            attachments=[{"file_id": file.id, "tools": [{"type": "file_search"}]}],
        )
        assert [a.to_dict() for a in message.attachments] == [
            {"file_id": file.id, "tools": [{"type": "file_search"}]}
        ]
    resources = live.client.beta.threads.retrieve(thread.id).tool_resources
    (store_id,) = resources.file_search.vector_store_ids
    assert live.client.vector_stores.retrieve(store_id).expires_after.days == 7
    held = live.client.vector_stores.files.list(store_id, order="asc")
    assert [file.id for file in held] == [file.id for file in files]


def test_an_attachment_leaves_a_file_of_the_store_as_it_is(live):
    file = upload(live, "a.txt", b"The kiln reaches 1280 degrees.")
    store = live.client.vector_stores.create()
    sizes = {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 0}
    live.client.vector_stores.files.create_and_poll(
        file.id,
        vector_store_id=store.id,
        attributes={"year": 2025},
        chunking_strategy={"type": "static", "static": sizes},
    )
    held = live.client.vector_stores.files.retrieve(file.id, vector_store_id=store.id)
    resources = {"file_search": {"vector_store_ids": [store.id]}}
    attachments = [{"file_id": file.id, "tools": [{"type": "file_search"}]}]
    message = {"role": "user", "content": "Read this.", "attachments": attachments}
    thread = live.client.beta.threads.create(messages=[message], tool_resources=resources)
    live.client.beta.threads.messages.create(thread.id, **message)
    assert live.client.vector_stores.files.retrieve(file.id, vector_store_id=store.id) == held


def test_attachments_that_come_at_once_share_the_store(live, thread):
    files = [upload(live, f"{n}.txt", f"Text {n}.".encode()) for n in range(6)]

    def attach(file):
        live.client.beta.threads.messages.create(
            thread.id,
            role="user",
            content="Read this.",
            attachments=[{"file_id": file.id, "tools": [{"type": "file_search"}]}],
        )

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(attach, files))
    resources = live.client.beta.threads.retrieve(thread.id).tool_resources
    (store_id,) = resources.file_search.vector_store_ids
    held = live.client.vector_stores.files.list(store_id)
    assert {file.id for file in held} == {file.id for file in files}
    made = [store.id for store in live.client.vector_stores.list() if store.expires_after]
    assert made == [store_id]


def test_attachments_get_a_new_store_when_theirs_was_deleted(live, thread):
    file = upload(live, "a.txt", b"Text.")
    store = live.client.vector_stores.create()
    live.client.beta.threads.update(
        thread.id, tool_resources={"file_search": {"vector_store_ids": [store.id]}}
    )
    live.client.vector_stores.delete(store.id)
    live.client.beta.threads.messages.create(
        thread.id,
        role="user",
        content="Read this.",
        attachments=[{"file_id": file.id, "tools": [{"type": "file_search"}]}],
    )
    resources = live.client.beta.threads.retrieve(thread.id).tool_resources
    (store_id,) = resources.file_search.vector_store_ids
    assert [f.id for f in live.client.vector_stores.files.list(store_id)] == [file.id]


def test_an_active_run_keeps_new_messages_out(live, thread):
    made = live.client.beta.threads.messages.create(thread.id, role="user", content="x")
    with live.server.objects.writing() as tx:
        run = tx.insert("run", {}, parent=thread.id, status="requires_action")
    with pytest.raises(openai.BadRequestError) as caught:
        live.client.beta.threads.messages.create(thread.id, role="user", content="y")
    assert caught.value.body == {
        "message": f"Can't add messages to {thread.id} while a run {run.id} is active.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }
    live.client.beta.threads.messages.update(made.id, thread_id=thread.id, metadata={"a": "1"})
    live.client.beta.threads.messages.delete(made.id, thread_id=thread.id)
