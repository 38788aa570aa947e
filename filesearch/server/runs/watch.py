"""Run watch: the clock of runs, and the heir of those whose process died.

A run that its process left behind would lock its thread for ever: a queued one is taken over, one
that was under way is ended. One that waits for its client belongs to nobody and stays, until its
time is over.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from filesearch.database_errors import FAILURES
from filesearch.errors import IndexReplaced
from filesearch.event_log import Event
from filesearch.messages import Usage
from filesearch.objects import Record
from filesearch.server.journal import Change, Journal
from filesearch.server.runs.endings import end_run
from filesearch.server.runs.objects import run_object, usage_object
from filesearch.server.runs.states import ACTIVE, RunOvertaken, is_over, move
from filesearch.server.runs.worker import Control

if TYPE_CHECKING:
    from filesearch.server.context import Server

_TICK_S = 0.5
# Looking for dead processes reads all runs under way, and matters after a crash only.
_TICKS_PER_INHERITANCE = 10
# A thread that does not end its run this long after it should have is given up.
_GRACE_S = 30
_ABANDONED = "the server stopped while the run was in progress; create a new run"
_NOT_STORED = "its end could not be stored; the server's log says why"

_log = logging.getLogger(__name__)


class RunWatch:
    """Looks after the runs of one server.

    Args:
        server: Whose runs.
        journal: Where they are changed.
        controls: Of the runs that this process has, by id; it may change at any time.
        take_over: Executes a queued run that another process left behind.
    """

    def __init__(
        self,
        server: Server,
        journal: Journal,
        controls: Mapping[str, Control],
        take_over: Callable[[str], None],
    ) -> None:
        self._server = server
        self._journal = journal
        self._controls = controls
        self._take_over = take_over
        self._stranded: set[str] = set()
        self._is_stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look at once, and again and again."""
        self._is_stopping.clear()
        self.inherit()
        self.tick()
        self._thread = threading.Thread(target=self._watch, name="filesearch-runs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._is_stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _watch(self) -> None:
        ticks = 0
        while not self._is_stopping.wait(_TICK_S):
            ticks += 1
            try:
                self.tick()
                if ticks % _TICKS_PER_INHERITANCE == 0:
                    self.inherit()
            except (*FAILURES, OSError):  # a busy database; the next look is soon
                _log.exception("runs could not be looked after; trying again")
            except IndexReplaced:
                _log.exception("runs are looked after no longer")
                return

    def tick(self) -> None:
        """Pass on what other processes want of our runs, and end what has expired."""
        with self._server.objects.reading() as tx:
            cancelling = tx.select("run", statuses=("cancelling",), worker=self._server.worker_id)
            expired = tx.select("run", statuses=ACTIVE, expired_at=int(time.time()))
        for run in cancelling:
            self._cancel(run)
        for run in expired:
            self.expire(run)

    def _cancel(self, run: Record) -> None:
        control = self._controls.get(run.id)
        if control is not None and control.is_started:
            control.cancel.set()
        else:
            self._end(run)

    def expire(self, run: Record) -> None:
        """End a run whose time is over, unless a process that lives executes it and will."""
        control = self._controls.get(run.id)
        is_ours = run.worker == self._server.worker_id
        is_executed = run.status in ("in_progress", "cancelling")
        if run.status == "requires_action":
            self._end(run)
        elif is_ours and control is not None and control.is_started and is_executed:
            control.expire()
            if run.expires_at is not None and time.time() > run.expires_at + _GRACE_S:
                self._end(run)
        elif is_ours or not self._server.is_worker_alive(run.worker):
            self._end(run)

    def inherit(self) -> None:
        """Take over, or end, the runs of processes that died, and of threads of ours that did."""
        with self._server.objects.reading() as tx:
            runs = tx.select("run", statuses=("queued", "in_progress", "cancelling"))
        lives = {
            worker: self._server.is_worker_alive(worker) for worker in {run.worker for run in runs}
        }
        # Queued here and in nobody's hands, now and last time: what should have begun it failed.
        stranded = {
            run.id
            for run in runs
            if run.worker == self._server.worker_id
            and run.status == "queued"
            and run.id not in self._controls
        }
        for run_id in stranded & self._stranded:
            self._take_over(run_id)
        self._stranded = stranded
        for run in runs:
            is_ours = run.worker == self._server.worker_id
            if is_ours and run.status != "queued" and run.id not in self._controls:
                self._end(run, _NOT_STORED)
            elif lives[run.worker]:
                continue
            elif run.status == "queued":
                self._claim(run)
            else:
                self._end(run)

    def _claim(self, run: Record) -> None:
        with self._server.objects.writing() as tx:
            found = tx.find("run", run.id)
            if found is None or (found.status, found.worker) != ("queued", run.worker):
                return  # another process was quicker
            tx.update(found, worker=self._server.worker_id)
        self._take_over(run.id)

    def _end(self, run: Record, reason: str = _ABANDONED) -> None:
        written = written_so_far(self._server.events.read(run.id))
        try:
            with self._journal.changing() as change:
                found = change.tx.find("run", run.id)
                if found == run:  # else something happens with it, and the next look is soon
                    end_unattended(change, found, content=written, reason=reason)
        except RunOvertaken:
            return  # it ended by itself meanwhile


def end_unattended(
    change: Change,
    run: Record,
    *,
    content: list[dict[str, Any]] | None = None,
    reason: str = _ABANDONED,
) -> None:
    """End a run that nobody executes, as it must from where it stands.

    Args:
        change: The transaction.
        run: As it stands in it.
        content: Of the message that it was writing, where there is any.
        reason: Why nobody does.

    Raises:
        RunOvertaken: It is over already.
    """
    if is_over(run):
        raise RunOvertaken(run)
    has_time = run.expires_at is None or run.expires_at > time.time()
    kept: dict[str, Any] = {"content": content, **_usage(run)}
    if run.status == "cancelling":
        change.emit(run.id, "thread.run.cancelling", run_object(run))
        end_run(change, run.id, "cancelled", **kept)
    elif not has_time:
        end_run(change, run.id, "expired", **kept)
    elif run.status == "in_progress":
        error = {"code": "server_error", "message": f"The run failed: {reason}"}
        end_run(change, run.id, "failed", last_error=error, **kept)


def _usage(run: Record) -> dict[str, Any]:
    """Return what a run has cost as far as it is known, for its body."""
    state = run.body["private"]["state"]
    if state is None:
        return {}
    return {"usage": usage_object(msgspec.convert(state["usage"], Usage))}


def written_so_far(events: Sequence[Event]) -> list[dict[str, Any]] | None:
    """Return the content of the last message that is told in a run's events; None without text."""
    value = ""
    annotations: list[dict[str, Any]] = []
    for event in events:
        if event.name == "thread.message.created":
            value, annotations = "", []
        elif event.name == "thread.message.delta":
            text = msgspec.json.decode(event.data)["delta"]["content"][0]["text"]
            value += text["value"]
            # Their index is of deltas only.
            annotations += [
                {k: v for k, v in note.items() if k != "index"}
                for note in text.get("annotations", ())
            ]
    text = {"value": value, "annotations": annotations}
    return [{"type": "text", "text": text}] if value else None


def cancel_unattended(change: Change, run_id: str) -> Record:
    """Cancel a run that nobody executes; returns it as it was on the way.

    Raises:
        RunOvertaken: It cannot be cancelled from where it stands.
    """
    cancelling = move(change.tx, run_id, "cancelling")
    end_unattended(change, cancelling)
    return cancelling
