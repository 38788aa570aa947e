"""Runs: an assistant answers a thread in the background, whoever watches.

create -> queued -> a thread of the pool executes it (worker.py) -> it ends, or waits for
outputs of functions and is queued again by `submit`. What happens is in the objects and in the
event log before anybody is told, so that a client may leave and come back; and a run that its
process left behind is taken over or ended by another (watch.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import msgspec

from filesearch.events import RunState
from filesearch.objects import Objects, Record, Transaction
from filesearch.paging import Page, PageQuery
from filesearch.run import with_outputs
from filesearch.server.assistants import find_assistant
from filesearch.server.errors import invalid, not_found
from filesearch.server.formats import check_format
from filesearch.server.journal import Change, Journal
from filesearch.server.runs.endings import end_step
from filesearch.server.runs.objects import run_object
from filesearch.server.runs.requests import outputs_of, run_body
from filesearch.server.runs.states import ACTIVE, MOVES, is_over, move, status_of
from filesearch.server.runs.watch import RunWatch, cancel_unattended
from filesearch.server.runs.worker import Control, RunWorker
from filesearch.server.thread_lock import check_can_run
from filesearch.server.threads import (
    admit_messages,
    create_thread,
    find_thread,
    insert_messages,
    thread_object,
)
from filesearch.server.tool_resources import check_tool_resources
from filesearch.server.wire.runs import (
    CreateRun,
    CreateThreadAndRun,
    SubmitToolOutputs,
    UpdateRun,
)
from filesearch.server.wire.threads import CreateThread

if TYPE_CHECKING:
    from filesearch.server.context import Caller, Server

# Runs spend their time waiting for a model; what they compute themselves shares few cores anyway.
MAX_RUNNING = 128
# What runs under way get to end by themselves when the server stops.
STOP_S = 10.0

# How long a process that lives may take to write what it has said of a run: a busy database keeps
# it from that for as long as others write.
EVENTS_WAIT_S = 30.0

# With these a stream ends, whatever comes of the run later.
_LAST_EVENTS: Final = frozenset(
    f"thread.run.{status}"
    for status in MOVES
    if status not in ACTIVE or status == "requires_action"
)


class RunService:
    """The runs of one server. Safe to use from several threads.

    Args:
        server: Whose objects, stores and models are used.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._journal = Journal(server.objects, server.events)
        self._controls: dict[str, Control] = {}
        self._worker = RunWorker(server, self._journal)
        self._watch = RunWatch(server, self._journal, self._controls, self._begin)
        self._pool: ThreadPoolExecutor | None = None
        self._pool_lock = threading.Lock()

    # Lifetime

    def start(self) -> None:
        """Take runs, and look after those that are there."""
        self._worker.stopping.clear()
        self._pool = ThreadPoolExecutor(MAX_RUNNING, thread_name_prefix="filesearch-run")
        self._watch.start()

    def stop(self) -> None:
        """Let runs under way end, for a while; queued ones stay for the next process."""
        with self._pool_lock:
            pool, self._pool = self._pool, None
        if pool is None:
            return
        self._watch.stop()
        pool.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + STOP_S
        while self._has_started() and time.monotonic() < deadline:
            time.sleep(0.02)
        self._worker.stopping.set()
        for control in list(self._controls.values()):
            control.cancel.set()
        pool.shutdown(wait=True)
        self._controls.clear()

    def _has_started(self) -> bool:
        return any(control.is_started for control in list(self._controls.values()))

    def _begin(self, run_id: str) -> None:
        """Let a queued run be executed; without a pool it stays for the next process."""
        control = Control()
        with self._pool_lock:
            if self._pool is None:
                return
            self._controls[run_id] = control
            self._pool.submit(self._execute, run_id, control)

    def _execute(self, run_id: str, control: Control) -> None:
        try:
            self._worker.execute(run_id, control)
        finally:
            # It may have been queued again since.
            if self._controls.get(run_id) is control:
                del self._controls[run_id]

    # Requests

    def create(
        self, caller: Caller, thread_id: str, body: CreateRun, *, include: Sequence[str] = ()
    ) -> Record:
        """Queue a run of a thread; the messages that come with it are added first.

        Raises:
            ApiError: No such thread or assistant, another run is under way, tools that do not go
                together, or the model does not write the format.
            NotFound: A file of a message is not there.
        """
        with self._server.objects.reading() as tx:
            thread = find_thread(tx, thread_id, caller)
            assistant = find_assistant(tx, body.assistant_id, caller)
            check_can_run(tx, thread_id)
        content = self._checked(run_body(body, assistant, include=include))
        messages = body.additional_messages or []
        admit_messages(self._server, caller, thread, messages, at="additional_messages")
        with self._journal.changing() as change:
            thread = find_thread(change.tx, thread_id, caller)
            check_can_run(change.tx, thread_id)
            insert_messages(change.tx, thread, messages, at="additional_messages")
            run = self._insert(change, thread, content)
        self._begin(run.id)
        return run

    def create_with_thread(
        self, caller: Caller, body: CreateThreadAndRun, *, include: Sequence[str] = ()
    ) -> Record:
        """Make a thread, and queue a run of it.

        Raises:
            ApiError, NotFound: No such assistant, tools that do not go together, a store or file
                for them that is not there, a format that the model does not write, or what the
                thread cannot be made with.
        """
        assistant = find_assistant(self._server.objects, body.assistant_id, caller)
        content = self._checked(
            run_body(body, assistant, include=include, resources=body.tool_resources)
        )
        check_tool_resources(self._server, caller, {}, body.tool_resources)
        made = body.thread or CreateThread()
        thread = create_thread(self._server, caller, made, at="thread.")
        with self._journal.changing() as change:
            run = self._insert(change, thread, content, is_new_thread=True)
        self._begin(run.id)
        return run

    def _checked(self, content: dict[str, Any]) -> dict[str, Any]:
        check_format(self._server, content["model"], content["response_format"], "response_format")
        return content

    def _insert(
        self,
        change: Change,
        thread: Record,
        content: dict[str, Any],
        *,
        is_new_thread: bool = False,
    ) -> Record:
        now = int(time.time())
        run = change.tx.insert(
            "run",
            content,
            parent=thread.id,
            owner=thread.owner,
            status="queued",
            worker=self._server.worker_id,
            created_at=now,
            expires_at=now + self._server.options.run_lifetime_s,
        )
        if is_new_thread:
            change.emit(run.id, "thread.created", thread_object(thread))
        for name in ("created", "queued"):
            change.emit(run.id, f"thread.run.{name}", run_object(run))
        return run

    def submit(
        self, caller: Caller, thread_id: str, run_id: str, body: SubmitToolOutputs
    ) -> tuple[Record, int]:
        """Give a run the outputs that it waits for, and queue it again.

        Returns:
            The run, and the number of the event that its stream goes on behind.

        Raises:
            ApiError: No such run, it does not wait, or other outputs are owed.
        """
        self._await_events(self.get(caller, thread_id, run_id))
        after = self._server.events.next_number(run_id) - 1
        with self._journal.changing() as change:
            run = self._find(change.tx, caller, thread_id, run_id)
            if run.status != "requires_action":
                raise invalid(f'Runs in status "{run.status}" do not accept tool outputs.')
            model_ids = run.body["private"]["model_ids"]
            outputs = outputs_of(body, list(model_ids))
            state = with_outputs(
                msgspec.convert(run.body["private"]["state"], RunState),
                {model_ids[call_id]: output for call_id, output in outputs.items()},
            )
            private = {**run.body["private"], "state": msgspec.to_builtins(state), "model_ids": {}}
            self._complete_calls(change, run, outputs)
            run = move(change.tx, run.id, "queued", worker=self._server.worker_id, private=private)
            change.emit(run.id, "thread.run.queued", run_object(run))
        self._begin(run.id)
        return run, after

    @staticmethod
    def _complete_calls(change: Change, run: Record, outputs: dict[str, str]) -> None:
        for step in change.tx.select("step", parent=run.id, statuses=("in_progress",)):
            calls = [
                {**call, "function": {**call["function"], "output": outputs[call["id"]]}}
                if call["id"] in outputs
                else call
                for call in step.body["step_details"]["tool_calls"]
            ]
            details = {"type": "tool_calls", "tool_calls": calls}
            end_step(change, run, step, "completed", details=details)

    def _await_events(self, run: Record) -> int:
        """Wait until whoever executed a run has said all that it committed, in any process.

        Returns how many events that are. What a process that died has not written never will be.
        """
        wanted = _event_count(run)
        deadline = time.monotonic() + EVENTS_WAIT_S
        while True:
            is_alive = self._server.is_worker_alive(run.worker)
            # Asked last: it may have written all before it died.
            said = self._server.events.next_number(run.id)
            if said >= wanted or not is_alive or time.monotonic() >= deadline:
                return max(said, wanted)
            time.sleep(0.01)

    def cancel(self, caller: Caller, thread_id: str, run_id: str) -> Record:
        """Cancel a run, and return it on its way there.

        Raises:
            ApiError: No such run, or it is over or being cancelled already.
        """
        while True:
            said = self._await_events(self.get(caller, thread_id, run_id))
            with self._journal.changing() as change:
                run = self._find(change.tx, caller, thread_id, run_id)
                if "cancelling" not in MOVES[status_of(run)]:
                    raise invalid(f"Cannot cancel run with status '{run.status}'.")
                if _has_said_all(run, said):
                    run = self._cancel(change, run)
                    break
        self._interrupt(run.id)
        return run

    def _cancel(self, change: Change, run: Record) -> Record:
        is_ours = run.worker == self._server.worker_id
        if run.status == "requires_action" or (run.status == "queued" and is_ours):
            return cancel_unattended(change, run.id)
        # Whoever executes it tells it, so that its events have one author.
        return move(change.tx, run.id, "cancelling")

    def _interrupt(self, run_id: str) -> None:
        control = self._controls.get(run_id)
        if control is not None:
            control.cancel.set()

    def cancel_of_thread(self, thread_id: str) -> None:
        """Cancel the run of a thread that is to be deleted, if one is under way."""
        while True:
            with self._server.objects.reading() as tx:
                runs = tx.select("run", parent=thread_id, statuses=ACTIVE)
            said = {run.id: self._await_events(run) for run in runs}
            with self._journal.changing() as change:
                runs = change.tx.select("run", parent=thread_id, statuses=ACTIVE)
                if all(_has_said_all(run, said.get(run.id, 0)) for run in runs):
                    for run in runs:
                        if "cancelling" in MOVES[status_of(run)]:
                            self._cancel(change, run)
                    break
        for run in runs:
            self._interrupt(run.id)

    def update(self, caller: Caller, thread_id: str, run_id: str, body: UpdateRun) -> Record:
        """Change the metadata of a run.

        Raises:
            ApiError: No such run.
        """
        with self._server.objects.writing() as tx:
            run = self._find(tx, caller, thread_id, run_id)
            if "metadata" not in body.model_fields_set:
                return run
            return tx.update(run, body={**run.body, "metadata": body.metadata or {}})

    def get(self, caller: Caller, thread_id: str, run_id: str) -> Record:
        """Return a run; one whose time is over has expired by then.

        Raises:
            ApiError: No such thread, or no such run in it.
        """
        run = self._find(self._server.objects, caller, thread_id, run_id)
        if is_over(run) or run.expires_at is None or run.expires_at > time.time():
            return run
        self._watch.expire(run)
        return self._find(self._server.objects, caller, thread_id, run_id)

    def page(self, caller: Caller, thread_id: str, query: PageQuery) -> Page[Record]:
        """Return a part of the runs of a thread.

        Raises:
            ApiError, NotFound: No such thread, or a cursor names no run of it.
        """
        find_thread(self._server.objects, thread_id, caller)
        return self._server.objects.page("run", query, parent=thread_id)

    def steps(self, caller: Caller, thread_id: str, run_id: str, query: PageQuery) -> Page[Record]:
        """Return a part of the steps of a run.

        Raises:
            ApiError, NotFound: No such run, or a cursor names no step of it.
        """
        self._find(self._server.objects, caller, thread_id, run_id)
        return self._server.objects.page("step", query, parent=run_id)

    def step(self, caller: Caller, thread_id: str, run_id: str, step_id: str) -> Record:
        """Return a step of a run.

        Raises:
            ApiError: No such run, or no such step in it.
        """
        self._find(self._server.objects, caller, thread_id, run_id)
        step = self._server.objects.find("step", step_id, parent=run_id)
        if step is None:
            raise not_found(f"No run step found with id '{step_id}'.")
        return step

    @staticmethod
    def _find(
        objects: Objects | Transaction, caller: Caller, thread_id: str, run_id: str
    ) -> Record:
        find_thread(objects, thread_id, caller)
        run = objects.find("run", run_id, parent=thread_id)
        if run is None:
            raise not_found(f"No run found with id '{run_id}'.")
        return run

    async def follow(self, run_id: str, after: int = -1) -> AsyncIterator[tuple[str, str]]:
        """Yield names and data of a run's events as they come, until it ends or waits.

        Closing the iterator changes nothing for the run.
        """
        async for event in self._server.events.follow(run_id, after):
            yield event.name, event.data
            if event.name in _LAST_EVENTS:
                return


def _event_count(run: Record) -> int:
    """Return how many events were said about a run when it last began to wait."""
    return int(run.body["private"].get("event_count", 0))


def _has_said_all(run: Record, said: int) -> bool:
    """Whether a run may be told of by another than who executed it, after `said` events.

    It may have begun to wait since those were counted.
    """
    return run.status != "requires_action" or said >= _event_count(run)
