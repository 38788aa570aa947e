"""Loop: what a request asks for -> one turn of the assistant loop.

The one place where runs, responses and chat meet the library's `Run`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from filesearch.assistant import within_context
from filesearch.functions import Function
from filesearch.messages import Message, ToolSpec
from filesearch.run import Run, RunOptions
from filesearch.server.context import Server
from filesearch.types import SearchResult


def make_loop(
    server: Server,
    *,
    model: str,
    history: Sequence[Message],
    store_ids: Sequence[str] = (),
    functions: Sequence[ToolSpec] = (),
    options: RunOptions | None = None,
    filters: Mapping[str, Any] | None = None,
    ranking_options: Mapping[str, Any] | None = None,
    cancel: threading.Event | None = None,
) -> Run:
    """Return a turn that can be run; see run.Run.events.

    Args:
        server: Whose index and models are used.
        model: As the client names it.
        history: The conversation, its last message the one to answer.
        store_ids: Vector stores that `file_search` covers; none, no such tool.
        functions: Tools that the client runs.
        options: See RunOptions.
        filters, ranking_options: Of every search.
        cancel: Set by anyone to end the turn.
    """
    chosen = options or RunOptions()
    served = server.model_for(model)

    def search(query: str) -> Sequence[SearchResult]:
        found = server.stores.search(
            list(store_ids),
            [query],
            top_k=chosen.max_num_results,
            filters=filters,
            ranking_options=ranking_options,
            rewrite_query=True,
        )
        results: Sequence[SearchResult] = found.results
        return results

    return Run(
        served,
        history,
        searches=[search] if store_ids else [],
        functions=[Function(spec) for spec in functions],
        locate=server.fs.locate,
        embedder=server.fs.embedder,
        options=within_context(chosen, server.settings.chat_context_tokens),
        cancel=cancel,
    )
