"""Given files: files that come with a question -> vector stores of their own, to answer from.

Bytes that stand in a request become a file first. Both live for a day after they were last asked:
the next turn of a conversation brings the same files and finds their stores again. There is one
for the files of each message, so that a turn that brings another file reads that one alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from filesearch import store_rows
from filesearch.errors import NotFound
from filesearch.paging import PageQuery
from filesearch.server.errors import ApiError, invalid
from filesearch.store_records import NewAttachment

if TYPE_CHECKING:
    from filesearch.server.context import Server

MAX_FILE_BYTES = 50 << 20  # OpenAI's, for one file in a request
MAX_FILES = 500  # in one request; each takes a process that reads it, and a place in a store
UNNAMED = "upload"
_PURPOSE = "user_data"
_LIFETIME_DAYS = 1
_DAY_S = 24 * 3600
# A file lives on for an hour more, so that not every use of it has to be written down.
_SPARE_S = 3600
# What tells the stores of given files from those that clients make for themselves.
_MARK = {"filesearch": "files of a message"}
_MAX_REMEMBERED = 1_000
_READ_S = 60.0  # how long files are waited for
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file whose bytes stand in a request."""

    filename: str
    data: bytes


def decode_file(given: str, param: str) -> bytes:
    """Return the bytes of `data:TYPE;base64,...`, or of base64 alone.

    Raises:
        ApiError: It is neither.
    """
    encoded = given.partition(",")[2] if given.startswith("data:") else given
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"Invalid '{param}': it is not base64 ({error}).", param) from error


def check_size(filename: str, data: bytes, param: str) -> None:
    """See that a file may stand in a request.

    Raises:
        ApiError: It is too large.
    """
    if len(data) > MAX_FILE_BYTES:
        raise invalid(
            f"Invalid '{param}': '{filename}' has {len(data):,} bytes, at most {MAX_FILE_BYTES:,} "
            "fit into a message; put it into a vector store and search that.",
            param,
        )


def check_count(count: int, param: str) -> None:
    """See that so many files may stand in a request.

    Raises:
        ApiError: They are too many.
    """
    if count > MAX_FILES:
        raise invalid(
            f"Invalid '{param}': too many files. Expected at most {MAX_FILES} files in a request, "
            f"but got {count} instead; put them into a vector store and search that.",
            param,
            "array_above_max_length",
        )


class GivenFiles:
    """The files that came with questions, and their stores. Safe to use from several threads."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        # Oldest first; forgotten ones expire by themselves.
        self._file_of: dict[tuple[str, str, str], str] = {}
        self._store_of: dict[tuple[str, frozenset[str]], str] = {}

    def keep(self, file: GivenFile, owner: str) -> str:
        """Return the id of a file with these bytes and this name, which expires by itself.

        That counts as a use of it: it lives for a day from now.
        """
        key = (owner, file.filename, hashlib.sha256(file.data).hexdigest())
        with self._lock:
            file_id = self._file_of.pop(key, "")
            if not self.use(file_id):
                made = self._server.files.add(
                    io.BytesIO(file.data),
                    file.filename,
                    _PURPOSE,
                    owner=owner,
                    expires_after_s=_LIFETIME_DAYS * _DAY_S + _SPARE_S,
                )
                file_id = made.id
            _remember(self._file_of, key, file_id)
        return file_id

    def use(self, kept_id: str) -> bool:
        """Return whether a file that `keep` made is there; it lives for a day from now then."""
        try:
            file = self._server.files.get(kept_id)
        except NotFound:
            return False
        wanted = _LIFETIME_DAYS * _DAY_S
        if file.expires_at is not None and file.expires_at - time.time() < wanted:
            self._server.files.renew(kept_id, wanted + _SPARE_S)
        return True

    def purge(self) -> None:
        """Delete the stores that have expired."""
        with self._server.fs.database.reading() as sql:
            expired = store_rows.expired_stores(sql, _MARK)
        for store_id in expired:
            with suppress(NotFound):  # another process was faster
                self._server.stores.delete(store_id)

    def is_there(self, file_id: str) -> bool:
        """Return whether there is a file of this id."""
        try:
            self._server.files.get(file_id)
        except NotFound:
            return False
        return True

    def stores_of(
        self, messages: Sequence[Sequence[str]], owner: str, scope: str | None
    ) -> list[str]:
        """Return the stores of some files, which counts as a use of them; they may still be read.

        Args:
            messages: Ids of the files of each message, in order. A file that comes again is in
                the store of the first message that has it.
            owner: Of the stores.
            scope: Owner whose files may be used; None does not ask.

        Raises:
            NotFound: There is no such file.
        """
        found, seen = [], set[str]()
        for file_ids in messages:
            new = frozenset(file_ids) - seen
            seen |= new
            if new:
                ordered = [file_id for file_id in dict.fromkeys(file_ids) if file_id in new]
                found.append(self._store_of_message(ordered, owner, scope))
        return found

    def _store_of_message(self, file_ids: Sequence[str], owner: str, scope: str | None) -> str:
        key = (owner, frozenset(file_ids))
        with self._lock:
            store_id = self._store_of.pop(key, "")
            if not self._is_usable(store_id, file_ids):
                store_id = self._make_store(file_ids, owner, scope)
            _remember(self._store_of, key, store_id)
        self._server.stores.touch(store_id)
        return store_id

    def _make_store(self, file_ids: Sequence[str], owner: str, scope: str | None) -> str:
        stores = self._server.stores
        store = stores.create(
            name="files of a chat",
            metadata=_MARK,
            expires_after_days=_LIFETIME_DAYS,
            owner=owner,
        )
        attached = [NewAttachment(file_id) for file_id in file_ids]
        try:
            stores.attach(store.id, attached, owner=scope)
        except NotFound:
            stores.delete(store.id)
            raise
        return str(store.id)

    def wait_until_read(
        self,
        store_ids: Sequence[str],
        param: str,
        stop: threading.Event,
        *,
        beside: Sequence[str] = (),
    ) -> None:
        """Wait until files have been read, for a minute at most.

        Args:
            store_ids: Of the files, from `stores_of`.
            param: What the request calls what holds the files.
            stop: Ends the waiting when it is set.
            beside: Other stores that are waited for: they may be searched as far as they are.

        Raises:
            ApiError: A file cannot be read, or they are still being read.
        """
        stores = self._server.stores
        stores.wait_until_ready([*store_ids, *beside], _READ_S, stop)
        if stop.is_set():
            return
        for store_id in store_ids:
            for file in stores.files(store_id, PageQuery(1), status="failed").items:
                raise invalid(
                    f"File '{file.filename}' cannot be answered from: {file.error}", param
                )
        if not stores.wait_until_ready(store_ids, 0, stop):
            raise ApiError(
                503,
                "The files are still being read; ask again in a moment.",
                param=param,
                code="vector_store_timeout",
                kind="server_error",
                headers={"x-should-retry": "true"},
            )

    def _is_usable(self, store_id: str, file_ids: Sequence[str]) -> bool:
        """Whether a store is there, with all the files: those that are deleted leave it."""
        try:
            for file_id in file_ids:
                self._server.stores.file(store_id, file_id)
            return bool(self._server.stores.get(store_id).status != "expired")
        except NotFound:
            return False


def _remember(known: dict[_Key, str], key: _Key, value: str) -> None:
    known[key] = value
    while len(known) > _MAX_REMEMBERED:
        del known[next(iter(known))]
