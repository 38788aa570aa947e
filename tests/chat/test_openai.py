"""OpenAI: what servers get, and what becomes of servers that fail, lie, hang or die."""

import gc
import json
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from filesearch.chat.openai import OpenAIChatModel
from filesearch.chat.quirks import Quirks
from filesearch.chat.reading import join_deltas
from filesearch.chat.wire import UNSEEN
from filesearch.errors import ChatFailed, ContextExceeded, RateLimited
from filesearch.messages import ChatRequest, Image, Message, NamedTool, ToolSpec, Usage

KEY = "sk-clay-1234"
SEARCH = ToolSpec("file_search", "Finds passages.", {"type": "object", "properties": {}})


@pytest.fixture
def model(server):
    return OpenAIChatModel("tiny", base_url=server.url, api_key=KEY, timeout_s=10)


@pytest.fixture(params=["complete", "stream"])
def reply_of(request):
    """Asks a model for a whole reply, one way and the other."""

    def reply_of(model, asked):
        if request.param == "complete":
            return model.complete(asked)
        return join_deltas(model.stream(asked))

    return reply_of


def test_a_request_holds_what_was_asked_and_no_more(server, model, ask, reply_of):
    server.plan.append("Fine.")
    reply_of(model, ask(Message("system", "Be brief."), "Hi"))
    headers, fields = server.seen[0]
    assert headers["Authorization"] == f"Bearer {KEY}"
    for name in ("stream", "stream_options"):
        fields.pop(name, None)
    assert fields == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
        ],
    }


def test_settings_of_a_request_are_sent(server, model, ask):
    server.plan.append("Fine.")
    asked = ask(
        "Hi",
        tools=(SEARCH,),
        tool_choice=NamedTool("file_search"),
        parallel_tool_calls=False,
        temperature=0.0,
        top_p=0.5,
        max_completion_tokens=9,
        response_format={"type": "json_object"},
    )
    list(model.stream(asked))
    _headers, fields = server.seen[0]
    assert fields["tools"][0]["function"]["name"] == "file_search"
    assert fields["tool_choice"] == {"type": "function", "function": {"name": "file_search"}}
    assert fields["parallel_tool_calls"] is False
    assert (fields["temperature"], fields["top_p"], fields["max_completion_tokens"]) == (0, 0.5, 9)
    assert fields["response_format"] == {"type": "json_object"}
    assert fields["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_may_pass_is_tried_again(server, say, model, ask, reply_of, status):
    server.plan.extend([say.error(status, "busy"), say.error(status, "busy"), "Fine."])
    assert reply_of(model, ask("Hi")).message.content == "Fine."
    assert len(server.seen) == 3


def test_after_all_tries_it_is_over(server, say, model, ask, reply_of):
    server.plan.extend([say.error(503, "out\nof  memory")] * 9)
    with pytest.raises(ChatFailed, match=r"'tiny' at http.* answers 503: out of memory; try again"):
        reply_of(model, ask("Hi"))
    assert len(server.seen) == 3


def test_a_limit_on_requests_is_told_apart(server, say, model, ask):
    server.plan.extend([say.error(429, "slow down")] * 3)
    with pytest.raises(RateLimited, match="answers 429: slow down; try again later"):
        model.complete(ask("Hi"))
    error = {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}
    server.plan.append(say.stream(say.chunk({"content": "Fi"}), say.event(error)))
    with pytest.raises(RateLimited, match="slow down"):
        list(model.stream(ask("Hi")))


def test_the_pause_that_a_server_asks_for_is_kept(server, say, model, ask):
    headers = {"Retry-After-Ms": "", "Retry-After": "1"}
    server.plan.extend([say.error(429, "slow down", headers), "Fine."])
    start = time.monotonic()
    model.complete(ask("Hi"))
    assert time.monotonic() - start >= 1


@pytest.mark.parametrize(
    ("headers", "is_kept"),
    [
        ({"Retry-After": "61"}, False),
        ({"Retry-After": "120"}, False),
        ({"Retry-After-Ms": "90000"}, False),
        ({"Retry-After-Ms": "1", "Retry-After": "90"}, True),
        ({"Retry-After": "0"}, True),
        ({"Retry-After": "soon"}, True),
        ({"Retry-After": "Mon, 01 Jan 0001 00:00:00 -0000"}, True),
    ],
    ids=str,
)
def test_a_pause_of_more_than_a_minute_is_not_made(server, say, model, ask, headers, is_kept):
    server.plan.extend([say.error(429, "slow down", {"Retry-After-Ms": "", **headers}), "Fine."])
    start = time.monotonic()
    if is_kept:
        assert model.complete(ask("Hi")).message.content == "Fine."
    else:
        with pytest.raises(RateLimited, match="slow down"):
            model.complete(ask("Hi"))
    assert time.monotonic() - start < 10
    assert len(server.seen) == 1 + is_kept


def test_a_pause_until_a_time_that_is_more_than_a_minute_away_is_not_made(server, say, model, ask):
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    refusal = say.error(429, "slow down", {"Retry-After-Ms": "", "Retry-After": until})
    server.plan.extend([refusal, "Fine."])
    with pytest.raises(RateLimited, match="slow down"):
        model.complete(ask("Hi"))
    assert len(server.seen) == 1


def test_an_answer_that_breaks_off_is_tried_again_or_a_failure(server, say, model, ask):
    server.plan.append(say.answer(body=b'{"choices": [', dies=True))
    server.plan.append("Fine.")
    assert model.complete(ask("Hi")).message.content == "Fine."


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (400, "answers 400: no; check the model"),
        (401, "answers 401: no; set FSEARCH_CHAT_API_KEY"),
        (403, "answers 403: no; set FSEARCH_CHAT_API_KEY"),
        (404, "answers 404: no; check the model's name"),
    ],
)
def test_what_stays_is_said_at_once(server, say, model, ask, reply_of, status, says):
    server.plan.append(say.error(status, "no"))
    with pytest.raises(ChatFailed, match=says):
        reply_of(model, ask("Hi"))
    assert len(server.seen) == 1


