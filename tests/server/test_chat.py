"""Chat completions that we answer ourselves, as the official client sees them."""

import http.client
import json
import threading
import time
from urllib.parse import urlsplit

import openai
import pytest
from pydantic import BaseModel

from filesearch.errors import ChatFailed, ContextExceeded, RateLimited
from filesearch.messages import ChatDelta, ChatReply, Message, NamedTool, ToolCall, Usage
from filesearch.testing import ScriptedChatModel

HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "required": ["city"],
            "properties": {"city": {"type": "string"}},
        },
    },
}


def calls(*given):
    made = tuple(ToolCall(f"call_{i}", name, args) for i, (name, args) in enumerate(given))
    return ChatReply(Message("assistant", "", made), "tool_calls", Usage(7, 5))


@pytest.fixture
def scripted(serve):
    """Replies -> a server whose model gives them, and the model."""

    def start(*replies, **options):
        model = ScriptedChatModel(replies, **options)
        return serve(model).client.chat.completions, model

    return start


@pytest.fixture
def failing(serve):
    """A reply that is an error -> a server whose model gives it; a 5xx is no fault of its own."""
    started = []

    def start(error):
        started.append(serve(ScriptedChatModel([error])))
        return started[-1].client.chat.completions

    yield start
    for live in started:
        getattr(live, "violations", []).clear()


def test_a_reply_is_a_whole_completion(scripted):
    chat, _ = scripted("Hello yourself")
    reply = chat.create(model="gpt-4o", messages=HELLO)
    assert reply.id.startswith("chatcmpl-")
    assert (reply.object, reply.model) == ("chat.completion", "gpt-4o")
    assert reply.choices[0].message.content == "Hello yourself"
    assert reply.choices[0].finish_reason == "stop"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (1, 2)


def test_a_stream_says_the_same_piece_by_piece(scripted):
    chat, _ = scripted("Hello yourself")
    chunks = list(
        chat.create(
            model="gpt-4o", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].delta.content for c in chunks[1:-2]] == ["Hello", " your", "self"]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 3
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1


def test_a_stream_is_data_lines_that_end_with_done(scripted):
    chat, _ = scripted("Hi")
    with chat.with_streaming_response.create(model="m", messages=HELLO, stream=True) as raw:
        assert raw.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in raw.iter_lines() if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    assert "usage" not in json.loads(lines[-2][6:])


def test_messages_of_every_role_reach_the_model(scripted):
    chat, model = scripted("Done")
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "Bonn"}'},
    }
    chat.create(
        model="m",
        messages=[
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            {
                "role": "user",
                "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            },
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        ],
        temperature=0.5,
        max_tokens=9,
        response_format={"type": "json_object"},
    )
    [request] = model.requests
    assert request.messages == (
        Message("system", "Be brief."),
        Message("user", "a\n\nb"),
        Message("assistant", "", (ToolCall("call_1", "weather", '{"city": "Bonn"}'),)),
        Message("tool", "rain", tool_call_id="call_1"),
    )
    assert (request.temperature, request.max_completion_tokens) == (0.5, 9)
    assert request.response_format == {"type": "json_object"}


def test_functions_are_called_side_by_side(scripted):
    chat, model = scripted(calls(("weather", '{"city": "Bonn"}'), ("weather", '{"city": "Ulm"}')))
    reply = chat.create(model="m", messages=HELLO, tools=[WEATHER], tool_choice="required")
    assert reply.choices[0].finish_reason == "tool_calls"
    made = reply.choices[0].message.tool_calls
    assert [json.loads(c.function.arguments)["city"] for c in made] == ["Bonn", "Ulm"]
    assert reply.choices[0].message.content is None
    assert model.requests[0].tool_choice == "required"
    assert model.requests[0].tools[0].name == "weather"


def test_streamed_calls_add_up(scripted):
    chat, _ = scripted(calls(("weather", '{"city": "Bonn"}'), ("weather", '{"city": "Ulm"}')))
    with chat.stream(model="m", messages=HELLO, tools=[WEATHER]) as stream:
        found = stream.get_final_completion().choices[0]
    assert [c.function.arguments for c in found.message.tool_calls] == [
        '{"city": "Bonn"}',
        '{"city": "Ulm"}',
    ]
    assert found.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("choice", "reaches"),
    [
        ("none", "none"),
        ({"type": "function", "function": {"name": "weather"}}, NamedTool("weather")),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "weather"}}],
                },
            },
            "auto",
        ),
    ],
)
def test_the_tool_choice_reaches_the_model(scripted, choice, reaches):
    chat, model = scripted("Hi")
    chat.create(model="m", messages=HELLO, tools=[WEATHER], tool_choice=choice)
    assert model.requests[0].tool_choice == reaches


