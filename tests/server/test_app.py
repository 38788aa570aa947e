import httpx
import openai
import pytest


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
    assert httpx.get(live.base_url.replace("/v1", "/openapi.json")).json()["openapi"]
