"""Responses, through the official client over a socket."""

from __future__ import annotations

import openai
import pytest
from pydantic import BaseModel

from filesearch.errors import ChatFailed, ContextExceeded, RateLimited
from filesearch.messages import ChatReply, Message, NamedTool, Usage
from filesearch.testing import ScriptedChatModel
from tests.server.responses_api import (
    WEATHER,
    calls,
    cites,
    conversation,
    outputs_for,
    search_tool,
    searches,
)


@pytest.fixture
def search(tmp_path, usual_db):
    """A tool that searches two documents."""
    index = tmp_path / "index"
    return search_tool(index, usual_db(index))


@pytest.fixture
def said(serve):
    """Starts a server whose model says these turns; returns its client and the model."""

    def start(*turns, **options):
        model = ScriptedChatModel(turns, **options)
        live = serve(model)
        return live.client.responses, model

    return start


def test_a_text_is_answered_and_the_request_is_echoed_with_its_defaults(said):
    responses, _ = said("Good day to you.")
    made = responses.create(model="gpt-4o", input="Good day", metadata={"a": "b"}, user="me")
    assert (made.output_text, made.status, made.model) == (
        "Good day to you.",
        "completed",
        "gpt-4o",
    )
    assert (made.metadata, made.user, made.store) == ({"a": "b"}, "me", True)
    assert (made.temperature, made.top_p, made.truncation) == (1.0, 1.0, "disabled")
    assert (made.usage.input_tokens, made.usage.output_tokens) == (2, 4)
    assert made.completed_at >= made.created_at


def test_a_search_comes_first_then_the_message_with_citations_and_no_markers(said, search):
    responses, _ = said(searches("returns", "kiln"), cites)
    made = responses.create(model="m", input="Returns, and the kiln?", tools=[search])
    search, message = made.output
    assert (search.type, search.queries, search.results) == (
        "file_search_call",
        ["returns", "kiln"],
        None,
    )
    part = message.content[0]
    assert part.text == "Within 30 days, and it cools."
    first, second = part.annotations
    assert [first.index, second.index] == [
        len("Within 30 days"),
        len("Within 30 days, and it cools"),
    ]
    assert {first.filename, second.filename} == {"mugs.txt", "kiln.txt"}
    assert first.type == "file_citation"


def test_the_searches_of_one_reply_are_one_item(said, search):
    asked = [("file_search", {"queries": queries}) for queries in (["mugs"], ["kiln", "mugs"])]
    responses, _ = said(calls(*asked), cites)
    made = responses.create(
        model="m", input="Both?", tools=[search], include=["file_search_call.results"]
    )
    found, message = made.output
    assert (found.status, found.queries) == ("completed", ["mugs", "kiln"])
    assert sorted(result.filename for result in found.results) == ["kiln.txt", "mugs.txt"]
    assert len(message.content[0].annotations) == 2


def test_searches_of_one_reply_beside_a_function_are_at_hand_afterwards(said, search):
    asked = [("file_search", {"queries": [query]}) for query in ("mugs", "kiln")]
    responses, model = said(calls(asked[0], ("get_weather", {}), asked[1]), cites)
    first = responses.create(model="m", input="Both?", tools=[search, WEATHER])
    assert sorted(item.type for item in first.output) == ["file_search_call", "function_call"]
    done = responses.create(
        model="m",
        input=outputs_for(first, "sun"),
        tools=[search, WEATHER],
        previous_response_id=first.id,
    )
    assert len(done.output[0].content[0].annotations) == 2
    assert len(model.requests[1].sources) == 2


def test_the_model_that_quotes_answers_from_the_documents(search, live):
    made = live.client.responses.create(
        model="gpt-4o", input="When can mugs be returned?", tools=[search]
    )
    assert "30 days" in made.output_text
    assert made.output[1].content[0].annotations[0].filename == "mugs.txt"


def test_a_search_tool_is_echoed_with_its_defaults(said, search):
    responses, _ = said("No need.")
    tool = responses.create(model="m", input="Hi", tools=[search]).tools[0]
    assert (tool.max_num_results, tool.ranking_options.ranker, tool.filters) == (20, "auto", None)


