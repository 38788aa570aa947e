"""Checks of assistants, threads and messages; see session.py."""

from __future__ import annotations

import openai
from session import MODEL, Session, refusal, shows


@shows("assistants.create")
def _(s: Session) -> None:
    made = s.assistants.create(
        model="gpt-4-1106-preview",
        name="Tutor",
        instructions="Be kind.",
        metadata={"a": "b"},
        tools=[{"type": "file_search"}, {"type": "code_interpreter"}],
    )
    assert (made.model, made.name, made.object) == ("gpt-4-1106-preview", "Tutor", "assistant")
    assert [t.type for t in made.tools] == ["file_search", "code_interpreter"], made


@shows("assistants.retrieve")
def _(s: Session) -> None:
    assert s.assistants.retrieve(s.assistant).id == s.assistant


@shows("assistants.update")
def _(s: Session) -> None:
    made = s.assistants.create(model=MODEL, name="old", instructions="Keep.")
    changed = s.assistants.update(made.id, name="new")
    assert (changed.name, changed.instructions) == ("new", "Keep."), changed


@shows("assistants.list")
def _(s: Session) -> None:
    made = [s.assistants.create(model=MODEL).id for _ in range(3)]
    found = [a.id for a in s.assistants.list(order="asc", limit=2) if a.id in made]
    assert found == made, (found, made)


@shows("assistants.delete")
def _(s: Session) -> None:
    made = s.assistants.create(model=MODEL).id
    assert s.assistants.delete(made).object == "assistant.deleted"
    said = refusal(openai.NotFoundError, s.assistants.retrieve, made)
    assert f"No assistant found with id '{made}'." in said, said


@shows("threads.create")
def _(s: Session) -> None:
    made = s.threads.create(
        messages=[
            {
                "role": "user",
                "content": "See the file.",
                "attachments": [{"file_id": s.upload(), "tools": [{"type": "file_search"}]}],
            }
        ],
        metadata={"a": "b"},
    )
    assert made.metadata == {"a": "b"} and made.object == "thread", made
    assert len(made.tool_resources.file_search.vector_store_ids) == 1, made
    assert s.threads.create().id.startswith("thread_")


@shows("threads.retrieve")
def _(s: Session) -> None:
    thread = s.thread()
    assert s.threads.retrieve(thread).id == thread


@shows("threads.update")
def _(s: Session) -> None:
    assert s.threads.update(s.thread(), metadata={"x": "y"}).metadata == {"x": "y"}


@shows("threads.delete")
def _(s: Session) -> None:
    assert s.threads.delete(s.thread()).object == "thread.deleted"


@shows("threads.messages.create")
def _(s: Session) -> None:
    thread = s.thread()
    made = s.threads.messages.create(thread, role="user", content="Second.")
    assert made.content[0].text.value == "Second." and made.attachments == [], made
    parts = [{"type": "text", "text": "Third."}]
    assert s.threads.messages.create(thread, role="user", content=parts).thread_id == thread


@shows("threads.messages.retrieve")
def _(s: Session) -> None:
    thread = s.thread()
    [message] = s.threads.messages.list(thread)
    assert s.threads.messages.retrieve(message.id, thread_id=thread).id == message.id


@shows("threads.messages.update")
def _(s: Session) -> None:
    thread = s.thread()
    [message] = s.threads.messages.list(thread)
    changed = s.threads.messages.update(message.id, thread_id=thread, metadata={"k": "v"})
    assert changed.metadata == {"k": "v"}, changed


@shows("threads.messages.list")
def _(s: Session) -> None:
    thread = s.thread("0")
    for number in range(1, 5):
        s.threads.messages.create(thread, role="user", content=str(number))
    listed = s.threads.messages.list(thread, order="asc", limit=2)
    assert [m.content[0].text.value for m in listed] == ["0", "1", "2", "3", "4"]


@shows("threads.messages.delete")
def _(s: Session) -> None:
    thread = s.thread()
    [message] = s.threads.messages.list(thread)
    assert s.threads.messages.delete(message.id, thread_id=thread).deleted
    assert list(s.threads.messages.list(thread)) == []
