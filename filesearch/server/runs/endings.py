"""Run endings: what becomes of a run's step and message when the run ends, in one transaction.

Whoever ends a run goes through here: the worker that executes it, a cancel while nobody does, the
clock, and the process that finds it left behind by another.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from filesearch.objects import Record, Transaction
from filesearch.server.journal import Change
from filesearch.server.runs.objects import run_object, step_object
from filesearch.server.runs.states import move
from filesearch.server.threads import message_object

EndStatus: TypeAlias = Literal["completed", "incomplete", "failed", "cancelled", "expired"]

# A step cannot be incomplete. Its message is what there is of it; calls cut short are not made.
_STEP_ENDS: Mapping[tuple[EndStatus, str], str] = {
    ("incomplete", "message_creation"): "completed",
    ("incomplete", "tool_calls"): "cancelled",
}
_REASONS: Mapping[EndStatus, str] = {
    "incomplete": "max_tokens",
    "failed": "run_failed",
    "cancelled": "run_cancelled",
    "expired": "run_expired",
}


def end_run(
    change: Change,
    run_id: str,
    to: EndStatus,
    *,
    content: list[dict[str, Any]] | None = None,
    step_usage: Mapping[str, int] | None = None,
    reason: str | None = None,
    **changes: Any,  # noqa: ANN401
) -> Record:
    """End a run with what it has open, tell it, and close its stream.

    Args:
        change: The transaction.
        run_id: Of the run.
        to: How it ends.
        content: Of the message that it was writing; None keeps what the message has.
        step_usage: Of the step that it was in.
        reason: Why the message is incomplete; None says it by `to`.
        changes: Of the run's body: `usage`, `last_error`, `incomplete_details`.

    Raises:
        RunOvertaken: It cannot end so from where it stands; see states.py.
    """
    run = move(change.tx, run_id, to, **changes)
    error = changes.get("last_error")
    messages = [
        end_message(change, message, to, content=content, reason=reason)
        for message in _open_messages(change.tx, run)
    ]
    if to == "completed":
        _tell_messages(change, run, messages)
    for step in change.tx.select("step", parent=run.id, statuses=("in_progress",)):
        end_step(change, run, step, to, usage=step_usage, error=error)
    if to != "completed":
        _tell_messages(change, run, messages)
    change.emit(run.id, f"thread.run.{to}", run_object(run))
    change.close(run.id)
    return run


def _open_messages(tx: Transaction, run: Record) -> list[Record]:
    found = tx.select("message", parent=run.parent, statuses=("in_progress",))
    return [message for message in found if message.body["run_id"] == run.id]


def _tell_messages(change: Change, run: Record, messages: list[Record]) -> None:
    for message in messages:
        change.emit(run.id, f"thread.message.{message.status}", message_object(message))


def end_message(
    change: Change,
    message: Record,
    to: EndStatus,
    *,
    content: list[dict[str, Any]] | None = None,
    reason: str | None = None,
) -> Record:
    """End a message as its run ends, and return it; nothing is told yet."""
    body = {**message.body}
    if content is not None:
        body["content"] = content
    if to == "completed":
        body["completed_at"] = int(time.time())
    else:
        body["incomplete_at"] = int(time.time())
        body["incomplete_details"] = {"reason": reason or _REASONS[to]}
    status = "completed" if to == "completed" else "incomplete"
    return change.tx.update(message, status=status, body=body)


def end_step(
    change: Change,
    run: Record,
    step: Record,
    to: EndStatus,
    *,
    usage: Mapping[str, int] | None = None,
    error: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Record:
    """End a step, tell it, and return it; `details` None keeps what the step has."""
    status = _STEP_ENDS.get((to, step.body["step_details"]["type"]), to)
    body = {**step.body, "ended_at": int(time.time()), "usage": usage or step.body["usage"]}
    if details is not None:
        body["step_details"] = dict(details)
    if status == "failed" and error is not None:
        # Of the codes of runs, steps lack the one for prompts.
        code = "server_error" if error["code"] == "invalid_prompt" else error["code"]
        body["last_error"] = {**error, "code": code}
    ended = change.tx.update(step, status=status, body=body)
    shown = step_object(ended, with_content=run.body["private"]["with_content"])
    change.emit(run.id, f"thread.run.step.{status}", shown)
    return ended
