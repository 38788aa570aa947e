"""Chat files: files of messages -> vector stores to search beside those that a chat names."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from filesearch.errors import NotFound
from filesearch.server.chat.question import Grounding
from filesearch.server.errors import check_id, not_found

if TYPE_CHECKING:
    from filesearch.server.context import Caller, Server


def ready_file_stores(
    server: Server, grounding: Grounding, caller: Caller, stop: threading.Event
) -> list[str]:
    """Return the stores of the files of messages, once all that is searched has been read.

    The stores that the chat names are searched as far as they are after a minute.

    Raises:
        ApiError: A store or file does not exist, and nothing is kept; or a file cannot be read, or
            is not within a minute.
        NotFound: A file does not exist.
    """
    stores = server.stores
    for number, store_id in enumerate(grounding.store_ids):
        check_id("vs_", store_id, name=f"vector_store_ids[{number}]")
        try:
            stores.get(store_id, owner=caller.scope)
        except NotFound as error:
            raise not_found(f"No vector store found with id '{store_id}'.") from error
    for file_id in (one for files in grounding.files for one in files if isinstance(one, str)):
        check_id("file", file_id, name="file_id")
        server.files.get(file_id, owner=caller.scope)
    messages = [
        [
            file if isinstance(file, str) else server.given_files.keep(file, caller.owner)
            for file in files
        ]
        for files in grounding.files
    ]
    of_files = server.given_files.stores_of(messages, caller.owner, caller.scope)
    server.given_files.wait_until_read(of_files, "messages", stop, beside=grounding.store_ids)
    return of_files
