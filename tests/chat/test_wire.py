"""Wire: messages in the shape that a server takes."""

import pytest

from filesearch.chat.quirks import Quirks, is_too_long, learn
from filesearch.chat.wire import NUDGE, request_fields, shape_messages
from filesearch.messages import ChatRequest, Message, NamedTool, ToolCall, ToolSpec

CALL = ToolCall("c1", "file_search", '{"query": "kiln"}')
TALK = (
    Message("system", "Be brief."),
    Message("user", "How hot?"),
    Message("assistant", "", (CALL,)),
    Message("tool", "[1] kiln.txt: 1280 degrees", tool_call_id="c1"),
)
SEARCH = ToolSpec("file_search", "Finds passages.", strict=True)


def shape(messages, **quirks):
    return [(m.role, m.content) for m in shape_messages(messages, Quirks(**quirks))]


def test_tool_calls_and_their_results_are_told_in_openais_shape():
    fields = request_fields("m", ChatRequest(TALK, tools=(SEARCH,)), Quirks(), stream=False)
    assert fields["messages"][2]["tool_calls"] == [
        {
            "id": "c1",
            "type": "function",
            "function": {"name": "file_search", "arguments": '{"query": "kiln"}'},
        }
    ]
    assert fields["messages"][3] == {
        "role": "tool",
        "content": "[1] kiln.txt: 1280 degrees",
        "tool_call_id": "c1",
    }
    assert fields["tools"][0]["function"] == {
        "name": "file_search",
        "description": "Finds passages.",
        "parameters": {"type": "object"},
        "strict": True,
    }
    assert "tool_choice" not in fields


def test_without_tool_calling_results_are_the_users_text():
    fields = request_fields(
        "m", ChatRequest(TALK, tools=(SEARCH,)), Quirks(calls_tools=False), stream=False
    )
    assert "tools" not in fields
    assert [(m["role"], m["content"]) for m in fields["messages"]] == [
        ("system", "Be brief."),
        ("user", "How hot?\n\nResult of file_search:\n\n[1] kiln.txt: 1280 degrees"),
    ]
    assert all(message.keys() == {"role", "content"} for message in fields["messages"])


@pytest.mark.parametrize("choice", ["auto", "none", "required", NamedTool("file_search")])
def test_a_server_that_chooses_itself_gets_tools_unless_none_are_wanted(choice):
    request = ChatRequest(TALK, tools=(SEARCH,), tool_choice=choice)
    fields = request_fields("m", request, Quirks(chooses_tools=False), stream=False)
    assert "tool_choice" not in fields
    assert ("tools" in fields) is (choice != "none")


def test_strict_is_left_out_where_it_is_not_taken():
    request = ChatRequest(TALK, tools=(SEARCH,))
    fields = request_fields("m", request, Quirks(strict_tools=False), stream=False)
    assert fields["tools"][0]["function"].keys() == {"name", "description", "parameters"}


def test_several_system_messages_become_one_where_only_one_is_taken():
    talk = [*TALK[:2], Message("system", "In French.")]
    assert shape(talk) == [("system", "Be brief."), ("user", "How hot?"), ("system", "In French.")]
    assert shape(talk, one_system=True) == [
        ("system", "Be brief.\n\nIn French."),
        ("user", "How hot?"),
    ]


def test_neighbours_of_one_role_are_joined_where_turns_must_alternate():
    talk = [Message("user", "A"), Message("user", "B"), Message("assistant", "C")]
    assert shape(talk, alternates=True) == [("user", "A\n\nB"), ("assistant", "C")]
    assert shape_messages(TALK, Quirks(alternates=True)) == list(TALK)


def test_the_user_has_the_last_word_where_a_server_wants_that():
    talk = [Message("user", "A"), Message("assistant", "B")]
    assert shape(talk, needs_user_turn=True)[-1] == ("user", NUDGE)
    assert shape(talk[:1], needs_user_turn=True) == [("user", "A")]


@pytest.mark.parametrize(
    ("message", "change"),
    [
        ("Conversation roles must alternate user/assistant/user/assistant/...", "alternates"),
        ("Cannot have 2 or more assistant messages at the end of the list.", "alternates"),
        ("The conversation must end with a user message.", "needs_user_turn"),
        ("Cannot set ... when the last message is from the assistant.", "needs_user_turn"),
        ("Expected last role User or Tool for serving but got assistant", "needs_user_turn"),
        ("System message must be at the beginning.", "one_system"),
    ],
)
def test_refusals_of_chat_templates_are_understood(message, change):
    assert learn(Quirks(), message) == Quirks(**{change: True})


@pytest.mark.parametrize(
    "message",
    [
        "[{'type': 'extra_forbidden', 'loc': ('body', 'tools', 0, 'function', 'strict'), "
        "'msg': 'Extra inputs are not permitted', 'input': True}]",
        "tools.0.function.strict: Extra inputs are not permitted",
        "body -> tools -> 0 -> function -> strict: extra fields not permitted",
        "unknown_parameter Unknown parameter: 'tools[1].function.strict'.",
        "'tools.0.function' : property 'strict' is unsupported",
        "Strict tools are not supported by this model.",
        "Function calling with strict is only available on the beta endpoint",
    ],
)
def test_a_refusal_of_strict_is_none_of_tools(message):
    learned = learn(Quirks(), message)
    assert learned == Quirks(strict_tools=False)


@pytest.mark.parametrize(
    ("message", "is_unknown"),
    [
        ("Unrecognized request argument supplied: max_completion_tokens", True),
        ("invalid_request_error Unknown parameter: 'max_completion_tokens'.", True),
        (
            "{'loc': ('body', 'max_completion_tokens'), 'msg': 'Extra inputs are not permitted'}",
            True,
        ),
        ("max_completion_tokens is not supported by this model", True),
        ("got an unexpected keyword argument 'max_completion_tokens'", True),
        ("Invalid 'max_completion_tokens': integer above maximum value.", False),
        ("max_completion_tokens is too large: 300000. This model supports at most 16384", False),
        ("Unsupported value: 'max_completion_tokens' must be at least 1", False),
        ("'max_tokens' is not supported with this model. Use 'max_completion_tokens'.", False),
    ],
)
def test_the_name_of_the_limit_is_told_from_its_value(message, is_unknown):
    assert learn(Quirks(), message).limits_completion is not is_unknown


@pytest.mark.parametrize(
    "message",
    [
        "",
        "model 'tool-use-7b' not found",
        "tools.0.function.parameters.properties.temperature: unsupported type",
        "('body', 'tools', 2, 'function', 'name'): Extra inputs are not permitted",
        "tools[0].type: 'custom' is not supported",
        "/tools/0/function/description is not supported",
        "Invalid schema for function 'x': in strict mode 'pattern' is not permitted",
        "response_format.json_schema.strict: Extra inputs are not permitted",
        "Invalid schema for function 'file_search': 'type' is a required property",
        "Missing required parameter: 'tools[0].function'",
        "messages with role 'tool' must be a response to a preceding message with 'tool_calls'",
        "An assistant message with 'tool_calls' must be followed by tool messages",
    ],
)
def test_other_refusals_teach_nothing(message):
    assert learn(Quirks(), message) == Quirks()


@pytest.mark.parametrize(
    "message",
    [
        "",
        "max_tokens must be at least 1",
        "no such context",
        "rate limit: too many tokens per minute",
    ],
)
def test_other_errors_are_not_taken_for_too_long(message):
    assert not is_too_long(message)
