"""Loop: what a request asks for -> one turn of the assistant loop.

The one place where runs, responses and chat meet the library's `Run`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from filesearch.assistant import within_context
from filesearch.functions import Function
from filesearch.messages import ChatDelta, ChatReply, ChatRequest, Message, ToolSpec, Usage
from filesearch.plan import QueryPlan, plan_queries
from filesearch.protocols import ChatModel
from filesearch.run import Run, RunOptions
from filesearch.types import SearchResult, Turn

if TYPE_CHECKING:
    from filesearch.server.context import Server


def make_loop(
    server: Server,
    *,
    model: str,
    history: Sequence[Message],
    store_ids: Sequence[str] = (),
    unfiltered_ids: Sequence[str] = (),
    functions: Sequence[ToolSpec] = (),
    options: RunOptions | None = None,
    filters: Mapping[str, Any] | None = None,
    ranking_options: Mapping[str, Any] | None = None,
    cancel: threading.Event | None = None,
    on_usage: Callable[[Usage], None] | None = None,
) -> Run:
    """Return a turn that can be run; see run.Run.events.

    Args:
        server: Whose index and models are used.
        model: As the client names it.
        history: The conversation, its last message the one to answer.
        store_ids: Vector stores that `file_search` covers; none, no such tool. Those that are
            deleted are searched as if they were empty.
        unfiltered_ids: Others that it covers, whatever `filters` and the `score_threshold` of
            `ranking_options` leave out elsewhere.
        functions: Tools that the client runs.
        options: See RunOptions.
        filters, ranking_options: Of every search.
        cancel: Set by anyone to end the turn.
        on_usage: Told the tokens of each reply of the model: none when it begins, and all of them
            before anything follows from it.
    """
    chosen = options or RunOptions()
    served = server.model_for(model)
    if on_usage is not None:
        served = _Metered(served, on_usage)

    asked = max((i for i, m in enumerate(history) if m.role == "user"), default=0)

    def plan(query: str) -> QueryPlan:
        # The user's own words may lean on what was said before; a model's queries do not, and
        # need no model to plan them.
        if history and query == history[asked].content:
            return server.fs.plan(query, history=_turns(history[:asked]), cancel=cancel)
        return plan_queries(query)

    def search(
        ids: Sequence[str],
        narrowed_by: Mapping[str, Any] | None,
        ranked_by: Mapping[str, Any] | None,
        query: str,
    ) -> Sequence[SearchResult]:
        found = server.stores.search(
            server.stores.existing(ids),
            plan(query).queries,
            top_k=chosen.max_num_results,
            filters=narrowed_by,
            ranking_options=ranked_by,
            should_fill=False,  # nothing found is an answer
        )
        results: Sequence[SearchResult] = found.results
        return results

    given = ranking_options or {}
    unnarrowed = {name: value for name, value in given.items() if name != "score_threshold"}
    narrowed = [(store_ids, filters, ranking_options), (unfiltered_ids, None, unnarrowed)]
    if not filters and not given.get("score_threshold"):  # what is found is ranked together
        narrowed = [([*store_ids, *unfiltered_ids], None, ranking_options)]
    return Run(
        served,
        history,
        searches=[partial(search, *one) for one in narrowed if one[0]],
        functions=[Function(spec) for spec in functions],
        locate=server.fs.locate,
        embedder=server.fs.embedder,
        options=within_context(chosen, server.settings.chat_context_tokens),
        cancel=cancel,
    )


def _turns(messages: Sequence[Message]) -> list[Turn]:
    """Return what user and assistant said, without calls and what they returned."""
    return [
        Turn("user" if message.role == "user" else "assistant", message.content)
        for message in messages
        if message.role in ("user", "assistant") and message.content
    ]


@dataclass(frozen=True, slots=True)
class _Metered:
    """A ChatModel that tells what each reply of another cost."""

    model: ChatModel
    on_usage: Callable[[Usage], None]

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def calls_tools(self) -> bool:
        return self.model.calls_tools

    def complete(self, request: ChatRequest) -> ChatReply:
        reply = self.model.complete(request)
        self.on_usage(reply.usage)
        return reply

    def stream(self, request: ChatRequest) -> Iterator[ChatDelta]:
        self.on_usage(Usage())
        for delta in self.model.stream(request):
            if delta.usage is not None:
                self.on_usage(delta.usage)
            yield delta
