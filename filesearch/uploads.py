"""Uploads: large files that come in parts, each in a request of its own.

create -> parts, in any order and again where one was lost -> complete: a file. Until then the parts
lie in `uploads/<upload id>/<part id>`.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias, cast

from filesearch.errors import InputError, InvalidFile, NotFound
from filesearch.file_objects import FileObject, FileObjects, keep_file, safe_name
from filesearch.ids import new_id
from filesearch.incoming import IncomingFile, sweep_incoming
from filesearch.objects import Objects, Record, Transaction

MAX_UPLOAD_BYTES = 8 << 30
"""Of an upload and of the parts that are sent for it: OpenAI's limit."""
LIFETIME_S = 3600
_BLOCK_BYTES = 1 << 20

UploadStatus: TypeAlias = Literal["pending", "completed", "cancelled", "expired"]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that comes in parts.

    Attributes:
        size_bytes: Of the whole file, as announced.
        created_at, expires_at: Unix seconds; no part is taken from expires_at on.
        file: What was made of it; None unless completed, and when that file was deleted since.
    """

    id: str
    filename: str
    purpose: str
    size_bytes: int
    created_at: int
    expires_at: int
    status: UploadStatus
    file: FileObject | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an upload."""

    id: str
    upload_id: str
    created_at: int


class IncomingPart(IncomingFile):
    """Bytes on their way to be a part of an upload.

    Args:
        directory: Of the upload.
    """

    def __init__(self, directory: Path) -> None:
        self.id = new_id("part")
        super().__init__(directory, lambda _digest: directory / self.id)


