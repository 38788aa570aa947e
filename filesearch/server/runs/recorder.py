"""Run recorder: what happens in a run -> its steps and messages on disk, then events for clients.

RunEvents of the loop come in; each is stored as far as it needs to be, and told behind that. How
the run ended decides what becomes of its last message, so a message that is whole waits for what
comes next.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from filesearch.cite import content_part
from filesearch.database_errors import UNAVAILABLE
from filesearch.events import (
    ActionRequired,
    Cancelled,
    CitationAdded,
    Completed,
    Failed,
    FunctionCallDelta,
    FunctionCompleted,
    Incomplete,
    MessageCompleted,
    RunEnd,
    RunEvent,
    SearchCompleted,
    SearchStarted,
    TextDelta,
)
from filesearch.messages import Usage
from filesearch.objects import Record
from filesearch.server.journal import Change, Journal
from filesearch.server.runs.calls import OpenCalls
from filesearch.server.runs.endings import EndStatus, end_run
from filesearch.server.runs.messages import OpenMessage
from filesearch.server.runs.objects import required_action, run_object, usage_object
from filesearch.server.runs.states import RunOvertaken, is_over, move
from filesearch.types import Answer


@dataclass(frozen=True, slots=True)
class RunShape:
    """What a recorder knows of a run beforehand.

    Attributes:
        functions: Names of the functions that the client makes; calls of others are the model's
            mistakes, which the loop tells it.
        ranking: How searches rank, for their steps.
    """

    functions: frozenset[str]
    ranking: Mapping[str, Any]


class RunRecorder:
    """Records one execution of a run.

    Args:
        journal: Where it is stored and told.
        run: That is in progress.
        shape: See RunShape.
        last_usage: Returns the tokens of the model's last reply, as far as they are counted.

    Attributes:
        history_length: Messages of the conversation that the loop was given.
    """

    def __init__(
        self, journal: Journal, run: Record, shape: RunShape, last_usage: Callable[[], Usage]
    ) -> None:
        self._journal = journal
        self._run = run
        self._shape = shape
        self._last_usage = last_usage
        self.history_length = 0
        self._message: OpenMessage | None = None
        self._answer: Answer | None = None  # of the open message, once it is whole
        self._calls: OpenCalls | None = None
        self._held: list[FunctionCallDelta] = []  # until the open message has ended
        self._unknown: set[str] = set()

    def record(self, event: RunEvent) -> None:
        """Store and tell what happened; ends are for `finish`."""
        match event:
            case TextDelta(text):
                self._writing().add_text(self._journal.emit, text)
            case CitationAdded(citation):
                self._writing().add_citation(self._journal.emit, citation)
            case MessageCompleted(answer):
                self._answer = answer
            case FunctionCallDelta():
                self._take_piece(event)
            case SearchStarted():
                with self._changing() as (change, _):
                    self._calling(change)
            case SearchCompleted():
                self._take_search(event)
            case FunctionCompleted():
                raise AssertionError("the server has no functions of its own")
            case _:
                raise AssertionError(f"{type(event).__name__} ends a run")

    @contextmanager
    def _changing(self) -> Iterator[tuple[Change, Record]]:
        """Open a transaction on the run as it stands, which still goes on.

        Raises:
            RunOvertaken: It is over, or gone.
        """
        with self._journal.changing() as change:
            run = change.tx.find("run", self._run.id)
            if run is None or is_over(run):
                raise RunOvertaken(run)
            yield change, run

    def _writing(self) -> OpenMessage:
        """Return the message that text belongs to, a new one where there is none yet."""
        if self._message is None or self._answer is not None:
            with self._changing() as (change, _):
                self._end_message(change)
                self._message = OpenMessage(change, self._run)
        assert self._message is not None
        return self._message

    def _end_message(self, change: Change) -> None:
        """End the message that is whole, since the run goes on."""
        if self._message is not None and self._answer is not None:
            self._message.complete(change, content_part(self._answer), usage=self._step_usage())
            self._message = self._answer = None

    def _take_piece(self, piece: FunctionCallDelta) -> None:
        if piece.name and piece.name not in self._shape.functions:
            self._unknown.add(piece.call_id)
        if piece.call_id in self._unknown:
            return
        if self._message is not None:
            self._held.append(piece)
            return
        if self._calls is None:
            with self._changing() as (change, _):
                self._calls = OpenCalls(change, self._run)
        self._calls.add_piece(self._journal.emit, piece)

    def _calling(self, change: Change) -> OpenCalls:
        """Return the step that calls belong to, with the calls that waited for it."""
        self._end_message(change)
        calls = self._calls or OpenCalls(change, self._run)
        for piece in self._held:
            calls.add_piece(change.emit, piece)
        self._held.clear()
        self._calls = calls
        return calls

    def _take_search(self, found: SearchCompleted) -> None:
        with self._changing() as (change, _):
            calls = self._calling(change)
            calls.add_search(change.emit, found, self._shape.ranking)
            # The calls of one reply are one step: clients count them by their place in it.
            if found.is_last and not calls.has_functions:
                calls.complete(change, usage=self._step_usage())
                self._calls = None

    def _step_usage(self) -> dict[str, int]:
        return usage_object(self._last_usage())

    def finish(self, end: RunEnd, *, is_expired: bool = False) -> None:
        """Store and tell the end.

        Args:
            end: What the loop ended with.
            is_expired: It was stopped because the run's time is over.

        Raises:
            UNAVAILABLE: The database was away; nothing has changed, and it can be done again.
        """
        before = copy.deepcopy((self._message, self._answer, self._calls, self._held))
        try:
            with self._changing() as (change, run):
                self._finish(change, run, end, is_expired=is_expired)
        except RunOvertaken:
            self._journal.close(self._run.id)
        except UNAVAILABLE:
            self._message, self._answer, self._calls, self._held = before
            raise

    def _finish(self, change: Change, run: Record, end: RunEnd, *, is_expired: bool) -> None:
        is_cancelling = run.status == "cancelling"
        if is_cancelling:
            change.emit(run.id, "thread.run.cancelling", run_object(run))
        if isinstance(end, ActionRequired):
            if not is_cancelling and not is_expired:
                self._await_outputs(change, end)
                return
            self._end_message(change)
            content = None
        else:
            content = self._last_content(change, end)
        if self._calls is not None:
            self._calls.store(change)
        to, changes = _outcome(end)
        if is_cancelling or is_expired:
            to, changes = ("cancelled" if is_cancelling else "expired"), {}
        end_run(
            change,
            run.id,
            to,
            content=content,
            step_usage=self._step_usage(),
            reason="content_filter" if _is_filtered(end) else None,
            usage=usage_object(end.state.usage),
            **changes,
        )

    def _await_outputs(self, change: Change, end: ActionRequired) -> None:
        calls = self._calling(change)
        owed, model_ids = calls.await_outputs(change, end.state.pending, usage=self._step_usage())
        private = {
            **self._run.body["private"],
            "state": msgspec.to_builtins(end.state),
            "model_ids": model_ids,
            "history_length": self.history_length,
            # With what is said below.
            "event_count": self._journal.event_count(self._run.id) + change.event_count + 2,
        }
        run = move(
            change.tx,
            self._run.id,
            "requires_action",
            required_action=required_action(owed),
            private=private,
        )
        change.emit(run.id, "thread.run.requires_action", run_object(run))
        change.close(run.id)

    def _last_content(
        self, change: Change, end: Completed | Incomplete | Cancelled | Failed
    ) -> list[dict[str, Any]] | None:
        """Return what the message that is open at the end of the run holds then."""
        if isinstance(end, (Failed, Cancelled)) and self._answer is not None:
            self._end_message(change)  # it was whole before that
            return None
        if self._message is None and isinstance(end, Completed):
            self._message = OpenMessage(change, self._run)  # a model that says nothing
        if self._message is None:
            return None
        is_written = bool(end.answer.plain_text) or isinstance(end, Completed)
        return [content_part(end.answer)] if is_written else None


def _outcome(end: RunEnd) -> tuple[EndStatus, dict[str, Any]]:
    """Return what a run becomes, and what its body says of it."""
    match end:
        case Completed():
            return "completed", {}
        case Incomplete(reason="content_filter"):
            return "failed", _error("server_error", "a content filter cut the model's answer")
        case Incomplete(reason=reason):
            return "incomplete", {"incomplete_details": {"reason": reason}}
        case Failed(code=code, message=message):
            return "failed", _error(code, message)
        case _:
            # Neither the client nor the clock wanted it, so it was the server.
            return "failed", _error("server_error", "the server was stopped; create a new run")


def _is_filtered(end: RunEnd) -> bool:
    return isinstance(end, Incomplete) and end.reason == "content_filter"


def _error(code: str, message: str) -> dict[str, Any]:
    return {"last_error": {"code": code, "message": message}}
