"""Include: what a request asks to see besides, under either name that clients send it by."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from filesearch.server.wire.responses import Include


async def _include(
    include: Annotated[list[Include] | None, Query()] = None,
    bracketed: Annotated[list[Include] | None, Query(alias="include[]")] = None,
) -> tuple[str, ...]:
    return (*(include or ()), *(bracketed or ()))


IncludeDep = Annotated[tuple[str, ...], Depends(_include)]