def test_a_redirect_is_not_followed(server, say, model, ask, reply_of):
    server.plan.append(say.answer(307, {"Location": "http://192.0.2.1/steal"}, b""))
    with pytest.raises(ChatFailed, match=r"answers 307: http://192.0.2.1/steal, a redirect"):
        reply_of(model, ask("Hi"))


def test_nobody_at_the_address_is_said(ask, reply_of):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    model = OpenAIChatModel("tiny", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0)
    with pytest.raises(ChatFailed, match=r"cannot be reached.*refused.*FSEARCH_CHAT_BASE_URL"):
        reply_of(model, ask("Hi"))


@pytest.mark.parametrize("hangs", ["first", "last"])
def test_a_silent_server_costs_no_more_than_the_timeout(server, say, ask, hangs):
    server.plan.append(say.stream(say.chunk({"content": "Fi"}), hangs=hangs))
    model = OpenAIChatModel("tiny", base_url=server.url, timeout_s=0.3, max_retries=0)
    with pytest.raises(ChatFailed, match=r"silent for 0.3 s; raise FSEARCH_CHAT_TIMEOUT_S"):
        list(model.stream(ask("Hi")))


GARBAGE = [
    b"<html><h1>It works!</h1></html>",
    b"",
    b"\xff\xfe{}",
    b"[" * 50_000,
    b"null",
    b"[]",
    b"{}",
    b'{"choices": []}',
    b'{"choices": null}',
    b'{"choices": [{}]}',
    b'{"choices": [{"message": {"content": 5}, "finish_reason": "stop"}]}',
    b'{"choices": [{"message": {"tool_calls": [{}]}, "finish_reason": "tool_calls"}]}',
    b'{"choices": [{"message": {"content": "Fi"}, "finish_reason": "network_error"}]}',
]


@pytest.mark.parametrize("kind", ["application/json", "text/html", "text/event-stream"])
@pytest.mark.parametrize("body", GARBAGE, ids=lambda body: repr(body[:40]))
def test_garbage_is_a_failure_that_says_so(server, say, model, ask, reply_of, body, kind):
    server.plan.extend([say.answer(200, {"Content-Type": kind}, body)] * 2)
    with pytest.raises(ChatFailed, match=r"sent what cannot be used: its answer .*; ask again"):
        reply_of(model, ask("Hi"))


