"""`/assistants` through the official client, over a real socket."""

from __future__ import annotations

import openai
import pytest

from filesearch.server.assistants import create_assistant, find_assistant
from filesearch.server.context import Caller
from filesearch.server.errors import ApiError
from filesearch.server.wire.assistants import CreateAssistant

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": ["string", "null"], "default": None}},
}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}


def test_an_assistant_comes_back_as_it_was_made(live):
    made = live.client.beta.assistants.create(
        model="gpt-4o",
        name="Librarian",
        description="Knows the shelves",
        instructions="Answer from the shelves.",
        tools=[{"type": "code_interpreter"}, WEATHER],
        metadata={"team": "a"},
        temperature=0.2,
        top_p=0.5,
        response_format={"type": "json_object"},
        reasoning_effort="low",
    )
    assert made.id.startswith("asst_")
    assert made.model_dump(exclude={"id", "created_at"}, exclude_unset=True) == {
        "object": "assistant",
        "name": "Librarian",
        "description": "Knows the shelves",
        "model": "gpt-4o",
        "instructions": "Answer from the shelves.",
        "tools": [{"type": "code_interpreter"}, WEATHER],
        "tool_resources": {"code_interpreter": {"file_ids": []}},
        "metadata": {"team": "a"},
        "temperature": 0.2,
        "top_p": 0.5,
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
    }
    assert live.client.beta.assistants.retrieve(made.id) == made


def test_what_a_request_leaves_out_has_the_documented_default(live):
    made = live.client.beta.assistants.create(model="any-name/at:all")
    assert made.model == "any-name/at:all"
    assert (made.name, made.description, made.instructions) == (None, None, None)
    assert (made.tools, made.metadata, made.response_format) == ([], {}, "auto")
    assert (made.temperature, made.top_p) == (1.0, 1.0)
    assert made.tool_resources.to_dict() == {}


def test_a_bare_file_search_tool_is_shown_with_its_ranking_options(live):
    made = live.client.beta.assistants.create(model="m", tools=[{"type": "file_search"}])
    assert made.tools[0].to_dict() == {
        "type": "file_search",
        "file_search": {
            "ranking_options": {"ranker": "default_2024_08_21", "score_threshold": 0.0}
        },
    }
    assert made.tool_resources.file_search.vector_store_ids == []


def test_settings_of_file_search_are_kept(live):
    settings = {
        "max_num_results": 3,
        "ranking_options": {"ranker": "auto", "score_threshold": 0.4},
    }
    tool = {"type": "file_search", "file_search": settings}
    made = live.client.beta.assistants.create(model="m", tools=[tool])
    assert made.tools[0].to_dict() == tool


def test_a_schema_for_answers_is_kept(live):
    response_format = {
        "type": "json_schema",
        "json_schema": {"name": "shelf", "schema": {"type": "object"}, "strict": True},
    }
    made = live.client.beta.assistants.create(model="m", response_format=response_format)
    assert made.response_format.to_dict() == response_format


def test_a_change_keeps_what_it_does_not_name(live):
    made = live.client.beta.assistants.create(
        model="m", name="Before", instructions="Be brief.", tools=[WEATHER], metadata={"a": "1"}
    )
    changed = live.client.beta.assistants.update(made.id, name="After", metadata={"b": "2"})
    assert changed.name == "After"
    assert changed.metadata == {"b": "2"}
    assert changed.to_dict(exclude_unset=True) | {"name": "Before", "metadata": {"a": "1"}} == (
        made.to_dict(exclude_unset=True)
    )
    assert live.client.beta.assistants.retrieve(made.id) == changed


def test_null_sets_a_field_back_to_its_default(live):
    made = live.client.beta.assistants.create(
        model="m", name="N", temperature=0.1, response_format={"type": "text"}, metadata={"a": "1"}
    )
    changed = live.client.beta.assistants.update(
        made.id, name=None, temperature=None, response_format=None, metadata=None
    )
    assert (changed.name, changed.temperature, changed.response_format, changed.metadata) == (
        None,
        1.0,
        "auto",
        {},
    )


