"""Run worker: executes one run: its thread -> the assistant loop -> what the recorder keeps.

Runs in a thread of the pool, with no lock and no transaction open while a model or a search works.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import msgspec

from filesearch.assistant import passages_for
from filesearch.budget import PromptBudget
from filesearch.cite import strip_markers
from filesearch.errors import FilesearchError, InvalidSetting
from filesearch.events import (
    ActionRequired,
    Cancelled,
    Completed,
    Failed,
    Incomplete,
    RunEnd,
    RunEvent,
    RunState,
)
from filesearch.functions import FILE_SEARCH
from filesearch.messages import (
    Image,
    Message,
    NamedTool,
    ToolChoice,
    ToolSpec,
    Usage,
    join_parts,
)
from filesearch.objects import Record
from filesearch.run import RunOptions
from filesearch.server.errors import to_api_error
from filesearch.server.images import show_images
from filesearch.server.journal import Journal
from filesearch.server.loop import make_loop
from filesearch.server.models import quotes
from filesearch.server.persist import persist
from filesearch.server.runs.objects import DEFAULT_RANKING, run_object
from filesearch.server.runs.recorder import RunRecorder, RunShape
from filesearch.server.runs.states import RunOvertaken, move
from filesearch.server.tool_resources import store_ids_of
from filesearch.tool import MAX_NUM_RESULTS
from filesearch.types import Answer

if TYPE_CHECKING:
    from filesearch.server.context import Server

# How long a run waits for files that its stores still take in: OpenAI's guide to file search.
STORE_WAIT_S = 60.0

_NOTHING = Answer(question="", plain_text="")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Control:
    """What others tell the thread that executes a run.

    Attributes:
        cancel: It is to end at once.
        is_expired: Because its time is over.
        is_started: A thread has begun with it; until then anybody may end it.
    """

    cancel: threading.Event = field(default_factory=threading.Event)
    is_expired: bool = False
    is_started: bool = False

    def expire(self) -> None:
        """End it because its time is over."""
        self.is_expired = True
        self.cancel.set()


class RunWorker:
    """Executes runs, one a call. Safe to use from several threads.

    Attributes:
        stopping: Set when no run may wait for the database any longer.
    """

    def __init__(self, server: Server, journal: Journal) -> None:
        self._server = server
        self._journal = journal
        self.stopping = threading.Event()

    def execute(self, run_id: str, control: Control) -> None:
        """Take a queued run to its end, or to where it waits for outputs.

        Whatever happens, the run does not stay in progress.
        """
        control.is_started = True
        try:
            with self._journal.changing() as change:
                run = move(change.tx, run_id, "in_progress", worker=self._server.worker_id)
                change.emit(run.id, "thread.run.in_progress", run_object(run))
        except RunOvertaken:
            return  # whoever did so ended it, or will: see watch.py
        state = _state_of(run)
        end: RunEnd
        execution = _Execution(self._server, self._journal, run, control)
        try:
            end = execution.go(state)
        except RunOvertaken:
            self._journal.close(run.id)
            return
        except FilesearchError as error:
            _log.error("run %s failed: %s", run.id, error)
            end = Failed("server_error", to_api_error(error).message, _NOTHING, state, error)
        # The worker's edge: a fault of ours must not leave the thread locked.
        except Exception as error:  # noqa: BLE001
            _log.exception("run %s failed", run.id)
            reason = InvalidSetting(f"{type(error).__name__}; the server's log says more")
            end = Failed("server_error", f"The run failed: {reason}", _NOTHING, state, reason)
        persist(
            lambda: execution.recorder.finish(end, is_expired=control.is_expired),
            self.stopping,
        )


class _Execution:
    """One run while it is executed."""

    def __init__(self, server: Server, journal: Journal, run: Record, control: Control) -> None:
        self._server = server
        self._run = run
        self._control = control
        self._usage = Usage()
        self._search = next((t for t in run.body["tools"] if t["type"] == "file_search"), None)
        self._functions = [
            _tool_spec(tool["function"]) for tool in run.body["tools"] if tool["type"] == "function"
        ]
        self.recorder = RunRecorder(
            journal,
            run,
            RunShape(
                functions=frozenset(spec.name for spec in self._functions),
                ranking=self._settings().get("ranking_options") or DEFAULT_RANKING,
            ),
            last_usage=lambda: self._usage,
        )

    def go(self, state: RunState) -> RunEnd:
        """Run the loop and record what it does; returns how it ended.

        Raises:
            RunOvertaken: The run is over, or gone with its thread.
            FilesearchError: It cannot begin.
        """
        with self._server.objects.reading() as tx:
            thread = tx.find("thread", self._run.parent)
            messages = tx.select("message", parent=self._run.parent)
        if thread is None:
            raise RunOvertaken(None)
        history = conversation(messages)
        if quotes(self._server.model_for(self._run.body["model"])):
            history = [replace(message, images=()) for message in history if message.content]
        else:
            history = show_images(self._server, history)
        self.recorder.history_length = len(history)
        store_ids = self._ready_stores(thread)
        if self._control.cancel.is_set():
            return Cancelled(_NOTHING, state)
        loop = make_loop(
            self._server,
            model=self._run.body["model"],
            history=history,
            store_ids=store_ids,
            functions=self._functions,
            options=self._options(has_search=bool(store_ids)),
            ranking_options=self._settings().get("ranking_options"),
            cancel=self._control.cancel,
            on_usage=self._note_usage,
        )
        happening = loop.events(self._moved(state, len(history)))
        with closing(cast("Generator[RunEvent, None, None]", happening)) as events:
            for event in events:
                if isinstance(event, (Completed, Incomplete, ActionRequired, Cancelled, Failed)):
                    return event
                self.recorder.record(event)
        raise AssertionError("a loop without an end")

    def _note_usage(self, usage: Usage) -> None:
        self._usage = usage

    def _settings(self) -> dict[str, Any]:
        """Return what the run's file_search tool is set to."""
        return (self._search or {}).get("file_search") or {}

    def _ready_stores(self, thread: Record) -> list[str]:
        """Return the stores to search, once what they are taking in is there.

        Raises:
            InvalidSetting: One has expired.
        """
        if self._search is None:
            return []
        held = store_ids_of(thread.body.get("tool_resources") or {})
        store_ids = list(dict.fromkeys([*self._run.body["private"]["store_ids"], *held]))
        there = self._server.stores.existing(store_ids)
        for store_id in there:
            if self._server.stores.get(store_id).status == "expired":
                raise InvalidSetting(
                    f"vector store '{store_id}' has expired; attach another one to the thread or "
                    "the assistant"
                )
            self._server.stores.touch(store_id)
        self._server.stores.wait_until_ready(there, STORE_WAIT_S, self._control.cancel)
        return store_ids

    def _options(self, *, has_search: bool) -> RunOptions:
        body = self._run.body
        strategy = body["truncation_strategy"]
        last = strategy["last_messages"] if strategy["type"] == "last_messages" else None
        form = body["response_format"]
        model = self._server.model_for(body["model"])
        results = self._settings().get("max_num_results")
        usual = min(MAX_NUM_RESULTS, passages_for(model, self._server.settings))
        return RunOptions(
            instructions=body["instructions"],
            tool_choice=_tool_choice(body["tool_choice"], has_search=has_search),
            parallel_tool_calls=body["parallel_tool_calls"],
            max_num_results=results or usual,
            budget=PromptBudget(max_prompt_tokens=body["max_prompt_tokens"], last_messages=last),
            max_completion_tokens=body["max_completion_tokens"],
            temperature=body["temperature"],
            top_p=body["top_p"],
            response_format=None if form == "auto" else form,
        )

    def _moved(self, state: RunState, length: int) -> RunState:
        """Return a state whose passages stand behind a conversation of another length.

        While a run waits, messages before it may be deleted, and markers count from the first.
        """
        shift = length - self._run.body["private"].get("history_length", length)
        sources = tuple(replace(source, call=source.call + shift) for source in state.sources)
        return replace(state, sources=sources)


