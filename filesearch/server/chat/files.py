"""Chat files: files of messages -> vector stores to search beside those that a chat names."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from filesearch.errors import NotFound
from filesearch.paging import PageQuery
from filesearch.server.chat.question import Grounding
from filesearch.server.errors import check_id, invalid, not_found

if TYPE_CHECKING:
    from filesearch.server.context import Caller, Server

WAIT_S = 60.0


def ready_file_stores(
    server: Server, grounding: Grounding, caller: Caller, stop: threading.Event
) -> list[str]:
    """Return the stores of the files of messages, once all that is searched has been read.

    What is not read within a minute is not waited for.

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
    messages = [
        [
            file if isinstance(file, str) else server.given_files.keep(file, caller.owner)
            for file in files
        ]
        for files in grounding.files
    ]
    of_files = server.given_files.stores_of(messages, caller.owner, caller.scope)
    found = (*grounding.store_ids, *of_files)
    if found:
        stores.wait_until_ready(found, WAIT_S, stop)
    for store_id in of_files:
        failed = stores.files(store_id, PageQuery(1), status="failed")
        for file in failed.items:
            raise invalid(
                f"File '{file.filename}' cannot be answered from: {file.error}", "messages"
            )
    return of_files
