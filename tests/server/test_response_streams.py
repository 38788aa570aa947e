"""Streams of responses, through the official client over a socket."""

from __future__ import annotations

import threading

import httpx
import openai
import pytest

from filesearch.errors import ChatFailed
from filesearch.messages import ChatDelta, ChatReply, Message, ToolCallDelta, Usage
from filesearch.testing import ScriptedChatModel
from tests.server.responses_api import (
    WEATHER,
    calls,
    cites,
    outputs_for,
    search_tool,
    searches,
    wait_for,
)

MESSAGE = [
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
]


@pytest.fixture
def search(tmp_path, usual_db):
    """A tool that searches two documents."""
    index = tmp_path / "index"
    return search_tool(index, usual_db(index))


@pytest.fixture
def said(serve):
    """Starts a server whose model says these turns."""

    def start(*turns, **options):
        return serve(ScriptedChatModel(turns, **options))

    return start


def types(events):
    """The types of events in order, neighbours of one type as one."""
    kept = []
    for event in events:
        if not kept or kept[-1] != event.type:
            kept.append(event.type)
    return kept


def test_a_text_streams_in_the_order_of_the_contract(said):
    live = said("Hello there.")
    events = list(live.client.responses.create(model="m", input="Hi", stream=True))
    begin = ["response.created", "response.in_progress"]
    assert types(events) == [*begin, *MESSAGE, "response.completed"]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) > 1
    assert "".join(deltas) == events[-1].response.output_text == "Hello there."


def test_a_search_streams_before_the_message_and_citations_between_its_pieces(said, search):
    live = said(searches("returns", "kiln"), cites)
    events = list(
        live.client.responses.create(model="m", input="Returns?", tools=[search], stream=True)
    )
    assert types(events)[2:10] == [
        "response.output_item.added",
        "response.file_search_call.in_progress",
        "response.file_search_call.searching",
        "response.file_search_call.completed",
        "response.output_item.done",
        *MESSAGE[:3],
    ]
    added, done = (
        e.item for e in events if e.type.startswith("response.output_item") and e.output_index == 0
    )
    assert (added.queries, added.status, done.queries) == ([], "in_progress", ["returns", "kiln"])
    written, places = "", []
    for event in events:
        if event.type == "response.output_text.delta":
            written += event.delta
        if event.type == "response.output_text.annotation.added":
            places.append((event.annotation_index, event.annotation.index, len(written)))
    assert places == [(0, 14, 14), (1, 28, 28)]


def test_the_searches_of_one_reply_stream_as_one_item(said, search):
    asked = [("file_search", {"queries": [query]}) for query in ("mugs", "kiln")]
    live = said(calls(*asked), cites)
    with live.client.responses.stream(model="m", input="Both?", tools=[search]) as stream:
        events = list(stream)
    assert types(events)[2:7] == [
        "response.output_item.added",
        "response.file_search_call.in_progress",
        "response.file_search_call.searching",
        "response.file_search_call.completed",
        "response.output_item.done",
    ]
    assert events[6].item.queries == ["mugs", "kiln"]
    assert [item.type for item in events[-1].response.output] == ["file_search_call", "message"]


def test_functions_stream_their_arguments(said):
    live = said(calls(("get_weather", {"place": "Rome"}), ("get_weather", {"place": "Oslo"})))
    events = list(live.client.responses.create(model="m", input="Hi", tools=[WEATHER], stream=True))
    done = [e for e in events if e.type == "response.function_call_arguments.done"]
    assert [(e.name, e.arguments, e.output_index) for e in done] == [
        ("get_weather", '{"place": "Rome"}', 0),
        ("get_weather", '{"place": "Oslo"}', 1),
    ]
    for end in done:
        pieces = [
            e.delta
            for e in events
            if e.type == "response.function_call_arguments.delta" and e.item_id == end.item_id
        ]
        assert "".join(pieces) == end.arguments