@pytest.mark.parametrize(
    "name", ["file_search_call.results", "output[*].file_search_call.search_results"]
)
def test_results_of_a_search_are_shown_where_they_are_asked_for(said, name, search):
    responses, _ = said(searches("mug"), "Found.")
    made = responses.create(model="m", input="Mug?", tools=[search], include=[name])
    result = next(r for r in made.output[0].results if r.filename == "mugs.txt")
    assert "30 days" in result.text
    assert 0 <= result.score <= 1
    assert result.attributes == {}
    assert responses.retrieve(made.id).output[0].results


def test_results_can_be_asked_for_later(said, search):
    responses, _ = said(searches("mug"), "Found.")
    made = responses.create(model="m", input="Mug?", tools=[search])
    shown = responses.retrieve(made.id, include=["file_search_call.results"])
    assert shown.output[0].results
    assert responses.retrieve(made.id).output[0].results is None


def test_max_num_results_limits_the_passages(said, search):
    responses, model = said(searches("mug", "kiln"), "Found.")
    responses.create(model="m", input="Mug?", tools=[{**search, "max_num_results": 1}])
    assert len(model.requests[1].sources) == 1


def test_two_searches_that_are_alike_are_one(said, search):
    responses, model = said(searches("mug"), "Found.")
    made = responses.create(model="m", input="Mug?", tools=[search, search])
    assert [tool.name for tool in model.requests[0].tools] == ["file_search"]
    assert (len(made.tools), len(made.output)) == (2, 2)


def test_two_searches_that_differ_are_refused(said, search):
    responses, _ = said("Never.")
    other = {**search, "max_num_results": 3}
    with pytest.raises(openai.BadRequestError, match=r"'tools\[1\]' searches otherwise"):
        responses.create(model="m", input="Mug?", tools=[search, other])


def test_filters_leave_files_out(said, search):
    responses, model = said(searches("mug"), "Nothing.")
    filters = {"type": "eq", "key": "year", "value": 2020}
    responses.create(model="m", input="Mug?", tools=[{**search, "filters": filters}])
    assert model.requests[1].sources == ()


def test_a_response_goes_on_from_the_one_before_without_its_instructions(said):
    responses, model = said("I am Ada.", "You asked who I am.")
    first = responses.create(model="m", input="Who are you?", instructions="Be Ada.")
    second = responses.create(model="m", input="What did I ask?", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    assert conversation(model.requests[1]) == [
        ("user", "Who are you?"),
        ("assistant", "I am Ada."),
        ("user", "What did I ask?"),
    ]


def test_an_unknown_previous_response_is_refused_with_its_code(said):
    responses, _ = said("Never.")
    with pytest.raises(openai.BadRequestError) as caught:
        responses.create(model="m", input="Hi", previous_response_id="resp_gone")
    assert caught.value.code == "previous_response_not_found"
    assert "Previous response with id 'resp_gone' not found." in str(caught.value)


def test_a_response_that_is_not_stored_is_not_found_again(said):
    responses, _ = said("Hello.", repeats=True)
    made = responses.create(model="m", input="Hi", store=False)
    with pytest.raises(openai.NotFoundError):
        responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError, match="not found"):
        responses.create(model="m", input="Hi", previous_response_id=made.id)


def test_functions_are_called_in_parallel_and_their_outputs_answered(said):
    responses, model = said(
        calls(("get_weather", {"place": "Rome"}), ("get_weather", {"place": "Oslo"})),
        "Sunny and snowy.",
    )
    asked = responses.create(model="m", input="Weather?", tools=[WEATHER])
    names = [(item.name, item.arguments) for item in asked.output]
    assert names == [("get_weather", '{"place": "Rome"}'), ("get_weather", '{"place": "Oslo"}')]
    done = responses.create(
        model="m",
        input=outputs_for(asked, "sun", "snow"),
        tools=[WEATHER],
        previous_response_id=asked.id,
    )
    assert done.output_text == "Sunny and snowy."
    assert [text for role, text in conversation(model.requests[1]) if role == "tool"] == [
        "sun",
        "snow",
    ]


