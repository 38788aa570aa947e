"""Vector stores: `/vector_stores`, and the search in one."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from filesearch.objects import KEEP, Keep
from filesearch.server.context import CallerDep, ServerDep
from filesearch.server.errors import check_id
from filesearch.server.lists import ListDep, list_body
from filesearch.server.routing import answers, make_router
from filesearch.server.vector_stores import (
    check_filters,
    check_visible,
    encode_results,
    store_body,
    visible_store,
)
from filesearch.server.vector_stores import create_store as make_store
from filesearch.server.wire.vector_stores import (
    CreateStore,
    ResultPage,
    SearchStore,
    StoreBody,
    StoreDeleted,
    StoreList,
    UpdateStore,
)

router = make_router("Vector stores")


@router.post("/vector_stores")
def create_store(body: CreateStore, server: ServerDep, caller: CallerDep) -> StoreBody:
    """Make a vector store; its files are taken in meanwhile."""
    return store_body(make_store(server, caller, body))


@router.get("/vector_stores", response_model=StoreList)
def list_stores(query: ListDep, server: ServerDep, caller: CallerDep) -> dict[str, Any]:
    """List vector stores."""
    page = server.stores.page(query, owner=caller.scope)
    return list_body(
        [store_body(store).model_dump() for store in page.items], has_more=page.has_more
    )


@router.get("/vector_stores/{vector_store_id}")
def retrieve_store(vector_store_id: str, server: ServerDep, caller: CallerDep) -> StoreBody:
    """Return a vector store."""
    return store_body(visible_store(server, caller, vector_store_id))


@router.post("/vector_stores/{vector_store_id}")
def update_store(
    vector_store_id: str, body: UpdateStore, server: ServerDep, caller: CallerDep
) -> StoreBody:
    """Change what is given; the rest stays."""
    check_visible(server, caller, vector_store_id)
    days: int | Keep | None = KEEP
    if "expires_after" in body.model_fields_set:
        days = body.expires_after.days if body.expires_after else None
    updated = server.stores.update(
        vector_store_id,
        name=(body.name or "") if "name" in body.model_fields_set else KEEP,
        metadata=(body.metadata or {}) if "metadata" in body.model_fields_set else KEEP,
        expires_after_days=days,
    )
    return store_body(updated)


@router.delete("/vector_stores/{vector_store_id}")
def delete_store(vector_store_id: str, server: ServerDep, caller: CallerDep) -> StoreDeleted:
    """Delete a vector store; its files stay."""
    check_visible(server, caller, vector_store_id)
    server.stores.delete(vector_store_id)
    return StoreDeleted(id=vector_store_id)


@router.post("/vector_stores/{vector_store_id}/search", **answers(ResultPage))
def search_store(
    vector_store_id: str, body: SearchStore, server: ServerDep, caller: CallerDep
) -> Response:
    """Search a vector store for one query or for several at once."""
    check_id("vs_", vector_store_id, name="vector_store_id")
    check_filters(body.filters)
    options = body.ranking_options
    outcome = server.stores.search(
        [vector_store_id],
        [body.query] if isinstance(body.query, str) else body.query,
        top_k=body.max_num_results,
        filters=body.filters,
        ranking_options=options.model_dump(exclude_none=True) if options else None,
        rewrite_query=body.rewrite_query,
        owner=caller.scope,
        should_locate=False,  # the API has no field for it
    )
    # Written out here: FastAPI would hand the page to a thread once more, to check and write it.
    return Response(encode_results(outcome), media_type="application/json")