def check_one_after_the_other(events):
    """See that each item is done before the next is added, and nothing comes in between."""
    at = -1
    for event in events:
        if event.type == "response.output_item.added":
            assert event.output_index == at + 1
        index = getattr(event, "output_index", at)
        at = max(at, index)
        assert index == at
    done = [e.output_index for e in events if e.type == "response.output_item.done"]
    assert done == list(range(at + 1))


def test_an_item_is_done_before_the_next_begins(said):
    made = [("get_weather", {"place": place}) for place in ("Rome", "Oslo")]
    live = said(calls(*made, text="I look."))
    events = list(live.client.responses.create(model="m", input="Hi", tools=[WEATHER], stream=True))
    check_one_after_the_other(events)
    call = [
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
    ]
    assert types(events)[2:] == [*MESSAGE, *call, *call, "response.completed"]


class Written:
    """A ChatModel that writes one reply as it is told to, then another text.

    A piece is a text, or (number of the call, its name, arguments).
    """

    name, calls_tools = "written", True

    def __init__(self, *pieces, finish="tool_calls"):
        self.pieces, self.finish, self.requests = pieces, finish, []

    def stream(self, request):
        self.requests.append(request)
        if len(self.requests) > 1:
            yield ChatDelta(text="Done.", finish_reason="stop")
            return
        for piece in self.pieces:
            if isinstance(piece, str):
                yield ChatDelta(text=piece)
            else:
                number, name, arguments = piece
                call = ToolCallDelta(number, id=f"c{number}" * bool(name), name=name)
                yield ChatDelta(tool_calls=(call,))
                yield ChatDelta(tool_calls=(ToolCallDelta(number, arguments=arguments),))
        yield ChatDelta(finish_reason=self.finish)


def streamed(live, **options):
    asked = {"model": "m", "input": "Hi", "tools": [WEATHER], "stream": True} | options
    events = list(live.client.responses.create(**asked))
    check_one_after_the_other(events)
    return events


def test_calls_that_are_written_at_once_are_told_one_after_the_other(serve):
    live = serve(
        Written(
            (0, "get_weather", '{"place": '),
            (1, "get_weather", '{"place": "Os'),
            (2, "get_weather", ""),
            (3, "no_such_tool", "{}"),
            (0, "", '"Rome"}'),
            (1, "", 'lo"}'),
            (0, "", " "),
        )
    )
    final = streamed(live)[-1].response
    assert [item.arguments for item in final.output] == [
        '{"place": "Rome"}',
        '{"place": "Oslo"}',
        "{}",
    ]
    assert {item.status for item in final.output} == {"completed"}


def test_a_whole_call_is_told_before_the_next_is_whole(serve):
    going_on = threading.Event()

    def pieces():
        yield (0, "get_weather", '{"place": "Rome"}')
        yield (1, "get_weather", '{"place": ')
        assert going_on.wait(30)
        yield (1, "", '"Oslo"}')

    model = Written()
    model.pieces = pieces()
    asked = {"model": "m", "input": "Hi", "tools": [WEATHER], "stream": True}
    stream = iter(serve(model).client.responses.create(**asked))
    seen = [next(stream)]
    while getattr(seen[-1], "delta", "") != '{"place": ':
        seen.append(next(stream))
    going_on.set()
    assert [e.type for e in seen].count("response.output_item.done") == 1
    check_one_after_the_other([*seen, *stream])


def test_text_behind_a_call_is_a_message_of_its_own(serve):
    model = Written(
        "Just [",
        (0, "get_weather", '{"place": "Rome"}'),
        "\n",
        (1, "get_weather", '{"place": "Oslo"}'),
        "\nOr do I",
        " know?",
    )
    live = serve(model)
    final = streamed(live)[-1].response
    shown = [item.content[0].text if item.type == "message" else item.type for item in final.output]
    assert shown == ["Just [", "function_call", "function_call", "\nOr do I know?"]
    live.client.responses.create(
        model="m",
        input=outputs_for(final, "sun", "snow"),
        tools=[WEATHER],
        previous_response_id=final.id,
    )
    _, said, *answered = model.requests[1].messages
    assert (said.content, len(said.tool_calls)) == ("Just [\n\n\nOr do I know?", 2)
    assert [message.role for message in answered] == ["tool", "tool"]


