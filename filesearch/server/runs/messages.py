"""Run messages: one message of a run, from its first characters to its end, and its step.

Positions of annotations count the markers too, as they stand in the finished text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from filesearch.cite import annotation
from filesearch.objects import Record
from filesearch.server.journal import Change
from filesearch.server.runs.endings import end_message, end_step
from filesearch.server.runs.objects import new_step_body, step_object, text_delta
from filesearch.server.threads import message_object
from filesearch.types import Citation

Emit = Callable[[str, str, Mapping[str, Any]], None]


class OpenMessage:
    """A message that a run is writing; beginning it is part of `change`."""

    def __init__(self, change: Change, run: Record) -> None:
        self._run = run
        self._message = change.tx.insert(
            "message",
            {
                "role": "assistant",
                "content": [],
                "assistant_id": run.body["assistant_id"],
                "run_id": run.id,
                "attachments": [],
                "metadata": {},
                "completed_at": None,
                "incomplete_at": None,
                "incomplete_details": None,
            },
            parent=run.parent,
            owner=run.owner,
            status="in_progress",
        )
        details = {
            "type": "message_creation",
            "message_creation": {"message_id": self._message.id},
        }
        self._step = change.tx.insert(
            "step",
            new_step_body(run, details),
            parent=run.id,
            owner=run.owner,
            status="in_progress",
        )
        self._length = 0
        self._annotations = 0
        self._is_first = True
        for state in ("created", "in_progress"):
            change.emit(run.id, f"thread.run.step.{state}", step_object(self._step))
        for state in ("created", "in_progress"):
            change.emit(run.id, f"thread.message.{state}", message_object(self._message))

    def add_text(self, emit: Emit, text: str) -> None:
        """Tell the next characters."""
        self._tell(emit, text, [] if self._is_first else None)

    def add_citation(self, emit: Emit, citation: Citation) -> None:
        """Tell a citation: its marker and what it means, as one delta."""
        note = {"index": self._annotations, **annotation(citation, self._length)}
        self._annotations += 1
        self._tell(emit, citation.marker, [note])

    def _tell(
        self, emit: Emit, value: str, annotations: Sequence[Mapping[str, Any]] | None
    ) -> None:
        self._is_first = False
        self._length += len(value)
        delta = text_delta(self._message.id, value, annotations)
        emit(self._run.id, "thread.message.delta", delta)

    def complete(
        self, change: Change, part: Mapping[str, Any], *, usage: Mapping[str, int]
    ) -> None:
        """End the message and its step while the run goes on."""
        done = end_message(change, self._message, "completed", content=[dict(part)])
        change.emit(self._run.id, "thread.message.completed", message_object(done))
        end_step(change, self._run, self._step, "completed", usage=usage)
