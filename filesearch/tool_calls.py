"""Tool calls: what a model calls in one message -> what the calls return, added to the run's state.

The search is ours, registered functions are called here, and calls of the others are left pending.
Nothing that a model calls wrongly ends a run: it is told, and may call again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

from filesearch.errors import InvalidSetting
from filesearch.events import (
    FunctionCompleted,
    RunEvent,
    RunState,
    SearchCompleted,
    SearchStarted,
)
from filesearch.functions import FILE_SEARCH, Function, run_function
from filesearch.grounding import FILE_SEARCH_SPEC, read_queries
from filesearch.interruptible import Interrupted, call_all
from filesearch.merge_results import merge_results
from filesearch.messages import Message, Source, ToolCall, ToolSpec
from filesearch.surrogates import join_surrogates
from filesearch.types import SearchResult

MAX_PARALLEL = 4
# A search that is left behind uses an index that may be closed then, and holds up the next ones: it
# is waited for when a run is cancelled, if it takes no longer than this.
SEARCH_PATIENCE_S = 2.0

Search = Callable[[str], Sequence[SearchResult]]
"""One store: query -> passages, best first."""


class ToolCalls:
    """The tools of one run.

    Args:
        searches: Stores that `file_search` covers, all of them at once; none, no such tool.
        functions: Other tools. Those without a callable are the caller's.
        history_length: Messages of the conversation before those that the run adds.
        max_num_results: Passages of one search, at most.
        max_searches: Calls of `file_search`, at most; None sets no limit.
        cancel: Set by anyone to call nothing more, and to leave what is being called.

    Raises:
        InvalidSetting: Two tools of one name.
    """

    def __init__(
        self,
        searches: Sequence[Search],
        functions: Sequence[Function],
        *,
        history_length: int,
        max_num_results: int,
        max_searches: int | None,
        cancel: threading.Event,
    ) -> None:
        self._searches = tuple(searches)
        self._functions = {function.spec.name: function for function in functions}
        if len(self._functions) < len(functions) or FILE_SEARCH in self._functions:
            raise InvalidSetting("two tools have the same name; rename one of them")
        self._history_length = history_length
        self._max_num_results, self._max_searches = max_num_results, max_searches
        self._cancel = cancel

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the other tools."""
        return tuple(self._functions)

    def specs(self, state: RunState) -> tuple[ToolSpec, ...]:
        """Return the tools that the model may call now."""
        own = tuple(function.spec for function in self._functions.values())
        can_search = self._searches and not self._has_searched_enough(state)
        return (FILE_SEARCH_SPEC, *own) if can_search else own

    def _has_searched_enough(self, state: RunState) -> bool:
        return self._max_searches is not None and _searches_made(state) >= self._max_searches

    def call(
        self, state: RunState, text: str, calls: Sequence[ToolCall]
    ) -> Generator[RunEvent, None, RunState]:
        """Run what is ours of the calls of one message; the rest becomes pending.

        Args:
            text: What the model said in that message.

        Raises:
            Interrupted: `cancel` was set.
            FilesearchError: What a search raises.
        """
        state = replace(
            state, messages=(*state.messages, Message("assistant", text, tool_calls=tuple(calls)))
        )
        pending = []
        last_search = self._last_search(state, calls)
        for call in calls:
            if self._cancel.is_set():
                raise Interrupted
            function = self._functions.get(call.name)
            if call.name == FILE_SEARCH and self._has_searched_enough(state):
                output = "Error: nothing more may be searched for; answer from what was found"
                state = add_output(state, call, output)
            elif call.name == FILE_SEARCH and self._searches:
                state = yield from self._file_search(state, call, is_last=call is last_search)
            elif function is None:
                known = ", ".join(self._names()) or "none"
                output = f"Error: there is no tool called '{call.name}'; the tools are: {known}"
                state = add_output(state, call, output)
            elif function.call is None:
                pending.append(call)
        ours = [c for c in calls if c.name in self._functions and self._functions[c.name].call]
        jobs = [partial(run_function, self._functions[c.name], c.arguments) for c in ours]
        with closing(call_all(jobs, self._cancel, at_once=MAX_PARALLEL)) as outputs:
            for call, output in zip(ours, outputs, strict=True):
                yield FunctionCompleted(call, output)
                state = add_output(state, call, output)
        return replace(state, pending=tuple(pending))

    def _names(self) -> list[str]:
        return [*([FILE_SEARCH] if self._searches else []), *self._functions]

    def _last_search(self, state: RunState, calls: Sequence[ToolCall]) -> ToolCall | None:
        """Return the last of the calls that is going to search; others are told their mistakes."""
        most = self._max_searches
        left = len(calls) if most is None else max(0, most - _searches_made(state))
        wanted = [call for call in calls if call.name == FILE_SEARCH and _is_search(call)]
        return wanted[:left][-1] if wanted[:left] else None

    def _file_search(
        self, state: RunState, call: ToolCall, *, is_last: bool
    ) -> Generator[RunEvent, None, RunState]:
        """Search every store for every query, and give the model what is best of all of it."""
        try:
            queries = read_queries(call.arguments)
        except ValueError as error:
            return add_output(state, call, f"Error: {error}")
        yield SearchStarted(call.id, queries)
        jobs = [partial(search, query) for query in queries for search in self._searches]
        calls = call_all(jobs, self._cancel, at_once=MAX_PARALLEL, patience_s=SEARCH_PATIENCE_S)
        found = list(calls)
        results = merge_results(found, self._max_num_results)
        position = self._history_length + len(state.messages)
        sources = tuple(Source(position, i, result) for i, result in enumerate(results))
        state = replace(
            state,
            messages=(*state.messages, Message("tool", tool_call_id=call.id)),
            sources=(*state.sources, *sources),
        )
        yield SearchCompleted(call.id, queries, sources, is_last)
        return state


def _searches_made(state: RunState) -> int:
    # Blank content marks a search.
    return sum(m.role == "tool" and not m.content for m in state.messages)


def _is_search(call: ToolCall) -> bool:
    try:
        return bool(read_queries(call.arguments))
    except ValueError:
        return False


def add_output(state: RunState, call: ToolCall, output: str) -> RunState:
    """Return a state in which a call has returned `output`."""
    # Blank content marks a search, whose passages stand in `sources`.
    said = join_surrogates(output) or "(no output)"
    message = Message("tool", said, tool_call_id=call.id)
    return replace(state, messages=(*state.messages, message))
