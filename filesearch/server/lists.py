"""Lists: `limit`, `order`, `after` and `before` of a request, and the page that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from filesearch.paging import PageQuery

MAX_LIMIT = 100


async def _list_query(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 20,
    order: Literal["asc", "desc"] = "desc",
    after: str | None = None,
    before: str | None = None,
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
