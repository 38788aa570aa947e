"""Chat: one contract for every ChatModel that says what it is told to."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from filesearch.chat.openai import OpenAIChatModel
from filesearch.chat.reading import join_deltas
from filesearch.errors import ChatFailed, ContextExceeded, FilesearchError
from filesearch.messages import ChatReply, Message, Usage
from filesearch.testing import ScriptedChatModel

TEXTS = [
    "A mug may be returned within 30 days 【4:0†source】.",
    "窑炉可以达到 1280 度。🙂 ná̈ive",
    "  spaced \n\n out\t",
    "",
    "word " * 500,
]


@pytest.fixture(params=["scripted", "openai"])
def make_model(request):
    """Makes a model that gives these replies, errors among them, in order."""

    def make(*replies):
        if request.param == "scripted":
            return ScriptedChatModel(replies)
        server, say = request.getfixturevalue("server"), request.getfixturevalue("say")
        for reply in replies:
            if isinstance(reply, ContextExceeded):
                reply = say.error(400, str(reply), code="context_length_exceeded")
            elif isinstance(reply, Exception):
                reply = say.error(400, str(reply))
            server.plan.append(reply)
        return OpenAIChatModel("tiny", base_url=server.url, timeout_s=10)

    return make


@pytest.mark.parametrize("text", TEXTS)
def test_the_whole_reply_is_said(make_model, ask, text):
    reply = make_model(text).complete(ask("How long do I have?"))
    assert reply == ChatReply(Message("assistant", text), "stop", Usage(5, len(text.split())))


@pytest.mark.parametrize("text", TEXTS)
def test_the_pieces_of_a_stream_are_the_whole_reply(make_model, ask, text):
    model = make_model(text, text)
    assert join_deltas(model.stream(ask("Hi there"))) == model.complete(ask("Hi there"))


def test_a_stream_comes_in_pieces_and_ends_with_reason_and_usage(make_model, ask):
    *pieces, last = make_model("one two three").stream(ask("Hi"))
    assert len(pieces) > 1
    assert all(piece.finish_reason is None and piece.usage is None for piece in pieces)
    assert (last.finish_reason, last.usage) == ("stop", Usage(1, 3))


CALLS = (("c1", "file_search", '{"query": "窑炉 kiln"}'), ("c2", "weather", "{}"))


def test_tool_calls_are_the_same_whole_and_in_pieces(make_model, ask, calling):
    reply = calling(*CALLS, text="Let me look.")
    model = make_model(reply, reply)
    assert model.complete(ask("Hi")) == reply
    assert join_deltas(model.stream(ask("Hi"))) == reply


def test_the_first_piece_of_a_tool_call_names_it(make_model, ask, calling):
    pieces = [p for d in make_model(calling(*CALLS)).stream(ask("Hi")) for p in d.tool_calls]
    named = [(p.index, p.id, p.name) for p in pieces if p.id or p.name]
    assert named == [(0, "c1", "file_search"), (1, "c2", "weather")]
    assert [p.index for p in pieces] == sorted(p.index for p in pieces)


@pytest.mark.parametrize("how", ["complete", "stream"])
@pytest.mark.parametrize("error", [ChatFailed("no"), ContextExceeded("too long")])
def test_a_failure_is_of_the_promised_class_and_the_next_request_works(make_model, ask, how, error):
    model = make_model(error, "Fine.")
    with pytest.raises(FilesearchError) as raised:
        list(getattr(model, how)(ask("Hi")))
    assert type(raised.value) is type(error)
    assert model.complete(ask("Hi")).message.content == "Fine."


def test_a_stream_may_be_closed_early_and_the_next_request_works(make_model, ask):
    model = make_model("one two three four five", "Fine.")
    stream = model.stream(ask("Hi"))
    assert next(stream).text
    stream.close()
    assert list(stream) == []
    assert model.complete(ask("Hi")).message.content == "Fine."


def test_threads_may_ask_at_once(make_model, ask):
    model = make_model(*["the same"] * 8)
    gate = threading.Barrier(4)

    def run(number):
        gate.wait(30)
        if number % 2:
            return model.complete(ask("Hi")).message.content
        return join_deltas(model.stream(ask("Hi"))).message.content

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(8))) == ["the same"] * 8


def test_it_has_a_name_and_says_whether_it_calls_tools(make_model):
    model = make_model()
    assert model.name
    assert model.calls_tools is True