def test_functions_of_the_old_kind_are_called_the_old_way(scripted):
    chat, model = scripted(calls(("weather", '{"city": "Bonn"}')), "Rain")
    old = [WEATHER["function"]]
    reply = chat.create(model="m", messages=HELLO, functions=old).choices[0]
    assert reply.finish_reason == "function_call"
    assert reply.message.function_call.name == "weather"
    said = reply.message.model_dump(exclude_none=True)
    result = {"role": "function", "name": "weather", "content": "rain"}
    chat.create(model="m", messages=[*HELLO, said, result], functions=old)
    assert (
        model.requests[1].messages[2].tool_call_id == model.requests[1].messages[1].tool_calls[0].id
    )


def test_an_answer_is_parsed_into_a_model(scripted):
    class City(BaseModel):
        name: str

    chat, model = scripted('{"name": "Bonn"}')
    found = chat.parse(model="m", messages=HELLO, response_format=City)
    assert found.choices[0].message.parsed == City(name="Bonn")
    schema = model.requests[0].response_format["json_schema"]
    assert schema["schema"]["properties"]["name"]["type"] == "string"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("stop", "left"), [("beta", "alpha "), (["ta ga", "xx"], "alpha be")])
def test_an_answer_ends_before_a_stop_sequence(scripted, stream, stop, left):
    chat, _ = scripted("alpha beta gamma", piece_size=3)
    found = chat.create(model="m", messages=HELLO, stop=stop, stream=stream)
    if stream:
        found = "".join(c.choices[0].delta.content or "" for c in found)
    else:
        found = found.choices[0].message.content
    assert found == left


def test_what_only_begins_like_a_stop_sequence_stays(scripted):
    chat, _ = scripted("alpha bet", piece_size=2)
    found = chat.create(model="m", messages=HELLO, stop="beta")
    assert found.choices[0].message.content == "alpha bet"


def test_the_model_that_quotes_says_that_it_needs_a_search(live):
    reply = live.client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert "does not offer it" in reply.choices[0].message.content


def test_an_answer_is_cut_at_the_tokens_that_are_allowed(live):
    reply = live.client.chat.completions.create(model="gpt-4o", messages=HELLO, max_tokens=3)
    assert reply.choices[0].message.content == "I answer by"
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage.completion_tokens == 3


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (ContextExceeded("too long"), openai.BadRequestError, "context_length_exceeded"),
        (ChatFailed("the model is gone"), openai.InternalServerError, None),
        (RateLimited("slow down"), openai.RateLimitError, "rate_limit_exceeded"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_fails_is_an_error_with_a_status(failing, error, kind, code, stream):
    with pytest.raises(kind) as raised:
        failing(error).create(model="m", messages=HELLO, stream=stream)
    assert str(error) in raised.value.message
    assert raised.value.code == code


def test_a_stream_that_breaks_off_says_so(scripted):
    chat, _ = scripted("Hello yourself", breaks_after=2)
    chunks = iter(chat.create(model="m", messages=HELLO, stream=True))
    assert [next(chunks).choices[0].delta.content for _ in range(3)] == ["", "Hello", " your"]
    with pytest.raises(openai.APIError, match="broke off"):
        next(chunks)


class EndlessModel:
    """Streams until it is closed."""

    name, calls_tools = "endless", True

    def __init__(self):
        self.begun, self.ended = threading.Event(), threading.Event()

    def stream(self, _request):
        self.begun.set()
        try:
            while True:
                yield ChatDelta("word ")
                time.sleep(0.01)
        finally:
            self.ended.set()


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_ends_the_model(serve, stream):
    model = EndlessModel()
    address = urlsplit(serve(model).base_url)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    body = json.dumps({"model": "m", "messages": HELLO, "stream": stream})
    connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    assert model.begun.wait(30)
    if stream:
        assert connection.getresponse().readline().startswith(b"data: ")
    connection.close()
    assert model.ended.wait(30)


IMAGE = {"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png"}}
NO_FILE = {"type": "file", "file": {"filename": "a.pdf"}}