def test_a_function_may_have_a_name_of_128_characters(said):
    """As handoffs to agents with long names do, which are functions."""
    name = "x" * 128
    responses, model = said(calls((name, {})), "Done.")
    tools = [{**WEATHER, "name": name}]
    asked = responses.create(model="m", input="Hi", tools=tools)
    assert asked.output[0].name == model.requests[0].tools[0].name == name
    items = [asked.output[0].to_dict(), *outputs_for(asked, "sun")]
    assert responses.create(model="m", input=items, tools=tools).output_text == "Done."


def test_call_ids_differ_from_one_response_to_the_next(said):
    responses, _ = said(calls(("get_weather", {})), repeats=True)
    made = [responses.create(model="m", input="Weather?", tools=[WEATHER]) for _ in range(2)]
    assert made[0].output[0].call_id != made[1].output[0].call_id


def test_passages_are_still_at_hand_when_a_function_has_answered(said, search):
    responses, model = said(
        calls(("get_weather", {}), ("file_search", {"queries": ["mug"]})),
        lambda request: f"Thirty days{request.sources[0].marker}.",
    )
    asked = responses.create(model="m", input="Mug?", tools=[WEATHER, search])
    done = responses.create(
        model="m",
        input=outputs_for(asked, "sun"),
        tools=[WEATHER, search],
        previous_response_id=asked.id,
    )
    assert "30 days" in " ".join(text for _, text in conversation(model.requests[1]))
    assert done.output[0].content[0].annotations[0].index == len("Thirty days")


def test_a_call_without_its_output_is_refused(said):
    responses, _ = said(calls(("get_weather", {})))
    asked = responses.create(model="m", input="Weather?", tools=[WEATHER])
    call_id = asked.output[0].call_id
    with pytest.raises(openai.BadRequestError, match=f"No tool output found for .* {call_id}"):
        responses.create(model="m", input="Well?", previous_response_id=asked.id)


def test_an_output_without_its_call_is_refused(said):
    responses, _ = said("Never.")
    item = {"type": "function_call_output", "call_id": "call_x", "output": "sun"}
    with pytest.raises(openai.BadRequestError, match="call_id call_x"):
        responses.create(model="m", input=[item])


def test_a_blank_argument_is_an_empty_object(said):
    from filesearch.messages import ToolCall

    call = ToolCall("c", "get_weather", "")
    responses, _ = said(ChatReply(Message("assistant", tool_calls=(call,)), "tool_calls", Usage()))
    assert responses.create(model="m", input="Hi", tools=[WEATHER]).output[0].arguments == "{}"


def test_an_answer_that_is_cut_is_incomplete(said):
    responses, _ = said(ChatReply(Message("assistant", "It is"), "length", Usage(3, 2)))
    made = responses.create(model="m", input="Hi", max_output_tokens=16)
    assert (made.status, made.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert (made.output_text, made.output[0].status) == ("It is", "incomplete")


@pytest.mark.parametrize(
    ("kind", "code"), [(ChatFailed, "server_error"), (RateLimited, "rate_limit_exceeded")]
)
def test_a_model_that_fails_leaves_a_failed_response(said, kind, code):
    responses, _ = said(kind("the model is away; ask again"))
    made = responses.create(model="m", input="Hi")
    assert (made.status, made.error.code) == ("failed", code)
    assert "the model is away" in made.error.message
    assert responses.retrieve(made.id).status == "failed"


@pytest.mark.parametrize(
    ("failure", "kind", "code"),
    [
        (ChatFailed, "server_error", "server_error"),
        (RateLimited, "requests", "rate_limit_exceeded"),
        (ContextExceeded, "invalid_request_error", "invalid_prompt"),
    ],
)
def test_the_error_of_a_failed_response_has_a_type(said, failure, kind, code):
    """Vercel's AI SDK cannot read a response whose error has none."""
    responses, _ = said(failure("not now"))
    error = responses.create(model="m", input="Hi").to_dict()["error"]
    assert error == {"message": "not now", "type": kind, "param": None, "code": code}


def test_a_call_that_broke_off_need_not_be_answered(said):
    responses, _ = said(calls(("get_weather", {"place": "Rome"})), "Next.", breaks_after=2)
    asked = responses.create(model="m", input="Weather?", tools=[WEATHER])
    assert (asked.status, asked.output[0].status) == ("failed", "incomplete")
    done = responses.create(model="m", input="Well?", previous_response_id=asked.id)
    assert done.status == "completed"


def test_max_tool_calls_ends_searching(said, search):
    responses, model = said(searches("mug"), searches("kiln"), "Found.")
    made = responses.create(model="m", input="Mug?", tools=[search], max_tool_calls=1)
    assert [item.type for item in made.output] == ["file_search_call", "message"]
    assert model.requests[1].tools == ()


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ("none", "none"),
        ("required", "required"),
        ({"type": "file_search"}, NamedTool("file_search")),
        ({"type": "function", "name": "get_weather"}, NamedTool("get_weather")),
    ],
)
def test_the_choice_of_tools_reaches_the_model(said, given, choice, search):
    responses, model = said("Done.")
    made = responses.create(model="m", input="Hi", tools=[search, WEATHER], tool_choice=given)
    assert model.requests[0].tool_choice == choice
    assert made.to_dict()["tool_choice"] == given


