"""Chat completions that are stored: kept with `store`, listed, read, changed and forgotten."""

import base64

import openai
import pytest

from filesearch.messages import ChatReply, Message, ToolCall, Usage
from filesearch.testing import ScriptedChatModel

HELLO = [{"role": "user", "content": "Hello"}]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
CALL = ChatReply(
    Message("assistant", "", (ToolCall("call_0", "weather", '{"city": "Bergen"}'),)),
    "tool_calls",
    Usage(7, 5),
)


@pytest.fixture
def chats(serve):
    """Replies -> the client's chat completions, answered by them in order."""
    return lambda *replies: serve(ScriptedChatModel(replies)).client.chat.completions


def test_only_what_asks_for_it_is_stored(chats):
    chat = chats("One", "Two")
    chat.create(model="m", messages=HELLO)
    kept = chat.create(model="m", messages=HELLO, store=True, metadata={"lot": "7"})
    listed = chat.list().data
    assert [one.id for one in listed] == [kept.id]
    found = chat.retrieve(kept.id)
    assert found.choices[0].message.content == "Two"
    assert (found.metadata, found.usage.completion_tokens) == ({"lot": "7"}, 1)


def test_a_stream_is_stored_as_the_completion_that_it_makes(chats):
    chat = chats("Hello yourself", CALL)
    said = list(chat.create(model="m", messages=HELLO, stream=True, store=True))
    found = chat.retrieve(said[0].id)
    assert found.choices[0].message.content == "Hello yourself"
    assert found.choices[0].finish_reason == "stop"
    called = list(chat.create(model="m", messages=HELLO, tools=TOOLS, stream=True, store=True))
    (call,) = chat.retrieve(called[0].id).choices[0].message.tool_calls
    assert (call.id, call.function.arguments) == ("call_0", '{"city": "Bergen"}')


def test_the_list_is_narrowed_by_model_and_metadata_and_goes_by_pages(chats):
    chat = chats(*"abcdef")
    made = [
        chat.create(model=model, messages=HELLO, store=True, metadata={"lot": lot})
        for model, lot in ("x1", "x2", "y1", "x1", "y2", "x1")
    ]
    lots = chat.list(model="x", metadata={"lot": "1"}, limit=2)
    assert [one.id for one in lots.data] == [made[0].id, made[3].id]
    assert lots.has_more
    assert [one.id for one in lots] == [made[0].id, made[3].id, made[5].id]
    assert [one.id for one in chat.list(order="desc", limit=1).data] == [made[5].id]


def test_the_messages_of_a_stored_completion_are_those_that_it_answers(chats):
    chat = chats("Yes")
    parts = [{"type": "text", "text": "A mug"}, {"type": "text", "text": "and a bowl?"}]
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": parts}]
    kept = chat.create(model="m", messages=asked, store=True)
    first, second = chat.messages.list(kept.id).data
    assert (first.role, first.content, first.content_parts) == ("system", "Be brief.", None)
    assert second.content == "A mug\n\nand a bowl?"
    assert [part.text for part in second.content_parts] == ["A mug", "and a bowl?"]
    assert [m.id for m in chat.messages.list(kept.id, after=first.id).data] == [second.id]


@pytest.mark.parametrize("stream", [False, True])
def test_the_bytes_of_a_file_are_not_stored_with_what_was_asked(live, stream):
    data = base64.b64encode(b"The kiln reaches 1280 degrees.").decode()
    file = {"type": "file", "file": {"filename": "kiln.txt", "file_data": data}}
    asked = [{"role": "user", "content": [file, {"type": "text", "text": "Degrees?"}]}]
    chat = live.client.chat.completions
    kept = chat.create(model="m", messages=asked, store=True, stream=stream)
    (completion_id,) = {chunk.id for chunk in kept} if stream else {kept.id}
    with live.server.objects.reading() as tx:
        (stored,) = tx.find("chat", completion_id).body["messages"]
    assert stored["content"] == [
        {"type": "file", "file": {"filename": "kiln.txt"}},
        asked[0]["content"][1],
    ]
    assert chat.messages.list(completion_id).data[0].content == "Degrees?"


def test_metadata_can_be_changed_and_a_completion_forgotten(chats):
    chat = chats("Yes")
    kept = chat.create(model="m", messages=HELLO, store=True)
    assert chat.update(kept.id, metadata={"lot": "8"}).metadata == {"lot": "8"}
    assert chat.delete(kept.id).deleted
    for use in (chat.retrieve, chat.delete, chat.messages.list):
        with pytest.raises(openai.NotFoundError, match="'store': true"):
            use(kept.id)


def test_keys_that_are_kept_apart_see_their_own_alone(serve_keys):
    live, secrets = serve_keys(ScriptedChatModel(["One"]), [{}, {}], isolates_keys=True)
    mine, other = (
        openai.OpenAI(base_url=live.base_url, api_key=secret, max_retries=0) for secret in secrets
    )
    kept = mine.chat.completions.create(model="m", messages=HELLO, store=True)
    assert [one.id for one in mine.chat.completions.list()] == [kept.id]
    assert not other.chat.completions.list().data
    with pytest.raises(openai.NotFoundError):
        other.chat.completions.retrieve(kept.id)
