"""Lists: `limit`, `order`, `after` and `before` of a request, and the page that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from filesearch.paging import Page, PageQuery
from filesearch.server.errors import not_found
from filesearch.server.wire.common import Plain

MAX_LIMIT = 100


async def _list_query(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 20,
    order: Literal["asc", "desc"] = "desc",
    after: Plain | None = None,
    before: Plain | None = None,
) -> PageQuery:
    # Some clients send empty cursors.
    return PageQuery(limit, order, after or None, before or None)


ListDep = Annotated[PageQuery, Depends(_list_query)]


def list_body(items: Sequence[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """Return a page as it goes over the wire; an empty one has no first and no last id."""
    return {
        "object": "list",
        "data": list(items),
        "first_id": items[0]["id"] if items else None,
        "last_id": items[-1]["id"] if items else None,
        "has_more": has_more,
    }


def page_of(items: Sequence[dict[str, Any]], query: PageQuery) -> Page[dict[str, Any]]:
    """Return a part of a list of items that does not change.

    Raises:
        ApiError: 404 for a cursor that is not in it.
    """
    listed = list(items) if query.order == "asc" else list(items)[::-1]
    if query.after is not None:
        places = [place for place, item in enumerate(listed) if item["id"] == query.after]
        if not places:
            raise not_found(f"Item with id '{query.after}' not found in this list.")
        listed = listed[places[0] + 1 :]
    limit = len(listed) if query.limit is None else query.limit
    return Page(tuple(listed[:limit]), len(listed) > limit)
