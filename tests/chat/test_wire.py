"""Wire: messages in the shape that a server takes."""

import pytest

from filesearch.chat.quirks import Quirks, is_too_long, learn
from filesearch.chat.wire import NUDGE, SHOWN_HERE, UNSEEN, request_fields, shape_messages
from filesearch.messages import (
    ChatRequest,
    Image,
    Message,
    NamedTool,
    ToolCall,
    ToolSpec,
    join_parts,
)

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


MUG = Image("https://x.org/m.png", detail="low")
JUG = Image("data:image/png;base64,AAAA")
SHOWN_MUG = {
    "type": "image_url",
    "image_url": {"url": "https://x.org/m.png", "detail": "low"},
}
SHOWN_JUG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def contents(messages, **quirks):
    fields = request_fields("m", ChatRequest(tuple(messages)), Quirks(**quirks), stream=False)
    return [(message["role"], message["content"]) for message in fields["messages"]]


def test_images_stand_among_the_words_of_the_user():
    asked = join_parts("user", ["This is a mug:", MUG, "and this?", JUG])
    text = [{"type": "text", "text": said} for said in ("This is a mug:", "and this?")]
    assert contents([asked]) == [("user", [text[0], SHOWN_MUG, text[1], SHOWN_JUG])]
    assert contents([join_parts("user", [MUG])]) == [("user", [SHOWN_MUG])]
    assert asked.content == "This is a mug:\n\nand this?"


def test_images_of_tools_follow_in_a_message_of_the_user():
    calls = (ToolCall("c1", "look", "{}"), ToolCall("c2", "look", "{}"))
    talk = [
        Message("user", "What is there?"),
        Message("assistant", "", calls),
        Message("tool", "Front", tool_call_id="c1", images=(Image(MUG.url, detail="low", at=5),)),
        Message("tool", "Back", tool_call_id="c2"),
        Message("assistant", "A mug."),
    ]
    told = contents(talk)
    assert told[2:4] == [("tool", "Front\n\n[image]"), ("tool", "Back")]
    assert told[4] == ("user", [{"type": "text", "text": SHOWN_HERE}, SHOWN_MUG])
    assert contents(talk[:4])[-1] == told[4]
    assert told[5] == ("assistant", "A mug.")


def test_images_stay_where_messages_are_joined():
    talk = [join_parts("user", [MUG, "A mug."]), join_parts("user", ["And this?", JUG])]
    text = [{"type": "text", "text": said} for said in ("A mug.\n\nAnd this?",)]
    assert contents(talk, alternates=True) == [("user", [SHOWN_MUG, *text, SHOWN_JUG])]


def test_words_stand_for_images_where_none_are_taken():
    talk = [join_parts("user", ["This?", MUG]), join_parts("user", [JUG])]
    assert contents(talk, takes_images=False) == [
        ("user", f"This?\n\n{UNSEEN}"),
        ("user", UNSEEN),
    ]


@pytest.mark.parametrize(
    "message",
    [
        "Invalid content type. image_url is only supported by certain models.",
        "messages[0]: unknown variant `image_url`, expected `text` at line 1 column 96",
        "image input is not supported - hint: if this is unexpected, you may need the mmproj",
        "At most 0 image(s) may be provided in one prompt.",
        "tiny is not a multimodal model",
        "No endpoints found that support image input",
        "Model does not support images. Please use a model that does.",
        "this model is missing data required for image input",
        "'messages.0.content' : content must be a string",
    ],
)
def test_a_server_that_takes_no_images_is_understood(message):
    assert learn(Quirks(), message) == Quirks(takes_images=False)


@pytest.mark.parametrize(
    "message",
    [
        "You uploaded an unsupported image. Please make sure your image is valid.",
        "Unsupported image format: this model does not support image/heic",
        "Error while downloading https://x.org/m.png: image not found",
        "At most 10 image(s) may be provided in one request.",
        "Invalid image data: cannot identify image file",
    ],
)
def test_an_image_that_is_refused_is_not_the_servers_lack(message):
    assert learn(Quirks(), message) == Quirks()


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
