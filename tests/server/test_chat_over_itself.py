"""Our own chat model adapter, asking our own server's chat completions over a real socket."""

import threading

import pytest

from filesearch import FileSearch
from filesearch.chat.openai import OpenAIChatModel
from filesearch.chat.reading import join_deltas
from filesearch.errors import ChatFailed, ContextExceeded, RateLimited
from filesearch.messages import ChatReply, ChatRequest, Message, ToolCall, ToolSpec, Usage
from filesearch.testing import HashingEmbedder, ScriptedChatModel

HELLO = ChatRequest((Message("system", "Be brief."), Message("user", "Hi there")))
TEXTS = [
    "A mug may be returned within 30 days 【4:0†source】.",
    "窑炉可以达到 1280 度。🙂 ná̈ive\u2028line",
    "  spaced \n\n out\t",
    "",
    "word " * 500,
]
CALLS = ChatReply(
    Message(
        "assistant",
        "Let me see.",
        (ToolCall("c1", "weather", '{"city": "Bonn"}'), ToolCall("c2", "time", "{}")),
    ),
    "tool_calls",
    Usage(7, 5),
)


@pytest.fixture
def ask_itself(serve):
    """Replies -> an adapter that asks a server whose model gives them, and that model."""
    failing = []

    def start(*replies, **options):
        scripted = ScriptedChatModel(replies, **options)
        live = serve(scripted)
        failing.extend(live for reply in replies if isinstance(reply, Exception))
        model = OpenAIChatModel("any", base_url=live.base_url, timeout_s=60, max_retries=0)
        return model, scripted

    yield start
    for live in failing:  # a 5xx is what was asked for
        getattr(live, "violations", []).clear()


@pytest.mark.parametrize("text", TEXTS)
def test_the_reply_is_said_whole_and_in_pieces(ask_itself, text):
    model, _ = ask_itself(text, text)
    wanted = ChatReply(Message("assistant", text), "stop", Usage(4, len(text.split())))
    assert model.complete(HELLO) == join_deltas(model.stream(HELLO)) == wanted


def test_what_is_asked_arrives_as_it_was_meant(ask_itself):
    model, scripted = ask_itself("Done")
    tool = ToolSpec("weather", "Of a city", {"type": "object", "properties": {}}, strict=True)
    call = ToolCall("c1", "weather", '{"city": "Bonn"}')
    asked = ChatRequest(
        (*HELLO.messages, Message("assistant", "", (call,)), Message("tool", "rain", (), "c1")),
        tools=(tool,),
        tool_choice="required",
        parallel_tool_calls=False,
        temperature=0.5,
        top_p=0.9,
        max_completion_tokens=100,
        response_format={"type": "json_object"},
    )
    model.complete(asked)
    assert scripted.requests == [asked]


def test_tools_are_called_whole_and_in_pieces(ask_itself):
    model, _ = ask_itself(CALLS, CALLS)
    asked = ChatRequest(HELLO.messages, tools=(ToolSpec("weather"), ToolSpec("time")))
    assert model.complete(asked) == join_deltas(model.stream(asked)) == CALLS


@pytest.mark.parametrize(
    "error", [ContextExceeded("too long"), RateLimited("slow down"), ChatFailed("gone")], ids=type
)
def test_an_error_is_told_apart_by_its_kind(ask_itself, error):
    model, _ = ask_itself(error, error)
    for how in (model.complete, lambda asked: list(model.stream(asked))):
        with pytest.raises(type(error), match=str(error)):
            how(HELLO)


def test_a_reply_that_breaks_off_is_a_failure(ask_itself):
    model, _ = ask_itself("one two three four", breaks_after=2)
    with pytest.raises(ChatFailed, match="broke off"):
        list(model.stream(HELLO))


def test_closing_a_stream_ends_the_model_behind_the_server(ask_itself):
    ended = threading.Event()

    class Watched(ScriptedChatModel):
        def stream(self, request):
            try:
                yield from super().stream(request)
            finally:
                ended.set()

    model, scripted = ask_itself("word " * 200_000)
    scripted.__class__ = Watched
    stream = model.stream(HELLO)
    next(stream)
    stream.close()
    assert ended.wait(30)
    assert scripted.closed_early == 1


def test_a_question_is_searched_answered_and_cited_through_the_server(serve, tmp_path):
    """The whole loop of the library, its language model behind our own wire."""
    search = ToolCall("c1", "file_search", '{"queries": ["kiln degrees"]}')
    scripted = ScriptedChatModel(
        [
            ChatReply(Message("assistant", "", (search,)), "tool_calls", Usage(1, 1)),
            "It reaches 1280 degrees【2:0†source】.",
        ]
    )
    url = serve(scripted).base_url
    (tmp_path / "kiln.txt").write_text("The kiln reaches 1280 degrees in nine hours.\n")
    with FileSearch(
        tmp_path / "own",
        embedder=HashingEmbedder(),
        chat_model="vllm:any",
        chat_base_url=url,
    ) as fs:
        fs.ingest(tmp_path / "kiln.txt")
        answer = fs.ask("How hot does the kiln get?")
    assert answer.plain_text == "It reaches 1280 degrees."
    assert [c.is_supported for c in answer.citations] == [True]
    assert "1280 degrees" in scripted.requests[1].messages[-1].content
