"""File batches: `/vector_stores/{id}/file_batches`, files that are added together."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from filesearch.server.context import Caller, CallerDep, Server, ServerDep
from filesearch.server.errors import check_id, invalid
from filesearch.server.lists import ListDep, list_body
from filesearch.server.routes.vector_store_files import POLLED
from filesearch.server.routing import make_router
from filesearch.server.vector_stores import attachment, batch_body, check_visible, store_file_body
from filesearch.server.wire.vector_stores import (
    AddFile,
    BatchBody,
    CreateBatch,
    FileStatus,
    StoreFileList,
)
from filesearch.store_records import FileBatch

router = make_router("Vector store file batches")


@router.post("/vector_stores/{vector_store_id}/file_batches")
def create_batch(
    vector_store_id: str, body: CreateBatch, server: ServerDep, caller: CallerDep
) -> BatchBody:
    """Add files together; those that are not there count as failed."""
    check_visible(server, caller, vector_store_id)
    if (body.file_ids is None) == (body.files is None):
        raise invalid(
            "Give either 'file_ids' or 'files', and not both.",
            "file_ids",
            "missing_required_parameter" if body.files is None else "invalid_value",
        )
    # Settings beside `files` are passed over, as each of these has its own.
    asked = body.files or [
        AddFile(
            file_id=file_id, attributes=body.attributes, chunking_strategy=body.chunking_strategy
        )
        for file_id in body.file_ids or ()
    ]
    return batch_body(
        server.stores.create_batch(
            vector_store_id, [attachment(file) for file in asked], owner=caller.scope
        )
    )


@router.get("/vector_stores/{vector_store_id}/file_batches/{batch_id}", dependencies=POLLED)
def retrieve_batch(
    vector_store_id: str, batch_id: str, server: ServerDep, caller: CallerDep
) -> BatchBody:
    """Return a batch, with how far it is."""
    return batch_body(_batch(server, caller, vector_store_id, batch_id))


@router.post("/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel")
def cancel_batch(
    vector_store_id: str, batch_id: str, server: ServerDep, caller: CallerDep
) -> BatchBody:
    """Stop taking in the files of a batch; those that are done stay."""
    batch = _batch(server, caller, vector_store_id, batch_id)
    return batch_body(server.stores.cancel_batch(batch.store_id, batch.id))


@router.get(
    "/vector_stores/{vector_store_id}/file_batches/{batch_id}/files", response_model=StoreFileList
)
def list_batch_files(
    vector_store_id: str,
    batch_id: str,
    query: ListDep,
    server: ServerDep,
    caller: CallerDep,
    status: Annotated[FileStatus | None, Query(alias="filter")] = None,
) -> dict[str, Any]:
    """List the files of a batch."""
    batch = _batch(server, caller, vector_store_id, batch_id)
    page = server.stores.files(batch.store_id, query, status=status, batch_id=batch.id)
    return list_body(
        [store_file_body(file).model_dump() for file in page.items], has_more=page.has_more
    )


def _batch(server: Server, caller: Caller, store_id: str, batch_id: str) -> FileBatch:
    check_visible(server, caller, store_id)
    check_id("vsfb_", batch_id, name="batch_id")
    batch: FileBatch = server.stores.batch(store_id, batch_id)
    return batch
