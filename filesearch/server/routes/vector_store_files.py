"""Vector store files: `/vector_stores/{id}/files`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query, Response

from filesearch.server.context import CallerDep, ServerDep
from filesearch.server.lists import ListDep, list_body
from filesearch.server.routing import make_router
from filesearch.server.vector_stores import attachments, check_visible, store_file_body
from filesearch.server.wire.vector_stores import (
    AddFile,
    ContentPage,
    FileStatus,
    StoreFileBody,
    StoreFileDeleted,
    StoreFileList,
    TextPart,
    UpdateFile,
)

router = make_router("Vector store files")


async def _add_poll_hint(response: Response, server: ServerDep) -> None:
    response.headers["openai-poll-after-ms"] = str(server.options.poll_after_ms)


POLLED = [Depends(_add_poll_hint)]
"""Of routes that clients ask again and again until something is done."""


@router.post("/vector_stores/{vector_store_id}/files")
def add_file(
    vector_store_id: str, body: AddFile, server: ServerDep, caller: CallerDep
) -> StoreFileBody:
    """Put a file into a vector store; it is taken in meanwhile."""
    check_visible(server, caller, vector_store_id)
    new = attachments(server, caller, [body], at="file_id")
    return store_file_body(server.stores.attach(vector_store_id, new)[0])


@router.get("/vector_stores/{vector_store_id}/files", response_model=StoreFileList)
def list_files(
    vector_store_id: str,
    query: ListDep,
    server: ServerDep,
    caller: CallerDep,
    status: Annotated[FileStatus | None, Query(alias="filter")] = None,
) -> dict[str, Any]:
    """List the files of a vector store."""
    check_visible(server, caller, vector_store_id)
    page = server.stores.files(vector_store_id, query, status=status)
    return list_body(
        [store_file_body(file).model_dump() for file in page.items], has_more=page.has_more
    )


@router.get("/vector_stores/{vector_store_id}/files/{file_id}", dependencies=POLLED)
def retrieve_file(
    vector_store_id: str, file_id: str, server: ServerDep, caller: CallerDep
) -> StoreFileBody:
    """Return a file of a vector store, with how far it is."""
    check_visible(server, caller, vector_store_id)
    return store_file_body(server.stores.file(vector_store_id, file_id))


@router.post("/vector_stores/{vector_store_id}/files/{file_id}")
def update_file(
    vector_store_id: str, file_id: str, body: UpdateFile, server: ServerDep, caller: CallerDep
) -> StoreFileBody:
    """Replace the attributes of a file in a vector store."""
    check_visible(server, caller, vector_store_id)
    file = server.stores.set_attributes(vector_store_id, file_id, body.attributes or {})
    return store_file_body(file)


@router.delete("/vector_stores/{vector_store_id}/files/{file_id}")
def remove_file(
    vector_store_id: str, file_id: str, server: ServerDep, caller: CallerDep
) -> StoreFileDeleted:
    """Take a file out of a vector store; the file itself stays."""
    check_visible(server, caller, vector_store_id)
    server.stores.detach(vector_store_id, file_id)
    return StoreFileDeleted(id=file_id)


@router.get("/vector_stores/{vector_store_id}/files/{file_id}/content")
def file_content(
    vector_store_id: str, file_id: str, server: ServerDep, caller: CallerDep
) -> ContentPage:
    """Return the text that was read from a file."""
    check_visible(server, caller, vector_store_id)
    parts = server.stores.text(vector_store_id, file_id)
    return ContentPage(data=[TextPart(text=part) for part in parts])
