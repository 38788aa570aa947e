"""Runs over a catalog in PostgreSQL: where it might differ."""

from functools import partial

import pytest

from tests.server.test_run_functions import test_two_functions_are_called_in_one_turn
from tests.server.test_run_recovery import (
    test_a_queued_run_of_a_dead_process_is_executed,
    test_a_run_that_waits_goes_on_after_a_restart,
    test_two_servers_share_a_run,
)
from tests.server.test_run_streams import test_many_streams_at_once_lose_nothing
from tests.server.test_runs import (
    test_a_run_that_waits_is_cancelled_at_once,
    test_a_run_that_waits_too_long_expires,
    test_a_thread_takes_no_message_and_no_run_while_one_is_active,
    test_an_illegal_move_cannot_be_made,
)

__all__ = [
    "test_a_queued_run_of_a_dead_process_is_executed",
    "test_a_run_that_waits_goes_on_after_a_restart",
    "test_a_run_that_waits_is_cancelled_at_once",
    "test_a_run_that_waits_too_long_expires",
    "test_a_thread_takes_no_message_and_no_run_while_one_is_active",
    "test_an_illegal_move_cannot_be_made",
    "test_many_streams_at_once_lose_nothing",
    "test_two_functions_are_called_in_one_turn",
    "test_two_servers_share_a_run",
]


@pytest.fixture
def serve(serve, postgres_url):
    return partial(serve, db=postgres_url)
