"""What responses are given: items, files, references, and what stands before."""

from __future__ import annotations

import base64
import time

import openai
import pytest

from filesearch.testing import ScriptedChatModel
from tests.server.responses_api import (
    WEATHER,
    calls,
    conversation,
    outputs_for,
    search_tool,
)


@pytest.fixture
def said(serve):
    """Starts a server whose model says these turns; returns its client and the model."""

    def start(*turns, **options):
        model = ScriptedChatModel(turns, **options)
        return serve(model).client.responses, model

    return start


def test_a_client_may_keep_the_conversation_itself(said):
    responses, model = said(calls(("get_weather", {"place": "Rome"})), "Sunny.")
    items = [{"role": "user", "content": "Weather?"}]
    asked = responses.create(model="m", input=items, tools=[WEATHER], store=False)
    items += [item.to_dict() for item in asked.output] + outputs_for(asked, "sun")
    done = responses.create(model="m", input=items, tools=[WEATHER], store=False)
    assert done.output_text == "Sunny."
    assert [role for role, _ in conversation(model.requests[1])] == ["user", "assistant", "tool"]


def test_a_file_in_a_message_is_read_to_the_model(said):
    data = base64.b64encode(b"The kiln reaches 1,260 degrees.").decode()
    parts = [
        {
            "type": "input_file",
            "filename": "kiln.txt",
            "file_data": f"data:text/plain;base64,{data}",
        },
        {"type": "input_text", "text": "How hot?"},
    ]
    responses, model = said("1,260 degrees.")
    made = responses.create(model="m", input=[{"role": "user", "content": parts}])
    assert conversation(model.requests[0]) == [
        ("user", "File 'kiln.txt':\n\nThe kiln reaches 1,260 degrees."),
        ("user", "How hot?"),
    ]
    shown = responses.input_items.list(made.id).data[0].content[0].to_dict()
    assert shown == {"type": "input_file", "filename": "kiln.txt"}


