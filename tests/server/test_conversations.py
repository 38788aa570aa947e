"""Conversations, through the official client over a socket."""

from __future__ import annotations

import openai
import pytest

from filesearch.errors import ChatFailed
from filesearch.testing import ScriptedChatModel
from tests.server.responses_api import (
    WEATHER,
    calls,
    conversation,
    outputs_for,
    search_tool,
    searches,
)


def says(text):
    return {"type": "message", "role": "user", "content": text}


def texts(items):
    return [item.content[0].text for item in items]


@pytest.fixture
def search(tmp_path, usual_db):
    """A tool that searches two documents."""
    index = tmp_path / "index"
    return search_tool(index, usual_db(index))


@pytest.fixture
def said(serve):
    """Starts a server whose model says these turns; returns its client and the model."""

    def start(*turns):
        model = ScriptedChatModel(turns)
        live = serve(model)
        return live.client, model

    return start


def test_a_conversation_is_made_changed_and_deleted(live):
    conversations = live.client.conversations
    made = conversations.create(metadata={"a": "b"}, items=[says("One")])
    assert (made.object, made.metadata) == ("conversation", {"a": "b"})
    assert conversations.update(made.id, metadata={"c": "d"}).metadata == {"c": "d"}
    assert conversations.retrieve(made.id).metadata == {"c": "d"}
    assert conversations.delete(made.id).object == "conversation.deleted"
    with pytest.raises(openai.NotFoundError, match=made.id):
        conversations.retrieve(made.id)


def test_a_conversation_is_made_of_nothing(live):
    made = live.client.post("/conversations", cast_to=dict)
    assert made["metadata"] == {}


def test_items_are_added_listed_and_taken_out(live):
    items = live.client.conversations.items
    made = live.client.conversations.create()
    added = items.create(made.id, items=[says(text) for text in ("One", "Two", "Three")])
    assert texts(added.data) == ["One", "Two", "Three"]
    assert texts(items.list(made.id, limit=2, order="asc")) == ["One", "Two", "Three"]
    assert texts(items.list(made.id, limit=1).data) == ["Three"]
    second = added.data[1].id
    assert items.retrieve(second, conversation_id=made.id).content[0].text == "Two"
    assert items.delete(second, conversation_id=made.id).id == made.id
    assert texts(items.list(made.id, order="asc")) == ["One", "Three"]


def test_deleting_while_listing_sees_every_item(live):
    items = live.client.conversations.items
    made = live.client.conversations.create(items=[says(str(n)) for n in range(5)])
    for item in items.list(made.id, limit=2):
        items.delete(item.id, conversation_id=made.id)
    assert items.list(made.id).data == []


def test_an_item_of_another_conversation_is_not_found(live):
    one = live.client.conversations.create(items=[says("One")])
    other = live.client.conversations.create()
    item = live.client.conversations.items.list(one.id).data[0]
    with pytest.raises(openai.NotFoundError, match=item.id):
        live.client.conversations.items.retrieve(item.id, conversation_id=other.id)


def test_a_response_reads_a_conversation_and_adds_to_it(said):
    client, model = said("Hello Ada.", "Ada.")
    made = client.conversations.create(items=[says("I am Ada.")])
    first = client.responses.create(model="m", input="Good day", conversation=made.id)
    assert first.conversation.id == made.id
    client.responses.create(model="m", input="Who am I?", conversation={"id": made.id})
    assert conversation(model.requests[1]) == [
        ("user", "I am Ada."),
        ("user", "Good day"),
        ("assistant", "Hello Ada."),
        ("user", "Who am I?"),
    ]
    listed = client.conversations.items.list(made.id, order="asc")
    assert texts(listed) == ["I am Ada.", "Good day", "Hello Ada.", "Who am I?", "Ada."]


def test_a_response_goes_on_from_a_conversation_as_it_was(said):
    client, model = said("One.", "Two.", "Three.")
    made = client.conversations.create(items=[says("Zero")])
    first = client.responses.create(model="m", input="First", conversation=made.id)
    client.responses.create(model="m", input="Second", conversation=made.id)
    client.responses.create(model="m", input="Third", previous_response_id=first.id)
    assert conversation(model.requests[2]) == [
        ("user", "Zero"),
        ("user", "First"),
        ("assistant", "One."),
        ("user", "Third"),
    ]


def test_searches_and_functions_live_in_a_conversation(said, search):
    client, _model = said(
        calls(("get_weather", {}), ("file_search", {"queries": ["mug"]})),
        lambda request: f"Thirty days{request.sources[0].marker}.",
    )
    made = client.conversations.create()
    tools = [WEATHER, search]
    asked = client.responses.create(model="m", input="Hi", tools=tools, conversation=made.id)
    done = client.responses.create(
        model="m", input=outputs_for(asked, "sun"), tools=tools, conversation=made.id
    )
    assert done.output[0].content[0].annotations
    listed = client.conversations.items.list(made.id, order="asc")
    assert [item.type for item in listed] == [
        "message",
        "function_call",
        "file_search_call",
        "function_call_output",
        "message",
    ]


def test_results_of_searches_are_shown_where_they_are_asked_for(said, search):
    client, _ = said(searches("mug"), "Found.")
    made = client.conversations.create()
    client.responses.create(model="m", input="Mug?", tools=[search], conversation=made.id)
    items = client.conversations.items
    search = items.list(made.id, include=["file_search_call.results"], order="asc").data[1]
    assert search.results
    assert items.retrieve(search.id, conversation_id=made.id).results is None


def test_a_failed_response_adds_nothing(said):
    client, _ = said(ChatFailed("away"))
    made = client.conversations.create()
    client.responses.create(model="m", input="Hi", conversation=made.id)
    assert client.conversations.items.list(made.id).data == []


def test_a_conversation_and_a_previous_response_exclude_each_other(said):
    client, _ = said("Hello.")
    first = client.responses.create(model="m", input="Hi")
    made = client.conversations.create()
    with pytest.raises(openai.BadRequestError, match="Mutually exclusive"):
        client.responses.create(
            model="m", input="Hi", previous_response_id=first.id, conversation=made.id
        )


def test_a_conversation_that_is_not_there_is_named(said):
    client, _ = said("Never.")
    with pytest.raises(openai.NotFoundError, match="conv_gone"):
        client.responses.create(model="m", input="Hi", conversation="conv_gone")


def test_an_item_that_is_referred_to_is_not_doubled(said):
    client, _model = said("Hello.")
    made = client.conversations.create(items=[says("One")])
    item = client.conversations.items.list(made.id).data[0]
    client.responses.create(
        model="m",
        input=[{"type": "item_reference", "id": item.id}, says("Two")],
        conversation=made.id,
    )
    listed = client.conversations.items.list(made.id, order="asc")
    assert texts(listed) == ["One", "Two", "Hello."]
