"""Files and uploads on the wire."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field

from filesearch.server.wire.common import Items, Plain, RequestModel

MAX_UPLOAD_BYTES = 8 << 30
MAX_PART_BYTES = 64 << 20

Purpose: TypeAlias = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]


class FileExpiry(RequestModel):
    """When a file expires: 1 hour to 30 days after it was made."""

    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=3600, le=2_592_000)]


class FileForm(RequestModel):
    """What stands beside the file in `POST /files`."""

    purpose: Purpose
    expires_after: FileExpiry | None = None


class FileBody(BaseModel):
    """A file."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    # Deprecated, but required: clients poll for it.
    status: Literal["processed"] = "processed"
    status_details: None = None


class FileList(BaseModel):
    """A page of files."""

    object: Literal["list"] = "list"
    data: list[FileBody]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileDeleted(BaseModel):
    """Says that a file is gone."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


class CreateUpload(RequestModel):
    """`POST /uploads`: a file that will come in parts."""

    filename: str
    purpose: Purpose
    bytes: Annotated[int, Field(ge=0, le=MAX_UPLOAD_BYTES)]
    mime_type: str
    expires_after: FileExpiry | None = None


class CompleteUpload(RequestModel):
    """`POST /uploads/{id}/complete`: the parts in their order."""

    part_ids: Items[Plain]
    md5: str | None = None


class UploadBody(BaseModel):
    """An upload; `file` is there once it is complete."""

    id: str
    object: Literal["upload"] = "upload"
    bytes: int
    created_at: int
    expires_at: int
    filename: str
    purpose: str
    status: Literal["pending", "completed", "cancelled", "expired"]
    file: FileBody | None = None


class PartBody(BaseModel):
    """A part of an upload."""

    id: str
    object: Literal["upload.part"] = "upload.part"
    created_at: int
    upload_id: str
