"""Chat files: the vector stores that a chat is answered from, that of its own files included."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from filesearch.errors import NotFound
from filesearch.server.chat.question import Grounding
from filesearch.server.errors import check_id, invalid, not_found

if TYPE_CHECKING:
    from filesearch.server.context import Caller, Server

WAIT_S = 60.0


def ready_stores(
    server: Server, grounding: Grounding, caller: Caller, stop: threading.Event
) -> tuple[str, ...]:
    """Return the stores to search, once what is in them has been read, or a minute later.

    Raises:
        ApiError: A store or file does not exist, or a file cannot be read.
    """
    stores = server.stores
    for number, store_id in enumerate(grounding.store_ids):
        check_id("vs_", store_id, name=f"vector_store_ids[{number}]")
        try:
            stores.get(store_id, owner=caller.scope)
        except NotFound as error:
            raise not_found(f"No vector store found with id '{store_id}'.") from error
    found = grounding.store_ids
    kept = {server.given_files.keep(file, caller.owner): file for file in grounding.files}
    file_ids = tuple(dict.fromkeys([*grounding.file_ids, *kept]))
    if file_ids:
        found = (*found, server.given_files.store_of(file_ids, caller.owner, caller.scope))
    if found:
        stores.wait_until_ready(list(found), WAIT_S, stop)
    for file_id in file_ids:
        file = stores.file(found[-1], file_id)
        if file.status == "failed":
            name = kept[file_id].filename if file_id in kept else file_id
            raise invalid(f"File '{name}' cannot be answered from: {file.error}", "messages")
    return found
