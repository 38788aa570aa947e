"""Assistants, threads and messages over a catalog in PostgreSQL: where it might differ."""

import httpx
import pytest

from tests.server.test_assistants import test_deleting_while_listing_deletes_all
from tests.server.test_messages import (
    test_an_active_run_keeps_new_messages_out,
    test_attachments_that_come_at_once_share_the_store,
    test_messages_are_listed_newest_first,
    test_the_messages_of_one_run_can_be_listed,
    thread,
)
from tests.server.test_threads import test_a_deleted_thread_takes_its_messages_along

__all__ = [
    "test_a_deleted_thread_takes_its_messages_along",
    "test_an_active_run_keeps_new_messages_out",
    "test_attachments_that_come_at_once_share_the_store",
    "test_deleting_while_listing_deletes_all",
    "test_messages_are_listed_newest_first",
    "test_the_messages_of_one_run_can_be_listed",
    "thread",
]


@pytest.fixture
def live(serve, postgres_url):
    return serve(db=postgres_url)


def test_a_nul_that_the_database_cannot_hold_is_refused_or_kept(live):
    with httpx.Client() as http:
        for path in ("/assistants/asst_%00", "/assistants?after=%00", "/threads/thread_%00"):
            answer = http.get(live.base_url + path)
            assert answer.status_code == (400 if "?" in path else 404), (path, answer.text)
    made = live.client.beta.assistants.create(model="m", instructions="a\x00b")
    assert live.client.beta.assistants.retrieve(made.id).instructions == "a\x00b"
