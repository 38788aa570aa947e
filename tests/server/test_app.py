from concurrent.futures import ThreadPoolExecutor, wait

import httpx
import openai
import pytest

from filesearch.testing import ScriptedChatModel


def test_an_unknown_url_answers_in_the_envelope(live):
    with pytest.raises(openai.NotFoundError) as caught:
        live.client.get("/nothing", cast_to=object)
    assert caught.value.body == {
        "message": "Invalid URL (GET /v1/nothing)",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def test_a_server_starts_and_stops_with_its_worker_known(live):
    assert live.server.is_worker_alive(live.server.worker_id)
    assert not live.server.is_worker_alive("worker_gone")


def test_the_openapi_document_is_served(live):
    url = live.base_url.replace("/v1", "/openapi.json")
    # On a busy machine it takes seconds to write.
    assert httpx.get(url, timeout=60).json()["openapi"]


def test_writes_that_wait_for_their_turn_keep_no_read_out(live):
    threads, files = live.client.beta.threads, live.client.files
    store = live.client.vector_stores.create(name="s")
    reader = live.client.with_options(timeout=10)
    with ThreadPoolExecutor(60) as clients:
        with live.server.fs.database.writing():
            made = [clients.submit(threads.create) for _ in range(30)]
            for _ in range(30):
                file = ("a.txt", b"a")
                made.append(clients.submit(files.create, file=file, purpose="assistants"))
            wait(made, timeout=1)  # until all of them wait
            assert reader.files.list().data == []
            assert reader.vector_stores.search(store.id, query="kiln").data == []
        assert all(one.result().id for one in made)


@pytest.mark.parametrize("name", ["metadata", "metadata[a", "metadata[]", "metadata]", "x" * 900])
def test_a_strict_server_refuses_what_looks_like_metadata(serve, name):
    client = serve(is_strict=True).client
    with pytest.raises(openai.BadRequestError, match="Unknown parameter") as caught:
        client.chat.completions.list(extra_query={name: "x"})
    assert caught.value.param == (name if len(name) < 200 else "x" * 200 + "...")


def test_a_strict_server_refuses_what_no_route_reads(serve):
    client = serve(ScriptedChatModel(["Yes."], repeats=True), is_strict=True).client
    with pytest.raises(openai.BadRequestError, match="Unknown parameter: 'limt'"):
        client.vector_stores.list(extra_query={"limt": 1})
    with pytest.raises(openai.BadRequestError, match="Unknown parameter: 'limt'"):
        client.vector_stores.create(extra_query={"limt": 1})
    message = {"role": "user", "content": "Hi"}
    client.chat.completions.create(
        model="m", messages=[message], store=True, metadata={"topic": "a b"}
    )
    assert client.chat.completions.list(metadata={"topic": "a b"}, model="m", limit=1).data
    made = client.responses.create(model="m", input="Hi")
    assert client.responses.retrieve(made.id, include=["file_search_call.results"])
    assert client.responses.input_items.list(made.id, order="asc", limit=1).data
    assistant = client.beta.assistants.create(model="m")
    run = client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id, thread={"messages": [message]}
    )
    steps = client.beta.threads.runs.steps
    assert steps.list(
        run.id,
        thread_id=run.thread_id,
        include=["step_details.tool_calls[*].file_search.results[*].content"],
    ).data
    assert client.files.list(purpose="assistants", limit=1).data == []