@pytest.mark.parametrize(
    "broken", [b"{", b"null", b"[1]", b'{"choices": 3}', b'{"choices": [{"delta": "x"}]}']
)
def test_garbage_in_a_stream_is_a_failure(server, say, model, ask, broken):
    server.plan.append(say.stream(say.chunk({"content": "Fi"}), say.event(broken), say.done))
    stream = model.stream(ask("Hi"))
    assert next(stream).text == "Fi"
    with pytest.raises(ChatFailed, match="sent what cannot be used"):
        next(stream)
    assert list(stream) == []


def test_a_stream_that_dies_is_a_failure_and_not_tried_again(server, say, model, ask):
    server.plan.extend([say.stream(say.chunk({"content": "Fi"}), dies=True), "Fine."])
    stream = model.stream(ask("Hi"))
    assert next(stream).text == "Fi"
    with pytest.raises(ChatFailed, match="broke off"):
        next(stream)
    assert len(server.seen) == 1


def test_a_stream_that_ends_too_early_is_a_failure(server, say, model, ask):
    server.plan.append(say.stream(say.chunk({"content": "Fi"})))
    with pytest.raises(ChatFailed, match="ends before the reply does"):
        list(model.stream(ask("Hi")))


USAGE = {"prompt_tokens": 11, "completion_tokens": 2}


def test_a_stream_that_counts_in_every_chunk_may_end_too_early_as_well(server, say, model, ask):
    pieces = [say.chunk({"content": text}, usage=USAGE) for text in ("Fi", "ne")]
    server.plan.append(say.stream(*pieces))
    with pytest.raises(ChatFailed, match="ends before the reply does"):
        list(model.stream(ask("Hi")))


@pytest.mark.parametrize("end", ["usage alone", "done"])
def test_a_stream_may_end_without_a_reason(server, say, model, ask, end):
    piece = say.chunk({"content": "Fine."}, usage=USAGE)
    last = say.event({"choices": [], "usage": USAGE}) if end == "usage alone" else say.done
    server.plan.append(say.stream(piece, last))
    reply = join_deltas(model.stream(ask("Hi")))
    assert (reply.message.content, reply.usage) == ("Fine.", Usage(11, 2))


def test_an_error_in_a_stream_is_a_failure(server, say, model, ask):
    error = {"error": {"message": "CUDA out of memory", "code": 500}}
    server.plan.append(say.stream(say.chunk({"content": "Fi"}), say.event(error)))
    with pytest.raises(ChatFailed, match="answers with an error: CUDA out of memory"):
        list(model.stream(ask("Hi")))


def test_a_stream_of_nothing_is_asked_for_as_a_whole(server, say, model, ask):
    """As llama-cpp-python's server does with messages that are too long."""
    too_long = say.error(400, "This model's maximum context length is 512 tokens.")
    server.plan.extend([say.stream(), too_long, say.stream(), "Fine."])
    with pytest.raises(ContextExceeded):
        list(model.stream(ask("Hi")))
    assert join_deltas(model.stream(ask("Hi"))).message.content == "Fine."


def test_a_server_that_does_not_stream_is_read_all_the_same(server, say, model, ask):
    body = {"choices": [{"message": {"content": "Fine."}, "finish_reason": "stop"}]}
    server.plan.append(say.answer(body=json.dumps(body).encode()))
    assert join_deltas(model.stream(ask("Hi"))).message.content == "Fine."


def test_usage_is_counted_where_the_server_sends_none(server, model, ask, reply_of):
    server.sends_usage = False
    server.plan.append("one two three")
    usage = reply_of(model, ask("Hi there")).usage
    assert usage.is_counted
    assert usage.completion_tokens == 3
    assert 2 < usage.prompt_tokens < 12