def test_resources_are_replaced_tool_by_tool(live):
    store = live.client.vector_stores.create()
    file = live.client.files.create(file=("a.csv", b"a,b"), purpose="assistants")
    made = live.client.beta.assistants.create(
        model="m",
        tool_resources={
            "code_interpreter": {"file_ids": [file.id]},
            "file_search": {"vector_store_ids": [store.id]},
        },
    )
    changed = live.client.beta.assistants.update(
        made.id, tool_resources={"file_search": {"vector_store_ids": []}}
    )
    assert changed.tool_resources.code_interpreter.file_ids == [file.id]
    assert changed.tool_resources.file_search.vector_store_ids == []


def test_a_store_can_be_made_with_the_assistant(live):
    file = live.client.files.create(file=("a.txt", b"Mugs may be returned."), purpose="assistants")
    made = live.client.beta.assistants.create(
        model="m",
        tools=[{"type": "file_search"}],
        tool_resources={
            "file_search": {
                "vector_stores": [
                    {
                        "file_ids": [file.id],
                        "chunking_strategy": {
                            "type": "static",
                            "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50},
                        },
                        "metadata": {"a": "1"},
                    }
                ]
            }
        },
    )
    (store_id,) = made.tool_resources.file_search.vector_store_ids
    store = live.client.vector_stores.retrieve(store_id)
    assert (store.metadata, store.expires_after) == ({"a": "1"}, None)
    (held,) = live.client.vector_stores.files.list(store_id)
    assert held.id == file.id
    assert held.chunking_strategy.static.max_chunk_size_tokens == 200


def test_a_store_that_was_deleted_stays_named(live):
    store = live.client.vector_stores.create()
    resources = {"file_search": {"vector_store_ids": [store.id]}}
    made = live.client.beta.assistants.create(model="m", tool_resources=resources)
    live.client.vector_stores.delete(store.id)
    changed = live.client.beta.assistants.update(made.id, tool_resources=resources)
    assert changed.tool_resources.file_search.vector_store_ids == [store.id]


def test_with_isolation_a_key_sees_its_own_assistants_only(live):
    mine, other = (Caller(owner=name, scope=name) for name in ("key_a", "key_b"))
    made = create_assistant(live.server, mine, CreateAssistant(model="m"))
    assert find_assistant(live.server.objects, made.id, mine) == made
    with pytest.raises(ApiError, match=made.id):
        find_assistant(live.server.objects, made.id, other)


def test_assistants_are_listed_newest_first(live):
    ids = [live.client.beta.assistants.create(model="m").id for _ in range(3)]
    page = live.client.beta.assistants.list(limit=2)
    assert [assistant.id for assistant in page.data] == ids[:0:-1]
    assert page.has_more
    assert [a.id for a in live.client.beta.assistants.list(order="asc", after=ids[0])] == ids[1:]
    assert [a.id for a in live.client.beta.assistants.list(before=ids[1]).data] == [ids[2]]


def test_deleting_while_listing_deletes_all(live):
    for _ in range(45):
        live.client.beta.assistants.create(model="m")
    for assistant in live.client.beta.assistants.list():
        live.client.beta.assistants.delete(assistant.id)
    assert live.client.beta.assistants.list().data == []


def test_a_deleted_assistant_is_gone(live):
    made = live.client.beta.assistants.create(model="m")
    gone = live.client.beta.assistants.delete(made.id)
    assert gone.to_dict() == {"id": made.id, "object": "assistant.deleted", "deleted": True}
    for call in (live.client.beta.assistants.retrieve, live.client.beta.assistants.delete):
        with pytest.raises(openai.NotFoundError) as caught:
            call(made.id)
        assert caught.value.body["message"] == f"No assistant found with id '{made.id}'."
