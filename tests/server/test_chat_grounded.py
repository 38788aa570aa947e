"""Chat completions that are answered from vector stores and files."""

import base64
import json

import openai
import pytest

from filesearch.messages import ChatReply, Message, ToolCall, Usage
from filesearch.testing import ScriptedChatModel

KILN = b"The kiln reaches 1280 degrees in nine hours.\n"
MUGS = b"A mug may be returned within 30 days of delivery.\n"
ASK_KILN = [{"role": "user", "content": "How many degrees does the kiln reach?"}]
SEARCH = ChatReply(
    Message("assistant", "", (ToolCall("c1", "file_search", '{"queries": ["kiln degrees"]}'),)),
    "tool_calls",
    Usage(7, 5),
)


def upload(live, data=KILN, name="kiln.txt"):
    return live.client.files.create(file=(name, data), purpose="assistants").id


def fill(live, *files):
    store = live.client.vector_stores.create()
    for file in files:
        live.client.vector_stores.files.create_and_poll(file, vector_store_id=store.id)
    return store.id


@pytest.fixture
def kiln(live):
    """A file about the kiln, and a store that holds it."""
    file = upload(live)
    return file, fill(live, file)


def cited(message):
    """The annotations of a message; each must slice its marker."""
    found = message.model_dump()["annotations"]
    for one in found:
        place = one["url_citation"]
        assert message.content[place["start_index"] : place["end_index"]] == one["text"]
    return found


def test_an_answer_from_a_store_carries_annotations(live, kiln):
    file, store = kiln
    message = (
        live.client.chat.completions.create(
            model="gpt-4o", messages=ASK_KILN, extra_body={"vector_store_ids": [store]}
        )
        .choices[0]
        .message
    )
    [one] = cited(message)
    assert message.content.startswith("The kiln reaches 1280 degrees")
    assert one["file_citation"]["file_id"] == file
    assert one["file_citation"]["quote"] in KILN.decode()
    place = message.annotations[0].url_citation
    assert place.title == "kiln.txt"
    assert place.url == f"{live.base_url}/files/{file}/content"


@pytest.mark.parametrize("nested", [False, True])
def test_a_file_search_tool_names_the_stores(live, kiln, nested):
    settings = {"vector_store_ids": [kiln[1]], "max_num_results": 3}
    tool = {"type": "file_search", **({"file_search": settings} if nested else settings)}
    reply = live.client.chat.completions.create(model="m", messages=ASK_KILN, tools=[tool])
    assert cited(reply.choices[0].message)


def test_a_file_in_a_message_is_answered_from(live):
    files = [upload(live), upload(live, MUGS, "mugs.txt")]
    parts = [{"type": "file", "file": {"file_id": file}} for file in files]
    asked = [
        {"role": "user", "content": [*parts, {"type": "text", "text": "Degrees of the kiln?"}]}
    ]
    for _ in range(2):
        reply = live.client.chat.completions.create(model="m", messages=asked)
        assert cited(reply.choices[0].message)[0]["file_citation"]["file_id"] == files[0]
    names = [store.name for store in live.client.vector_stores.list()]
    assert names.count("files of a chat") == 1, "the second turn finds its store again"


def sizes_of_stores(live):
    """How many files the stores of messages hold, the newest first."""
    stores = live.client.vector_stores.list().data
    return [s.file_counts.total for s in stores if s.name == "files of a chat"]


def test_a_turn_that_brings_a_file_reads_no_earlier_one_again(live):
    asked = []
    for number, file in enumerate([inline(KILN), inline(MUGS, "mugs.txt")]):
        asked.append({"role": "user", "content": [file, {"type": "text", "text": "Degrees?"}]})
        if number:  # a program may send the earlier ones again, which makes them no new ones
            asked[-1]["content"].insert(0, inline(KILN))
        live.client.chat.completions.create(model="m", messages=asked)
    assert sizes_of_stores(live) == [1, 1]
    asked[-1]["content"][-1] = {"type": "text", "text": ASK_KILN[0]["content"]}
    reply = live.client.chat.completions.create(model="m", messages=asked)
    assert reply.choices[0].message.content.startswith("The kiln reaches 1280 degrees")
    assert sizes_of_stores(live) == [1, 1]


def test_a_stream_carries_each_annotation_with_its_marker(live, kiln):
    body = {"vector_store_ids": [kiln[1]]}
    with live.client.chat.completions.stream(
        model="m", messages=ASK_KILN, extra_body=body
    ) as stream:
        message = stream.get_final_completion().choices[0].message
    assert cited(message)
    whole = live.client.chat.completions.create(model="m", messages=ASK_KILN, extra_body=body)
    assert whole.choices[0].message.content == message.content


def test_markers_are_never_cut_by_the_limit(live, kiln):
    for limit in range(1, 20):
        reply = live.client.chat.completions.create(
            model="m",
            messages=ASK_KILN,
            max_tokens=limit,
            extra_body={"vector_store_ids": [kiln[1]]},
        ).choices[0]
        marked = reply.message.content.partition("【")[1:]
        assert reply.finish_reason == "length" or marked[1].endswith("】")
        assert not marked[0] or "】" in marked[1]