def test_an_uploaded_file_in_a_message_is_read_to_the_model(serve):
    model = ScriptedChatModel(["Yes."])
    client = serve(model).client
    file = client.files.create(file=("kiln.txt", b"The kiln is hot."), purpose="user_data")
    content = [{"type": "input_file", "file_id": file.id}]
    client.responses.create(model="m", input=[{"role": "user", "content": content}])
    assert "The kiln is hot." in conversation(model.requests[0])[0][1]


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"file_id": "file-gone"}, "No such File object: file-gone"),
        ({"file_url": "http://example.com/a.pdf"}, "nothing is fetched"),
        ({"file_data": "%%%"}, "not base64"),
        ({"filename": "a.txt", "file_data": ""}, "a.txt"),
        ({}, "give 'file_id' or 'file_data'"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(said, part, says):
    responses, _ = said("Never.")
    content = [{"type": "input_file", **part}]
    with pytest.raises(openai.APIStatusError, match=says) as caught:
        responses.create(model="m", input=[{"role": "user", "content": content}])
    assert caught.value.status_code in (400, 404)


def test_an_item_can_be_given_by_its_id(said):
    responses, model = said("I am Ada.", "Again: Ada.")
    first = responses.create(model="m", input="Who are you?")
    reference = {"type": "item_reference", "id": first.output[0].id}
    responses.create(model="m", input=[reference, {"role": "user", "content": "Again?"}])
    assert conversation(model.requests[1]) == [("assistant", "I am Ada."), ("user", "Again?")]


def test_an_item_that_was_given_can_be_given_again_by_its_id(said):
    responses, model = said("Ada.", "Again: Ada.", "Still Ada.")
    first = responses.create(model="m", input="Who are you?")
    reference = {"type": "item_reference", "id": responses.input_items.list(first.id).data[0].id}
    for _ in range(2):
        responses.create(model="m", input=[reference])
    assert conversation(model.requests[2]) == [("user", "Who are you?")]


def test_input_items_are_listed_in_pages(said):
    responses, _ = said("Yes.")
    items = [{"role": "user", "content": text} for text in ("One", "Two", "Three")]
    made = responses.create(model="m", input=items)
    found = list(responses.input_items.list(made.id, limit=2, order="asc"))
    assert [item.content[0].text for item in found] == ["One", "Two", "Three"]
    newest = responses.input_items.list(made.id, limit=1)
    assert (newest.data[0].content[0].text, newest.has_more) == ("Three", True)


def test_input_tokens_are_counted_with_what_stands_before(said):
    responses, _ = said("A long answer of several words.")
    alone = responses.input_tokens.count(model="m", input="And now?").input_tokens
    first = responses.create(model="m", input="Tell me.")
    chained = responses.input_tokens.count(
        model="m", input="And now?", previous_response_id=first.id, tools=[WEATHER]
    )
    assert 0 < alone < chained.input_tokens


def test_a_request_without_input_says_what_is_missing(said):
    responses, _ = said("Never.")
    with pytest.raises(openai.BadRequestError, match="must be provided"):
        responses.create(model="m")


def test_what_was_answered_can_be_given_back(live):
    """As programs do that keep the conversation themselves: input += response.output."""
    search = {"type": "file_search_call", "id": "fs_a", "status": "completed", "queries": ["mug"]}
    thought = {
        "type": "reasoning",
        "id": "rs_a",
        "summary": [{"type": "summary_text", "text": "Hm."}],
    }
    made = live.client.conversations.create(items=[search, thought])
    items = live.client.conversations.items.list(made.id, order="asc").data
    assert items[0].queries == ["mug"]
    assert items[1].summary[0].text == "Hm."


HOSTED = [
    {"type": "web_search_call", "action": {"type": "search", "query": "q", "sources": []}},
    {"type": "web_search_call", "status": "failed"},
    {"type": "code_interpreter_call", "code": "1", "container_id": "c", "outputs": None},
    {"type": "image_generation_call", "result": None, "status": "completed"},
    {"type": "mcp_list_tools", "server_label": "s", "tools": [{"name": "t", "input_schema": {}}]},
    {"type": "mcp_approval_request", "server_label": "s", "name": "t", "arguments": "{}"},
    {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
    {"type": "mcp_call", "server_label": "s", "name": "t", "arguments": "{}", "output": "out"},
    {"type": "custom_tool_call", "call_id": "c1", "name": "t", "input": "in"},
    {"type": "custom_tool_call_output", "call_id": "c1", "output": "out"},
    {
        "type": "computer_call",
        "call_id": "c2",
        "action": {"type": "screenshot"},
        "pending_safety_checks": [],
        "status": "completed",
    },
    {
        "type": "computer_call_output",
        "call_id": "c2",
        "output": {"type": "computer_screenshot", "image_url": "https://example.com/a.png"},
    },
    {
        "type": "local_shell_call",
        "call_id": "c3",
        "action": {"type": "exec", "command": ["ls"], "env": {}},
        "status": "completed",
    },
    {"type": "local_shell_call_output", "call_id": "c3", "output": "out"},
    {
        "type": "shell_call",
        "call_id": "c4",
        "action": {"commands": ["ls"], "timeout_ms": None, "max_output_length": None},
    },
    {
        "type": "shell_call_output",
        "call_id": "c4",
        "output": [{"stdout": "", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
    },
    {
        "type": "apply_patch_call",
        "call_id": "c5",
        "status": "completed",
        "operation": {"type": "delete_file", "path": "a.txt"},
    },
    {"type": "apply_patch_call_output", "call_id": "c5", "status": "completed"},
]


def test_what_tools_of_another_service_did_is_kept_and_not_read(said):
    responses, model = said("Fine.")
    given = [{"role": "user", "content": "Hi"}, *HOSTED, {"role": "assistant", "content": "Yes?"}]
    made = responses.create(model="m", input=[*given, {"role": "user", "content": "So?"}])
    assert conversation(model.requests[0]) == [
        ("user", "Hi"),
        ("assistant", "Yes?"),
        ("user", "So?"),
    ]
    listed = responses.input_items.list(made.id, order="asc", limit=100).data
    for item, shown in zip(HOSTED, listed[1:], strict=False):
        assert item.items() <= shown.to_dict().items()


def test_items_of_another_service_keep_their_ids_and_are_referred_to(said):
    responses, model = said("Fine.", repeats=True)
    search = {"type": "web_search_call", "id": "ws_" + 48 * "a", "action": {"type": "open_page"}}
    responses.create(model="m", input=[search, {"role": "user", "content": "Hi"}])
    reference = {"type": "item_reference", "id": search["id"]}
    made = responses.create(model="m", input=[reference, {"role": "user", "content": "Hi"}])
    assert responses.input_items.list(made.id, order="asc").data[0].id == search["id"]
    assert conversation(model.requests[1]) == [("user", "Hi")]


def test_items_of_another_service_live_in_a_conversation(live):
    made = live.client.conversations.create(items=HOSTED)
    items = live.client.conversations.items.list(made.id, order="asc", limit=100).data
    assert [item.type for item in items] == [item["type"] for item in HOSTED]


def test_an_item_that_lacks_what_it_must_hold_is_refused(said):
    responses, _ = said("Never.")
    item = {"type": "mcp_call", "id": "mcp_1", "name": "t", "arguments": "{}"}
    with pytest.raises(openai.BadRequestError, match=r"input\[0\].server_label"):
        responses.create(model="m", input=[item])


# A turn that searched and waits for a function, its items given back whole

NOTHING = "No passage was found"
SEARCHES_AND_CALLS = calls(("file_search", {"queries": ["mug"]}), ("get_weather", {}))
SHOWS_RESULTS = ["file_search_call.results"]


@pytest.fixture
def search(tmp_path, usual_db):
    """A tool that searches two documents."""
    index = tmp_path / "index"
    return search_tool(index, usual_db(index))


def cites_mugs(request):
    """A reply that cites the passage about mugs."""
    source = next(source for source in request.sources if "Mugs" in source.result.text)
    return f"Within 30 days{source.marker}."


def given_back(asked, *, question="Mug?"):
    """Items of a turn as programs give them that keep it themselves, and the function's output."""
    made = [item.to_dict() for item in asked.output]
    return [{"role": "user", "content": question}, *made, *outputs_for(asked, "sun")]


def read_by(request):
    """What a request gives to read, as one text."""
    return "\n".join(text for _, text in conversation(request))


@pytest.mark.parametrize(
    "options",
    [{}, {"include": SHOWS_RESULTS}, {"include": SHOWS_RESULTS, "store": False}],
)
def test_passages_of_a_search_that_is_given_back_are_at_hand(said, search, options):
    responses, model = said(SEARCHES_AND_CALLS, cites_mugs)
    asked = responses.create(model="m", input="Mug?", tools=[search, WEATHER], **options)
    done = responses.create(model="m", input=given_back(asked), tools=[search, WEATHER])
    assert "within 30 days of purchase" in read_by(model.requests[1])
    (note,) = done.output[0].content[0].annotations
    assert (note.filename, note.index) == ("mugs.txt", len("Within 30 days"))
    files = {s.result.filename: s.result.file_id for s in model.requests[1].sources}
    assert note.file_id == files["mugs.txt"]


def test_what_a_search_found_is_not_denied_where_nobody_tells_it(said, search):
    responses, model = said(SEARCHES_AND_CALLS, "Sunny.")
    tools = [search, WEATHER]
    asked = responses.create(model="m", input="Mug?", tools=tools, store=False)
    responses.create(model="m", input=given_back(asked), tools=tools)
    made = [call.name for m in model.requests[1].messages for call in m.tool_calls]
    assert (made, NOTHING in read_by(model.requests[1])) == (["get_weather"], False)


def test_a_search_that_found_nothing_says_so_when_it_is_given_back(said, search):
    responses, model = said(SEARCHES_AND_CALLS, "Nothing.")
    tools = [{**search, "filters": {"type": "eq", "key": "year", "value": 1}}, WEATHER]
    asked = responses.create(
        model="m", input="Mug?", tools=tools, store=False, include=SHOWS_RESULTS
    )
    responses.create(model="m", input=given_back(asked), tools=tools)
    assert NOTHING in read_by(model.requests[1])


def test_given_passages_that_cannot_be_cited_are_left_out(said):
    responses, model = said(lambda request: f"So{request.sources[1].marker}.")
    found = [
        {"file_id": "file-a", "text": "Mugs are blue.", "score": 0.5},
        {"file_id": "file-b", "filename": "b.txt"},
        {"filename": "c.txt", "text": "Mugs are green."},
        {"file_id": "file-a", "filename": "a.txt", "text": "Mugs are red.", "score": None},
    ]
    search = {"type": "file_search_call", "id": "fs_1", "queries": ["mug"], "results": found}
    call = {"type": "function_call", "call_id": "c", "name": "get_weather", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c", "output": "sun"}
    made = responses.create(
        model="m", input=[{"role": "user", "content": "Mug?"}, search, call, output]
    )
    assert [source.result.text for source in model.requests[0].sources] == [
        "Mugs are blue.",
        "Mugs are red.",
    ]
    (note,) = made.output[0].content[0].annotations
    assert (note.file_id, note.filename) == ("file-a", "a.txt")


def test_a_turn_that_is_given_back_to_a_conversation_keeps_its_passages(serve, search):
    model = ScriptedChatModel([SEARCHES_AND_CALLS, cites_mugs])
    client, tools = serve(model).client, [search, WEATHER]
    asked = client.responses.create(model="m", input="Mug?", tools=tools)
    *before, output = given_back(asked)
    kept = client.conversations.create(items=before)
    client.responses.create(model="m", input=[output], tools=tools, conversation=kept.id)
    assert "within 30 days of purchase" in read_by(model.requests[1])


def test_passages_of_a_search_are_given_to_its_own_key_alone(serve_keys):
    model = ScriptedChatModel([SEARCHES_AND_CALLS, "Nothing.", "Within 30 days."])
    live, secrets = serve_keys(model, [{}, {}], isolates_keys=True)
    own, other = (live.client.with_options(api_key=secret) for secret in secrets)
    store = own.vector_stores.create()
    own.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("mugs.txt", b"Mugs: within 30 days of purchase.")
    )
    tools = [{"type": "file_search", "vector_store_ids": [store.id]}, WEATHER]
    asked = own.responses.create(model="m", input="Mug?", tools=tools)
    for client in (other, own):
        client.responses.create(model="m", input=given_back(asked), tools=[WEATHER])
    others, owns = (read_by(request) for request in model.requests[1:])
    assert ("30 days" in others, NOTHING in others, "30 days" in owns) == (False, False, True)


def test_calls_made_one_after_the_other_stay_so(said):
    """Those whose outputs come together were made together."""
    responses, model = said("Done.")

    def call(number):
        head = {"type": "function_call", "call_id": f"c{number}"}
        return {**head, "name": "get_weather", "arguments": "{}"}

    def output(number):
        return {"type": "function_call_output", "call_id": f"c{number}", "output": f"o{number}"}

    given = [call(1), output(1), call(2), output(2), call(3), call(4), output(3), output(4)]
    responses.create(model="m", input=[{"role": "user", "content": "Rain?"}, *given])
    messages = model.requests[0].messages[1:]
    assert [[call.id for call in m.tool_calls] or m.tool_call_id for m in messages] == [
        ["c1"],
        "c1",
        ["c2"],
        "c2",
        ["c3", "c4"],
        "c3",
        "c4",
    ]


# A model that quotes searches what others read


ZEBRA = "The zebra is called Zorro."


def zebra(**options):
    data = base64.b64encode(ZEBRA.encode()).decode()
    return {"type": "input_file", "filename": "zebra.txt", "file_data": data, **options}


def asking(*parts, question="What is the zebra called?"):
    return [{"role": "user", "content": [*parts, {"type": "input_text", "text": question}]}]


def check_zebra(made):
    (message,) = made.output
    assert made.output_text == ZEBRA
    (note,) = message.content[0].annotations
    assert (note.filename, note.type) == ("zebra.txt", "file_citation")
    return note.file_id


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_the_model_that_quotes_answers_from_a_file_in_a_message(live, choice):
    responses = live.client.responses
    made = responses.create(model="m", input=asking(zebra()), tool_choice=choice)
    file_id = check_zebra(made)
    assert live.client.files.content(file_id).read() == ZEBRA.encode()
    shown = responses.input_items.list(made.id).data[0].content[0].to_dict()
    assert shown == {"type": "input_file", "filename": "zebra.txt"}
    file = live.client.files.create(file=("zebra.txt", ZEBRA.encode()), purpose="user_data")
    given = {"type": "input_file", "file_id": file.id}
    assert check_zebra(responses.create(model="m", input=asking(given))) == file.id


def test_a_file_of_an_earlier_turn_is_still_answered_from(live):
    """Also when it is deleted by then: its text was kept."""
    responses = live.client.responses
    first = responses.create(model="m", input=asking(zebra(), question="Is there a giraffe?"))
    second = responses.create(
        model="m", input="What is the zebra called?", previous_response_id=first.id
    )
    live.client.files.delete(check_zebra(second))
    third = responses.create(
        model="m", input="What is the zebra called?", previous_response_id=first.id
    )
    assert third.output_text == ZEBRA


def test_a_turn_that_brings_a_file_reads_no_earlier_one_again(live):
    responses = live.client.responses
    first = responses.create(model="m", input=asking(zebra(), question="Is there a giraffe?"))
    data = base64.b64encode(b"The giraffe is called Greta.").decode()
    second = responses.create(
        model="m",
        input=asking(zebra(filename="giraffe.txt", file_data=data)),
        previous_response_id=first.id,
    )
    check_zebra(second)
    stores = [s for s in live.client.vector_stores.list() if s.name == "files of a chat"]
    assert [store.file_counts.total for store in stores] == [1, 1]


def test_a_file_in_a_message_is_searched_beside_the_stores_of_the_tool(live):
    store = live.client.vector_stores.create()
    live.client.vector_stores.files.upload_and_poll(
        vector_store_id=store.id,
        file=("mugs.txt", b"Mugs can go back within 30 days of purchase."),
    )
    tool = {"type": "file_search", "vector_store_ids": [store.id]}
    for question, name in (
        ("What is the zebra called?", "zebra.txt"),
        ("Within how many days can mugs go back?", "mugs.txt"),
    ):
        made = live.client.responses.create(
            model="m", input=asking(zebra(), question=question), tools=[tool]
        )
        search, message = made.output
        assert search.type == "file_search_call"
        assert [note.filename for note in message.content[0].annotations] == [name]
    # Nor do a tool's filters, or that it must not be used, keep what the message holds out.
    filters = {"type": "eq", "key": "year", "value": 2024}
    threshold = {"ranking_options": {"score_threshold": 1.0}}
    for options in (
        {"tools": [tool | {"filters": filters}]},
        {"tools": [tool | threshold]},
        {"tool_choice": "none"},
    ):
        asked = {"tools": [tool], **options}
        made = live.client.responses.create(model="m", input=asking(zebra()), **asked)
        assert made.output_text == ZEBRA
        assert len(made.output) == (1 if "tool_choice" in options else 2)


def test_a_stream_from_a_file_shows_no_search_that_was_not_offered(live):
    with live.client.responses.stream(model="m", input=asking(zebra())) as stream:
        events = list(stream)
    assert not [event for event in events if "file_search" in event.type]
    check_zebra(events[-1].response)


def test_a_function_that_must_be_called_is_called_beside_a_file(live):
    made = live.client.responses.create(
        model="m", input=asking(zebra()), tools=[WEATHER], tool_choice="required"
    )
    assert [item.type for item in made.output] == ["function_call"]


def test_a_file_that_takes_too_long_to_read_is_not_denied(live, monkeypatch):
    monkeypatch.setattr("filesearch.server.given_files._READ_S", 0.1)
    live.server.fs.ingest_queue.stop()
    made = live.client.responses.create(model="m", input=asking(zebra()))
    assert (made.status, made.error.code) == ("failed", "vector_store_timeout")
    assert made.error.message == "The files are still being read; ask again in a moment."


def test_a_file_that_cannot_be_searched_is_told(live, monkeypatch):
    """Its text was found when the request came; what failed came after."""

    def fail(*_args, **_options):
        raise OSError("disk gone")

    monkeypatch.setattr(live.server.fs.embedder, "embed_windows", fail)
    made = live.client.responses.create(model="m", input=asking(zebra()))
    assert (made.status, made.error.code) == ("failed", "server_error")
    assert "'zebra.txt' cannot be answered from" in made.error.message


def test_too_many_files_are_refused_before_one_is_read(live, monkeypatch):
    monkeypatch.setattr("filesearch.server.given_files.MAX_FILES", 2)
    with pytest.raises(openai.BadRequestError, match="at most 2 files in a request") as caught:
        live.client.responses.create(model="m", input=asking(zebra()) + asking(zebra(), zebra()))
    assert (caught.value.code, caught.value.param) == ("array_above_max_length", "input")
    assert not live.client.files.list().data


@pytest.mark.parametrize(
    ("filename", "cited"), [("zebra.txt", "zebra.txt"), ("zebra.md", "zebra.md.txt")]
)
def test_a_file_of_a_conversation_is_cited_by_its_name(live, filename, cited):
    """It is there as its text, which is plain whatever the file was."""
    items = [{"role": "user", "content": [zebra(filename=filename)]}]
    kept = live.client.conversations.create(items=items)
    made = live.client.responses.create(
        model="m", input="What is the zebra called?", conversation=kept.id
    )
    (note,) = made.output[0].content[0].annotations
    assert note.filename == cited


def test_a_kept_file_and_its_store_live_for_a_day_after_they_were_last_asked(live, monkeypatch):
    responses, files = live.client.responses, live.client.files
    first = responses.create(model="m", input=asking(zebra()))
    file_id = check_zebra(first)
    began = time.time()
    for hours in (20, 40):
        monkeypatch.setattr(time, "time", lambda hours=hours: began + hours * 3600)
        question = "What is the zebra called?"
        last = responses.create(model="m", input=question, previous_response_id=first.id)
        assert check_zebra(last) == file_id
        live.server.files.purge()
        live.server.given_files.purge()
        assert [file.id for file in files.list()] == [file_id]
    own = live.client.vector_stores.create(
        name="files of a chat", expires_after={"anchor": "last_active_at", "days": 1}
    )
    monkeypatch.setattr(time, "time", lambda: began + 70 * 3600)
    live.server.files.purge()
    live.server.given_files.purge()
    assert not files.list().data
    stores = [s.id for s in live.client.vector_stores.list() if s.name == "files of a chat"]
    assert stores == [own.id]


@pytest.mark.parametrize("asks_at_once", [True, False])
def test_a_file_that_a_function_returned_is_answered_from(live, asks_at_once):
    responses = live.client.responses
    asked = responses.create(model="m", input="Rain?", tools=[WEATHER], tool_choice="required")
    output = {"type": "function_call_output", "call_id": asked.output[0].call_id}
    given = [{**output, "output": [zebra()]}]
    previous = asked
    if not asks_at_once:
        previous = responses.create(model="m", input=given, previous_response_id=asked.id)
        assert ZEBRA in previous.output_text
        given = []
    question = {"role": "user", "content": "What is the zebra called?"}
    made = responses.create(
        model="m", input=[*given, question], previous_response_id=previous.id, tools=[WEATHER]
    )
    check_zebra(made)


@pytest.mark.parametrize(
    "options",
    [
        {"text": {"format": {"type": "json_object"}}},
        {"previous_response_id": "resp_none"},
        {"conversation": "conv_none"},
        {"input": [*asking(zebra()), {"type": "item_reference", "id": "msg_none"}]},
        {"input": asking(zebra(), zebra(file_data="AAECAAEC", filename="a.bin"))},
        {"input": asking(zebra(), {"type": "input_file", "file_id": "file-none"})},
    ],
)
def test_a_request_that_is_refused_leaves_no_file_behind(live, options):
    with pytest.raises(openai.APIStatusError):
        live.client.responses.create(model="m", **{"input": asking(zebra())} | options)
    assert not live.client.files.list().data


def test_counting_tokens_keeps_no_file(live):
    live.client.responses.input_tokens.count(model="m", input=asking(zebra()))
    assert not live.client.files.list().data
