"""Assistants: requests -> kept objects -> what the wire shows.

Any name of a model is taken and given back as it came; which model answers is decided when a run
starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from filesearch.objects import Objects, Record, Transaction
from filesearch.server.errors import not_found
from filesearch.server.tool_resources import (
    changed_tool_resources,
    check_tool_resources,
    make_tool_resources,
)
from filesearch.server.wire.assistants import CreateAssistant, UpdateAssistant

if TYPE_CHECKING:
    from filesearch.server.context import Caller, Server

# What a field is when a request leaves it out or sets it to null.
_DEFAULTS: dict[str, Any] = {
    "name": None,
    "description": None,
    "instructions": None,
    "metadata": {},
    "temperature": 1.0,
    "top_p": 1.0,
    "response_format": "auto",
    "reasoning_effort": None,
}


def create_assistant(server: Server, caller: Caller, body: CreateAssistant) -> Record:
    """Keep a new assistant.

    Raises:
        ApiError, NotFound, InvalidSetting: See make_tool_resources.
    """
    resources = make_tool_resources(server, caller, body.tool_resources)
    with server.objects.writing() as tx:
        return tx.insert(
            "assistant",
            {
                **{name: _kept(body, name) for name in _DEFAULTS},
                "model": body.model,
                "tools": wire_list(body.tools),
                "tool_resources": resources,
            },
            owner=caller.owner,
        )


def update_assistant(
    server: Server, caller: Caller, assistant_id: str, body: UpdateAssistant
) -> Record:
    """Change the fields that the request has; the others stay.

    Raises:
        ApiError, NotFound: There is no such assistant; or see check_tool_resources.
    """
    held = find_assistant(server.objects, assistant_id, caller)
    given = body.model_fields_set
    changed = {name: _kept(body, name) for name in _DEFAULTS if name in given}
    if "model" in given:
        changed["model"] = body.model
    if "tools" in given:
        changed["tools"] = wire_list(body.tools)
    if "tool_resources" in given:
        check_tool_resources(server, caller, held.body["tool_resources"], body.tool_resources)
    with server.objects.writing() as tx:
        record = find_assistant(tx, assistant_id, caller)
        if "tool_resources" in given:
            resources = record.body["tool_resources"]
            changed["tool_resources"] = changed_tool_resources(resources, body.tool_resources)
        return tx.update(record, body={**record.body, **changed})


def _kept(body: BaseModel, name: str) -> Any:  # noqa: ANN401
    value = getattr(body, name)
    if value is None:
        return _DEFAULTS[name]
    return wire(value) if isinstance(value, BaseModel) else value


def delete_assistant(server: Server, caller: Caller, assistant_id: str) -> None:
    """Delete an assistant; its runs, and the threads that it answered in, stay.

    Raises:
        ApiError: There is no such assistant.
    """
    with server.objects.writing() as tx:
        tx.delete(find_assistant(tx, assistant_id, caller))


def find_assistant(objects: Objects | Transaction, assistant_id: str, caller: Caller) -> Record:
    """Return an assistant.

    Raises:
        ApiError: 404, there is none with that id.
    """
    record = objects.find("assistant", assistant_id, owner=caller.scope)
    if record is None:
        raise not_found(f"No assistant found with id '{assistant_id}'.")
    return record


def assistant_object(record: Record) -> dict[str, Any]:
    """Return an assistant as the wire shows it.

    Each of its tools has resources, as in answers of the hosted service: without any, an empty
    list.
    """
    types = {tool["type"] for tool in record.body["tools"]}
    resources: dict[str, Any] = {}
    if "code_interpreter" in types:
        resources["code_interpreter"] = {"file_ids": []}
    if "file_search" in types:
        resources["file_search"] = {"vector_store_ids": []}
    return {
        "id": record.id,
        "object": "assistant",
        "created_at": record.created_at,
        **record.body,
        "tool_resources": {**resources, **record.body["tool_resources"]},
    }


def wire(value: BaseModel) -> dict[str, Any]:
    """Return a model of the wire as the JSON that it came from, with defaults and without nulls."""
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


def wire_list(values: list[Any]) -> list[dict[str, Any]]:
    """Return models of the wire as JSON; see `wire`."""
    return [wire(value) for value in values]
