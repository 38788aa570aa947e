"""File objects: uploaded bytes under an id, and what is known of them.

A stream of bytes -> a blob and a row of `files` -> bytes again. The files of a folder are here too:
they were ingested, not uploaded, and are told apart by having no purpose of their own.
"""

from __future__ import annotations

import os
import re
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from filesearch import schema as t
from filesearch import store_rows
from filesearch.catalog import Catalog
from filesearch.errors import NotFound
from filesearch.ids import new_id
from filesearch.numbering import insert_behind
from filesearch.paging import Page, PageQuery, bury, select_page
from filesearch.protocols import BlobStore, IncomingBlob

DEFAULT_PURPOSE = "assistants"
"""Of the files that came from a folder."""
UNNAMED = "upload"
"""Name of a file whose own name holds nothing that can be kept."""
# What Linux and macOS allow in a directory.
_MAX_NAME_BYTES = 255
# Unicode's categories of control characters, surrogates, line and paragraph separators, and its
# classes of the characters that can make "gpj.exe" look like "exe.jpg".
_LEFT_OUT = ("Cc", "Cs", "Zl", "Zp")
_TURNING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
_BLOCK_BYTES = 1 << 20
_PLACE = "files"


@dataclass(frozen=True, slots=True)
class FileObject:
    """A file as the API shows it.

    Attributes:
        filename: A base name; see `safe_name`.
        purpose: What it was uploaded for, in OpenAI's words.
        content_hash: SHA-256 of its bytes.
        created_at, expires_at: Unix seconds; None: it stays.
        owner: Id of the key that uploaded it, or empty.
    """

    id: str
    filename: str
    purpose: str
    content_hash: str
    size_bytes: int
    created_at: int
    expires_at: int | None
    owner: str


class FileObjects:
    """The files of one index. Safe to use from several threads and processes.

    Args:
        catalog: Of the index.
        blobs: Where the bytes are.
        on_removed: Called once files are gone, to delete what was indexed of them.
    """

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        *,
        on_removed: Callable[[], None] = lambda: None,
    ) -> None:
        self._catalog = catalog
        self._database = catalog.database
        self._blobs = blobs
        self._on_removed = on_removed

    def add(
        self,
        stream: BinaryIO,
        filename: str,
        purpose: str,
        *,
        owner: str = "",
        expires_after_s: int | None = None,
    ) -> FileObject:
        """Store all that `stream` still holds, a block at a time."""
        with self.receive() as incoming:
            while block := stream.read(_BLOCK_BYTES):
                incoming.write(block)
            return self.keep(
                incoming, filename, purpose, owner=owner, expires_after_s=expires_after_s
            )

    def receive(self) -> IncomingBlob:
        """Return a place to write bytes to that come piece by piece; `keep` makes them a file."""
        return self._blobs.receive()

    def keep(
        self,
        incoming: IncomingBlob,
        filename: str,
        purpose: str,
        *,
        owner: str = "",
        expires_after_s: int | None = None,
    ) -> FileObject:
        """Make a file of what was received; it is durable on return."""
        incoming.finish()
        with self._database.writing() as sql:
            return keep_file(
                sql, incoming, filename, purpose, owner=owner, expires_after_s=expires_after_s
            )

    def get(self, file_id: str, owner: str | None = None) -> FileObject:
        """Return a file.

        Args:
            file_id: Its id.
            owner: None does not ask.

        Raises:
            NotFound: There is none, it is another's, or it has expired.
        """
        with self._database.reading() as sql:
            return _to_file(_find(sql, file_id, owner))

    def page(
        self, query: PageQuery, purpose: str | None = None, owner: str | None = None
    ) -> Page[FileObject]:
        """Return a part of the list of files; None for `purpose` and `owner` does not ask.

        Raises:
            NotFound: A cursor names nothing that is or was in the list.
        """
        c = t.files.c
        shown = [_is_living()]
        if purpose is not None:
            shown.append(func.coalesce(c.purpose, DEFAULT_PURPOSE) == purpose)
        with self._database.reading() as sql:
            found, has_more = select_page(
                sql,
                _files_of(owner),
                query,
                place=_PLACE,
                seq=c.seq,
                id_column=c.id,
                shown=shown,
            )
        return Page(tuple(_to_file(row) for row in found), has_more)

    def open(self, file_id: str, owner: str | None = None) -> BinaryIO:
        """Open the bytes of a file for reading.

        Raises:
            NotFound: As `get`; or it was given as text, without bytes.
        """
        file = self.get(file_id, owner)
        try:
            return self._blobs.open(file.content_hash)
        except NotFound:
            raise NotFound(f"No bytes are kept for file '{file_id}'.") from None

    def renew(self, file_id: str, expires_after_s: int) -> None:
        """Let a file expire that long from now; one that is gone by then stays so."""
        c, now = t.files.c, int(time.time())
        with self._database.writing() as sql:
            renewed = update(t.files).where(c.id == file_id, _is_living())
            sql.execute(renewed.values(expires_at=now + expires_after_s))

    def delete(self, file_id: str, owner: str | None = None) -> None:
        """Forget a file, in every vector store; its bytes go when no other file has them.

        Raises:
            NotFound: As `get`.
        """
        with self._database.writing() as sql:
            row = _find(sql, file_id, owner)
            _forget(sql, row)
        # Once the row is gone for good, or a crash would leave a file without bytes.
        self._catalog.delete_unused_content(row.content_hash, self._blobs)
        self._on_removed()

    def purge_due(self) -> None:
        """Do as `purge` where a file has expired: until then stores list it and find it."""
        is_due = exists().where(t.files.c.expires_at <= int(time.time()))
        with self._database.reading() as sql:
            has_expired = sql.scalar(select(is_due))
        if has_expired:
            self.purge()

    def purge(self) -> int:
        """Delete the files that have expired, and bytes that never became one.

        Returns how many files.
        """
        c = t.files.c
        with self._database.writing() as sql:
            expired = sql.execute(select(t.files).where(c.expires_at <= int(time.time()))).all()
            for row in expired:
                _forget(sql, row)
        for digest in {row.content_hash for row in expired}:
            self._catalog.delete_unused_content(digest, self._blobs)
        self._blobs.sweep()
        if expired:
            self._on_removed()
        return len(expired)


