"""Vector stores of the wire -> those of the library, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from filesearch.errors import InvalidFilter
from filesearch.filters import Filter, compile_filter
from filesearch.server.errors import check_id, invalid
from filesearch.server.wire.vector_stores import (
    AddFile,
    BatchBody,
    ChunkingBody,
    ChunkingStrategy,
    CountsBody,
    CreateStore,
    ExpiryBody,
    LastError,
    StaticSizes,
    StoreBody,
    StoreFileBody,
)
from filesearch.store_records import (
    FileBatch,
    FileCounts,
    NewAttachment,
    SearchOutcome,
    StoreFile,
    VectorStore,
)
from filesearch.types import ChunkSettings

if TYPE_CHECKING:
    from filesearch.server.context import Caller, Server


def create_store(server: Server, caller: Caller, asked: CreateStore) -> VectorStore:
    """Make a vector store and begin to take in its files.

    Raises:
        ApiError: A file is not there; no store is made then.
    """
    files = [AddFile(file_id=file_id) for file_id in asked.file_ids or ()]
    new = attachments(server, caller, files, at="file_ids", shared=asked.chunking_strategy)
    store = server.stores.create(
        name=asked.name or "",
        description=asked.description,
        metadata=asked.metadata or {},
        expires_after_days=asked.expires_after.days if asked.expires_after else None,
        owner=caller.owner,
    )
    if new:
        server.stores.attach(store.id, new)
        store = server.stores.get(store.id)
    return store


def attachments(
    server: Server,
    caller: Caller,
    files: Sequence[AddFile],
    *,
    at: str,
    shared: ChunkingStrategy | None = None,
) -> list[NewAttachment]:
    """Return files as they are to be put into a store, each once.

    Args:
        server, caller: Whose files they must be.
        files: What is asked for.
        at: Parameter that names them.
        shared: How those are cut that do not say it themselves.

    Raises:
        ApiError: One is not there.
    """
    for number, file in enumerate(files):
        check_id("file", file.file_id, name=f"{at}[{number}]" if at == "file_ids" else at)
        server.files.get(file.file_id, owner=caller.scope)
    return [attachment(file, shared) for file in files]


def attachment(file: AddFile, shared: ChunkingStrategy | None = None) -> NewAttachment:
    """Return a file as it is to be put into a store."""
    return NewAttachment(
        file_id=file.file_id,
        attributes=file.attributes or {},
        chunk_settings=chunk_settings(file.chunking_strategy or shared),
    )


def chunk_settings(strategy: ChunkingStrategy | None) -> ChunkSettings | None:
    """Return the sizes of a strategy; None where the store's own are to be used."""
    if strategy is None or strategy.static is None or strategy.type == "auto":
        return None
    return ChunkSettings(
        strategy.static.max_chunk_size_tokens, strategy.static.chunk_overlap_tokens
    )


def visible_store(server: Server, caller: Caller, store_id: str) -> VectorStore:
    """Return a store that the caller may see, with its files counted.

    Raises:
        ApiError: The id is not one of a store, or there is none with it.
    """
    check_id("vs_", store_id, name="vector_store_id")
    store: VectorStore = server.stores.get(store_id, owner=caller.scope)
    return store


def check_visible(server: Server, caller: Caller, store_id: str) -> None:
    """See that the caller may see a store, without counting its files; raises as `visible_store`.

    Clients that poll a file ask for its store every time.
    """
    check_id("vs_", store_id, name="vector_store_id")
    server.stores.check(store_id, owner=caller.scope)


def check_filters(filters: Filter | None, *, name: str = "filters") -> None:
    """See that a filter is well formed.

    Raises:
        ApiError: It is not; `param` says where.
    """
    try:
        compile_filter(filters)
    except InvalidFilter as error:
        param = f"{name}.{error.place}" if error.place else name
        raise invalid(f"Invalid '{name}': {error}.", param, "invalid_value") from error


def store_body(store: VectorStore) -> StoreBody:
    """Return a store as it goes over the wire."""
    days = store.expires_after_days
    return StoreBody(
        id=store.id,
        created_at=store.created_at,
        name=store.name,
        description=store.description,
        usage_bytes=store.usage_bytes,
        file_counts=counts_body(store.counts),
        status=store.status,
        expires_after=None if days is None else ExpiryBody(days=days),
        expires_at=store.expires_at,
        last_active_at=store.last_active_at,
        metadata=dict(store.metadata),
    )


def counts_body(counts: FileCounts) -> CountsBody:
    """Return counts as they go over the wire."""
    return CountsBody(
        in_progress=counts.in_progress,
        completed=counts.completed,
        failed=counts.failed,
        cancelled=counts.cancelled,
        total=counts.total,
    )


def store_file_body(file: StoreFile) -> StoreFileBody:
    """Return a file of a store as it goes over the wire."""
    return StoreFileBody(
        id=file.file_id,
        created_at=file.created_at,
        vector_store_id=file.store_id,
        status=file.status,
        last_error=LastError(code=file.error_code, message=file.error) if file.error_code else None,
        usage_bytes=file.usage_bytes,
        attributes=file.attributes,
        chunking_strategy=ChunkingBody(
            static=StaticSizes(
                max_chunk_size_tokens=file.chunk_settings.size,
                chunk_overlap_tokens=file.chunk_settings.overlap,
            )
        ),
    )


def batch_body(batch: FileBatch) -> BatchBody:
    """Return a batch as it goes over the wire."""
    return BatchBody(
        id=batch.id,
        created_at=batch.created_at,
        vector_store_id=batch.store_id,
        status=batch.status,
        file_counts=counts_body(batch.counts),
    )


def encode_results(outcome: SearchOutcome) -> bytes:
    """Return what a search found as it goes over the wire: the JSON of a `ResultPage`.

    Written without one: to check and write a page of ours costs several times as much.
    """
    data = [
        {
            "file_id": result.file_id,
            "filename": result.filename,
            "score": min(1.0, max(0.0, result.score)),
            "attributes": result.attributes,
            "content": [{"type": "text", "text": result.text}],
        }
        for result in outcome.results
    ]
    return msgspec.json.encode(
        {
            "object": "vector_store.search_results.page",
            "search_query": outcome.queries,
            "data": data,
            "has_more": False,
            "next_page": None,
        }
    )
