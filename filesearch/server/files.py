"""Files and uploads of the library -> those of the wire."""

from __future__ import annotations

from urllib.parse import quote

from filesearch.file_objects import FileObject
from filesearch.server.wire.files import FileBody, PartBody, UploadBody
from filesearch.uploads import Part, Upload


def file_body(file: FileObject) -> FileBody:
    """Return a file as it goes over the wire."""
    return FileBody(
        id=file.id,
        bytes=file.size_bytes,
        created_at=file.created_at,
        expires_at=file.expires_at,
        filename=file.filename,
        purpose=file.purpose,
    )


def upload_body(upload: Upload) -> UploadBody:
    """Return an upload as it goes over the wire."""
    return UploadBody(
        id=upload.id,
        bytes=upload.size_bytes,
        created_at=upload.created_at,
        expires_at=upload.expires_at,
        filename=upload.filename,
        purpose=upload.purpose,
        status=upload.status,
        file=None if upload.file is None else file_body(upload.file),
    )


def part_body(part: Part) -> PartBody:
    """Return a part as it goes over the wire."""
    return PartBody(id=part.id, created_at=part.created_at, upload_id=part.upload_id)


def download_headers(file: FileObject) -> dict[str, str]:
    """Return what makes every browser save the bytes under the file's name, and never show them."""
    plain = "".join(
        c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in file.filename
    )
    encoded = quote(file.filename, safe="")
    return {
        "content-length": str(file.size_bytes),
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}",
        "content-security-policy": "sandbox; default-src 'none'",
        "x-content-type-options": "nosniff",
    }
