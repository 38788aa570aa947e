"""Threads and messages: requests -> kept objects -> what the wire shows.

A conversation that the library or `fsearch chat` began is a thread like any other. A file that is
attached to a message goes into the thread's vector store, which is made for the first of them.
While a run of the thread is active no message is added.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from filesearch.objects import Objects, Record, Transaction
from filesearch.paging import Page, PageQuery
from filesearch.server.assistants import wire, wire_list
from filesearch.server.errors import invalid, not_found
from filesearch.server.thread_lock import check_can_add_message
from filesearch.server.tool_resources import (
    THREAD_STORE_DAYS,
    attach,
    changed_tool_resources,
    check_tool_resources,
    code_files_of,
    make_store,
    make_tool_resources,
    require_file,
    store_ids_of,
)
from filesearch.server.wire.assistants import MAX_CODE_FILES, NewStore
from filesearch.server.wire.threads import (
    ContentPart,
    CreateMessage,
    CreateThread,
    ImageFilePart,
    TextPart,
    UpdateMessage,
    UpdateThread,
)

if TYPE_CHECKING:
    from filesearch.server.context import Caller, Server


def create_thread(server: Server, caller: Caller, body: CreateThread, *, at: str = "") -> Record:
    """Keep a new thread with its messages.

    Args:
        server: Where it is kept.
        caller: Whose it is.
        body: What the request asks for.
        at: Where `body` stands in the request, such as "thread.", for messages.

    Raises:
        ApiError, NotFound, InvalidSetting: See make_tool_resources and admit_messages.
    """
    _require_named_files(server, caller, body.messages, at=f"{at}messages")
    named = body.tool_resources and body.tool_resources.code_interpreter
    _all_code_files(named.file_ids if named else [], body.messages, at=f"{at}messages")
    resources = make_tool_resources(
        server, caller, body.tool_resources, expires_after_days=THREAD_STORE_DAYS, at=at
    )
    resources = _with_code_files(resources, body.messages, at=f"{at}messages")
    if files := _attached_files(body.messages, "file_search"):
        if not store_ids_of(resources):
            store_id = make_store(server, caller, NewStore(), THREAD_STORE_DAYS)
            resources["file_search"] = {"vector_store_ids": [store_id]}
        attach(server, store_ids_of(resources)[0], files)
    with server.objects.writing() as tx:
        content = {"metadata": body.metadata or {}, "tool_resources": resources}
        thread = tx.insert("thread", content, owner=caller.owner)
        for message in body.messages:
            _insert_message(tx, thread, message)
        return thread


def _require_named_files(
    server: Server, caller: Caller, messages: Sequence[CreateMessage], *, at: str
) -> None:
    """See that the files that messages attach or show are there; `at` is "" for one message."""
    for number, message in enumerate(messages):
        place = f"{at}[{number}]." if at else ""
        for index, part in enumerate(message.parts):
            if isinstance(part, ImageFilePart):
                where = f"{place}content[{index}].image_file.file_id"
                require_file(server, caller, part.image_file.file_id, at=where)
        for index, attachment in enumerate(message.attachments or []):
            where = f"{place}attachments[{index}].file_id"
            require_file(server, caller, attachment.file_id, at=where)


def _with_code_files(
    resources: dict[str, Any], messages: Sequence[CreateMessage], *, at: str
) -> dict[str, Any]:
    held = code_files_of(resources)
    file_ids = _all_code_files(held, messages, at=at)
    if file_ids == held:
        return resources
    return {**resources, "code_interpreter": {"file_ids": file_ids}}


def _all_code_files(
    held: Sequence[str], messages: Sequence[CreateMessage], *, at: str
) -> list[str]:
    """Return the files for code that a thread has, and those that messages attach.

    Raises:
        ApiError: There are more than it may have.
    """
    file_ids = list(dict.fromkeys([*held, *_attached_files(messages, "code_interpreter")]))
    if len(file_ids) > MAX_CODE_FILES:
        raise invalid(
            f"Invalid '{at or 'attachments'}': array too long. Expected an array with maximum "
            f"length {MAX_CODE_FILES} of the thread's files for code_interpreter, but got an "
            f"array with length {len(file_ids)} instead.",
            param=at or "attachments",
            code="array_above_max_length",
        )
    return file_ids


def _attached_files(messages: Sequence[CreateMessage], tool: str) -> list[str]:
    return [
        attachment.file_id
        for message in messages
        for attachment in message.attachments or []
        if any(tool == t.type for t in attachment.tools)
    ]


def find_thread(objects: Objects | Transaction, thread_id: str, caller: Caller) -> Record:
    """Return a thread.

    Raises:
        ApiError: 404, there is none with that id.
    """
    record = objects.find("thread", thread_id, owner=caller.scope)
    if record is None:
        raise not_found(f"No thread found with id '{thread_id}'.")
    return record


def update_thread(server: Server, caller: Caller, thread_id: str, body: UpdateThread) -> Record:
    """Change the fields that the request has; the others stay.

    Raises:
        ApiError, NotFound: There is no such thread; or see check_tool_resources.
    """
    held = find_thread(server.objects, thread_id, caller)
    changed: dict[str, Any] = {}
    if "metadata" in body.model_fields_set:
        changed["metadata"] = body.metadata or {}
    if "tool_resources" in body.model_fields_set:
        check_tool_resources(server, caller, _resources(held), body.tool_resources)
    with server.objects.writing() as tx:
        record = find_thread(tx, thread_id, caller)
        if "tool_resources" in body.model_fields_set:
            resources = changed_tool_resources(_resources(record), body.tool_resources)
            changed["tool_resources"] = resources
        return tx.update(record, body={**record.body, **changed})


def delete_thread(server: Server, caller: Caller, thread_id: str) -> None:
    """Delete a thread with its messages, runs and their steps; a run that is active is cancelled.

    Raises:
        ApiError: There is no such thread.
    """
    find_thread(server.objects, thread_id, caller)
    server.runs.cancel_of_thread(thread_id)
    with server.objects.writing() as tx:
        thread = find_thread(tx, thread_id, caller)
        tx.delete_children(thread.id)
        tx.delete(thread)


def add_message(server: Server, caller: Caller, thread_id: str, body: CreateMessage) -> Record:
    """Add a message to a thread.

    Raises:
        ApiError, NotFound: There is no such thread, one of its runs is active, or see
            admit_messages.
    """
    thread = find_thread(server.objects, thread_id, caller)
    with server.objects.reading() as tx:
        check_can_add_message(tx, thread_id)
    admit_messages(server, caller, thread, [body])
    with server.objects.writing() as tx:
        thread = find_thread(tx, thread_id, caller)
        check_can_add_message(tx, thread_id)
        return insert_messages(tx, thread, [body])[0]


def admit_messages(
    server: Server,
    caller: Caller,
    thread: Record,
    messages: Sequence[CreateMessage],
    *,
    at: str = "",
) -> None:
    """See that new messages can be added, and put their files to search into the store.

    What is refused changes nothing. This comes before the transaction of insert_messages, because
    a store changes in transactions of its own.

    Args:
        server: Where all this is kept.
        caller: Whose it must be.
        thread: Where the messages are to go.
        messages: In order.
        at: Name of their list in the request; empty when the request is one message.

    Raises:
        ApiError: Something that is not the id of a file, or the thread would have more files for
            code than it may.
        NotFound: A file is not there.
    """
    _require_named_files(server, caller, messages, at=at)
    _all_code_files(code_files_of(_resources(thread)), messages, at=at)
    if files := _attached_files(messages, "file_search"):
        attach(server, _store_of(server, caller, thread), files)


def _store_of(server: Server, caller: Caller, thread: Record) -> str:
    """Return the id of a thread's vector store, made when there is none or it was deleted."""
    held = store_ids_of(_resources(thread))
    if held and server.stores.existing(held):
        return held[0]
    made = make_store(server, caller, NewStore(), THREAD_STORE_DAYS)
    with server.objects.writing() as tx:
        thread = find_thread(tx, thread.id, caller)
        resources = _resources(thread)
        current = store_ids_of(resources)
        if current in ([], held):
            resources["file_search"] = {"vector_store_ids": [made]}
            tx.update(thread, body={**thread.body, "tool_resources": resources})
            return made
    server.stores.delete(made)  # another request was quicker
    return current[0]


