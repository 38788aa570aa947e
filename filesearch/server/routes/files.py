"""Files: `/files`, uploaded in one request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO, Literal

from fastapi import Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from filesearch.paging import PageQuery
from filesearch.server.context import CallerDep, ServerDep
from filesearch.server.files import download_headers, file_body
from filesearch.server.multipart import receive_form
from filesearch.server.routing import make_router, write_limiter
from filesearch.server.wire.common import Plain
from filesearch.server.wire.files import FileBody, FileDeleted, FileForm, FileList

MAX_LIMIT = 10_000
_BLOCK_BYTES = 1 << 18
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "purpose"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "purpose": FileForm.model_json_schema()["properties"]["purpose"],
                        "expires_after[anchor]": {"type": "string", "enum": ["created_at"]},
                        "expires_after[seconds]": {
                            "type": "integer",
                            "minimum": 3600,
                            "maximum": 2_592_000,
                        },
                    },
                }
            }
        },
    }
}

router = make_router("Files")


@router.post("/files", openapi_extra=_FORM)
async def create_file(request: Request, server: ServerDep, caller: CallerDep) -> FileBody:
    """Upload a file."""
    async with receive_form(
        request,
        file_field="file",
        receive=server.files.receive,
        max_bytes=server.options.max_file_bytes,
    ) as form:
        asked = _parse(form.fields)
        async with write_limiter():
            file = await run_in_threadpool(
                server.files.keep,
                form.incoming,
                form.filename,
                asked.purpose,
                owner=caller.owner,
                expires_after_s=asked.expires_after.seconds if asked.expires_after else None,
            )
    return file_body(file)


def _parse(fields: dict[str, Any]) -> FileForm:
    try:
        return FileForm.model_validate(fields)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(found, body=fields) from error


@router.get("/files")
def list_files(
    server: ServerDep,
    caller: CallerDep,
    purpose: Plain | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = MAX_LIMIT,
    order: Literal["asc", "desc"] = "desc",
    after: Plain | None = None,
) -> FileList:
    """List files. All of them by default: the clients of 2024 do not turn pages here."""
    query = PageQuery(limit=limit, order=order, after=after or None)
    page = server.files.page(query, purpose=purpose or None, owner=caller.scope)
    data = [file_body(file) for file in page.items]
    return FileList(
        data=data,
        first_id=data[0].id if data else None,
        last_id=data[-1].id if data else None,
        has_more=page.has_more,
    )


@router.get("/files/{file_id}")
def retrieve_file(file_id: str, server: ServerDep, caller: CallerDep) -> FileBody:
    """Return a file."""
    return file_body(server.files.get(file_id, owner=caller.scope))


@router.get(
    "/files/{file_id}/content",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def file_content(file_id: str, server: ServerDep, caller: CallerDep) -> StreamingResponse:
    """Return the bytes of a file, whatever its purpose."""
    file = server.files.get(file_id, owner=caller.scope)
    return StreamingResponse(
        _blocks(server.files.open(file_id, owner=caller.scope)),
        media_type="application/octet-stream",
        headers=download_headers(file),
    )


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while block := stream.read(_BLOCK_BYTES):
            yield block


@router.delete("/files/{file_id}")
def delete_file(file_id: str, server: ServerDep, caller: CallerDep) -> FileDeleted:
    """Delete a file, in every vector store."""
    server.files.delete(file_id, owner=caller.scope)
    return FileDeleted(id=file_id)
