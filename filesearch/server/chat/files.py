"""Chat files: the vector stores that a chat is answered from, those of its own files included.

Files that a message carries are put into a vector store of their own, which lives for a day after
it was last asked. The next turn of the conversation brings the same files and finds it again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from filesearch.errors import NotFound
from filesearch.server.chat.question import Grounding
from filesearch.server.errors import check_id, invalid, not_found
from filesearch.store_records import NewAttachment

if TYPE_CHECKING:
    from filesearch.server.context import Caller, Server

WAIT_S = 60.0
_LIFETIME_DAYS = 1
_MAX_REMEMBERED = 1_000


class ChatFiles:
    """The vector stores of chats' files. Safe to use from several threads."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        # Oldest first; forgotten ones expire by themselves.
        self._store_of: dict[tuple[str, frozenset[str]], str] = {}

    def store_ids(
        self, grounding: Grounding, caller: Caller, stop: threading.Event
    ) -> tuple[str, ...]:
        """Return the stores to search, once what is in them has been read, or a minute later.

        Raises:
            ApiError: A store or file does not exist, or a file cannot be read.
        """
        stores = self._server.stores
        for number, store_id in enumerate(grounding.store_ids):
            check_id("vs_", store_id, name=f"vector_store_ids[{number}]")
            try:
                stores.get(store_id, owner=caller.scope)
            except NotFound as error:
                raise not_found(f"No vector store found with id '{store_id}'.") from error
        found = grounding.store_ids
        if grounding.file_ids:
            found = (*found, self._store_for(grounding.file_ids, caller))
        if found:
            stores.wait_until_ready(list(found), WAIT_S, stop)
        if grounding.file_ids:
            self._check_read(found[-1], grounding.file_ids)
        return found

    def _store_for(self, file_ids: tuple[str, ...], caller: Caller) -> str:
        """Return the store of these files, which counts as a use of it."""
        for file_id in file_ids:
            check_id("file", file_id, name="file_id")
        key = (caller.owner, frozenset(file_ids))
        with self._lock:
            known = self._store_of.pop(key, "")
            is_known = known and self._is_usable(known, file_ids)
            store_id = known if is_known else self._make_store(file_ids, caller)
            self._store_of[key] = store_id
            while len(self._store_of) > _MAX_REMEMBERED:
                del self._store_of[next(iter(self._store_of))]
        self._server.stores.touch(store_id)
        return store_id

    def _make_store(self, file_ids: tuple[str, ...], caller: Caller) -> str:
        stores = self._server.stores
        store = stores.create(
            name="files of a chat", expires_after_days=_LIFETIME_DAYS, owner=caller.owner
        )
        attached = [NewAttachment(file_id) for file_id in file_ids]
        try:
            stores.attach(store.id, attached, owner=caller.scope)
        except NotFound:
            stores.delete(store.id)
            raise
        return str(store.id)

    def _is_usable(self, store_id: str, file_ids: tuple[str, ...]) -> bool:
        """Whether a store is there, with all the files: those that are deleted leave it."""
        try:
            for file_id in file_ids:
                self._server.stores.file(store_id, file_id)
            return bool(self._server.stores.get(store_id).status != "expired")
        except NotFound:
            return False

    def _check_read(self, store_id: str, file_ids: tuple[str, ...]) -> None:
        for file_id in file_ids:
            file = self._server.stores.file(store_id, file_id)
            if file.status == "failed":
                raise invalid(f"File '{file_id}' cannot be answered from: {file.error}", "messages")