def test_only_allowed_tools_are_offered(said, search):
    responses, model = said("Done.")
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "file_search"}]}
    responses.create(model="m", input="Hi", tools=[search, WEATHER], tool_choice=allowed)
    assert [tool.name for tool in model.requests[0].tools] == ["file_search"]


def test_a_choice_of_a_tool_that_is_not_given_is_refused(said):
    responses, _ = said("Never.")
    with pytest.raises(openai.BadRequestError, match="'get_weather' not found in 'tools'"):
        responses.create(
            model="m", input="Hi", tool_choice={"type": "function", "name": "get_weather"}
        )


def test_a_tool_that_is_not_there_is_named(said):
    responses, _ = said("Never.")
    with pytest.raises(openai.BadRequestError, match="'web_search'") as caught:
        responses.create(model="m", input="Hi", tools=[{"type": "web_search"}])
    assert caught.value.param == "tools[0].type"


def test_the_code_interpreter_is_taken_and_not_offered(said):
    responses, model = said("Four.")
    tool = {"type": "code_interpreter", "container": {"type": "auto"}}
    made = responses.create(model="m", input="2 + 2?", tools=[tool])
    assert (made.output_text, made.tools[0].type) == ("Four.", "code_interpreter")
    assert model.requests[0].tools == ()


def test_a_schema_reaches_the_model_in_the_words_of_chat(said):
    responses, model = said('{"city": "Paris"}')
    shape = {"type": "json_schema", "name": "place", "schema": {"type": "object"}, "strict": True}
    made = responses.create(model="m", input="Where?", text={"format": shape})
    inner = {"name": "place", "schema": {"type": "object"}, "strict": True}
    assert model.requests[0].response_format == {"type": "json_schema", "json_schema": inner}
    assert made.text.format.name == "place"


def test_an_array_in_structured_output_is_no_citation(said, search):
    class Returns(BaseModel):
        days: list[int]
        why: str

    responses, _ = said(searches("mug"), '{"days": [1], "why": "[2] and (1)【2:0†source】"}')
    made = responses.parse(model="m", input="Mug?", tools=[search], text_format=Returns)
    assert made.output_parsed == Returns(days=[1], why="[2] and (1)")
    assert made.output[1].content[0].annotations[0].type == "file_citation"


def test_sampling_is_left_to_the_model_where_nothing_is_said(said):
    responses, model = said("A.", "B.")
    responses.create(model="m", input="Hi")
    responses.create(model="m", input="Hi", temperature=0, top_p=0.5)
    asked = [(r.temperature, r.top_p) for r in model.requests]
    assert asked == [(None, None), (0.0, 0.5)]


def test_a_deleted_response_is_gone(said):
    responses, _ = said("Hello.")
    made = responses.create(model="m", input="Hi")
    responses.delete(made.id)
    with pytest.raises(openai.NotFoundError, match=made.id):
        responses.retrieve(made.id)


def test_a_store_that_is_not_there_is_named(said):
    responses, _ = said("Never.")
    tool = {"type": "file_search", "vector_store_ids": ["vs_gone"]}
    with pytest.raises(openai.NotFoundError, match="vs_gone"):
        responses.create(model="m", input="Hi", tools=[tool])