def insert_messages(
    tx: Transaction, thread: Record, messages: Sequence[CreateMessage], *, at: str = ""
) -> list[Record]:
    """Add messages that were admitted behind those of a thread, which is not locked.

    Args:
        tx: Of a writer.
        thread: As `tx` finds it.
        messages: In order.
        at: As in admit_messages.

    Raises:
        ApiError: The thread would have more files for code than it may.
    """
    resources = _with_code_files(_resources(thread), messages, at=at)
    if resources != _resources(thread):
        tx.update(thread, body={**thread.body, "tool_resources": resources})
    return [_insert_message(tx, thread, message) for message in messages]


def _insert_message(tx: Transaction, thread: Record, message: CreateMessage) -> Record:
    return tx.insert(
        "message",
        {
            "role": message.role,
            "content": [_kept_part(part) for part in message.parts],
            "attachments": wire_list(message.attachments or []),
            "metadata": message.metadata or {},
            "completed_at": int(time.time()),
        },
        parent=thread.id,
        owner=thread.owner,
        status="completed",
    )


def _kept_part(part: ContentPart) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": {"value": part.text, "annotations": []}}
    return wire(part)


def find_message(
    objects: Objects | Transaction, thread_id: str, message_id: str, caller: Caller
) -> Record:
    """Return a message of a thread.

    Raises:
        ApiError: 404, there is no such thread, or no such message in it.
    """
    find_thread(objects, thread_id, caller)
    record = objects.find("message", message_id, parent=thread_id)
    if record is None:
        raise not_found(f"No message found with id '{message_id}'.")
    return record


