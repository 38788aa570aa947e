"""Conversations: items that outlive a response, and the responses that go on with them.

The items of a conversation, and of responses outside of one, can be named by their ids later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from filesearch.objects import Record, Transaction
from filesearch.paging import PageQuery
from filesearch.server.errors import ApiError, check_id, not_found
from filesearch.server.responses.items import Item, item_id, turn_start, wire_items


def create_conversation(
    tx: Transaction,
    items: Sequence[Item],
    *,
    metadata: Mapping[str, str],
    owner: str,
    scope: str | None,
) -> Record:
    """Begin a conversation with some items.

    Args:
        tx: A writing transaction.
        items: Stored items, references among them.
        metadata: As given.
        owner: Of the new objects.
        scope: Whose objects may be referred to; None for all.
    """
    conversation = tx.insert("conversation", {"metadata": dict(metadata)}, owner=owner)
    add_items(tx, conversation, resolve_references(tx, items, scope))
    return conversation


def require_conversation(
    tx: Transaction, conversation_id: str, scope: str | None, *, name: str = "conversation_id"
) -> Record:
    """Return a conversation; `name` is what the request calls its id.

    Raises:
        ApiError: 400 for an id of another kind, 404 where there is none.
    """
    check_id("conv_", conversation_id, name=name)
    found = tx.find("conversation", conversation_id, owner=scope)
    if found is None:
        raise not_found(f"Conversation with id '{conversation_id}' not found.")
    return found


def conversation_object(conversation: Record) -> dict[str, Any]:
    """Return a conversation as on the wire."""
    return {
        "id": conversation.id,
        "object": "conversation",
        "created_at": conversation.created_at,
        "metadata": conversation.body["metadata"],
    }


def add_items(tx: Transaction, conversation: Record, items: Iterable[Item]) -> list[Record]:
    """Add items behind those of a conversation; one whose id is taken gets another.

    An item that is in the conversation already, as when it was referred to, is not added again.
    """
    added = []
    for item in items:
        taken = tx.find("item", item["id"])
        if taken is not None and taken.parent == conversation.id and taken.body == item:
            continue
        own = item if taken is None else item | {"id": item_id(item["type"])}
        added.append(
            tx.insert(
                "item",
                own,
                object_id=own["id"],
                parent=conversation.id,
                owner=conversation.owner,
            )
        )
    return added


def items_of(tx: Transaction, conversation: Record, *, until: int | None = None) -> list[Item]:
    """Return the stored items of a conversation, the oldest first; `until` is a `last_seq`."""
    records = tx.select("item", parent=conversation.id)
    return [record.body for record in records if until is None or record.seq <= until]


def last_seq(tx: Transaction, conversation: Record) -> int:
    """Return the number of a conversation's last item; those added later have greater ones."""
    newest = tx.page("item", PageQuery(limit=1), parent=conversation.id)
    return max((record.seq for record in newest.items), default=0)


def require_item(tx: Transaction, conversation: Record, wanted: str) -> Record:
    """Return an item of a conversation.

    Raises:
        ApiError: 404 where there is none.
    """
    found = tx.find("item", wanted, parent=conversation.id)
    if found is None:
        raise not_found(f"Item with id '{wanted}' not found in conversation '{conversation.id}'.")
    return found


def item_object(item: Record, include: Collection[str]) -> Item:
    """Return an item as on the wire."""
    return wire_items([item.body], include)[0]


# References


def remember_items(tx: Transaction, response: Record, items: Iterable[Item]) -> None:
    """Let the items of a response outside of a conversation be referred to by their ids.

    One that was given with the id of an earlier item goes on standing for that.
    """
    for item in items:
        if tx.find("item", item["id"]) is None:
            tx.insert("item", {}, object_id=item["id"], parent=response.id, owner=response.owner)


def resolve_references(tx: Transaction, items: Iterable[Item], scope: str | None) -> list[Item]:
    """Return items with those in the place of references that they refer to.

    A search that was made here and is given back whole has its passages again: clients are not
    shown them unless they ask. Those of earlier turns go without, as they are not read again.

    Raises:
        ApiError: 404 for a reference to an item that is not stored.
    """
    found = [
        _referred(tx, item["id"], scope) if item["type"] == "item_reference" else item
        for item in items
    ]
    turn = turn_start(found)
    return [*found[:turn], *(_with_passages(tx, item, scope) for item in found[turn:])]


def _referred(tx: Transaction, wanted: str, scope: str | None) -> Item:
    found = _find_item(tx, wanted, scope)
    if found is None:
        raise ApiError(
            404,
            f"Item with id '{wanted}' not found. Items are not persisted when `store` is set to "
            "false; send the item itself instead of a reference to it.",
            param="input",
        )
    return found


def _with_passages(tx: Transaction, item: Item, scope: str | None) -> Item:
    if item["type"] != "file_search_call" or "sources" in item:
        return item
    made = _find_item(tx, item["id"], scope) or {}
    return item | {"sources": made["sources"]} if "sources" in made else item


def _find_item(tx: Transaction, wanted: str, scope: str | None) -> Item | None:
    """Return a stored item that `scope` may see, None where there is none."""
    found = tx.find("item", wanted, owner=scope)
    if found is not None and found.body:
        return found.body
    response = None if found is None else tx.find("response", found.parent)
    for item in [*response.body["input"], *response.body["output"]] if response else ():
        if item["id"] == wanted:
            return dict(item)
    return None
