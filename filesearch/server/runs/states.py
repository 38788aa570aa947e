"""Run states: where a run can go from where it stands, as one table, and the one way to move it.

Every change of a run's status goes through `move`, inside a transaction that nobody else can
write beside. Whoever was overtaken (the run was cancelled, has expired, is gone) is told.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, cast

from filesearch.objects import KEEP, Record, Transaction

RunStatus: TypeAlias = Literal[
    "queued",
    "in_progress",
    "requires_action",
    "cancelling",
    "cancelled",
    "completed",
    "failed",
    "incomplete",
    "expired",
]

MOVES: Final[Mapping[RunStatus, frozenset[RunStatus]]] = {
    "queued": frozenset({"in_progress", "cancelling", "expired"}),
    "in_progress": frozenset(
        {"requires_action", "completed", "incomplete", "failed", "cancelling", "expired"}
    ),
    "requires_action": frozenset({"queued", "cancelling", "expired"}),
    "cancelling": frozenset({"cancelled"}),
    "cancelled": frozenset(),
    "completed": frozenset(),
    "failed": frozenset(),
    "incomplete": frozenset(),
    "expired": frozenset(),
}
"""Where a run can go. What can go nowhere is over; all others lock their thread."""

ACTIVE: Final = tuple(status for status, ways in MOVES.items() if ways)

# When a run came to a status, under the name that the run object has for it.
_STAMPS: Mapping[RunStatus, str] = {
    "in_progress": "started_at",
    "completed": "completed_at",
    "failed": "failed_at",
    "cancelled": "cancelled_at",
}


class RunOvertaken(Exception):
    """The run does not stand where a move could begin; somebody else moved or deleted it.

    Attributes:
        run: As it stands now; None when it is gone.
    """

    def __init__(self, run: Record | None) -> None:
        super().__init__("gone" if run is None else f"{run.id} is {run.status}")
        self.run = run


def status_of(run: Record) -> RunStatus:
    """Return where a run stands."""
    return cast("RunStatus", run.status)


def is_over(run: Record) -> bool:
    """Whether a run can go nowhere any more."""
    return run.status not in ACTIVE


def move(
    tx: Transaction,
    run_id: str,
    to: RunStatus,
    *,
    worker: str | None = None,
    **changes: Any,  # noqa: ANN401
) -> Record:
    """Move a run and return it as it is then.

    Args:
        tx: A writing transaction.
        run_id: Of the run.
        to: Its next status.
        worker: The process that works on it from now on; None keeps it.
        changes: Parts of the run's body that change with it.

    Raises:
        RunOvertaken: MOVES has no way from where the run stands, or the run is gone.
    """
    run = tx.find("run", run_id)
    if run is None or to not in MOVES[status_of(run)]:
        raise RunOvertaken(run)
    body = {**run.body, **changes}
    stamp = _STAMPS.get(to)
    if stamp is not None and body.get(stamp) is None:
        body[stamp] = int(time.time())
    if to != "requires_action":
        body["required_action"] = None
    if to not in ACTIVE:
        body["private"] = {**body["private"], "state": None}
    # The hosted service forgets the time limit of a run that kept it.
    limit = KEEP if to in ACTIVE or to == "expired" else None
    return tx.update(run, status=to, worker=worker, body=body, expires_at=limit)
