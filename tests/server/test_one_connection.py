"""A server with a single connection to its database: nobody who holds it may ask for another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from filesearch.testing import ScriptedChatModel
from tests.server.assistants_api import (
    RETURNS,
    WEATHER,
    assistant_with,
    calling,
    runs_of,
    searched,
    searching,
    store_of,
    texts,
    thread_with,
)


class CallsOnce(ScriptedChatModel):
    """A ChatModel that calls what it is given, and answers once it has what came of it."""

    def __init__(self):
        super().__init__([])

    def stream(self, request):
        if request.messages[-1].role == "tool" or not request.tools:
            replies = ["Yes."]
        elif request.tools[0].name == "file_search":
            replies = [searching("mugs")]
        else:
            replies = [calling("Rome")]
        yield from ScriptedChatModel(replies).stream(request)


@pytest.fixture
def live(serve, postgres_url, monkeypatch):
    monkeypatch.setattr("filesearch.database._POSTGRES_POOL_SIZE", 1)
    return serve(CallsOnce(), db=postgres_url)


def test_many_clients_at_once_need_no_second_connection(live):
    client = live.client
    asks, seeks = assistant_with(live, WEATHER), assistant_with(live, {"type": "file_search"})

    def go_round(number):
        thread = thread_with(live, f"Rain {number}?")
        waits = runs_of(live).create_and_poll(thread_id=thread.id, assistant_id=asks.id)
        output = {"tool_call_id": waits.required_action.submit_tool_outputs.tool_calls[0].id}
        ended = runs_of(live).submit_tool_outputs_and_poll(
            run_id=waits.id, thread_id=thread.id, tool_outputs=[{**output, "output": "sun"}]
        )
        store = store_of(live, RETURNS)
        sought = runs_of(live).create_and_poll(
            thread_id=thread_with(live, "Mugs?", **searched(store)).id, assistant_id=seeks.id
        )
        stopped = runs_of(live).create_and_poll(
            thread_id=thread_with(live, "Rain?").id, assistant_id=asks.id
        )
        runs_of(live).cancel(stopped.id, thread_id=stopped.thread_id)
        tools = [{"type": "file_search", "vector_store_ids": [store]}]
        behind = client.responses.create(model="m", input="Mugs?", tools=tools, background=True)
        said = list(client.responses.create(model="m", input="Mugs?", tools=tools, stream=True))
        client.responses.cancel(behind.id)
        assert client.vector_stores.search(store, query="mugs").data
        client.vector_stores.delete(store)
        client.beta.threads.delete(stopped.thread_id)
        assert client.files.list().data
        return ended.status, sought.status, said[-1].type, texts(live, thread.id)[-1]

    with ThreadPoolExecutor(6) as clients:
        ends = list(clients.map(go_round, range(6)))
    assert ends == [("completed", "completed", "response.completed", "Yes.")] * 6
