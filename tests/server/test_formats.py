"""Formats: what a model that quotes cannot write is refused, wherever it is asked for."""

from __future__ import annotations

import openai
import pytest
from pydantic import BaseModel

from filesearch.testing import ScriptedChatModel
from tests.server.assistants_api import assistant_with, runs_of, thread_with

SCHEMA = {"name": "days", "schema": {"type": "object", "properties": {}}}
SHAPES = [{"type": "json_object"}, {"type": "json_schema", "json_schema": SCHEMA}]


class Days(BaseModel):
    days: int


def check(raised, param):
    error = raised.value.body
    assert (error["param"], error["code"]) == (param, "invalid_value")
    assert "extractive model" in error["message"]


@pytest.mark.parametrize("shape", [{"type": "json_object"}, {"type": "json_schema", **SCHEMA}])
@pytest.mark.parametrize("options", [{}, {"stream": True}, {"background": True}])
def test_a_response_in_json_is_refused_by_the_model_that_quotes(live, shape, options):
    with pytest.raises(openai.BadRequestError) as raised:
        live.client.responses.create(model="m", input="Hi", text={"format": shape}, **options)
    check(raised, "text.format")


def test_a_response_that_is_to_be_parsed_is_refused_before_the_client_parses_it(live):
    with pytest.raises(openai.BadRequestError):
        live.client.responses.parse(model="m", input="How many days?", text_format=Days)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_in_json_is_refused_by_the_model_that_quotes(live, shape):
    assistant = assistant_with(live, response_format=shape)
    thread = thread_with(live, "Hi")
    with pytest.raises(openai.BadRequestError) as raised:
        runs_of(live).create(thread_id=thread.id, assistant_id=assistant.id)
    check(raised, "response_format")
    with pytest.raises(openai.BadRequestError) as raised:
        live.client.beta.threads.create_and_run(
            assistant_id=assistant_with(live).id, response_format=shape
        )
    check(raised, "response_format")
    plain = runs_of(live).create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, response_format={"type": "text"}
    )
    assert plain.status == "completed"


@pytest.mark.parametrize("shape", SHAPES)
def test_a_language_model_is_asked_for_the_format(serve, shape):
    model = ScriptedChatModel(["{}"])
    live = serve(model)
    run = live.client.beta.threads.create_and_run_poll(
        assistant_id=assistant_with(live, response_format=shape).id,
        thread={"messages": [{"role": "user", "content": "Hi"}]},
    )
    assert run.status == "completed"
    assert model.requests[0].response_format == shape
