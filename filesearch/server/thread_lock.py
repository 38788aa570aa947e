"""Thread lock: while a run of a thread is under way, nothing else may change its conversation."""

from __future__ import annotations

from filesearch.objects import Record, Transaction
from filesearch.server.errors import invalid
from filesearch.server.runs.states import ACTIVE


def active_run(tx: Transaction, thread_id: str) -> Record | None:
    """Return the run of a thread that has not ended, or None."""
    return next(iter(tx.select("run", parent=thread_id, statuses=ACTIVE)), None)


def check_can_add_message(tx: Transaction, thread_id: str) -> None:
    """Refuse a message while a run is under way; the words are those that clients look for.

    Raises:
        ApiError: A run is under way.
    """
    run = active_run(tx, thread_id)
    if run is not None:
        raise invalid(f"Can't add messages to {thread_id} while a run {run.id} is active.")


def check_can_run(tx: Transaction, thread_id: str) -> None:
    """Refuse a second run while one is under way; the words are those that clients look for.

    Raises:
        ApiError: A run is under way.
    """
    run = active_run(tx, thread_id)
    if run is not None:
        raise invalid(f"Thread {thread_id} already has an active run {run.id}.")