def test_a_citation_behind_a_call_counts_from_its_own_message(serve, search):
    class Cites(Written):
        def stream(self, request):
            if not self.requests:
                self.requests.append(request)
                queries = ToolCallDelta(
                    0, id="s", name="file_search", arguments='{"queries":["mugs"]}'
                )
                yield ChatDelta(tool_calls=(queries,), finish_reason="tool_calls")
                return
            yield ChatDelta(text="I look.")
            call = ToolCallDelta(0, id="c", name="get_weather", arguments='{"place": "Rome"}')
            yield ChatDelta(tool_calls=(call,))
            yield ChatDelta(text=f"\nWithin 30 days{request.sources[0].marker}.")
            yield ChatDelta(finish_reason="tool_calls")

    final = streamed(serve(Cites()), tools=[search, WEATHER])[-1].response
    (note,) = final.output[-1].content[0].annotations
    assert note.index == len("\nWithin 30 days")


def test_calls_of_a_reply_that_is_cut_need_not_be_answered(serve):
    model = Written(
        (0, "get_weather", '{"place": "Rome"}'),
        (1, "get_weather", '{"place"'),
        finish="length",
    )
    live = serve(model)
    final = streamed(live)[-1].response
    assert {item.status for item in final.output} == {"incomplete"}
    done = live.client.responses.create(model="m", input="Well?", previous_response_id=final.id)
    assert done.output_text == "Done."


def test_the_strict_helper_of_the_client_takes_every_turn(said, search):
    live = said(
        calls(("get_weather", {"place": "Rome"}), text="I look."), searches("mug", "kiln"), cites
    )
    with live.client.responses.stream(model="m", input="Hi", tools=[WEATHER, search]) as stream:
        asked = stream.get_final_response()
    assert [item.type for item in asked.output] == ["message", "function_call"]
    with live.client.responses.stream(
        model="m",
        input=outputs_for(asked, "sun"),
        tools=[WEATHER, search],
        previous_response_id=asked.id,
    ) as stream:
        done = stream.get_final_response()
    assert [item.type for item in done.output] == ["file_search_call", "message"]


def test_what_is_streamed_is_what_is_stored(said, search):
    live = said(searches("mug", "kiln"), cites)
    events = list(
        live.client.responses.create(
            model="m",
            input="Hi",
            tools=[search],
            include=["file_search_call.results"],
            stream=True,
        )
    )
    final = events[-1].response
    assert final.output[0].results
    assert live.client.responses.retrieve(final.id).to_dict() == final.to_dict()


def test_a_cut_answer_ends_incomplete(said):
    live = said(ChatReply(Message("assistant", "It is"), "length", Usage(3, 2)))
    events = list(live.client.responses.create(model="m", input="Hi", stream=True))
    assert types(events)[-2:] == ["response.output_item.done", "response.incomplete"]
    assert events[-2].item.status == "incomplete"


def test_a_failure_is_an_error_and_then_the_failed_response(said):
    live = said(ChatFailed("the model is away; ask again"))
    stream = live.client.responses.create(model="m", input="Hi", stream=True)
    with pytest.raises(openai.APIError, match="the model is away"):
        list(stream)
    lines = raw_events(live, {"model": "m", "input": "Hi", "stream": True})
    assert lines[-2:] == ["event: error", "event: response.failed"]


def raw_events(live, body):
    with httpx.stream("POST", f"{live.base_url}/responses", json=body, timeout=20) as answer:
        return [line for line in answer.iter_lines() if line.startswith("event:")]


