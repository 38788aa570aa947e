"""Run calls: one step of a run that calls tools, from its first call until its outputs are there.

A model names its calls as it likes, and may give the same names in each of its replies; a client
is shown ids of the hosted service's shape, no two alike, and answers to those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from filesearch.events import FunctionCallDelta, SearchCompleted
from filesearch.ids import new_id
from filesearch.messages import ToolCall
from filesearch.objects import Record
from filesearch.server.journal import Change
from filesearch.server.runs.endings import end_step
from filesearch.server.runs.messages import Emit
from filesearch.server.runs.objects import (
    call_delta,
    function_call,
    new_step_body,
    search_call,
    step_object,
)

# Clients parse arguments as JSON, also those of a function that takes none.
_NO_ARGUMENTS = "{}"


@dataclass(slots=True)
class _Call:
    model_id: str
    shown: dict[str, Any]
    has_arguments: bool = False


class OpenCalls:
    """A tool_calls step that a run is in; beginning it is part of `change`."""

    def __init__(self, change: Change, run: Record) -> None:
        self._run = run
        self._step = change.tx.insert(
            "step",
            new_step_body(run, {"type": "tool_calls", "tool_calls": []}),
            parent=run.id,
            owner=run.owner,
            status="in_progress",
        )
        self._calls: list[_Call] = []
        for state in ("created", "in_progress"):
            change.emit(run.id, f"thread.run.step.{state}", step_object(self._step))

    @property
    def has_functions(self) -> bool:
        """Whether the client owes outputs to this step."""
        return any(call.shown["type"] == "function" for call in self._calls)

    def add_piece(self, emit: Emit, piece: FunctionCallDelta) -> None:
        """Tell the next piece of a function's call: first its name alone, then arguments."""
        index = self._index(piece.call_id)
        if index is None:
            index = len(self._calls)
            call = _Call(piece.call_id, function_call(new_id("call"), piece.name, ""))
            self._calls.append(call)
            self._tell(emit, index, call.shown)
        if piece.arguments:
            self._add_arguments(emit, index, piece.arguments)

    def _index(self, model_id: str) -> int | None:
        found = (i for i, call in enumerate(self._calls) if call.model_id == model_id)
        return next(found, None)

    def _add_arguments(self, emit: Emit, index: int, arguments: str) -> None:
        call = self._calls[index]
        function = call.shown["function"]
        call.shown = {
            **call.shown,
            "function": {**function, "arguments": function["arguments"] + arguments},
        }
        call.has_arguments = True
        self._tell(emit, index, {"type": "function", "function": {"arguments": arguments}})

    def add_search(self, emit: Emit, found: SearchCompleted, ranking: Mapping[str, Any]) -> None:
        """Tell that a search was made; what it found comes with the end of the step."""
        index = len(self._calls)
        call = _Call(found.call_id, search_call(new_id("call"), ranking, found.sources))
        self._calls.append(call)
        empty = {**call.shown["file_search"], "results": []}
        self._tell(emit, index, {**call.shown, "file_search": empty})

    def _tell(self, emit: Emit, index: int, call: Mapping[str, Any]) -> None:
        emit(self._run.id, "thread.run.step.delta", call_delta(self._step.id, index, call))

    def complete(self, change: Change, *, usage: Mapping[str, int]) -> None:
        """End the step: its outputs are there."""
        end_step(change, self._run, self._step, "completed", usage=usage, details=self._details())

    def await_outputs(
        self, change: Change, pending: Sequence[ToolCall], *, usage: Mapping[str, int]
    ) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """Store the calls; the step stays open for their outputs.

        Returns:
            The calls that the client is to make, and by their ids those of the model.
        """
        for call in pending:
            self.add_piece(change.emit, FunctionCallDelta(call.id, call.name, ""))
            index = self._index(call.id)
            assert index is not None
            if not self._calls[index].has_arguments:
                self._add_arguments(change.emit, index, _NO_ARGUMENTS)
        self.store(change, usage=usage)
        wanted = {call.id for call in pending}
        owed = [call for call in self._calls if call.model_id in wanted]
        return [call.shown for call in owed], {call.shown["id"]: call.model_id for call in owed}

    def store(self, change: Change, *, usage: Mapping[str, int] | None = None) -> None:
        """Store the calls as far as they are known."""
        body = {**self._step.body, "step_details": self._details(), "usage": usage}
        self._step = change.tx.update(self._step, body=body)

    def _details(self) -> dict[str, Any]:
        return {"type": "tool_calls", "tool_calls": [call.shown for call in self._calls]}
