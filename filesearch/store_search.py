"""Store search: queries over several vector stores -> one list of passages.

Each store is searched for all queries, then the stores take turns.
"""

from __future__ import annotations

from collections.abc import Sequence

from filesearch import store_rows
from filesearch.filters import Filter, compile_filter
from filesearch.index_directory import IndexDirectory
from filesearch.merge_results import merge_results
from filesearch.ranking_options import RankingOptions
from filesearch.retrieve import Retriever
from filesearch.store_records import SearchOutcome
from filesearch.types import SearchResult

_WAY_OUT = "make a new store of its files, or take the embedder that this one was made with"


def search_stores(
    index: IndexDirectory,
    retriever: Retriever,
    store_ids: Sequence[str],
    queries: Sequence[str],
    *,
    top_k: int,
    filters: Filter | None,
    options: RankingOptions,
    owner: str | None = None,
    should_fill: bool = True,
    should_locate: bool = True,
) -> SearchOutcome:
    """Return the best passages of some stores; see stores.VectorStores.search."""
    compile_filter(filters)  # also when there is no store to search
    wanted = list(dict.fromkeys(queries))
    found: list[list[SearchResult]] = []
    for store_id in dict.fromkeys(store_ids):
        store = index.catalog.store(store_id, owner)
        store_rows.check_expiry(store_id, store.expires_at)
        snapshot = index.snapshot(store)
        if snapshot.chunk_count:
            index.check_embedder(store, f"vector store '{store_id}'", _WAY_OUT)
        found.append(
            retriever.search(
                snapshot,
                wanted,
                top_k=top_k,
                filters=filters,
                options=options,
                should_fill=should_fill,
                should_locate=should_locate,
            )
        )
    merged = found[0] if len(found) == 1 else _merge(found, top_k)
    # Which passages come is settled by turns, so that every store has its share; their order is
    # that of their scores.
    ordered = sorted(merged, key=lambda result: -result.score)
    return SearchOutcome(tuple(wanted), tuple(ordered))


def _merge(found: Sequence[Sequence[SearchResult]], top_k: int) -> list[SearchResult]:
    """Return the best of several stores; what matches in one goes before what fills up another."""
    matching = [[result for result in one if result.score > 0] for one in found]
    filling = [[result for result in one if result.score <= 0] for one in found]
    merged = merge_results(matching, top_k)
    if len(merged) == top_k or not any(filling):
        return merged
    return merge_results([[*merged, *merge_results(filling, top_k)]], top_k)
