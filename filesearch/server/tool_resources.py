"""Tool resources: which files and vector stores an assistant or a thread gives its tools.

A request -> the JSON that is kept with the assistant or thread. What a request names must exist;
a store that it asks for is made here, before the transaction that keeps its id: making it is a
transaction of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from filesearch.server.errors import check_id, invalid
from filesearch.server.vector_stores import chunk_settings
from filesearch.server.wire.assistants import NewStore, NewToolResources, ToolResources
from filesearch.store_records import NewAttachment
from filesearch.types import ChunkSettings

if TYPE_CHECKING:
    from filesearch.server.context import Caller, Server

# "Vector stores created using thread helpers have a default expiration policy of 7 days after
# they were last active": OpenAI's guide to file search.
THREAD_STORE_DAYS = 7


def make_tool_resources(
    server: Server,
    caller: Caller,
    wanted: NewToolResources | None,
    *,
    expires_after_days: int | None = None,
    at: str = "",
) -> dict[str, Any]:
    """Return the resources of a new assistant or thread; a store that is asked for is made.

    Args:
        server: Where files and stores are.
        caller: Whose they must be.
        wanted: What the request asks for.
        expires_after_days: Of the store that is made; None: it stays.
        at: Where `wanted` stands in the request, such as "thread.", for messages.

    Raises:
        ApiError: An id that cannot be, or both a store and one to make.
        NotFound: A file or store that is not there.
    """
    if wanted is None:
        return {}
    at = f"{at}tool_resources"
    made: dict[str, Any] = {}
    if wanted.code_interpreter is not None:
        file_ids = wanted.code_interpreter.file_ids
        require_files(server, caller, file_ids, at=f"{at}.code_interpreter.file_ids")
        made["code_interpreter"] = {"file_ids": list(dict.fromkeys(file_ids))}
    if wanted.file_search is not None:
        at = f"{at}.file_search"
        store_ids = wanted.file_search.vector_store_ids
        if store_ids and wanted.file_search.vector_stores:
            raise invalid(
                f"Mutually exclusive parameters: '{at}.vector_store_ids' and "
                f"'{at}.vector_stores'. Give only one of them.",
                param=f"{at}.vector_stores",
                code="mutually_exclusive_parameters",
            )
        _require_stores(server, caller, store_ids, at=f"{at}.vector_store_ids")
        for number, new in enumerate(wanted.file_search.vector_stores):
            where = f"{at}.vector_stores[{number}]"
            store_ids = [make_store(server, caller, new, expires_after_days, at=where)]
        made["file_search"] = {"vector_store_ids": list(store_ids)}
    return made


def make_store(
    server: Server,
    caller: Caller,
    new: NewStore,
    expires_after_days: int | None,
    *,
    at: str = "",
) -> str:
    """Make a vector store, let it take its files in, and return its id.

    Raises:
        ApiError, NotFound: As `make_tool_resources`.
        InvalidSetting: Chunk sizes that do not go together.
    """
    require_files(server, caller, new.file_ids, at=f"{at}.file_ids")
    chunking = chunk_settings(new.chunking_strategy)
    store_id: str = server.stores.create(
        metadata=new.metadata, expires_after_days=expires_after_days, owner=caller.owner
    ).id
    attach(server, store_id, new.file_ids, chunking)
    return store_id


def attach(
    server: Server,
    store_id: str,
    file_ids: Iterable[str],
    chunking: ChunkSettings | None = None,
) -> None:
    """Let a store take files in, each once; this does not wait for them.

    Those that it holds already stay as they are: nothing is said here of their attributes.
    """
    files = [
        NewAttachment(file_id, chunk_settings=chunking, keeps_present=True)
        for file_id in dict.fromkeys(file_ids)
    ]
    if files:
        server.stores.attach(store_id, files)


def check_tool_resources(
    server: Server, caller: Caller, held: dict[str, Any], wanted: ToolResources | None
) -> None:
    """See that what a change names is there.

    A store that is held already may be named again even when it was deleted meanwhile.

    Raises:
        ApiError, NotFound: As `make_tool_resources`.
    """
    if wanted is None:
        return
    if wanted.code_interpreter is not None:
        at = "tool_resources.code_interpreter.file_ids"
        require_files(server, caller, wanted.code_interpreter.file_ids, at=at)
    if wanted.file_search is not None:
        store_ids = wanted.file_search.vector_store_ids
        if store_ids != store_ids_of(held):
            at = "tool_resources.file_search.vector_store_ids"
            _require_stores(server, caller, store_ids, at=at)


def changed_tool_resources(held: dict[str, Any], wanted: ToolResources | None) -> dict[str, Any]:
    """Return `held` with the resources of the tools that `wanted` names; None takes all away."""
    if wanted is None:
        return {}
    changed = dict(held)
    if wanted.code_interpreter is not None:
        file_ids = wanted.code_interpreter.file_ids
        changed["code_interpreter"] = {"file_ids": list(dict.fromkeys(file_ids))}
    if wanted.file_search is not None:
        store_ids = wanted.file_search.vector_store_ids
        changed["file_search"] = {"vector_store_ids": list(store_ids)}
    return changed


def store_ids_of(resources: dict[str, Any]) -> list[str]:
    """Return the ids of the vector stores among `resources`."""
    return list(resources.get("file_search", {}).get("vector_store_ids", []))


def code_files_of(resources: dict[str, Any]) -> list[str]:
    """Return the ids of the files for code among `resources`."""
    return list(resources.get("code_interpreter", {}).get("file_ids", []))


def require_files(server: Server, caller: Caller, file_ids: Sequence[str], *, at: str) -> None:
    """See that all files are there.

    Raises:
        ApiError: Something that is not the id of a file; `at` says where it stands.
        NotFound: A file is not there.
    """
    for number, file_id in enumerate(file_ids):
        require_file(server, caller, file_id, at=f"{at}[{number}]")


def require_file(server: Server, caller: Caller, file_id: str, *, at: str) -> None:
    """See that a file is there; errors as `require_files`."""
    check_id("file", file_id, name=at)
    server.files.get(file_id, owner=caller.scope)


def _require_stores(server: Server, caller: Caller, store_ids: Sequence[str], *, at: str) -> None:
    for number, store_id in enumerate(store_ids):
        check_id("vs_", store_id, name=f"{at}[{number}]")
        server.stores.get(store_id, owner=caller.scope)
