"""Images in messages of responses and threads: what reaches a model that sees, and what stays."""

from __future__ import annotations

import base64

import openai
import pytest

from filesearch.messages import Image
from filesearch.server import images
from filesearch.testing import ScriptedChatModel
from tests.server.assistants_api import assistant_with, runs_of
from tests.server.responses_api import WEATHER, calls

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
FAR_URL = "https://x.org/m.png"


@pytest.fixture
def model():
    return ScriptedChatModel(["A mug."], repeats=True)


@pytest.fixture
def live(serve, model):
    return serve(model)


def uploaded(live, data=PNG, name="mug.png"):
    return live.client.files.create(file=(name, data), purpose="vision").id


def respond(live, *parts, **options):
    content = [{"type": "input_text", "text": p} if isinstance(p, str) else p for p in parts]
    asked = [{"role": "user", "content": content}]
    return live.client.responses.create(model="m", input=asked, **options)


def image(**fields):
    return {"type": "input_image", **fields}


def ask_thread(live, *content):
    """Run an assistant on a thread of one message."""
    thread = live.client.beta.threads.create(messages=[{"role": "user", "content": list(content)}])
    assistant = assistant_with(live)
    return runs_of(live).create_and_poll(thread_id=thread.id, assistant_id=assistant.id), thread


def shown_file(file_id):
    return {"type": "image_file", "image_file": {"file_id": file_id}}


# Responses


def test_images_of_a_response_reach_the_model_where_they_stand(live, model):
    parts = ("This?", image(image_url=PNG_URL), "Or", image(image_url=FAR_URL, detail="low"))
    assert respond(live, *parts).output_text == "A mug."
    (asked,) = model.requests[0].messages
    assert asked.content == "This?\n\nOr"
    assert asked.images == (Image(PNG_URL, at=5), Image(FAR_URL, detail="low", at=9))


def test_an_image_alone_is_something_to_answer(live, model):
    respond(live, image(file_id=uploaded(live)))
    assert [m.images for m in model.requests[0].messages] == [(Image(PNG_URL),)]


def test_a_later_turn_shows_the_images_of_earlier_ones(live, model):
    first = respond(live, "This?", image(file_id=uploaded(live)))
    respond(live, "Sure?", previous_response_id=first.id)
    assert model.requests[1].messages[0].images == (Image(PNG_URL, at=5),)


def test_an_image_that_was_deleted_leaves_words_behind(live, model):
    file_id = uploaded(live)
    first = respond(live, "This?", image(file_id=file_id))
    live.client.files.delete(file_id)
    respond(live, "Sure?", previous_response_id=first.id)
    asked = model.requests[1].messages[0]
    assert (asked.content, asked.images) == (f"This?\n\n{images._GONE}", ())


def test_what_a_function_returns_may_be_an_image(serve):
    model = ScriptedChatModel([calls(("get_weather", {"place": "Rome"})), "Sunny."])
    responses = serve(model).client.responses
    asked = responses.create(model="m", input="Weather?", tools=[WEATHER])
    output = {
        "type": "function_call_output",
        "call_id": asked.output[0].call_id,
        "output": [image(image_url=PNG_URL)],
    }
    responses.create(model="m", input=[output], tools=[WEATHER], previous_response_id=asked.id)
    returned = model.requests[1].messages[-1]
    assert (returned.role, returned.content) == ("tool", "(no text)")
    assert returned.images == (Image(PNG_URL),)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"image_url": "file:///etc/passwd"}, "http://, https:// or data:"),
        ({"image_url": "mug.png"}, "http://, https:// or data:"),
        ({"file_id": "file-gone"}, "No such File object: file-gone"),
        ({"file_id": "mug"}, "begins with 'file'"),
        ({}, "give 'image_url' or 'file_id'"),
    ],
)
def test_an_image_that_cannot_be_there_is_refused(live, model, fields, says):
    with pytest.raises(openai.APIStatusError, match=says) as caught:
        respond(live, "This?", image(**fields))
    assert caught.value.status_code in (400, 404)
    assert not model.requests


def test_a_file_that_is_no_image_is_not_shown_as_one(live, model):
    with pytest.raises(openai.BadRequestError, match="no image of the formats"):
        respond(live, image(file_id=uploaded(live, b"plain words", "mug.png")))
    assert not model.requests


def test_images_are_counted_as_input(live):
    def count(*parts):
        asked = [{"role": "user", "content": [{"type": "input_text", "text": "This?"}, *parts]}]
        return live.client.responses.input_tokens.count(model="m", input=asked).input_tokens

    assert count(image(image_url=FAR_URL)) == count() + 765


def test_a_summary_says_where_an_image_was(live, model):
    parts = [{"type": "input_text", "text": "This?"}, image(image_url=PNG_URL)]
    live.client.responses.compact(model="m", input=[{"role": "user", "content": parts}])
    assert model.requests[0].messages[-1].content == "user: This?\n\n[image]"


def test_a_model_that_quotes_reads_the_words_beside_an_image(serve):
    quoting = serve()
    said = respond(quoting, image(image_url=PNG_URL))
    assert (said.status, bool(said.output_text)) == ("completed", True)


# Threads


def test_images_of_a_thread_reach_the_model(live, model):
    far = {"type": "image_url", "image_url": {"url": FAR_URL, "detail": "high"}}
    text = {"type": "text", "text": "This?"}
    run, _ = ask_thread(live, text, shown_file(uploaded(live)), far)
    assert run.status == "completed"
    (asked,) = model.requests[0].messages
    assert (asked.role, asked.content) == ("user", "This?")
    assert asked.images == (Image(PNG_URL, at=5), Image(FAR_URL, detail="high", at=5))


def test_a_thread_of_one_image_is_a_conversation(live, model):
    ask_thread(live, shown_file(uploaded(live)))
    assert [m.images for m in model.requests[0].messages] == [(Image(PNG_URL),)]


def test_a_file_of_a_thread_that_is_no_image_is_named_in_its_place(live, model):
    ask_thread(live, shown_file(uploaded(live, b"plain words", "mug.png")))
    assert [m.content for m in model.requests[0].messages] == [images._NO_IMAGE]


def test_older_images_give_way_where_all_are_too_much(live, model, monkeypatch):
    monkeypatch.setattr(images, "MAX_IMAGE_BYTES", 2 * len(PNG))
    _run, thread = ask_thread(live, shown_file(uploaded(live)))
    for _ in range(2):
        runs_of(live).create_and_poll(
            thread_id=thread.id,
            assistant_id=assistant_with(live).id,
            additional_messages=[{"role": "user", "content": [shown_file(uploaded(live))]}],
        )
    asked = [m for m in model.requests[-1].messages if m.role == "user"]
    assert [len(m.images) for m in asked] == [0, 1, 1]
    assert asked[0].content == images._TOO_MUCH


def test_a_model_that_quotes_answers_a_thread_of_one_image(serve):
    run, _ = ask_thread(quoting := serve(), shown_file(uploaded(quoting)))
    assert run.status == "completed"