@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        ({"n": 2}, "n", "gives one choice, but got 2"),
        ({"n": 0}, "n", "below minimum"),
        ({"messages": []}, "messages", "empty array"),
        ({"messages": "Hi"}, "messages", "expected an array"),
        ({"messages": None}, "messages", "expected an array"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role", "'king'"),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "Missing required parameter"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "Missing required parameter"),
        (
            {"messages": [{"role": "user", "content": [IMAGE]}]},
            "messages[0].content[0]",
            "image_url",
        ),
        (
            {"messages": [{"role": "user", "content": [NO_FILE]}]},
            "messages[0].content[0].file",
            "give 'file_id' or 'file_data'",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "video"}]}]},
            "messages[0].content[0].type",
            "'video'",
        ),
        ({"model": ""}, "model", "empty string"),
        ({"temperature": 3}, "temperature", "above maximum"),
        ({"max_tokens": 0}, "max_tokens", "below minimum"),
        ({"stop": ["a"] * 5}, "stop", "maximum length 4"),
        (
            {"tools": [{"type": "function", "function": {"name": "a b"}}]},
            "tools[0].function.name",
            "pattern",
        ),
        ({"tools": [{"type": "file_search"}]}, "tools[0].vector_store_ids", "Missing"),
        ({"tool_choice": "required"}, "tool_choice", "among 'tools'"),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice", "'x'"),
        ({"response_format": {"type": "json_object"}}, "response_format", "extractive"),
        ({"response_format": {"type": "xml"}}, "response_format.type", "'xml'"),
        ({"modalities": ["audio"]}, "modalities", "answers in text"),
    ],
)
def test_what_cannot_be_answered_is_refused(live, body, param, says):
    with pytest.raises(openai.BadRequestError) as raised:
        live.client.post(
            "/chat/completions", body={"model": "m", "messages": HELLO, **body}, cast_to=object
        )
    assert says in raised.value.message
    assert raised.value.param == param


def test_a_strict_server_refuses_what_it_does_not_know(serve):
    client = serve(ScriptedChatModel(["Hi"]), is_strict=True).client
    with pytest.raises(openai.BadRequestError, match="Unknown parameter: 'colour'"):
        client.chat.completions.create(model="m", messages=HELLO, extra_body={"colour": 1})
    assert client.chat.completions.create(model="m", messages=HELLO, store=True, seed=1)


# Legacy completions


def test_prompts_are_completed_one_by_one(serve):
    live = serve(ScriptedChatModel(["One", "Two"]))
    found = live.client.completions.create(model="davinci", prompt=["a b", "c"], echo=True)
    assert found.id.startswith("cmpl-")
    assert [(c.index, c.text, c.finish_reason) for c in found.choices] == [
        (0, "a bOne", "stop"),
        (1, "cTwo", "stop"),
    ]
    assert found.usage.total_tokens == 5


def test_completions_stream(serve):
    live = serve(ScriptedChatModel(["One mug"]))
    chunks = list(live.client.completions.create(model="m", prompt="a", stream=True))
    assert "".join(c.choices[0].text for c in chunks) == "One mug"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert {c.object for c in chunks} == {"text_completion"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"n": 2}, "n"),
        ({"best_of": 3}, "best_of"),
        ({"suffix": "x"}, "suffix"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [-1]}, "prompt"),
        ({"prompt": 5}, "prompt"),
    ],
)
def test_a_completion_that_cannot_be_made_is_refused(live, body, param):
    with pytest.raises(openai.BadRequestError) as raised:
        live.client.post("/completions", body={"model": "m", "prompt": "a", **body}, cast_to=object)
    assert raised.value.param == param
