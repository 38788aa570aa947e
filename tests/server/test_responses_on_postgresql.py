"""Responses and conversations over a catalog in PostgreSQL: where it might differ."""

import functools

import httpx
import pytest

from tests.server.test_conversations import (
    test_a_conversation_is_made_changed_and_deleted,
    test_deleting_while_listing_sees_every_item,
    test_items_are_added_listed_and_taken_out,
)
from tests.server.test_response_background import (
    said,
    test_a_response_in_the_background_is_cancelled,
    test_many_begin_at_once,
)
from tests.server.test_response_input import test_an_item_can_be_given_by_its_id

__all__ = [
    "said",
    "test_a_conversation_is_made_changed_and_deleted",
    "test_a_response_in_the_background_is_cancelled",
    "test_an_item_can_be_given_by_its_id",
    "test_deleting_while_listing_sees_every_item",
    "test_items_are_added_listed_and_taken_out",
    "test_many_begin_at_once",
]


@pytest.fixture
def serve(serve, postgres_url):
    return functools.partial(serve, db=postgres_url)


@pytest.mark.parametrize(
    "path", ["/responses/resp_%00", "/conversations/conv_%00", "/responses/resp_x?after=%00"]
)
def test_a_nul_in_a_url_is_refused(live, path):
    answer = httpx.get(live.base_url + path)
    assert answer.status_code in (400, 404), answer.text


@pytest.mark.parametrize(
    "field",
    [
        {"previous_response_id": "resp_\x00"},
        {"conversation": "conv_\x00"},
        {"input": [{"type": "item_reference", "id": "msg_\x00"}]},
        {"tools": [{"type": "file_search", "vector_store_ids": ["vs_\x00"]}]},
    ],
)
def test_a_nul_in_an_id_is_refused(live, field):
    body = {"model": "m", "input": "x", **field}
    answer = httpx.post(f"{live.base_url}/responses", json=body, timeout=20)
    assert answer.status_code in (400, 404), answer.text


def test_a_nul_in_a_text_is_kept(live):
    items = [{"role": "user", "content": "a\x00b"}]
    made = live.client.conversations.create(items=items)
    (item,) = live.client.conversations.items.list(made.id)
    assert item.content[0].text == "a\x00b"
    answer = live.client.responses.create(model="m", input="c\x00d", conversation=made.id)
    assert answer.status == "completed"