def _state_of(run: Record) -> RunState:
    state = run.body["private"]["state"]
    return RunState() if state is None else msgspec.convert(state, RunState)


def conversation(messages: Sequence[Record]) -> list[Message]:
    """Return the messages of a thread as a model reads them; those that are blank are left out."""
    read = (
        join_parts(message.body["role"], map(_part, message.body["content"]), between="\n")
        for message in messages
    )
    return [message for message in read if message.content or message.images]


def _part(part: Mapping[str, Any]) -> str | Image:
    if part["type"] == "image_file":
        given = part["image_file"]
        return Image(file_id=given["file_id"], detail=given["detail"])
    if part["type"] == "image_url":
        given = part["image_url"]
        return Image(given["url"], detail=given["detail"])
    return strip_markers(part).strip() if part["type"] == "text" else ""


def _tool_spec(function: dict[str, Any]) -> ToolSpec:
    return ToolSpec(
        name=function["name"],
        description=function.get("description") or "",
        parameters=function.get("parameters") or {"type": "object", "properties": {}},
        strict=bool(function.get("strict")),
    )


def _tool_choice(choice: Any, *, has_search: bool) -> ToolChoice:  # noqa: ANN401
    """Return a run's choice for the loop; a tool that is not there cannot be forced."""
    if isinstance(choice, str):
        return choice  # type: ignore[return-value]
    if choice["type"] == "function":
        return NamedTool(choice["function"]["name"])
    is_there = choice["type"] == "file_search" and has_search
    return NamedTool(FILE_SEARCH) if is_there else "auto"