class Uploads:
    """The uploads of one index. Safe to use from several threads and processes.

    Args:
        objects: Of the catalog.
        files: Where complete uploads go.
        directory: Where parts lie.
    """

    def __init__(self, objects: Objects, files: FileObjects, directory: Path) -> None:
        self._objects = objects
        self._files = files
        self._directory = directory

    def create(
        self,
        filename: str,
        purpose: str,
        size_bytes: int,
        mime_type: str,
        *,
        owner: str = "",
        expires_after_s: int | None = None,
    ) -> Upload:
        """Begin an upload; `expires_after_s` is for the file that comes of it."""
        now = int(time.time())
        body = {
            "filename": safe_name(filename),
            "purpose": purpose,
            "size_bytes": size_bytes,
            "mime_type": mime_type,
            "expires_after_s": expires_after_s,
            "file_id": None,
        }
        with self._objects.writing() as tx:
            record = tx.insert(
                "upload", body, owner=owner, status="pending", expires_at=now + LIFETIME_S
            )
        return self._to_upload(record)

    def get(self, upload_id: str, owner: str | None = None) -> Upload:
        """Return an upload.

        Raises:
            NotFound: There is none, or it is another's.
        """
        with self._objects.reading() as tx:
            return self._to_upload(_find(tx, upload_id, owner))

    def receive_part(self, upload_id: str, owner: str | None = None) -> IncomingPart:
        """Return a place to write a part to; `add_part` makes it one.

        Raises:
            NotFound: As `get`.
            InputError: The upload takes no parts any more.
        """
        with self._objects.reading() as tx:
            _find_pending(tx, upload_id, owner, "take parts")
        return IncomingPart(self._directory / upload_id)

    def add_part(self, upload_id: str, incoming: IncomingPart, owner: str | None = None) -> Part:
        """Add what was received as a part; it is durable on return.

        Raises:
            NotFound: As `get`.
            InputError: The upload takes no parts any more.
            InvalidFile: With it the parts are larger than an upload may be.
        """
        incoming.finish()
        with self._objects.writing() as tx:
            _find_pending(tx, upload_id, owner, "take parts")
            sizes = [part.body["size_bytes"] for part in tx.select("part", parent=upload_id)]
            total = sum(sizes) + incoming.size_bytes
            if total > MAX_UPLOAD_BYTES:
                raise InvalidFile(
                    f"The parts of upload '{upload_id}' hold {total} bytes; "
                    f"an upload holds at most {MAX_UPLOAD_BYTES}."
                )
            incoming.keep()
            body = {"size_bytes": incoming.size_bytes}
            record = tx.insert("part", body, object_id=incoming.id, parent=upload_id)
        return Part(record.id, upload_id, record.created_at)

    def complete(
        self,
        upload_id: str,
        part_ids: Sequence[str],
        md5: str | None = None,
        owner: str | None = None,
    ) -> Upload:
        """Make a file of the parts, in the order given.

        Args:
            upload_id: The upload.
            part_ids: Parts of it; those not named are left out.
            md5: Hex digest that the whole must have.
            owner: None does not ask.

        Raises:
            NotFound: No such upload or part.
            InputError: It is completed, cancelled or expired already.
            InvalidFile: The parts together have another size than announced, or another digest.
        """
        with self._objects.reading() as tx:
            record = _find_pending(tx, upload_id, owner, "be completed")
            parts = [_find_part(tx, upload_id, part_id) for part_id in part_ids]
        total, announced = sum(part.body["size_bytes"] for part in parts), record.body["size_bytes"]
        if total != announced:
            raise InvalidFile(
                f"The parts hold {total} bytes, but upload '{upload_id}' was announced with "
                f"{announced} bytes."
            )
        with self._files.receive() as incoming:
            digest = hashlib.md5(usedforsecurity=False)
            for part in parts:
                with self._open_part(upload_id, part.id) as stream:
                    while block := stream.read(_BLOCK_BYTES):
                        incoming.write(block)
                        digest.update(block)
            if md5 is not None and digest.hexdigest() != md5.lower():
                raise InvalidFile(
                    f"The parts have the md5 '{digest.hexdigest()}', not the given '{md5}'."
                )
            incoming.finish()
            with self._objects.writing() as tx:
                record = _find_pending(tx, upload_id, owner, "be completed")
                body = record.body
                file = keep_file(
                    tx.sql,
                    incoming,
                    body["filename"],
                    body["purpose"],
                    owner=record.owner,
                    expires_after_s=body["expires_after_s"],
                )
                record = tx.update(record, status="completed", body={**body, "file_id": file.id})
                tx.delete_children(upload_id)
        self._remove_parts(upload_id)
        return self._to_upload(record)

    def cancel(self, upload_id: str, owner: str | None = None) -> Upload:
        """End an upload; its parts are deleted.

        Raises:
            NotFound: As `get`.
            InputError: It is completed, cancelled or expired already.
        """
        with self._objects.writing() as tx:
            record = _find_pending(tx, upload_id, owner, "be cancelled")
            record = tx.update(record, status="cancelled")
            tx.delete_children(upload_id)
        self._remove_parts(upload_id)
        return self._to_upload(record)

    def purge(self) -> None:
        """Delete the parts of expired uploads, and what a killed process left."""
        with self._objects.writing() as tx:
            for record in tx.select("upload", statuses=["pending"], expired_at=int(time.time())):
                tx.update(record, status="expired")
                tx.delete_children(record.id)
            pending = {record.id for record in tx.select("upload", statuses=["pending"])}
            for directory in self._directory.glob("upload_*"):
                if directory.name in pending:
                    sweep_incoming(directory)
                else:
                    shutil.rmtree(directory, ignore_errors=True)

    def _open_part(self, upload_id: str, part_id: str) -> BinaryIO:
        try:
            return (self._directory / upload_id / part_id).open("rb")
        except FileNotFoundError:  # another request ended the upload while this one read
            raise InputError(f"Part '{part_id}' of upload '{upload_id}' is gone.") from None

    def _remove_parts(self, upload_id: str) -> None:
        shutil.rmtree(self._directory / upload_id, ignore_errors=True)

    def _to_upload(self, record: Record) -> Upload:
        body = record.body
        file = None
        if body["file_id"] is not None:
            try:
                file = self._files.get(body["file_id"])
            except NotFound:  # deleted since
                file = None
        assert record.expires_at is not None
        return Upload(
            id=record.id,
            filename=body["filename"],
            purpose=body["purpose"],
            size_bytes=body["size_bytes"],
            created_at=record.created_at,
            expires_at=record.expires_at,
            status=_status(record),
            file=file,
        )


def _find(tx: Transaction, upload_id: str, owner: str | None) -> Record:
    record = tx.find("upload", upload_id, owner=owner)
    if record is None:
        raise NotFound(f"No such Upload object: {upload_id}")
    return record


def _find_pending(tx: Transaction, upload_id: str, owner: str | None, wish: str) -> Record:
    record = _find(tx, upload_id, owner)
    if _status(record) != "pending":
        raise InputError(f"Upload '{upload_id}' is {_status(record)} and can no longer {wish}.")
    return record


def _find_part(tx: Transaction, upload_id: str, part_id: str) -> Record:
    part = tx.find("part", part_id, parent=upload_id)
    if part is None:
        raise NotFound(f"No such part of upload '{upload_id}': {part_id}")
    return part


def _status(record: Record) -> UploadStatus:
    if record.status == "pending" and (record.expires_at or 0) <= time.time():
        return "expired"
    return cast(UploadStatus, record.status)