@pytest.mark.parametrize("stream", [False, True])
def test_a_language_model_searches_and_calls_functions_beside(serve, stream):
    weather = ToolCall("c2", "weather", '{"city": "Bonn"}')
    model = ScriptedChatModel(
        [
            SEARCH,
            ChatReply(Message("assistant", "", (weather,)), "tool_calls", Usage(1, 1)),
            SEARCH,
            "It is 1280 degrees【4:0†source】.",
        ]
    )
    live = serve(model_for=lambda _name: model)
    tools = [
        {"type": "file_search", "vector_store_ids": [fill(live, upload(live))]},
        {"type": "function", "function": {"name": "weather"}},
    ]
    create = live.client.chat.completions.create
    first = create(model="m", messages=ASK_KILN, tools=tools).choices[0]
    assert first.finish_reason == "tool_calls"
    [call] = first.message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Bonn"}
    result = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    messages = [*ASK_KILN, first.message.model_dump(exclude_none=True), result]
    found = create(model="m", messages=messages, tools=tools, stream=stream)
    if stream:
        text = "".join(c.choices[0].delta.content or "" for c in found)
        assert text == "It is 1280 degrees【4:0†source】."
    else:
        assert cited(found.choices[0].message)
        assert found.usage.total_tokens > 12


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"vector_store_ids": ["vs_none"]}, "No vector store found with id 'vs_none'."),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "file", "file": {"file_id": "file-none"}}],
                    }
                ]
            },
            "file-none",
        ),
    ],
)
def test_documents_that_are_not_there_are_not_found(live, body, says):
    with pytest.raises(openai.NotFoundError, match=says):
        live.client.post(
            "/chat/completions", body={"model": "m", "messages": ASK_KILN, **body}, cast_to=object
        )


def inline(content, filename="kiln.txt"):
    """A part of a message with a file in it."""
    data = f"data:text/plain;base64,{base64.b64encode(content).decode()}"
    return {"type": "file", "file": {"filename": filename, "file_data": data}}


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_a_file_whose_bytes_stand_in_a_message_is_answered_from(live, choice):
    question = {"type": "text", "text": ASK_KILN[0]["content"]}
    content = [inline(KILN), inline(MUGS, "mugs.txt"), question]
    ids = set()
    for _ in range(2):
        reply = live.client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": content}], tool_choice=choice
        )
        (note,) = cited(reply.choices[0].message)
        ids.add(note["file_citation"]["file_id"])
    (file_id,) = ids
    file = live.client.files.retrieve(file_id)
    assert (file.filename, live.client.files.content(file_id).read()) == ("kiln.txt", KILN)
    assert file.expires_at is not None
    names = [store.name for store in live.client.vector_stores.list()]
    assert names.count("files of a chat") == 1


@pytest.mark.parametrize(
    "options",
    [
        {"filters": {"type": "eq", "key": "year", "value": 2024}},
        {"ranking_options": {"score_threshold": 1.0}},
    ],
)
def test_what_a_tool_leaves_out_is_not_left_out_of_the_message(live, options):
    tool = {"type": "file_search", "vector_store_ids": [fill(live, upload(live, MUGS))]}
    content = [inline(KILN), {"type": "text", "text": ASK_KILN[0]["content"]}]
    reply = live.client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": content}], tools=[tool | options]
    )
    assert cited(reply.choices[0].message)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ({"filename": "a.txt"}, "give 'file_id' or 'file_data'"),
        ({"filename": "a.txt", "file_data": "%%%"}, "not base64"),
        ({"filename": "a.bin", "file_data": "AAECAAEC"}, "'a.bin' cannot be answered from"),
    ],
)
def test_bytes_that_are_no_file_are_refused(live, file, says):
    asked = [{"role": "user", "content": [{"type": "file", "file": file}]}]
    with pytest.raises(openai.BadRequestError, match=says):
        live.client.chat.completions.create(model="m", messages=asked)


def test_a_file_that_takes_too_long_to_read_is_not_denied(live, monkeypatch):
    monkeypatch.setattr("filesearch.server.given_files._READ_S", 0.1)
    live.server.fs.ingest_queue.stop()
    content = [inline(KILN), {"type": "text", "text": ASK_KILN[0]["content"]}]
    with pytest.raises(openai.InternalServerError, match="still being read; ask again") as caught:
        live.client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": content}]
        )
    live.violations.clear()  # no other test expects a server error
    assert caught.value.status_code == 503
    assert caught.value.response.headers["x-should-retry"] == "true"


def test_too_many_files_are_refused_before_one_is_kept(live, monkeypatch):
    monkeypatch.setattr("filesearch.server.given_files.MAX_FILES", 2)
    asked = [{"role": "user", "content": [inline(KILN)] * number} for number in (1, 2)]
    with pytest.raises(openai.BadRequestError, match="at most 2 files in a request") as caught:
        live.client.chat.completions.create(model="m", messages=asked)
    assert (caught.value.code, caught.value.param) == ("array_above_max_length", "messages")
    assert not live.client.files.list().data


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"response_format": {"type": "json_object"}}, {"type": "text", "text": "Degrees?"}),
        ({"vector_store_ids": ["vs_none"]}, {"type": "text", "text": "Degrees?"}),
        ({}, {"type": "file", "file": {"file_id": "file-none"}}),
        ({}, {"type": "file", "file": {"file_id": "none"}}),
    ],
)
def test_a_request_that_is_refused_leaves_no_file_behind(live, options, part):
    body = {"model": "m", "messages": [{"role": "user", "content": [inline(KILN), part]}]}
    with pytest.raises(openai.APIStatusError) as caught:
        live.client.post("/chat/completions", body=body | options, cast_to=object)
    assert caught.value.status_code in (400, 404)
    assert not live.client.files.list().data
    assert not sizes_of_stores(live)


def test_a_file_that_cannot_be_read_is_told(live):
    part = {"type": "file", "file": {"file_id": upload(live, b"\x00\x01\x02" * 50, "a.bin")}}
    with pytest.raises(openai.BadRequestError, match="cannot be answered from"):
        live.client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": [part]}]
        )