def page_of_messages(
    server: Server, caller: Caller, thread_id: str, query: PageQuery, *, run_id: str | None = None
) -> Page[Record]:
    """Return a part of the messages of a thread, of all or of one run.

    Raises:
        ApiError, NotFound: There is no such thread, or a cursor names no message of it.
    """
    find_thread(server.objects, thread_id, caller)
    if not run_id:
        return server.objects.page("message", query, parent=thread_id)
    reachable = server.objects.page("message", replace(query, limit=None), parent=thread_id)
    found = tuple(record for record in reachable.items if record.body.get("run_id") == run_id)
    if query.limit is None or len(found) <= query.limit:
        return Page(found, False)
    # With `before` alone the page is the one that ends there.
    is_backward = query.before is not None and query.after is None
    return Page(found[-query.limit :] if is_backward else found[: query.limit], True)


def update_message(
    server: Server, caller: Caller, thread_id: str, message_id: str, body: UpdateMessage
) -> Record:
    """Change the metadata of a message, when the request has any.

    Raises:
        ApiError: There is no such message.
    """
    with server.objects.writing() as tx:
        record = find_message(tx, thread_id, message_id, caller)
        if "metadata" not in body.model_fields_set:
            return record
        return tx.update(record, body={**record.body, "metadata": body.metadata or {}})


def delete_message(server: Server, caller: Caller, thread_id: str, message_id: str) -> None:
    """Delete a message; what it attached stays with the thread.

    Raises:
        ApiError: There is no such message.
    """
    with server.objects.writing() as tx:
        tx.delete(find_message(tx, thread_id, message_id, caller))


def thread_object(record: Record) -> dict[str, Any]:
    """Return a thread as the wire shows it."""
    return {
        "id": record.id,
        "object": "thread",
        "created_at": record.created_at,
        "metadata": record.body["metadata"],
        "tool_resources": _resources(record),
    }


def _resources(thread: Record) -> dict[str, Any]:
    # A thread of the library has none.
    return dict(thread.body.get("tool_resources") or {})


def message_object(record: Record) -> dict[str, Any]:
    """Return a message as the wire shows it; the library's lack what only runs know."""
    body = record.body
    return {
        "id": record.id,
        "object": "thread.message",
        "created_at": record.created_at,
        "thread_id": record.parent,
        "status": record.status,
        "incomplete_details": body.get("incomplete_details"),
        "completed_at": body.get("completed_at"),
        "incomplete_at": body.get("incomplete_at"),
        "role": body["role"],
        "content": body["content"],
        "assistant_id": body.get("assistant_id"),
        "run_id": body.get("run_id"),
        "attachments": body.get("attachments") or [],
        "metadata": body["metadata"],
    }
