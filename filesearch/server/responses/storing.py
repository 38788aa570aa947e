"""Storing: how a response ended -> its record, and its items in the conversation; one transaction.

Doing it twice is as doing it once: what has ended stays as it did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from filesearch.server.conversations import add_items, last_seq, remember_items
from filesearch.server.responses.objects import STOPPED, TERMINAL, failed_response
from filesearch.server.responses.worker import Outcome, ResponseJob

if TYPE_CHECKING:
    from filesearch.objects import Objects


def store_end(objects: Objects, job: ResponseJob, outcome: Outcome) -> Outcome:
    """Store how a response ended, and return how that is: a cancelled one stays cancelled."""
    response = outcome.response
    conversation = response["conversation"]
    if not response["store"] and conversation is None:
        return outcome
    with objects.writing() as tx:
        record = tx.find("response", job.id)
        if record is None and response["store"]:
            return Outcome(response | {"status": "cancelled"}, [])  # It was deleted.
        if record is not None and record.status in TERMINAL:
            response = record.body["response"]
        elif response["status"] == "cancelled":
            # Nobody asked for it: the process stops.
            response = failed_response(response, "server_error", STOPPED)
        found = conversation and tx.find("conversation", conversation["id"])
        if response["status"] in ("completed", "incomplete"):
            if found:
                add_items(tx, found, [*job.given, *outcome.items])
            elif record is not None:
                remember_items(tx, record, [*job.given, *outcome.items])
        if record is not None:
            body = record.body | {"response": response, "output": outcome.items}
            if found:
                body["conversation_seq"] = last_seq(tx, found)
            tx.update(record, body=body, status=response["status"])
    return Outcome(response, outcome.items)
