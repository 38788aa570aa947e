"""Reading: chunks of every server's making -> the same reply."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesearch.chat.reading import Reading, Unreadable, join_deltas, read_error
from filesearch.errors import FilesearchError
from filesearch.messages import ChatRequest, Message, ToolSpec, Usage

REQUEST = ChatRequest((Message("user", "Hi"),))


def read(*deltas, finish="stop", tools=()):
    """The reply to a stream of these deltas."""
    reading = Reading(replace(REQUEST, tools=tuple(ToolSpec(name) for name in tools)))
    chunks = [{"choices": [{"delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"delta": {}, "finish_reason": finish}]})
    pieces = [piece for chunk in chunks if (piece := reading.take(chunk))]
    return join_deltas([*pieces, *reading.finish()])


def calls(*pieces, tools=()):
    """The tool calls of a stream with one piece a delta."""
    reply = read(*({"tool_calls": [piece]} for piece in pieces), tools=tools)
    return [(call.id, call.name, call.arguments) for call in reply.message.tool_calls]


def say(text):
    """The text that is left of a text."""
    return read({"content": text}).message.content


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>Hm. 30 days?</think>\n\nThirty days.", "Thirty days."),
        ("\n<think>\n</think>Yes.", "Yes."),
        ("<think></think>", ""),
        ("<think>never ends", ""),
        ("Use <think>x</think> tags.", "Use <think>x</think> tags."),
        ("<think", "<think"),
        ("<thinking>", "<thinking>"),
        ("<think>a</think>b<think>c</think>", "b<think>c</think>"),
        ("  spaced  ", "  spaced  "),
        ("\n", "\n"),
    ],
)
def test_what_was_thought_aloud_is_left_out(text, left):
    assert say(text) == left


@given(
    st.lists(st.sampled_from(["<think>", "</think>", " ", "\n", "<", "th", "ab", "字"])), st.data()
)
def test_a_text_is_the_same_however_it_is_cut(parts, data):
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    bounds = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in pairwise(bounds)]
    assert read(*({"content": piece} for piece in pieces)).message.content == say(text)


def test_a_character_that_is_cut_in_half_is_joined():
    halves = [{"content": "A \ud83d"}, {"content": "\ude42 b \ude42"}, {"content": "\ud83d"}]
    assert read(*halves).message.content == "A 🙂 b \ufffd\ufffd"


def test_reasoning_is_left_out():
    reply = read(
        {"reasoning_content": "Hm."}, {"content": None, "reasoning": "Hm."}, {"content": "A"}
    )
    assert reply.message.content == "A"


def test_what_a_model_says_where_it_declines_is_its_text():
    pieces = [{"content": None, "refusal": "I can"}, {"refusal": "not."}, {"refusal": None}]
    assert read(*pieces).message.content == "I cannot."
    part = {"type": "refusal", "refusal": "I cannot."}
    assert read({"content": [part]}).message.content == "I cannot."
    assert read({"content": "A", "refusal": False}).message.content == "A"


def test_content_in_parts_is_read():
    assert say([{"type": "text", "text": "A "}, {"type": "text", "text": "mug"}]) == "A mug"


def function(name=None, arguments=None):
    return {"name": name, "arguments": arguments}


def test_calls_without_index_and_id_get_both():
    found = calls(
        {"function": function("search", '{"q":')},
        {"function": function(None, " 1}")},
        {"function": function("search", "{}")},
    )
    assert [(name, arguments) for _id, name, arguments in found] == [
        ("search", '{"q": 1}'),
        ("search", "{}"),
    ]
    assert len({call_id for call_id, _name, _arguments in found}) == 2
    assert all(call_id.startswith("call_") for call_id, _name, _arguments in found)


def test_calls_that_share_an_index_are_told_apart_by_their_ids():
    found = calls(
        {"index": 0, "id": "a", "function": function("search", "{")},
        {"index": 0, "function": function(None, "}")},
        {"index": 0, "id": "b", "function": function("weather", '{"')},
        {"index": 0, "function": function(None, 'x": 1}')},
    )
    assert found == [("a", "search", "{}"), ("b", "weather", '{"x": 1}')]


def test_calls_that_share_an_id_get_ids_of_their_own():
    found = calls(
        {"index": 0, "id": "call", "function": function("search", "{}")},
        {"index": 1, "id": "call", "function": function("search", "{}")},
    )
    assert len({call_id for call_id, _name, _arguments in found}) == 2


def test_an_index_that_does_not_start_at_0_is_mended():
    assert calls({"index": 7, "id": "a", "function": function("search", "{}")}) == [
        ("a", "search", "{}")
    ]


def test_a_name_that_is_repeated_is_taken_once():
    found = calls(
        {"index": 0, "id": "a", "function": function("search", "{")},
        {"index": 0, "id": "a", "function": function("search", "}")},
    )
    assert found == [("a", "search", "{}")]


@pytest.mark.parametrize("tools", [(), ("file_search",), ("file", "file_search", "search")])
@pytest.mark.parametrize(
    "pieces", [("file_", "search"), ("file_", "file_search"), ("file_search",) * 2]
)
def test_a_name_may_come_in_pieces_or_grow_or_be_repeated(pieces, tools):
    first, second = ({"index": 0, "id": "a", "function": function(name, "")} for name in pieces)
    rest = {"index": 0, "function": function(None, "{}")}
    assert calls(first, second, rest, tools=tools) == [("a", "file_search", "{}")]
    second["function"]["arguments"] = "{}"
    assert calls(first, second, tools=tools) == [("a", "file_search", "{}")]


def test_calls_are_given_in_their_order_whatever_comes_first():
    found = calls(
        {"index": 0, "id": "a", "function": function("now", "")},
        {"index": 1, "id": "b", "function": function(None, "{")},
        {"index": 2, "id": "c", "function": function("search", "{}")},
        {"index": 1, "function": function("weather", "}")},
    )
    assert found == [("a", "now", "{}"), ("b", "weather", "{}"), ("c", "search", "{}")]


def test_two_calls_without_arguments_stay_two():
    found = calls({"function": function("now", "")}, {"function": function("now", "")})
    assert [name for _id, name, _arguments in found] == ["now", "now"]


@pytest.mark.parametrize(("index", "call_id"), [("0", "a"), (0.0, 7), ("first", "a"), (None, 0)])
def test_an_index_and_an_id_may_be_of_any_kind(index, call_id):
    given = {"index": index, "id": call_id, "function": function("search", '{"q":')}
    rest = {"index": index, "function": function(None, "1}")}
    assert calls(given, rest) == [(str(call_id), "search", '{"q":1}')]


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": "5", "completion_tokens": 2.0}, Usage(5, 2)),
        ({"prompt_tokens": 5, "completion_tokens": 2.5}, Usage(5, 2)),
        ({"prompt_tokens": 5, "completion_tokens": 1e400}, None),
        ({"prompt_tokens": -5, "completion_tokens": 2}, None),
        ({"prompt_tokens": True, "completion_tokens": "many"}, None),
        ({}, None),
        ("5 tokens", None),
        ([5], None),
    ],
)
def test_usage_of_any_form_spoils_no_reply(usage, counts):
    reading = Reading(REQUEST)
    piece = reading.take({"choices": [{"delta": {"content": "A"}, "finish_reason": "stop"}]})
    reading.take({"choices": [], "usage": usage})
    reply = join_deltas([piece, *reading.finish()])
    assert reply.message.content == "A"
    assert reply.usage == counts or (counts is None and reply.usage.is_counted)


def test_a_name_that_comes_late_is_waited_for():
    found = calls(
        {"index": 0, "id": "a", "function": function(None, "{")},
        {"index": 0, "function": function("search", "}")},
    )
    assert found == [("a", "search", "{}")]


@pytest.mark.parametrize("arguments", [None, "", " ", {}])
def test_no_arguments_are_an_empty_object(arguments):
    [(_id, _name, found)] = calls({"index": 0, "id": "a", "function": function("now", arguments)})
    assert found.strip() == "{}"


def test_arguments_given_as_an_object_become_text():
    [(_id, _name, found)] = calls({"id": "a", "function": function("search", {"q": "窑"})})
    assert found == '{"q": "窑"}'


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("length", "length"),
        ("sensitive", "content_filter"),
        ("tool_calls", "stop"),
    ],
)
def test_reasons_to_end_are_openais(finish, reason):
    assert read({"content": "A"}, finish=finish).finish_reason == reason


def test_a_reply_that_calls_tools_ends_for_that_reason():
    call = {"index": 0, "id": "a", "function": function("now", "{}")}
    assert read({"tool_calls": [call]}, finish="stop").finish_reason == "tool_calls"


@pytest.mark.parametrize("finish", ["network_error", "abort"])
def test_a_reply_that_the_server_gave_up_is_unreadable(finish):
    with pytest.raises(Unreadable, match=finish):
        read({"content": "A"}, finish=finish)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "choices delta message content tool_calls index id function name arguments usage "
                "finish_reason prompt_tokens completion_tokens error code".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=4))
def test_any_json_is_a_reply_or_unreadable(chunks):
    reading = Reading(REQUEST)
    try:
        pieces = [piece for chunk in chunks if (piece := reading.take(chunk))]
        reply = join_deltas([*pieces, *reading.finish()])
    except (ValueError, FilesearchError):
        return
    assert isinstance(reply.message.content, str)
    assert all(call.id and call.name for call in reply.message.tool_calls)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "no", "code": "c", "type": "t"}}, ("no", "c")),
        ({"error": {"message": "no", "code": None, "type": "t"}}, ("no", "t")),
        ({"error": "no"}, ("no", "")),
        ({"object": "error", "message": "no", "code": 400}, ("no", "400")),
        ({"detail": [{"msg": "no"}]}, ("[{'msg': 'no'}]", "")),
        ({"base_resp": {"status_code": 2013, "status_msg": "no"}}, ("no", "2013")),
        ({"base_resp": {"status_code": 0, "status_msg": "success"}}, None),
        ({"code": 0, "message": "Success"}, None),
        ({"choices": []}, None),
        ("no", None),
    ],
)
def test_errors_of_every_shape_are_read(body, said):
    assert read_error(body) == said
