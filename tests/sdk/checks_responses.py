"""Checks of responses and conversations; see session.py."""

from __future__ import annotations

from typing import Any

import openai
from session import MODEL, WEATHER, Session, refusal, shows


def flat_weather() -> dict[str, Any]:
    """Return the function as responses take it."""
    return {"type": "function", "strict": False, **WEATHER}


@shows("responses.create")
def _(s: Session) -> None:
    plain = s.responses.create(model=MODEL, input="Good day")
    assert (plain.output_text, plain.status) == ("You said: Good day", "completed"), plain
    after = s.responses.create(model=MODEL, input="And?", previous_response_id=plain.id)
    assert after.previous_response_id == plain.id, after
    found = s.responses.create(
        model=MODEL,
        input="When may a mug be returned?",
        tools=[{"type": "file_search", "vector_store_ids": [s.store]}],
        include=["file_search_call.results"],
    )
    search, message = found.output
    assert (search.type, message.type) == ("file_search_call", "message"), found
    assert search.results[0].filename in ("mugs.txt", "kiln.md"), search
    part = message.content[0]
    assert "†" not in part.text and part.annotations[0].filename in ("mugs.txt", "kiln.md"), part
    given_back = [item.model_dump(exclude_none=True) for item in found.output]
    again = s.responses.create(
        model=MODEL, input=[*given_back, {"role": "user", "content": "Good day"}]
    )
    assert again.output_text == "You said: Good day", again
    called = s.responses.create(
        model=MODEL, input="weather in Paris and Rome", tools=[flat_weather()]
    )
    calls = [item for item in called.output if item.type == "function_call"]
    assert len(calls) == 2, called
    answers = [
        {"type": "function_call_output", "call_id": c.call_id, "output": f"sunny {c.arguments}"}
        for c in calls
    ]
    done = s.responses.create(
        model=MODEL, input=answers, tools=[flat_weather()], previous_response_id=called.id
    )
    assert "sunny" in done.output_text, done
    kinds = [e.type for e in s.responses.create(model=MODEL, input="count to 3", stream=True)]
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed"), kinds


@shows("responses.retrieve")
def _(s: Session) -> None:
    made = s.responses.create(model=MODEL, input="Good day")
    assert s.responses.retrieve(made.id).output_text == made.output_text


@shows("responses.delete")
def _(s: Session) -> None:
    made = s.responses.create(model=MODEL, input="Good day")
    s.responses.delete(made.id)
    assert refusal(openai.NotFoundError, s.responses.retrieve, made.id)


@shows("responses.cancel")
def _(s: Session) -> None:
    made = s.responses.create(model=MODEL, input="wait 20 s", background=True)
    assert made.status in ("queued", "in_progress"), made
    assert s.responses.cancel(made.id).status == "cancelled"


@shows("responses.parse")
def _(s: Session) -> None:
    from pydantic import BaseModel

    class Place(BaseModel):
        city: str

    parsed = s.responses.parse(model=MODEL, input="Where?", text_format=Place)
    assert parsed.output_parsed.city == "Paris", parsed


@shows("responses.stream")
def _(s: Session) -> None:
    with s.responses.stream(
        model=MODEL,
        input="When may a mug be returned?",
        tools=[{"type": "file_search", "vector_store_ids": [s.store]}],
    ) as stream:
        pieces = [e.delta for e in stream if e.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert "".join(pieces) == final.output_text != "", final


@shows("responses.input_items.list")
def _(s: Session) -> None:
    first = s.responses.create(model=MODEL, input="One")
    made = s.responses.create(model=MODEL, input="Two", previous_response_id=first.id)
    items = list(s.responses.input_items.list(made.id, order="asc"))
    assert items[-1].content[0].text == "Two", items


@shows("responses.input_tokens.count")
def _(s: Session) -> None:
    counted = s.responses.input_tokens.count(model=MODEL, input="Good day")
    assert counted.input_tokens > 0, counted


@shows("responses.compact")
def _(s: Session) -> None:
    first = s.responses.create(model=MODEL, input="Good day")
    made = s.responses.compact(model=MODEL, previous_response_id=first.id)
    assert [item.type for item in made.output] == ["message", "compaction"], made
    given = [item.model_dump(exclude_none=True, warnings=False) for item in made.output]
    after = s.responses.create(model=MODEL, input=[*given, {"role": "user", "content": "And?"}])
    assert after.output_text == "You said: And?", after


@shows("responses.connect")
def _(s: Session) -> None:
    with s.responses.connect() as connection:
        for asked in ("Good day", "And?"):
            connection.response.create(model=MODEL, input=asked)
            last = next(event for event in connection if event.type == "response.completed")
            assert last.response.output_text == f"You said: {asked}", last


@shows("conversations.create")
def _(s: Session) -> None:
    made = s.conversations.create(
        items=[{"type": "message", "role": "user", "content": "Remember me."}],
        metadata={"a": "b"},
    )
    assert made.id.startswith("conv_") and made.metadata == {"a": "b"}, made
    first = s.responses.create(model=MODEL, input="Good day", conversation=made.id)
    items = list(s.conversations.items.list(made.id, order="asc"))
    assert len(items) == 3 and first.conversation.id == made.id, items


@shows("conversations.retrieve")
def _(s: Session) -> None:
    made = s.conversations.create()
    assert s.conversations.retrieve(made.id).object == "conversation"


@shows("conversations.update")
def _(s: Session) -> None:
    made = s.conversations.create()
    assert s.conversations.update(made.id, metadata={"k": "v"}).metadata == {"k": "v"}


@shows("conversations.delete")
def _(s: Session) -> None:
    assert s.conversations.delete(s.conversations.create().id).deleted


def two_items(s: Session) -> tuple[str, Any]:
    """Return a new conversation and what was added to it."""
    made = s.conversations.create()
    items = [{"type": "message", "role": "user", "content": text} for text in ("One", "Two")]
    return made.id, s.conversations.items.create(made.id, items=items)


@shows("conversations.items.create")
def _(s: Session) -> None:
    _, added = two_items(s)
    assert [item.content[0].text for item in added.data] == ["One", "Two"], added


@shows("conversations.items.list")
def _(s: Session) -> None:
    conversation, added = two_items(s)
    found = s.conversations.items.list(conversation, limit=1, order="asc")
    assert [item.id for item in found] == [item.id for item in added.data]


@shows("conversations.items.retrieve")
def _(s: Session) -> None:
    conversation, added = two_items(s)
    item = added.data[1].id
    assert s.conversations.items.retrieve(item, conversation_id=conversation).id == item


@shows("conversations.items.delete")
def _(s: Session) -> None:
    conversation, added = two_items(s)
    left = s.conversations.items.delete(added.data[0].id, conversation_id=conversation)
    assert left.id == conversation, left
    assert len(list(s.conversations.items.list(conversation))) == 1