def keep_file(
    sql: Connection,
    incoming: IncomingBlob,
    filename: str,
    purpose: str,
    *,
    owner: str = "",
    expires_after_s: int | None = None,
) -> FileObject:
    """Make a file of what was received and finished, within a transaction that writes."""
    now = int(time.time())
    file = FileObject(
        id=new_id("file"),
        filename=safe_name(filename),
        purpose=purpose,
        content_hash=incoming.digest,
        size_bytes=incoming.size_bytes,
        created_at=now,
        expires_at=None if expires_after_s is None else now + expires_after_s,
        owner=owner,
    )
    incoming.keep()
    sql.execute(
        insert_behind(sql, t.files).values(
            id=file.id,
            filename=file.filename,
            path=None,
            content_hash=file.content_hash,
            size_bytes=file.size_bytes,
            created_at=file.created_at,
            purpose=file.purpose,
            owner=file.owner,
            expires_at=file.expires_at,
        )
    )
    return file


def safe_name(name: str) -> str:
    """Return the last part of a file name without what could harm whoever writes or shows it.

    Folders, control characters, those that turn the direction of writing, blanks at the ends and
    lone surrogates go; what is longer than 255 bytes is cut before its extension. `UNNAMED` where
    nothing stays.
    """
    base = re.split(r"[/\\]", name)[-1]
    kept = "".join(c for c in base if unicodedata.category(c) not in _LEFT_OUT).strip()
    kept = "".join(c for c in kept if unicodedata.bidirectional(c) not in _TURNING)
    if not kept.strip("."):
        return UNNAMED
    stem, extension = os.path.splitext(kept)  # noqa: PTH122 - a name, not a path
    if len(extension.encode()) > _MAX_NAME_BYTES // 2:
        stem, extension = kept, ""
    room = _MAX_NAME_BYTES - len(extension.encode())
    return stem.encode()[:room].decode(errors="ignore") + extension


def _files_of(owner: str | None) -> Select[Any]:
    query = select(t.files)
    return query if owner is None else query.where(t.files.c.owner == owner)


def _is_living() -> ColumnElement[bool]:
    c = t.files.c
    return or_(c.expires_at.is_(None), c.expires_at > int(time.time()))


def _find(sql: Connection, file_id: str, owner: str | None) -> Row[Any]:
    row = sql.execute(_files_of(owner).where(t.files.c.id == file_id, _is_living())).first()
    if row is None:
        raise NotFound(f"No such File object: {file_id}")
    return row


def _forget(sql: Connection, row: Row[Any]) -> None:
    store_rows.forget_everywhere(sql, row.id)
    bury(sql, _PLACE, row.id, row.seq)
    sql.execute(delete(t.files).where(t.files.c.seq == row.seq))


def _to_file(row: Row[Any]) -> FileObject:
    return FileObject(
        id=row.id,
        filename=row.filename,
        purpose=row.purpose or DEFAULT_PURPOSE,
        content_hash=row.content_hash,
        size_bytes=row.size_bytes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        owner=row.owner,
    )