def test_the_key_is_in_no_message_and_no_repr(server, say, model, ask, reply_of):
    server.plan.append(say.error(401, f"Incorrect API key provided: {KEY}"))
    with pytest.raises(ChatFailed) as raised:
        reply_of(model, ask("Hi"))
    assert "[key]" in str(raised.value)
    assert KEY not in f"{raised.value!r} {model!r} {vars(raised.value)}"


@pytest.mark.parametrize("default", [float("inf"), "caf\ud83d", object()])
def test_a_request_that_is_no_json_is_not_blamed_on_the_server(
    server, model, ask, default, reply_of
):
    tool = ToolSpec("stock", "", {"type": "object", "default": default})
    with pytest.raises(ChatFailed, match=r"was not asked: .* is no JSON") as raised:
        reply_of(model, ask("Hi", tools=(tool,)))
    assert "FSEARCH_CHAT_BASE_URL" not in str(raised.value)
    assert server.seen == []


# Refusals, and that the next request knows.


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("Unrecognized request argument supplied: stream_options", "stream_options"),
        ("parallel_tool_calls: Extra inputs are not permitted", "parallel_tool_calls"),
        ("Unsupported value: 'temperature' does not support 0.2 with this model", "temperature"),
        ("registry.ollama.ai/library/gemma:2b does not support tools", "tools"),
        ("gemma:2b does not support tools (400)", "tools"),
        ("('body', 'tools'): Extra inputs are not permitted", "tools"),
        ("tools param requires --jinja flag", "tools"),
        ('"auto" tool choice requires --enable-auto-tool-choice to be set', "tools"),
        ("tool_choice only supports auto", "tool_choice"),
    ],
)
def test_what_a_server_refuses_is_left_out_from_then_on(server, say, model, ask, message, field):
    server.plan.extend([say.error(400, message), "Fine.", "Fine."])
    asked = ask(
        "Hi",
        tools=(SEARCH,),
        tool_choice="required",
        parallel_tool_calls=False,
        temperature=0.2,
    )
    for _ in range(2):
        assert join_deltas(model.stream(asked)).message.content == "Fine."
    sent = [field in fields for _headers, fields in server.seen]
    assert sent == [True, False, False]
    assert model.calls_tools is (field != "tools")


def test_images_that_a_server_refuses_are_words_from_then_on(server, say, model):
    refusal = say.error(400, "messages[0]: unknown variant `image_url`, expected `text`")
    server.plan.extend([refusal, "Fine.", "Fine."])
    request = ChatRequest((Message("user", "This?", images=(Image("https://x.org/m.png"),)),))
    for _ in range(2):
        assert model.complete(request).message.content == "Fine."
    contents = [fields["messages"][0]["content"] for _headers, fields in server.seen]
    assert [part["type"] for part in contents[0]] == ["image_url", "text"]
    assert contents[1:] == [f"{UNSEEN}\n\nThis?"] * 2


STOCK = ToolSpec("stock", "Says what is there.", {"type": "object"}, strict=True)


def test_one_strict_tool_that_is_refused_leaves_tool_calling_on(server, say, model, ask, calling):
    detail = [{"loc": ["body", "tools", 0, "function", "strict"], "msg": "Extra inputs"}]
    called = calling(("c1", "stock", "{}"))
    server.plan.extend([say.answer(422, body=json.dumps({"detail": detail}).encode()), called])
    server.plan.append(called)
    for _ in range(2):
        assert model.complete(ask("Hi", tools=(STOCK,))).message.tool_calls
    tools = [fields["tools"][0]["function"] for _headers, fields in server.seen]
    assert ["strict" in tool for tool in tools] == [True, False, False]


def test_functions_are_never_left_out_in_silence(server, say, model, ask):
    """A server that takes none says so each time, and our own search is offered all the same."""
    refusal = say.error(400, "gemma does not support tools")
    server.plan.extend([refusal, "Fine.", refusal, "Fine."])
    with pytest.raises(ChatFailed, match="gemma does not support tools"):
        model.complete(ask("Hi", tools=(SEARCH, STOCK)))
    assert model.complete(ask("Hi", tools=(SEARCH,))).message.content == "Fine."
    assert ["tools" in fields for _headers, fields in server.seen] == [True, True]
    model.complete(ask("Hi", tools=(SEARCH,)))
    assert model.calls_tools is False


