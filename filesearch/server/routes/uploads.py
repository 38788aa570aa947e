"""Uploads: `/uploads`, large files that come in parts."""

from __future__ import annotations

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from filesearch.server.context import CallerDep, ServerDep
from filesearch.server.files import part_body, upload_body
from filesearch.server.multipart import receive_form
from filesearch.server.routing import make_router, write_limiter
from filesearch.server.wire.files import (
    MAX_PART_BYTES,
    CompleteUpload,
    CreateUpload,
    PartBody,
    UploadBody,
)

_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["data"],
                    "properties": {"data": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}

router = make_router("Uploads")


@router.post("/uploads")
def create_upload(body: CreateUpload, server: ServerDep, caller: CallerDep) -> UploadBody:
    """Begin an upload; it takes parts for an hour."""
    upload = server.uploads.create(
        body.filename,
        body.purpose,
        body.bytes,
        body.mime_type,
        owner=caller.owner,
        expires_after_s=body.expires_after.seconds if body.expires_after else None,
    )
    return upload_body(upload)


@router.post("/uploads/{upload_id}/parts", openapi_extra=_FORM)
async def add_part(
    upload_id: str, request: Request, server: ServerDep, caller: CallerDep
) -> PartBody:
    """Add a part of at most 64 MB."""
    async with (
        receive_form(
            request,
            file_field="data",
            receive=lambda: server.uploads.receive_part(upload_id, owner=caller.scope),
            max_bytes=MAX_PART_BYTES,
        ) as form,
        write_limiter(),
    ):
        part = await run_in_threadpool(
            server.uploads.add_part, upload_id, form.incoming, owner=caller.scope
        )
    return part_body(part)


@router.post("/uploads/{upload_id}/complete")
def complete_upload(
    upload_id: str, body: CompleteUpload, server: ServerDep, caller: CallerDep
) -> UploadBody:
    """Make a file of the parts."""
    return upload_body(
        server.uploads.complete(upload_id, body.part_ids, body.md5, owner=caller.scope)
    )


@router.post("/uploads/{upload_id}/cancel")
def cancel_upload(upload_id: str, server: ServerDep, caller: CallerDep) -> UploadBody:
    """End an upload without a file."""
    return upload_body(server.uploads.cancel(upload_id, owner=caller.scope))