def test_a_model_that_breaks_off_ends_what_it_began(said):
    live = said("Hello there, all of you.", breaks_after=2)
    lines = raw_events(live, {"model": "m", "input": "Hi", "stream": True})
    assert lines[-3:] == [
        "event: response.output_item.done",
        "event: error",
        "event: response.failed",
    ]


def test_a_response_that_is_not_stored_streams_as_well(said):
    live = said("Hello there.")
    stream = live.client.responses.create(model="m", input="Hi", stream=True, store=False)
    events = list(stream)
    assert types(events)[-1] == "response.completed"
    assert live.server.events.read(events[0].response.id) == []


def test_a_stream_in_the_background_is_queued_first_and_can_be_taken_up_again(said):
    live = said("Hello there.")
    stream = live.client.responses.create(model="m", input="Hi", background=True, stream=True)
    events = list(stream)
    assert types(events)[:3] == ["response.created", "response.queued", "response.in_progress"]
    response_id = events[0].response.id
    again = list(live.client.responses.retrieve(response_id, stream=True, starting_after=4))
    assert [e.to_dict() for e in again] == [e.to_dict() for e in events[5:]]
    beyond = live.client.responses.retrieve(response_id, stream=True, starting_after=1000)
    assert list(beyond) == []


def test_a_stream_is_followed_while_it_is_made(said):
    going_on = threading.Event()
    live = said(lambda _request: going_on.wait(60) and "Hello.")
    made = live.client.responses.create(model="m", input="Hi", background=True)
    stream = live.client.responses.retrieve(made.id, stream=True)
    first = next(iter(stream))
    going_on.set()
    assert first.type == "response.created"
    assert [event.type for event in stream][-1] == "response.completed"


def test_a_cancelled_response_ends_its_stream(said):
    going_on = threading.Event()
    live = said(lambda _request: going_on.wait(60) and "Late.")
    made = live.client.responses.create(model="m", input="Hi", background=True, stream=True)
    first = next(iter(made))
    live.client.responses.cancel(first.response.id)
    kinds = [event.type for event in made]
    going_on.set()
    assert "response.completed" not in kinds


def test_a_client_that_leaves_does_not_end_a_stored_response(said):
    going_on = threading.Event()
    live = said(lambda _request: going_on.wait(60) and "Hello.")
    stream = live.client.responses.create(model="m", input="Hi", stream=True)
    response_id = next(iter(stream)).response.id
    stream.close()
    going_on.set()
    wait_for(lambda: live.client.responses.retrieve(response_id).status == "completed")


class Endless:
    """A ChatModel that goes on until it is closed."""

    name, calls_tools = "endless", True

    def __init__(self):
        self.closed = threading.Event()

    def stream(self, _request):
        try:
            while True:
                yield ChatDelta(text="Hello there. ")
        finally:
            self.closed.set()


def test_a_client_that_leaves_ends_one_that_is_not_stored(serve):
    model = Endless()
    live = serve(model)
    stream = live.client.responses.create(model="m", input="Hi", stream=True, store=False)
    next(iter(stream))
    stream.close()
    assert model.closed.wait(30)
    wait_for(lambda: not live.server.responses.jobs())


def test_one_that_was_not_streamed_cannot_be_followed(said):
    live = said("Hello.")
    made = live.client.responses.create(model="m", input="Hi")
    with pytest.raises(openai.BadRequestError, match="cannot be streamed"):
        live.client.responses.retrieve(made.id, stream=True)


def test_lengths_are_hidden_where_it_is_asked_for(said):
    live = said("Hello there.")
    stream = live.client.responses.create(
        model="m", input="Hi", stream=True, stream_options={"include_obfuscation": True}
    )
    deltas = [event for event in stream if event.type == "response.output_text.delta"]
    assert all(event.to_dict()["obfuscation"] for event in deltas)