@pytest.mark.parametrize("starts", ["max_tokens", "max_completion_tokens"])
def test_the_limit_has_the_name_that_the_server_takes(server, say, ask, starts):
    other = {"max_tokens", "max_completion_tokens"} - {starts}
    message = (
        f"Unsupported parameter: '{starts}' is not supported with this model. "
        f"Use '{other.pop()}' instead."
    )
    server.plan.extend([say.error(400, message), "Fine."])
    quirks = Quirks(limits_completion=starts == "max_completion_tokens")
    model = OpenAIChatModel("tiny", base_url=server.url, quirks=quirks)
    model.complete(ask("Hi", max_completion_tokens=9))
    sent = [[name for name in fields if name.startswith("max")] for _headers, fields in server.seen]
    assert sent[0] == [starts]
    assert sent[1] != [starts]


TOO_MANY = "Invalid 'max_completion_tokens': integer above maximum value."
USE_OTHER = "Unsupported parameter: '{}' is not supported with this model. Use '{}' instead."


@pytest.mark.parametrize(
    ("refusals", "starts_new"),
    [
        ([TOO_MANY], True),
        ([USE_OTHER.format("max_tokens", "max_completion_tokens"), TOO_MANY], False),
        (
            [
                "Unknown parameter: 'max_completion_tokens'",
                USE_OTHER.format("max_tokens", "max_completion_tokens"),
            ],
            True,
        ),
    ],
)
def test_a_limit_that_is_refused_is_said_in_the_servers_words(
    server, say, ask, refusals, starts_new
):
    """No name is tried twice, and no request goes on after the last refusal."""
    server.plan.extend([say.error(400, message) for message in refusals])
    quirks = Quirks(limits_completion=starts_new)
    model = OpenAIChatModel("tiny", base_url=server.url, quirks=quirks)
    with pytest.raises(ChatFailed) as raised:
        model.complete(ask("Hi", max_completion_tokens=300_000))
    assert f"answers 400: {refusals[-1]}" in str(raised.value)
    assert len(server.seen) == len(refusals)


def test_a_server_that_refuses_a_final_assistant_turn_gets_a_users(server, say, model, ask):
    refusal = "This model does not support assistant message prefill."
    server.plan.extend([say.error(400, refusal), "Fine."])
    model.complete(ask("Hi", Message("assistant", "Well,")))
    assert [fields["messages"][-1]["role"] for _h, fields in server.seen] == ["assistant", "user"]


def test_a_server_that_refuses_everything_is_not_asked_for_ever(server, say, model, ask):
    message = "stream_options, tools, tool_choice, temperature: not supported"
    server.plan.extend([say.error(400, message)] * 30)
    with pytest.raises(ChatFailed):
        list(model.stream(ask("Hi", tools=(SEARCH,))))
    assert len(server.seen) < 12


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (400, "This model's maximum context length is 8192 tokens. However, you ...", None),
        (400, "the request exceeds the available context size, try increasing it", None),
        (400, "Requested tokens (900) exceed context window of 512", None),
        (400, "Range of input length should be [1, 129024]", "InvalidParameter"),
        (500, "input length exceeds maximum context length", None),
        (400, "Prompt 超长", "1261"),
        (413, "Too long.", "context_length_exceeded"),
    ],
)
def test_too_long_is_told_apart(server, say, ask, reply_of, status, message, code):
    model = OpenAIChatModel("tiny", base_url=server.url, max_retries=0)
    server.plan.append(say.error(status, message, code=code))
    with pytest.raises(ContextExceeded, match=r"fewer or shorter messages"):
        reply_of(model, ask("Hi"))


@pytest.mark.parametrize(
    "body",
    [
        {"code": 10907, "message": "token数量超过上限"},
        {
            "choices": None,
            "base_resp": {"status_code": 2013, "status_msg": "context window exceeds limit"},
        },
        {"error": "prompt is too long"},
    ],
)
def test_too_long_may_come_with_status_200(server, say, model, ask, reply_of, body):
    kind = {"Content-Type": "application/json"}
    server.plan.append(say.answer(200, kind, json.dumps(body).encode()))
    with pytest.raises(ContextExceeded):
        reply_of(model, ask("Hi"))


# Cancellation.


@pytest.mark.parametrize("hangs", ["first", "last"])
def test_closing_from_another_thread_ends_a_wait_and_the_connection(server, say, model, ask, hangs):
    """The server is silent, before its status or after a piece; the timeout is far away."""
    server.plan.append(say.stream(say.chunk({"content": "Fi"}), hangs=hangs))
    stream, got = model.stream(ask("Hi")), []
    reader = threading.Thread(target=lambda: got.extend(stream))
    reader.start()
    assert server.reached.wait(30)
    start = time.monotonic()
    stream.close()
    reader.join(30)
    assert not reader.is_alive()
    assert server.hung_up.wait(30)
    assert time.monotonic() - start < 30
    assert len(server.seen) == 1
    assert "".join(delta.text for delta in got) in ("", "Fi")


@pytest.fixture
def tls_model(server, own_certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own_certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = server.url.replace("http:", "https:")
    return OpenAIChatModel("tiny", base_url=url, api_key=KEY, timeout_s=10, max_retries=0)


@pytest.mark.parametrize("hangs", ["first", "last"])
def test_closing_ends_a_wait_over_tls(
    server, say, tls_model, ask, own_certificate, monkeypatch, hangs
):
    monkeypatch.setenv("SSL_CERT_FILE", str(own_certificate))
    server.plan.append(say.stream(say.chunk({"content": "Fi"}), hangs=hangs))
    stream = tls_model.stream(ask("Hi"))
    reader = threading.Thread(target=lambda: list(stream))
    reader.start()
    assert server.reached.wait(30)
    stream.close()
    reader.join(30)
    assert not reader.is_alive()
    assert server.hung_up.wait(30)


def test_a_certificate_that_nobody_vouches_for_is_refused(server, tls_model, ask):
    with pytest.raises(ChatFailed, match=r"cannot be reached.*self.signed"):
        tls_model.complete(ask("Hi"))
    assert server.seen == []


def test_a_proxy_is_not_used_on_this_machine(server, model, ask, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://192.0.2.1:1")
    server.plan.append("Fine.")
    assert model.complete(ask("Hi")).message.content == "Fine."


def test_closing_early_hangs_up(server, say, model, ask):
    server.plan.append(say.stream(say.chunk({"content": "Fi"}), hangs="last"))
    stream = model.stream(ask("Hi"))
    assert next(stream).text == "Fi"
    stream.close()
    assert server.hung_up.wait(30)
    assert list(stream) == []


def test_a_stream_that_is_forgotten_hangs_up(server, say, model, ask):
    server.plan.append(say.stream(say.chunk({"content": "Fi"}), hangs="last"))
    stream = model.stream(ask("Hi"))
    next(stream)
    del stream
    gc.collect()
    assert server.hung_up.wait(30)


def test_a_cancelled_request_is_not_tried_again(server, say, model, ask):
    server.plan.extend([say.error(429, "busy", {"Retry-After-Ms": "3000"}), "Fine."])
    stream = model.stream(ask("Hi"))
    reader = threading.Thread(target=lambda: list(stream))
    reader.start()
    while not server.seen:
        time.sleep(0.01)
    stream.close()
    reader.join(30)
    assert not reader.is_alive()  # nobody is left who could ask again
    assert len(server.seen) == 1


def test_a_stream_that_is_never_read_asks_nothing(server, model, ask):
    model.stream(ask("Hi")).close()
    assert server.seen == []


def test_usage_comes_with_the_last_piece_as_the_server_says(server, say, model, ask):
    usage = {"prompt_tokens": 11, "completion_tokens": 2}
    pieces = [say.chunk({"content": "Fi"}, usage=None), say.chunk({"content": "ne."}, usage=usage)]
    server.plan.append(say.stream(*pieces, say.done))
    *_pieces, last = model.stream(ask("Hi"))
    assert (last.finish_reason, last.usage) == ("stop", Usage(11, 2))
